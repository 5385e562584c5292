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

// own finds the entry of the object of the test, and refuses one that is not to be taken over.
func (t *trial) own(kind event.Kind, matches []plan.Match) (*plan.Entry, error) {
	entry, match, err := t.found(matches)
	switch {
	case err != nil || entry == nil || match.ByID:
		return entry, err
	case !match.Adopt:
		return nil, fmt.Errorf("%s matches %s and was not made by us; 'adopt: true' in the rule takes it over", entry.DN, match.Filter)
	case !t.MayAdopt(kind, entry.DN):
		return nil, fmt.Errorf("%s matches and is not taken over, as it lies elsewhere than below %s (adopt_below)", entry.DN, list(names(t.AdoptBelow(kind)), "or"))
	}
	if reason := plan.Protected(entry); reason != "" {
		return nil, fmt.Errorf("%s matches and is never taken over: %s", entry.DN, reason)
	}
	if reason := t.protection.Reason(entry); reason != "" {
		return nil, fmt.Errorf("%s matches and is not taken over, as %s is protected (protect)", entry.DN, reason)
	}
	return entry, nil
}

func names(dns []plan.DN) []string {
	out := make([]string, len(dns))
	for i, dn := range dns {
		out[i] = dn.String()
	}
	return out
}

// find looks for an entry as the directory would.
func (t *trial) find(matches []plan.Match) (*plan.Entry, error) {
	entry, _, err := t.found(matches)
	return entry, err
}

// found looks for an entry as the directory would: the first rule with a hit wins, two hits are a conflict.
func (t *trial) found(matches []plan.Match) (*plan.Entry, plan.Match, error) {
	for _, m := range matches {
		f, err := parseFilter(m.Filter)
		if err != nil {
			return nil, m, fmt.Errorf("filter %s: %w", m.Filter, err)
		}
		var found *plan.Entry
		for _, e := range t.test.directory {
			switch {
			case !e.DN.Within(t.base) || !f.holds(e):
			case found != nil:
				return nil, m, fmt.Errorf("two entries match %s: %s and %s", m.Filter, found.DN, e.DN)
			default:
				found = e
			}
		}
		if found != nil {
			return found, m, nil
		}
	}
	return nil, plan.Match{}, nil
}

// answer looks up what the mapping asks for.
func (t *trial) answer(in *Input, asked *Unresolved) error {
	for _, needed := range asked.Objects {
		entry, err := t.entryOf(known(needed.Kind, event.Values{event.FieldID: needed.ID}))
		switch {
		case err != nil:
			return err
		case entry != nil:
			in.Resolved[needed.Ref] = entry.DN
		case needed.Required:
			return fmt.Errorf("waits for %s, which is not in the directory of the test", needed.Ref)
		default:
			in.Open[needed.Ref] = true
		}
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
