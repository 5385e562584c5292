package ldaptest

import (
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// Operation is a request that arrived, for the decision whether it is to go wrong.
type Operation struct {
	// Verb is bind, search, compare, add, modify, modrdn, delete, password, whoami, starttls or extended.
	Verb string
	// DN is what the request names, as it names it: the entry, the base of a search, the name of a bind.
	DN string
	// BoundAs is whose session it is, empty for an anonymous one.
	BoundAs string
	// Connection counts the connections since the start, from 1.
	Connection int
}

// Fault is what goes wrong with one operation. Its zero value is nothing. Several may be set together: first it waits, then
// the connection is dropped before anything is done, or the code is answered, or the operation is done and then the connection is dropped.
type Fault struct {
	// Wait holds the operation until the channel is closed or yields, the connection ends or the server is closed.
	Wait <-chan struct{}
	// DropBefore cuts the connection; the operation is not done.
	DropBefore bool
	// Code is answered in the place of doing the operation, with Message as its diagnostic message.
	Code    uint16
	Message string
	// Only, with a Code, does a search and sends so many entries of what it has found before the code, as a limit does.
	Only int
	// Refer are URLs of other servers: with a Code they go with it, else a search sends them as search result references.
	Refer []string
	// Hide tells which entries a search does not show, as an access rule does. The root DSE has the empty DN.
	Hide func(dn string) bool
	// HideAttributes are those that a search does not show.
	HideAttributes []string
	// Endless answers a search in pages with its first page and a cookie for another one, whichever page is asked for.
	Endless bool
	// PageOf, if set, is how many entries a page has at most, whatever was asked for.
	PageOf int
	// Repeat sends every entry of a search so many times more.
	Repeat int
	// DropAfter does the operation and cuts the connection instead of answering.
	DropAfter bool
}

func (f Fault) hides(dn string) bool { return f.Hide != nil && f.Hide(dn) }

// shown leaves out the attributes that are hidden.
func (f Fault) shown(attributes []plan.Attribute) []plan.Attribute {
	return slices.DeleteFunc(attributes, func(a plan.Attribute) bool {
		return slices.ContainsFunc(f.HideAttributes, func(name string) bool { return strings.EqualFold(name, a.Name) })
	})
}

// spoil does to an answer what the fault says about it.
func (f Fault) spoil(id int64, a answer) answer {
	if f.Code == 0 {
		for _, url := range f.Refer {
			op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultReference, nil, "")
			op.AppendChild(text(url))
			a.entries = append(a.entries, encode(id, op, nil))
		}
		return a
	}
	a.entries, a.controls = a.entries[:min(f.Only, len(a.entries))], nil
	a.result, a.referral = &dit.Refusal{Code: f.Code, Message: f.Message}, f.Refer
	return a
}

// Fault sets the function that decides about every operation from now on, before it is done; nil ends all faults. The function is called
// from several goroutines, one for each operation under way.
func (s *Server) Fault(decide func(Operation) Fault) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.decide = decide
}

// Suffer changes what is wrong with the directory from now on, for everybody. Logins are left alone.
func (s *Server) Suffer(t dit.Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dir.Suffer(t)
}

func (s *Server) faultFor(op Operation) Fault {
	s.faultMu.RLock()
	decide := s.decide
	s.faultMu.RUnlock()
	if decide == nil {
		return Fault{}
	}
	return decide(op)
}
