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

// Place returns where the entry of a user belongs who would otherwise be at dn: users whose status says so are kept at a
// place of their own. An empty DN stays empty.
func (a Account) Place(dn DN, now event.Millis) DN {
	if dn.Empty() {
		return dn
	}
	a.each(now, func(means Means, applies bool) {
		if applies && !means.MoveTo.Empty() {
			dn = means.MoveTo.Child(dn.RDN())
		}
	})
	return dn
}
