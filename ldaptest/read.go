package ldaptest

import "github.com/go-ldap/ldap/v3"

// search answers a search. The entries are copied under the lock and sent after it.
func (c *session) search(r *request) (answer, error) {
	s := c.server
	req, err := s.dir.readSearch(r)
	if err != nil {
		return answer{}, err
	}
	page, paged, err := readPaging(r.controls)
	if err != nil {
		return answer{}, err
	}
	if e := s.aside(req.base); e != nil && req.scope == ldap.ScopeBaseObject {
		a := answer{}
		if req.filter.match(s.dir, e) == isTrue {
			a.entries = [][]byte{encode(r.id, entryOp(e.name(), s.dir.read(e, req.want, req.typesOnly, false)), nil)}
		}
		return a, nil
	}
	if r.who.Empty() {
		return answer{}, refuse(ldap.LDAPResultNoSuchObject, "")
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
		a.result = refuse(ldap.LDAPResultSizeLimitExceeded, "")
	}
	passwords := s.writes(r.who)
	for _, e := range part.entries {
		a.entries = append(a.entries, encode(r.id, entryOp(e.name(), s.dir.read(e, req.want, req.typesOnly, passwords)), nil))
	}
	return a, nil
}

// results are the entries that a search sends; cut: there would have been more but for the limit.
type results struct {
	entries  []*entry
	cut      bool
	controls []control
}

// all searches without pages.
func (s *Server) all(req searchRequest) (results, error) {
	found, err := s.dir.search(req)
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

func (d *directory) readSearch(r *request) (searchRequest, error) {
	base, err := d.schema.parseDN(r.dn)
	if err != nil {
		return searchRequest{}, err
	}
	req := searchRequest{base: base, scope: integer(child(r.op, 1)), limit: int(integer(child(r.op, 3)))}
	req.typesOnly, _ = child(r.op, 5).Value.(bool)
	if req.filter, err = d.schema.readFilter(child(r.op, 6)); err != nil {
		return req, err
	}
	if req.condition, err = d.assertion(r.controls); err != nil {
		return req, err
	}
	var names []string
	for _, c := range child(r.op, 7).Children {
		names = append(names, octets(c))
	}
	req.want = d.schema.readSelection(names)
	return req, nil
}

// compare answers a compare.
func (c *session) compare(r *request) error {
	s := c.server
	dn, err := s.dir.schema.parseDN(r.dn)
	if err != nil {
		return err
	}
	if r.who.Empty() && s.aside(dn) == nil {
		return refuse(ldap.LDAPResultNoSuchObject, "")
	}
	a := ava{name: octets(child(child(r.op, 1), 0)), value: octets(child(child(r.op, 1), 1))}
	s.mu.RLock()
	defer s.mu.RUnlock()
	condition, err := s.dir.assertion(r.controls)
	if err != nil {
		return err
	}
	return s.dir.compare(dn, s.aside(dn), condition, a)
}
