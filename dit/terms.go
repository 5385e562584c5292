package dit

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Terms are who writes, and on which conditions.
type Terms struct {
	Who plan.DN
	// Writer: who may write everything.
	Writer bool
	// Condition is one that the entry must fulfil before it is written.
	Condition Condition
	// Permissive: to add what is there and to delete what is not is no fault, as with the control of that name.
	Permissive bool
}

// Authenticated refuses writes of nobody in particular.
func (t Terms) Authenticated() error {
	if t.Who.Empty() {
		return Refuse(ldap.LDAPResultStrongAuthRequired, "modifications require authentication")
	}
	return nil
}

// mayWrite refuses writes of those who may not. As in slapd it is asked once the entry is found.
func (t Terms) mayWrite() error {
	if !t.Writer {
		return Refuse(ldap.LDAPResultInsufficientAccessRights, "no write access")
	}
	return nil
}

// Condition is what an entry must fulfil for an operation to go on; nil asks for nothing.
type Condition func(*Entry) error

func (c Condition) check(e *Entry) error {
	if c == nil {
		return nil
	}
	return c(e)
}

// Asserted is the condition that a filter is true for the entry (RFC 4528).
func (d *Directory) Asserted(f Filter) Condition {
	return func(e *Entry) error {
		if !d.Matches(e, f) {
			return Refuse(ldap.LDAPResultAssertionFailed, "")
		}
		return nil
	}
}
