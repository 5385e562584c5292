package ldaptest

import (
	"encoding/binary"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
)

// paging is the simple paged results control (RFC 2696).
type paging struct {
	size   int
	cookie string
}

// pages is how far the search in pages of a connection got: as in slapd there is one, and its cookie is the last entry sent.
type pages struct {
	cookie uint64
	sent   int
	// rest is what would come next if the same request came again before anything was written.
	rest    []*dit.Entry
	request string
	writes  uint64
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
		return p, true, dit.Refuse(ldap.LDAPResultProtocolError, "paged results size is negative")
	}
	return p, true, nil
}

func (p paging) answer(cookie string) []control {
	value := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), ""), text(cookie))
	return []control{{oid: ldap.ControlTypePaging, value: string(value.Bytes())}}
}

// page returns one page of a search, and the control that leads to the next one. A page of size 0 has no entries, and ends a
// search that was begun. The limit counts over all pages.
func (c *session) page(r *request, req searchRequest, p paging) (results, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, err := c.goOn(r, req, p)
	if err != nil {
		return results{}, err
	}
	if r.fault.PageOf > 0 {
		p.size = min(p.size, r.fault.PageOf)
	}
	c.pages = pages{cookie: state.cookie}
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
		state.cookie = found[p.size-1].ID()
	}
	state.rest, state.sent = state.rest[p.size:], state.sent+p.size
	c.pages = state
	return results{entries: found, controls: p.answer(string(binary.BigEndian.AppendUint64(nil, state.cookie)))}, nil
}

// goOn begins a search in pages, or goes on after the entry that the cookie names.
func (c *session) goOn(r *request, req searchRequest, p paging) (pages, error) {
	d := c.server.dir
	state := pages{request: string(r.op.Bytes()), writes: d.Writes()}
	if p.cookie != "" {
		if len(p.cookie) != 8 {
			return state, dit.Refuse(ldap.LDAPResultProtocolError, "paged results cookie is invalid")
		}
		state.cookie, state.sent = binary.BigEndian.Uint64([]byte(p.cookie)), c.pages.sent
		switch {
		case state.cookie > c.pages.cookie:
			return state, dit.Refuse(ldap.LDAPResultProtocolError, "paged results cookie is invalid")
		case state.cookie < c.pages.cookie:
			return state, dit.Refuse(ldap.LDAPResultUnwillingToPerform, "paged results cookie is invalid or old")
		case state.request == c.pages.request && state.writes == c.pages.writes:
			return c.pages, nil
		}
	}
	found, err := d.Search(req.Search)
	for len(found) > 0 && found[0].ID() <= state.cookie {
		found = found[1:]
	}
	state.rest = found
	return state, err
}
