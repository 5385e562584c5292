package memdir

import (
	"errors"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// Operation is one operation that is about to be made, for the decision whether it is to go wrong.
type Operation struct {
	// Verb is search, add, modify, modrdn, delete or password.
	Verb string
	// DN is the entry that it is about, or the base of the search.
	DN plan.DN
}

// Fault is what goes wrong with one operation. Its zero value is nothing.
type Fault struct {
	// Unreachable: there is no connection to be had.
	Unreachable bool
	// LostBefore and LostAfter: the connection is lost before the operation was done, or before it was answered. A write is in
	// doubt then.
	LostBefore, LostAfter bool
	// Code is answered in the place of doing the operation, with Message as its diagnostic message.
	Code    uint16
	Message string
}

// Fault sets the function that decides about every operation from now on, before it is done; nil ends all faults. It is called
// by one goroutine at a time.
func (d *Directory) Fault(decide func(Operation) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decide = decide
}

func (d *Directory) faultFor(op Operation) Fault {
	if d.decide == nil {
		return Fault{}
	}
	return d.decide(op)
}

// before returns the error of an operation that is not to be done.
func (f Fault) before(d *Directory, verb string, dn plan.DN) error {
	switch {
	case f.Unreachable:
		return &connector.OutcomeError{Kind: connector.KindUnavailable, Verb: "connect", Err: errors.New("connection refused")}
	case f.LostBefore:
		return lost(verb, dn)
	case f.Code != 0:
		return connector.Answered(d.profile.Flavour, verb, dn, f.Code, f.Message)
	}
	return nil
}

// after returns the error of an operation that was done.
func (f Fault) after(verb string, dn plan.DN) error {
	if f.LostAfter {
		return lost(verb, dn)
	}
	return nil
}

func lost(verb string, dn plan.DN) error {
	return &connector.OutcomeError{Kind: connector.KindRetry, Verb: verb, DN: dn, InDoubt: verb != "search", Err: errors.New("the connection was lost")}
}
