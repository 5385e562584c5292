package ldaptest

import (
	"encoding/binary"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// paging is the simple paged results control (RFC 2696).
type paging struct {
	size   int
	cookie string
}

// pages is a search in pages that is under way. As in slapd there is one to a connection, and its cookie tells how far it got.
type pages struct {
	cookie uint64
	rest   []*entry
	sent   int
}

func readPaging(controls []control) (p paging, asked bool, err error) {
	c, asked := findControl(controls, ldap.ControlTypePaging)
	if !asked {
		return p, false, nil
	}
	value, err := decodeValue(c.value)
	if err != nil {
		return p, true, err
	}
	p.size, p.cookie = int(integer(child(value, 0))), octets(child(value, 1))
	if p.size < 0 {
		return p, true, refuse(ldap.LDAPResultProtocolError, "paged results size is negative")
	}
	return p, true, nil
}

func (p paging) answer(cookie string) []control {
	value := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), ""), text(cookie))
	return []control{{oid: ldap.ControlTypePaging, value: string(value.Bytes())}}
}

// page returns one page of a search, and the control that leads to the next one. A page of size 0 has no entries, and ends a
// search that was begun. The limit counts over all pages.
func (c *session) page(req searchRequest, p paging) (results, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, err := c.take(req, p)
	if err != nil {
		return results{}, err
	}
	if p.size == 0 && p.cookie != "" {
		return results{controls: p.answer("")}, nil
	}
	limit := c.server.limit(req)
	if left := limit - state.sent; limit > 0 && left < p.size && left < len(state.rest) {
		return results{entries: state.rest[:left], cut: true}, nil
	}
	if len(state.rest) <= p.size {
		return results{entries: state.rest, controls: p.answer("")}, nil
	}
	found := state.rest[:p.size]
	if p.size > 0 {
		state.cookie = found[p.size-1].id
	}
	c.pages = pages{cookie: state.cookie, rest: state.rest[p.size:], sent: state.sent + p.size}
	return results{entries: found, controls: p.answer(string(binary.BigEndian.AppendUint64(nil, state.cookie)))}, nil
}

// take begins a search in pages, or takes up the one that is under way where it stopped.
func (c *session) take(req searchRequest, p paging) (pages, error) {
	under := c.pages
	if p.cookie == "" {
		c.pages = pages{}
		found, err := c.server.dir.search(req)
		return pages{rest: found}, err
	}
	if len(p.cookie) != 8 {
		return under, refuse(ldap.LDAPResultProtocolError, "paged results cookie is invalid")
	}
	switch cookie := binary.BigEndian.Uint64([]byte(p.cookie)); {
	case cookie > under.cookie:
		return under, refuse(ldap.LDAPResultProtocolError, "paged results cookie is invalid")
	case cookie < under.cookie:
		return under, refuse(ldap.LDAPResultUnwillingToPerform, "paged results cookie is invalid or old")
	}
	c.pages = pages{}
	alive := under.rest[:0:0]
	for _, e := range under.rest {
		if e.within(c.server.dir.root) && len(e.attributes) > 0 { // others were deleted meanwhile
			alive = append(alive, e)
		}
	}
	under.rest = alive
	return under, nil
}
