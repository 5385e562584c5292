package ldaptest

import (
	"strings"

	"idaas-ldap/plan"
)

// LoadLDIF adds entries (RFC 2849, content records), parents first. As with slapadd they may bring operational attributes such as
// entryUUID, their passwords are kept as they are, and the journal says nothing of them. Nothing is loaded if one cannot be.
func (s *Server) LoadLDIF(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir.LoadLDIF(text, s.admin)
}

// LDIF returns the whole tree, always in the same order: parents first, names sorted, values sorted. Operational attributes are
// left out unless they are named; of passwords it says only that they are there.
func (s *Server) LDIF(operational ...string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	want := s.dir.Select(append([]string{"*"}, operational...)...)
	var b strings.Builder
	for _, e := range s.dir.All() {
		_ = plan.WriteEntries(&b, s.dir.Snapshot(e, want)) // a strings.Builder takes everything
	}
	return b.String()
}

// Entry returns an entry with all its attributes, the operational ones too, sorted; nil if there is none.
func (s *Server) Entry(dn string) *plan.Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	name, err := s.dir.ParseDN(dn)
	if err != nil {
		return nil
	}
	e, found := s.dir.Find(name)
	if !found {
		return nil
	}
	return s.dir.Snapshot(e, s.dir.Select("*", "+"))
}

// Size returns the number of entries.
func (s *Server) Size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dir.Size()
}
