package ldaptest

import (
	"slices"
	"strings"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Record is one write that succeeded. Passwords in it are masked.
type Record struct {
	// Verb is add, modify, modrdn, delete or password (RFC 3062).
	Verb string
	// DN is the entry's name before the write, in the spelling of the schema.
	DN string
	// NewDN is the name after a modrdn.
	NewDN        string
	DeleteOldRDN bool
	// Attributes are those of an add.
	Attributes []plan.Attribute
	// Modifications are those of a modify, in the order and spelling of the request.
	Modifications []plan.Modification
	// BoundAs is who wrote, empty for an anonymous session.
	BoundAs string
}

// String tells the write in one line without values: "modify uid=a,dc=example,dc=org replace:cn delete:title".
func (r Record) String() string {
	words := []string{r.Verb, r.DN}
	if r.NewDN != "" {
		words = append(words, "->", r.NewDN)
	}
	for _, m := range r.Modifications {
		words = append(words, string(m.Type)+":"+m.Name)
	}
	return strings.Join(words, " ")
}

// Journal returns every write that succeeded, in order. What LoadLDIF brought in, and what memberOf and the following of
// references changed by themselves, is not in it.
func (s *Server) Journal() []Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.journal)
}

// ClearJournal forgets the writes so far.
func (s *Server) ClearJournal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = nil
}

// record keeps a write. It is called under the lock, so the order of the journal is the order of the writes.
func (s *Server) record(r Record) {
	for i, a := range r.Attributes {
		r.Attributes[i].Values = s.masked(a.Name, a.Values)
	}
	for i, m := range r.Modifications {
		r.Modifications[i].Values = s.masked(m.Name, m.Values)
	}
	s.journal = append(s.journal, r)
}

func (s *Server) masked(name string, values []string) []string {
	if !s.dir.HoldsPasswords(name) {
		return values
	}
	out := make([]string, len(values))
	for i := range out {
		out[i] = secret.Mask
	}
	return out
}
