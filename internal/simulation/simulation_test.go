package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the seed of the first script; 0 for one at random")
	loose     = flag.Bool("loose", false, "let the operations of some scripts go as they come, so that they need not end the same way again")
	events    = flag.Int("events", 6000, "how many events are to be worked on")
	file      = flag.String("script", "", "a script to be played, as a failure prints it")
	update    = flag.Bool("update", false, "write what was played into docs/promises.md")
)

const (
	// scriptSteps is how long scripts are.
	scriptSteps = 300
	// shrinkTries is how many shorter scripts are played after a failure.
	shrinkTries = 800
	// sides is how many scripts are played beside each other. Which those are does not depend on the machine.
	sides = 2
)

// Whatever happens in a company, however its events arrive, and whatever is wrong with the directory, the store, the clocks and the instances
// meanwhile: in the end the directory says what it would say if each event had been applied once and in the order of time. On the way nothing older
// is written after something newer, no password twice, and no more is deleted than a guard lets pass. Who may not log in is kept out soon.
func TestSimulations(t *testing.T) {
	from := *firstSeed
	if from == 0 {
		from = rand.Uint64N(1 << 40)
	}
	g, played := newGround(t), &tally{begun: time.Now()}
	t.Run("sides", func(t *testing.T) {
		for side := range uint64(sides) {
			t.Run(fmt.Sprint(side), func(t *testing.T) {
				t.Parallel()
				for seed, worked := from+side, 0; worked < *events/sides && !t.Failed(); seed += sides {
					s := drawn(seed, scriptSteps)
					s.loose = s.loose && *loose
					worked += played.add(g.explain(t, s))
				}
			})
		}
	})
	t.Log(played)
	if *update && !t.Failed() {
		played.write(t)
	}
}

// Scripts that failed once, and the one that is named.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if *file != "" {
		files = []string{*file}
	}
	g := newGround(t)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := readScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if *file != "" {
				g.told = func(line string) { t.Log(line) }
			}
			for _, problem := range g.play(t, s).problems {
				t.Error(problem)
			}
		})
	}
}

// explain plays a script and, where it fails, says which part of it is to blame.
func (g *ground) explain(t *testing.T, s script) outcome {
	t.Helper()
	out := g.play(t, s)
	if len(out.problems) > 0 {
		small := shrink(s, shrinkTries, func(c script) bool { return g.play(t, c).kind == out.kind })
		t.Errorf("seed %d: %s\nin short, to be played by 'go test ./internal/simulation -run TestScripts -script FILE':\n%s\nwhich ends with %s",
			s.seed, strings.Join(out.problems, "\n"), small, strings.Join(g.play(t, small).problems, "\n"))
	}
	return out
}

// tally is what was played.
type tally struct {
	begun time.Time

	mu sync.Mutex // guards what follows
	outcome
	scripts int
}

// add counts one more and returns how many events it had.
func (p *tally) add(o outcome) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scripts++
	p.events += o.events
	p.writes += o.writes
	p.crashes += o.crashes
	p.fenced += o.fenced
	return o.events
}

func (p *tally) String() string {
	took := time.Since(p.begun)
	return fmt.Sprintf("%d scripts with %d events, %d writes to the directory, %d crashes, %d writes behind a fence, in %s: %.0f events a second",
		p.scripts, p.events, p.writes, p.crashes, p.fenced, took.Round(time.Second), float64(p.events)/took.Seconds())
}

// The row of docs/promises.md stands between two marks, the same in both languages.
const (
	rowBegins = "<!-- simulations -->\n"
	rowEnds   = "<!-- end of simulations -->"
)

func (p *tally) write(t *testing.T) {
	t.Helper()
	row := fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %s |\n", time.Now().UTC().Format(time.DateOnly), p.events, p.scripts, p.writes, p.crashes, p.fenced,
		time.Since(p.begun).Round(time.Second))
	for _, page := range []string{"../../docs/promises.md", "../../docs/zh-CN/promises.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(text), rowBegins)
		table, after, closed := strings.Cut(rest, rowEnds)
		if !found || !closed {
			t.Fatalf("%s has no place for what was simulated", page)
		}
		lines := strings.SplitAfterN(table, "\n", 3)
		if err := os.WriteFile(page, []byte(before+rowBegins+lines[0]+lines[1]+row+rowEnds+after), 0o644); err != nil { //nolint:gosec // As it was.
			t.Fatal(err)
		}
	}
}
