package plan

import "idaas-ldap/event"

// each calls f for the three parts of a status of which anything is known, with whether each applies at a moment.
func (a Account) each(now event.Millis, f func(means Means, applies bool)) {
	if a.State.StatusSeen {
		f(a.Disable, a.State.Disabled)
	}
	if a.State.LockSeen {
		f(a.Lock, a.State.Locked(now))
	}
	if a.State.ExpirySeen {
		f(a.Expire, a.State.Expired(now))
	}
}

// Rules returns the rules that the mapping wrote out for the status at a moment. What is left to the server's own means
// is not among them.
func (a Account) Rules(now event.Millis) []Rule {
	var rules []Rule
	a.each(now, func(means Means, applies bool) {
		if applies {
			rules = append(rules, means.On...)
		} else {
			rules = append(rules, means.Off...)
		}
	})
	return rules
}

// Place returns where the entry of a user belongs: at usual, or where users with such a status are kept. Where the usual
// place is not known, the name of the entry as it is counts; the result is empty where that does not help either.
func (a Account) Place(usual DN, current *Entry, now event.Millis) (dn DN, elsewhere bool) {
	dn = usual
	name := usual.RDN()
	if len(name) == 0 && current != nil {
		name = current.DN.RDN()
	}
	a.each(now, func(means Means, applies bool) {
		if applies && !means.MoveTo.Empty() && len(name) > 0 {
			dn, elsewhere = means.MoveTo.Child(name), true
		}
	})
	return dn, elsewhere
}
