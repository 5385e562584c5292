package workbench_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
)

// long is a mapping of about so many lines: rules, and a test for every hundred lines.
func long(lines int) string {
	var b strings.Builder
	b.WriteString(simple)
	tests := lines / 100
	for i := range lines - 5*tests - 9 {
		fmt.Fprintf(&b, "    a%d: lower(user.displayName) ?? user.username\n", i)
	}
	b.WriteString("tests:\n")
	for i := range tests {
		fmt.Fprintf(&b, "  - name: test %d\n    event: { type: user:create, user: { id: u%d, username: ann } }\n    expect: |\n      dn: uid=ann,dc=example,dc=org\n      changetype: add\n", i, i)
	}
	return b.String()
}

// A mapping is compiled once, whoever asks what and at the same time; and again when others were asked about since.
func TestAMappingIsCompiledOnceForAllThatIsAsked(t *testing.T) {
	var c workbench.Compiler
	sets := make([]*mapping.Set, 8)
	var asking sync.WaitGroup
	for i := range sets {
		asking.Go(func() {
			if i%2 == 0 {
				sets[i] = c.Check(context.Background(), "mapping.yaml", simple).Set
				return
			}
			sets[i], _ = c.Compile("mapping.yaml", simple)
		})
	}
	asking.Wait()
	for i, set := range sets {
		if set == nil || set != sets[0] {
			t.Fatalf("%d got another one", i)
		}
	}
	for i := range 4 {
		c.Compile("mapping.yaml", simple+fmt.Sprintf("# %d\n", i))
	}
	if again, _ := c.Compile("mapping.yaml", simple); again == nil || again == sets[0] {
		t.Error("all are kept for ever")
	}
	if _, problems := c.Compile("mapping.yaml", "a: 1\n"); len(problems) == 0 {
		t.Error("a wrong one is good")
	}
}

// What a check takes grows with the lines, and no faster. It is counted in what is allocated, as no clock tells the same twice.
func TestTheWorkOfACheckGrowsWithTheLines(t *testing.T) {
	work := func(lines int) float64 {
		source := long(lines)
		return testing.AllocsPerRun(1, func() { new(workbench.Compiler).Check(context.Background(), "mapping.yaml", source) })
	}
	if few, many := work(250), work(500); many > 3*few {
		t.Errorf("250 lines take %.0f, 500 lines %.0f", few, many)
	}
}

func BenchmarkPauseInTyping(b *testing.B) {
	source := long(500)
	for b.Loop() {
		checked := new(workbench.Compiler).Check(context.Background(), "mapping.yaml", source)
		if checked.Set == nil || checked.Unrun > 0 {
			b.Fatal(checked.Problems)
		}
	}
}
