package connector

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// The names of server flavours, as in the configuration.
const (
	OpenLDAP        = "openldap"
	ActiveDirectory = "active-directory"
	DS389           = "389ds"
	Generic         = "generic"
)

// Flavour is what differs between kinds of server beyond what the RFCs say. Its methods are pure.
type Flavour interface {
	// Name is the flavour's name in the configuration.
	Name() string
	// LinkAttribute is the attribute with the stable id of an entry, empty if there is none.
	LinkAttribute() string
	// StatusAttributes are those that AccountRules looks at.
	StatusAttributes() []string
	// AccountRules says what an entry has to hold so that its user may log in or not, by the server's own means.
	// Unsupported names what the server has no means for.
	AccountRules(want plan.Account, current *plan.Entry, now event.Millis) (rules []plan.Rule, unsupported []string, err error)
	// StatusAfterPassword: a new account can only be switched on after its password is set.
	StatusAfterPassword() bool
}

// status is the wanted login status taken apart by the means that the mapping chose for each part.
type status struct {
	// disabled, locked and expired are to be expressed by the server's own means.
	disabled, locked, expired bool
	// expiresAt is when the account expires, zero for never; expirySaid tells whether anything was said about it.
	expiresAt  event.Millis
	expirySaid bool
	// said: anything was said about being disabled or locked.
	said bool
	// rules are those that the mapping wrote out.
	rules []plan.Rule
}

// statusOf takes a wanted account apart.
func statusOf(want plan.Account, now event.Millis) status {
	state := want.State
	s := status{rules: want.Rules(now)}
	part := func(means plan.Means, said, applies bool) bool {
		if !said || !means.Auto {
			return false
		}
		s.said = true
		return applies
	}
	s.disabled = part(want.Disable, state.StatusSeen, state.Disabled)
	s.locked = part(want.Lock, state.LockSeen, state.Locked(now))
	if want.Expire.Auto {
		s.expirySaid, s.expiresAt = state.ExpirySeen, state.ExpiresAt
		s.expired = state.Expired(now)
	}
	return s
}

// barred reports whether the server itself has to keep the user out.
func (s status) barred() bool { return s.disabled || s.locked }

// lacking names the parts that a server without any means of its own cannot express.
func (s status) lacking() []string {
	var out []string
	if s.disabled {
		out = append(out, "disable")
	}
	if s.locked {
		out = append(out, "lock")
	}
	if s.expired {
		out = append(out, "expire")
	}
	return out
}
