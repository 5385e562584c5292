package ldaptest_test

import (
	"errors"
	"fmt"
	"slices"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// asLDAP reports whether an error is a result code of the server, and which.
func asLDAP(err error, to **ldap.Error) bool {
	return errors.As(err, to) && (*to).ResultCode < ldap.ErrorNetwork
}

// tree returns entries in a form that can be compared: neither attributes nor values have an order.
func tree(entries []*ldap.Entry) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, e := range entries {
		attributes := map[string][]string{}
		for _, a := range e.Attributes {
			attributes[a.Name] = slices.Sorted(slices.Values(a.Values))
		}
		out[e.DN] = attributes
	}
	return out
}

// searchStep is a search. Which entries there are where a limit cuts it off is up to the server, so they are only counted.
func searchStep(r *ldap.SearchRequest) step {
	what := fmt.Sprintf("search %q %d %s %v limit %d %v", r.BaseDN, r.Scope, r.Filter, r.Attributes, r.SizeLimit, r.Controls)
	return step{what: what, do: func(c *ldap.Conn) (any, error) {
		result, err := c.Search(r)
		if err != nil && result != nil {
			return len(result.Entries), err
		}
		if err != nil {
			return nil, err
		}
		return tree(result.Entries), nil
	}}
}

// pagesStep is a search in pages: how many entries each page had, and all of them together.
func pagesStep(r *ldap.SearchRequest, size uint32) step {
	what := fmt.Sprintf("pages of %d: search %q %d %s %v limit %d", size, r.BaseDN, r.Scope, r.Filter, r.Attributes, r.SizeLimit)
	return step{what: what, do: func(c *ldap.Conn) (any, error) {
		var counts []int
		var all []*ldap.Entry
		paging := ldap.NewControlPaging(size)
		r := *r
		r.Controls = []ldap.Control{paging}
		for {
			page, err := c.Search(&r)
			if page != nil {
				counts = append(counts, len(page.Entries))
				all = append(all, page.Entries...)
			}
			if err != nil {
				return counts, err
			}
			next, ok := ldap.FindControl(page.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if !ok || len(next.Cookie) == 0 {
				return []any{counts, tree(all)}, nil
			}
			paging.SetCookie(next.Cookie)
		}
	}}
}

// The controls of RFC 4527 and 4528, for which go-ldap has no types.
const (
	assertion  = "1.3.6.1.1.12"
	preRead    = "1.3.6.1.1.13.1"
	postRead   = "1.3.6.1.1.13.2"
	permissive = "1.2.840.113556.1.4.1413"
)

// controls are none, mostly.
func (u *universe) controls() []ldap.Control {
	if !u.often("controls", 12) {
		return nil
	}
	critical := u.often("critical", 50)
	switch pick(u.t, "control", "unknown", permissive, permissive, assertion, preRead, postRead, "manage", "paging") {
	case permissive:
		return []ldap.Control{ldap.NewControlString(permissive, critical, "")}
	case assertion:
		filter, err := ldap.CompileFilter(u.filter(1))
		if err != nil {
			u.t.Fatal(err)
		}
		return []ldap.Control{ldap.NewControlString(assertion, critical, string(filter.Bytes()))}
	case preRead:
		return []ldap.Control{entryControl(preRead, critical, "*")}
	case postRead:
		return []ldap.Control{entryControl(postRead, critical, "cn", "structuralObjectClass")}
	case "manage":
		return []ldap.Control{ldap.NewControlManageDsaIT(critical)}
	case "paging":
		return []ldap.Control{ldap.NewControlPaging(5)} // it is not critical
	}
	return []ldap.Control{ldap.NewControlString("1.2.3.4", critical, "")}
}

// entryControl asks for an entry as it was before a write or is after it.
func entryControl(oid string, critical bool, attributes ...string) ldap.Control {
	list := ber.NewSequence("")
	for _, a := range attributes {
		list.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, a, ""))
	}
	return ldap.NewControlString(oid, critical, string(list.Bytes()))
}

// readControls returns the entries that came with the answer to a write.
func readControls(controls []ldap.Control) map[string]map[string]map[string][]string {
	out := map[string]map[string]map[string][]string{}
	for _, c := range controls {
		value, ok := c.(*ldap.ControlString)
		if !ok {
			continue
		}
		p := ber.DecodePacket([]byte(value.ControlValue))
		e := &ldap.Entry{DN: p.Children[0].Data.String()}
		for _, a := range p.Children[1].Children {
			var values []string
			for _, v := range a.Children[1].Children {
				values = append(values, v.Data.String())
			}
			e.Attributes = append(e.Attributes, ldap.NewEntryAttribute(a.Children[0].Data.String(), values))
		}
		out[c.GetControlType()] = tree([]*ldap.Entry{e})
	}
	return out
}
