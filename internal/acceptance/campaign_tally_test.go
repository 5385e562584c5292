//go:build linux

package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// tally is what a campaign has done, and what it has found.
type tally struct {
	rounds, kills, events, requests, lost, doubled, reordered int
	faults                                                    [trials]int // how often each kind of trial
}

func (n *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rounds=%d kills=%d events=%d requests=%d lost=%d doubled=%d reordered=%d", n.rounds, n.kills, n.events, n.requests, n.lost, n.doubled, n.reordered)
	for t, times := range n.faults {
		if times > 0 {
			fmt.Fprintf(&b, ", %d times %s", times, trial(t))
		}
	}
	return b.String()
}

// isClean reports whether nothing wrong was found.
func (n *tally) isClean() bool { return n.lost+n.doubled+n.reordered == 0 }

// numberAddresses gives every event that brings an address one of its own, with a number that grows with time. It returns of whom each
// number speaks.
func numberAddresses(events []happening) (about []string) {
	for _, e := range events {
		if address, _ := e.BizData["email"].(string); address != "" {
			e.BizData["email"] = fmt.Sprintf("n%d@example.org", len(about))
			about = append(about, e.BizID)
		}
	}
	return about
}

// count adds what one sequence has lost, done twice or done out of order, by the directory and by all that was written there.
func (n *tally) count(s *sequence, journal []ldaptest.Record, about []string) {
	s.tb.Helper()
	n.lost += s.differs()
	lives := map[string]int{}
	for _, e := range s.events {
		if e.Type.Effect() == event.EffectDelete {
			lives[e.BizID]++
		}
	}
	for id, times := range additions(s.dir, journal) {
		n.doubled += max(0, times-1-lives[id])
	}
	n.countAddresses(journal, about)
	for _, id := range present(s.end.users) {
		if entry := s.dir.user(s.tb, id, "pwdHistory"); entry != nil {
			former := max(0, len(s.end.passwords[id])-1)
			n.doubled += max(0, len(entry.GetAttributeValues("pwdHistory"))-former)
		}
	}
}

// countAddresses adds addresses that were written once more, and those that were written after a newer one of the same user.
func (n *tally) countAddresses(journal []ldaptest.Record, about []string) {
	newest := map[string]int{}
	for _, a := range written(journal) {
		number := -1
		if !strings.EqualFold(a.Name, "mail") || len(a.Values) != 1 {
			continue
		}
		if _, err := fmt.Sscanf(a.Values[0], "n%d@example.org", &number); err != nil {
			continue
		}
		before, known := newest[about[number]]
		switch {
		case known && before > number:
			n.reordered++
		case known && before == number:
			n.doubled++
		default:
			newest[about[number]] = number
		}
	}
}

// written returns the values that were written, in order.
func written(journal []ldaptest.Record) (all []plan.Attribute) {
	for _, r := range journal {
		all = append(all, r.Attributes...)
		for _, m := range r.Modifications {
			if m.Type != plan.DeleteValues {
				all = append(all, plan.Attribute{Name: m.Name, Values: m.Values})
			}
		}
	}
	return all
}

// additions returns how often each user, unit and group was made.
func additions(d *directory, journal []ldaptest.Record) map[string]int {
	made := map[string]int{}
	for _, r := range journal {
		for _, a := range r.Attributes {
			if strings.EqualFold(a.Name, d.userID) || strings.EqualFold(a.Name, d.unitID) {
				for _, id := range a.Values {
					made[id]++
				}
			}
		}
	}
	return made
}

// differs returns how many entries are not as the model says.
func (s *sequence) differs() (n int) {
	s.tb.Helper()
	want, got := s.expected(s.end), s.dir.stands(s.tb)
	for dn := range want {
		if fmt.Sprint(want[dn]) != fmt.Sprint(got[dn]) {
			n++
		}
	}
	for dn := range got {
		if want[dn] == nil {
			n++
		}
	}
	return n
}

// The tally finds what was done twice and what was done out of order.
func TestTheTallyFindsWhatIsWrong(t *testing.T) {
	mail := func(verb string, n int) ldaptest.Record {
		return ldaptest.Record{Verb: verb, Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "mail", Values: []string{fmt.Sprintf("n%d@example.org", n)}}}}
	}
	about := []string{"user_a", "user_b", "user_a", "user_a"}
	for _, c := range []struct {
		what  string
		wrote []int
		want  tally
	}{
		{"in order", []int{0, 1, 2, 3}, tally{}},
		{"one is left out, as a newer one came before it was applied", []int{1, 3}, tally{}},
		{"once more", []int{0, 2, 2}, tally{doubled: 1}},
		{"an older one after a newer one", []int{3, 1, 0}, tally{reordered: 1}},
	} {
		var got tally
		var journal []ldaptest.Record
		for _, n := range c.wrote {
			journal = append(journal, mail("modify", n))
		}
		if got.countAddresses(journal, about); got != c.want {
			t.Errorf("%s: %s", c.what, &got)
		}
	}
	d := &directory{vocabulary: inetOrgPerson("entryUUID")}
	journal := slices.Repeat([]ldaptest.Record{{Verb: "add", Attributes: []plan.Attribute{{Name: d.userID, Values: []string{"user_a"}}}}}, 2)
	if made := additions(d, journal); made["user_a"] != 2 {
		t.Errorf("somebody who was made twice was made %d times", made["user_a"])
	}
}
