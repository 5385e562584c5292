package mapping

import (
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// entryOf finds the entry of another object in the directory of the test.
func (t *trial) entryOf(object event.Object) (*plan.Entry, error) {
	c := t.sections[object.Ref.Kind]
	if c == nil {
		return nil, nil
	}
	matches, err := t.evaluation(c, Input{Object: object}).matches()
	if err != nil {
		return nil, err
	}
	return t.find(matches)
}

// find looks for an entry as the directory would: the first rule with a hit wins, two hits are a conflict.
func (t *trial) find(matches []plan.Match) (*plan.Entry, error) {
	for _, m := range matches {
		f, err := parseFilter(m.Filter)
		if err != nil {
			return nil, fmt.Errorf("filter %s: %w", m.Filter, err)
		}
		var found *plan.Entry
		for _, e := range t.test.directory {
			switch {
			case !e.DN.Within(t.base) || !f.holds(e):
			case found != nil:
				return nil, fmt.Errorf("two entries match %s: %s and %s", m.Filter, found.DN, e.DN)
			default:
				found = e
			}
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, nil
}

// answer looks up what the mapping asks for.
func (t *trial) answer(in *Input, asked *Unresolved) error {
	for _, ref := range asked.Objects {
		entry, err := t.entryOf(known(ref.Kind, event.Values{event.FieldID: ref.ID}))
		switch {
		case err != nil:
			return err
		case entry == nil:
			return fmt.Errorf("waits for %s, which is not in the directory of the test", ref)
		}
		in.Resolved[ref] = entry.DN
	}
	current, err := t.find(asked.Match)
	if err != nil {
		return err
	}
	for _, n := range asked.Numbers {
		if in.Numbers[n.Pool], err = t.number(n, current); err != nil {
			return err
		}
	}
	for _, n := range asked.Names {
		if in.Names[n.Pool], err = t.name(n, current); err != nil {
			return err
		}
	}
	return nil
}

// number returns the number that an entry has, or the lowest that no entry of the directory has.
func (t *trial) number(n Number, current *plan.Entry) (int64, error) {
	if current != nil {
		if kept, ok := n.Kept(current); ok {
			return kept, nil
		}
	}
	for number := n.From; number <= n.To; number++ {
		if !t.taken(n.Pool, valueText(number)) {
			return number, nil
		}
	}
	return 0, fmt.Errorf("no number of %s from %d to %d is free", n.Pool, n.From, n.To)
}

// name returns the value that an entry has, or the first candidate that no entry of the directory has.
func (t *trial) name(n Name, current *plan.Entry) (string, error) {
	if current != nil {
		if kept := n.Kept(current); kept != "" {
			return kept, nil
		}
	}
	candidates := n.Candidates(0, maxCandidates)
	for _, c := range candidates {
		if !t.taken(n.Pool, c) {
			return c, nil
		}
	}
	return "", fmt.Errorf("every value of %s from %s to %s is taken", n.Pool, candidates[0], candidates[len(candidates)-1])
}

// taken reports whether an entry has a value.
func (t *trial) taken(attribute, value string) bool {
	for _, e := range t.test.directory {
		for _, has := range e.Values(attribute) {
			if plan.DefaultMatching().Equal(attribute, has, value) {
				return true
			}
		}
	}
	return false
}
