package ldaptest

import (
	"strconv"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// search answers a search. The entries are copied under the lock and sent after it.
func (c *session) search(r *request) (answer, error) {
	s := c.server
	req, err := s.dir.schema.readSearch(r)
	if err != nil {
		return answer{}, err
	}
	page, paged, err := readPaging(r.controls)
	if err != nil {
		return answer{}, err
	}
	if req.base.Empty() && req.scope == ldap.ScopeBaseObject {
		return answer{entries: [][]byte{encode(r.id, entryOp("", s.dir.schema.selected(s.rootDSE(), req)), nil)}}, nil
	}
	if isSubschema(req.base) {
		return answer{entries: [][]byte{encode(r.id, entryOp(subschemaDN, s.dir.schema.selected(s.dir.schema.subschema(), req)), nil)}}, nil
	}
	if r.who.Empty() {
		return answer{}, refuse(ldap.LDAPResultNoSuchObject, "")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.dir.assertion(r, req.base); err != nil {
		return answer{}, err
	}
	found, err := c.find(req, page)
	if err != nil {
		return answer{}, err
	}
	a := answer{}
	if limit := c.limit(req, page); limit > 0 && len(found) > limit {
		found = found[:limit]
		a.result = refuse(ldap.LDAPResultSizeLimitExceeded, "")
	}
	if paged && a.result == nil {
		found, a.controls = c.cutPage(found, page)
	}
	passwords := s.writers[r.who.Key()]
	for _, e := range found {
		a.entries = append(a.entries, encode(r.id, entryOp(e.dn().String(), s.dir.read(e, req.want, req.typesOnly, passwords)), nil))
	}
	return a, nil
}

// limit returns the number of entries that may be sent, 0 for any. Pages after the first were counted with it.
func (c *session) limit(req searchRequest, page paging) int {
	limit := c.server.cfg.SizeLimit
	if page.cookie != "" {
		return 0
	}
	if req.limit > 0 && (limit == 0 || req.limit < limit) {
		limit = req.limit
	}
	return limit
}

func (s *schema) readSearch(r *request) (searchRequest, error) {
	base, err := s.parseDN(r.dn)
	if err != nil {
		return searchRequest{}, err
	}
	req := searchRequest{base: base, scope: integer(child(r.op, 1)), limit: int(integer(child(r.op, 3)))}
	req.typesOnly, _ = child(r.op, 5).Value.(bool)
	if req.filter, err = s.readFilter(child(r.op, 6)); err != nil {
		return req, err
	}
	var names []string
	for _, c := range child(r.op, 7).Children {
		names = append(names, octets(c))
	}
	req.want = s.readSelection(names)
	return req, nil
}

// find searches, or takes up a paged search where it stopped.
func (c *session) find(req searchRequest, page paging) ([]*entry, error) {
	if page.cookie == "" {
		return c.server.dir.search(req)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest, ok := c.pages[page.cookie]
	if !ok {
		return nil, refuse(ldap.LDAPResultProtocolError, "paged results cookie is invalid")
	}
	delete(c.pages, page.cookie)
	alive := rest[:0:0]
	for _, e := range rest {
		if e.within(c.server.dir.root) && len(e.attributes) > 0 { // others were deleted meanwhile
			alive = append(alive, e)
		}
	}
	return alive, nil
}

// cutPage returns the entries of one page and the control that leads to the next one (RFC 2696).
func (c *session) cutPage(found []*entry, page paging) ([]*entry, []control) {
	if page.size == 0 || len(found) <= page.size {
		return found, []control{page.answer("")}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paged++
	cookie := strconv.Itoa(c.paged)
	c.pages[cookie] = found[page.size:]
	return found[:page.size], []control{page.answer(cookie)}
}

// compare answers a compare.
func (c *session) compare(r *request) error {
	s := c.server
	dn, err := s.dir.schema.parseDN(r.dn)
	if err != nil {
		return err
	}
	if r.who.Empty() {
		return refuse(ldap.LDAPResultNoSuchObject, "")
	}
	a := plan.Attribute{Name: octets(child(child(r.op, 1), 0)), Values: []string{octets(child(child(r.op, 1), 1))}}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dir.compare(dn, a.Name, a.Values[0])
}
