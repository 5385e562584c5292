package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the seed of the first script; 0 for one at random")
	loose     = flag.Bool("loose", false, "let the operations of some scripts go as they come, so that they need not end the same way again")
	events    = flag.Int("events", 15_000, "how many events are to be worked on")
	file      = flag.String("script", "", "a script to be played, as a failure prints it")
	update    = flag.Bool("update", false, "play on after a failure, and write what was played into docs/promises.md, in both languages")
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
	g, played := newGround(t), &tally{begun: time.Now(), from: from}
	t.Run("sides", func(t *testing.T) {
		for side := range uint64(sides) {
			t.Run(fmt.Sprint(side), func(t *testing.T) {
				t.Parallel()
				for seed, worked := from+side, 0; worked < *events/sides && (*update || !t.Failed()); seed += sides {
					s := drawn(seed, scriptSteps)
					s.loose = s.loose && *loose
					worked += played.add(g.explain(t, s))
				}
			})
		}
	})
	t.Log(played)
	if *update {
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

// explain plays a script and, where it fails, says which part of it is to blame, unless that is left for later as all are to be played.
func (g *ground) explain(t *testing.T, s script) outcome {
	t.Helper()
	out := g.play(t, s)
	out.seed = s.seed
	switch {
	case len(out.problems) == 0:
	case *update:
		t.Errorf("seed %d: %s", s.seed, strings.Join(out.problems, "\n"))
	default:
		small := shrink(s, shrinkTries, func(c script) bool { return g.play(t, c).kind == out.kind })
		t.Errorf("seed %d: %s\nin short, to be played by 'go test ./internal/simulation -run TestScripts -script FILE':\n%s\nwhich ends with %s",
			s.seed, strings.Join(out.problems, "\n"), small, strings.Join(g.play(t, small).problems, "\n"))
	}
	return out
}
