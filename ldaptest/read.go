package ldaptest

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
)

// searchRequest is a search after its check (RFC 4511 section 4.5.1).
type searchRequest struct {
	dit.Search
	limit     int
	typesOnly bool
	want      dit.Selection
}

// search answers a search. The entries are copied under the lock and sent after it.
func (c *session) search(r *request) (answer, error) {
	s := c.server
	req, err := s.readSearch(r)
	if err != nil {
		return answer{}, err
	}
	page, paged, err := readPaging(r.controls)
	if err != nil {
		return answer{}, err
	}
	if r.fault.Endless {
		page.cookie = ""
	}
	show := func(e *dit.Entry, passwords bool) [][]byte {
		if r.fault.hides(e.Name()) {
			return nil
		}
		return [][]byte{encode(r.id, entryOp(e.Name(), r.fault.shown(s.dir.Read(e, req.want, req.typesOnly, passwords))), nil)}
	}
	if e := s.aside(req.Base); e != nil && req.Scope == ldap.ScopeBaseObject {
		a := answer{}
		if s.dir.Matches(e, req.Filter) {
			a.entries = show(e, false)
		}
		return a, nil
	}
	if r.who.Empty() || r.fault.hides(dit.Text(req.Base)) {
		return answer{}, dit.Refuse(ldap.LDAPResultNoSuchObject, "")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var part results
	if paged && (req.limit == 0 || page.size < req.limit) { // otherwise all fits on one page (RFC 2696 section 3)
		part, err = c.page(r, req, page)
	} else {
		part, err = s.all(req)
	}
	if err != nil {
		return answer{}, err
	}
	a := answer{controls: part.controls}
	if part.cut {
		a.result = dit.Refuse(ldap.LDAPResultSizeLimitExceeded, "")
	}
	passwords := s.writes(r.who)
	for _, e := range part.entries {
		a.entries = append(a.entries, show(e, passwords)...)
	}
	if r.fault.Endless && paged {
		a.controls = page.answer("more")
	}
	return a, nil
}

// results are the entries that a search sends; cut: there would have been more but for the limit.
type results struct {
	entries  []*dit.Entry
	cut      bool
	controls []control
}

// all searches without pages.
func (s *Server) all(req searchRequest) (results, error) {
	found, err := s.dir.Search(req.Search)
	if err != nil {
		return results{}, err
	}
	if limit := s.limit(req); limit > 0 && len(found) > limit {
		return results{entries: found[:limit], cut: true}, nil
	}
	return results{entries: found}, nil
}

// limit returns the number of entries that may be sent, 0 for any.
func (s *Server) limit(req searchRequest) int {
	limit := s.cfg.SizeLimit
	if req.limit > 0 && (limit == 0 || req.limit < limit) {
		limit = req.limit
	}
	return limit
}

func (s *Server) readSearch(r *request) (searchRequest, error) {
	base, err := s.dir.ParseDN(r.dn)
	if err != nil {
		return searchRequest{}, err
	}
	req := searchRequest{Search: dit.Search{Base: base, Scope: integer(child(r.op, 1))}, limit: int(integer(child(r.op, 3)))}
	req.typesOnly, _ = child(r.op, 5).Value.(bool)
	if req.Filter, err = s.dir.ReadFilter(child(r.op, 6)); err != nil {
		return req, err
	}
	if req.Condition, err = s.assertion(r.controls); err != nil {
		return req, err
	}
	var names []string
	for _, c := range child(r.op, 7).Children {
		names = append(names, octets(c))
	}
	req.want = s.dir.Select(names...)
	return req, nil
}

// compare answers a compare.
func (c *session) compare(r *request) error {
	s := c.server
	dn, err := s.dir.ParseDN(r.dn)
	if err != nil {
		return err
	}
	if r.who.Empty() && s.aside(dn) == nil {
		return dit.Refuse(ldap.LDAPResultNoSuchObject, "")
	}
	a := dit.Assertion{Name: octets(child(child(r.op, 1), 0)), Value: octets(child(child(r.op, 1), 1))}
	s.mu.RLock()
	defer s.mu.RUnlock()
	condition, err := s.assertion(r.controls)
	if err != nil {
		return err
	}
	return s.dir.Compare(dn, s.aside(dn), condition, a)
}
