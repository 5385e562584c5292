package simulation_test

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
)

// weather is what is wrong with a directory for a while.
type weather int32

const (
	// windy: single operations go wrong.
	windy weather = iota
	// down: nobody reaches the directory.
	down
	// readOnly: it takes no writes, as a replica that its provider has left.
	readOnly
	// cut: it answers a part of what is searched, and says so.
	cut
	// loggedOut: it has forgotten who we are.
	loggedOut
	// hidden: it does not show some of its entries, or none at all.
	hidden
	// calm: nothing goes wrong any more.
	calm

	worst = hidden
)

// storm is a directory in memory in bad weather.
type storm struct {
	*memdir.Directory
	*lottery
	census

	// sky changes while others look.
	sky atomic.Int32
	// troubledAt is when the last operation went wrong, or the last weather ended in which they do.
	troubledAt atomic.Int64
}

// becomes changes the weather. Some addresses the server takes in none.
func (s *storm) becomes(w weather) {
	if w >= down && w <= worst {
		s.counts(directoryDown + trouble(w-down))
	}
	trouble := dit.Trouble{Refuse: func(attribute, value string) uint16 {
		if attribute == "mail" && isRefused(value) {
			return ldap.LDAPResultInvalidAttributeSyntax
		}
		return 0
	}}
	if w == hidden {
		trouble.Hidden = s.hides()
	}
	s.troubled()
	s.Suffer(trouble)
	s.sky.Store(int32(w))
}

func (s *storm) troubled() { s.troubledAt.Store(time.Now().UnixMilli()) }

// refused begins the addresses that the directory does not take.
const refused = "refused"

func isRefused(address string) bool { return strings.HasPrefix(address, refused) }

// hides chooses what is not to be seen: everything, all people, all groups, or some of what is there.
func (s *storm) hides() func(plan.DN) bool {
	roots := []plan.DN{plan.MustParseDN(people), plan.MustParseDN(groups)}
	switch n := s.below(6, "hides"); n {
	case 0:
		return plan.MustParseDN(suffix).Equal
	case 1, 2:
		return roots[n-1].Equal
	}
	unseen := map[string]bool{}
	for _, e := range s.Entries() {
		if (e.DN.Below(roots[0]) || e.DN.Below(roots[1])) && s.below(3, "hides "+e.DN.Key()) == 0 {
			unseen[e.DN.Key()] = true
		}
	}
	return func(dn plan.DN) bool { return unseen[dn.Key()] }
}

// fault decides what happens on the way to the directory: what the weather does to every operation, and at most times a server that is
// busy, and connections that are lost before and after a write.
func (s *storm) fault(op memdir.Operation) memdir.Fault {
	fault := s.strikes(op)
	if fault != (memdir.Fault{}) {
		s.troubled()
	}
	return fault
}

func (s *storm) strikes(op memdir.Operation) memdir.Fault {
	reads, about := op.Verb == "search", op.Verb+" "+op.DN.Key()
	switch sky := weather(s.sky.Load()); {
	case sky == calm:
		return memdir.Fault{}
	case sky == down:
		return memdir.Fault{Unreachable: true}
	case sky == loggedOut:
		return memdir.Fault{Code: ldap.LDAPResultOperationsError}
	case sky == cut && reads:
		limits := []uint16{ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded}
		return memdir.Fault{Code: limits[s.below(len(limits), about)]}
	case sky == hidden:
		return memdir.Fault{}
	case sky == readOnly && !reads:
		return memdir.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "shadow context; no update referral"}
	case s.below(40, about) == 0:
		s.counts(busy)
		return memdir.Fault{Code: ldap.LDAPResultBusy}
	case reads:
		return memdir.Fault{}
	}
	switch s.below(20, about) {
	case 0:
		s.counts(lostBefore)
		return memdir.Fault{LostBefore: true}
	case 1:
		s.counts(lostAfter)
		return memdir.Fault{LostAfter: true}
	}
	return memdir.Fault{}
}
