package acceptance_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"idaas-ldap/ldaptest"
)

// drawn makes choices that rapid can make simpler.
type drawn struct{ t *rapid.T }

func (d drawn) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(d.t, what) }

// recorded notes the choices that are made, and replayed makes them once more.
type recorded struct {
	chooser

	made []int
}

func (r *recorded) pick(what string, n int) int {
	i := r.chooser.pick(what, n)
	r.made = append(r.made, i)
	return i
}

type replayed struct{ made []int }

func (r *replayed) pick(_ string, n int) int {
	if len(r.made) == 0 {
		return 0
	}
	i := r.made[0] % n
	r.made = r.made[1:]
	return i
}

// Whatever happens in a small company, and in whatever order it comes: the directory ends as the model says, and so it does however many
// objects are worked on at a time.
func TestEmbeddedAnySequenceEndsAsTheModelSays(t *testing.T) {
	anySequence(t, 30, func(s *ldaptest.Server, atOnce int) *product {
		return startProductWith(t, setup{atOnce: atOnce, directories: []configured{{name: "corp", dir: embeddedDirectory(s)}}})
	})
}

// The same while the directory is in trouble now and then, and refuses one address in twenty.
func TestEmbeddedAnySequenceInTroubleEndsAsTheModelSays(t *testing.T) {
	anySequence(t, 8, func(s *ldaptest.Server, atOnce int) *product {
		dir := embeddedDirectory(s)
		dir.troubles = embeddedTroubles(s, dir)
		dir.troubles[0].end(t)
		return startTroubled(t, dir, atOnce)
	})
}

// numbersAtOnce are how many objects are worked on at a time in turn. On PostgreSQL, which has few connections, it is another number with
// one instance than with several.
func numbersAtOnce() []int {
	switch {
	case *onlyAtOnce > 0:
		return []int{*onlyAtOnce}
	case stores() == nil:
		return []int{oneAtOnce, 0, manyAtOnce}
	case *instances == 1:
		return []int{manyAtOnce}
	}
	return []int{0}
}

// anySequence tries so many sequences at most, and as many as it takes to make one simpler that has failed. Each is played with every number
// of objects at a time.
func anySequence(t *testing.T, most int, start func(s *ldaptest.Server, atOnce int) *product) {
	t.Helper()
	numbers := numbersAtOnce()
	products := make([]*product, len(numbers))
	checks := 0
	clean, failed := false, false
	rapid.Check(t, func(r *rapid.T) {
		if checks >= most && !failed {
			return
		}
		if !clean {
			// After a failure there are new directories, and products that know nobody.
			for i, n := range numbers {
				products[i] = start(startEmbedded(t), n)
				products[i].others()
			}
		}
		clean = false
		checks++
		choices := &recorded{chooser: drawn{r}}
		for i, p := range products {
			c := chooser(choices)
			if i > 0 {
				c = &replayed{made: choices.made}
			}
			if d, err := p.anything(c, fmt.Sprintf("%04d", checks)); err != nil {
				failed = true
				r.Fatalf("with %d objects at a time, where 0 is as many as usual: %v\nafter\n%s", numbers[i], err, d)
			}
		}
		clean = true
	})
}

// anything lets something happen, as is chosen, and returns how it was delivered, and what was different in the end.
func (p *product) anything(choose chooser, mark string) (delivery, error) {
	c := newCompany(choose, p.tenant, p.clock.Now, size{users: 6, units: 5, groups: 3}, mark)
	for range 1 + choose.pick("steps", 60) {
		c.step()
	}
	d := deliver(choose, c.events, disorder{
		late: choose.pick("late", 21), unordered: 50, twice: 10, together: 6, parallel: 1 + choose.pick("parallel", 4), troubles: len(p.dir.troubles),
	})
	s := &sequence{product: p, tb: p.t, events: c.events}
	return d, s.play(d)
}
