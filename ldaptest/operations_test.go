package ldaptest_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// step is any operation in the universe.
func (u *universe) step() step {
	kind := pick(u.t, "operation", "add", "add", "add", "add", "add", "add", "modify", "modify", "modify", "rename", "rename", "delete",
		"compare", "search", "search", "page")
	switch kind {
	case "add":
		return u.add()
	case "modify":
		return u.modify()
	case "rename":
		return u.rename()
	case "delete":
		return u.remove()
	case "compare":
		return u.compare()
	case "page":
		return u.page()
	}
	return u.search()
}

// newEntry is an entry to be added, with its attributes in the order of the request.
type newEntry struct {
	names  []string
	values map[string][]string
}

func (e *newEntry) set(name string, values ...string) {
	if _, there := e.values[name]; !there {
		e.names = append(e.names, name)
	}
	e.values[name] = values
}

func (e *newEntry) named(name string) (spelled string, there bool) {
	i := slices.IndexFunc(e.names, func(n string) bool { return strings.EqualFold(n, name) })
	if i < 0 {
		return name, false
	}
	return e.names[i], true
}

// add makes an entry that mostly could be.
func (u *universe) add() step {
	dn := u.dn()
	e := u.newEntry()
	if u.often("own name", 85) {
		u.nameAfter(e, dn)
	}
	for u.often("more", 35) {
		if name, values := u.attribute(); e.values[name] == nil {
			e.set(name, values...)
		}
	}
	if u.often("forgotten", 5) {
		e.names = e.names[1:]
	}
	controls := u.controls()
	return step{makes: dn, what: fmt.Sprintf("add %q %q %q %v", dn, e.names, e.values, controls), do: func(c *ldap.Conn) (any, error) {
		r := ldap.NewAddRequest(dn, controls)
		for _, name := range e.names {
			r.Attribute(name, e.values[name])
		}
		return nil, c.Add(r)
	}}
}

func (u *universe) newEntry() *newEntry {
	e := &newEntry{values: map[string][]string{}}
	switch pick(u.t, "kind", "person", "person", "unit", "group", "account", "anything") {
	case "person":
		e.set("objectClass", pick(u.t, "person class", "inetOrgPerson", "person", "organizationalPerson"))
		e.set("cn", u.value())
		e.set("sn", u.value())
	case "unit":
		e.set("objectClass", "organizationalUnit")
		if u.often("named", 70) {
			e.set("ou", u.value())
		}
	case "group":
		e.set("objectClass", "groupOfNames")
		e.set("cn", u.value())
		e.set("member", u.dn())
	case "account":
		e.set("objectClass", "account", "posixAccount")
		e.set("uid", u.value())
		e.set("cn", u.value())
		e.set("uidNumber", "1")
		e.set("gidNumber", "1")
		e.set("homeDirectory", "/home")
	default:
		e.set("objectClass", u.valueOf("objectClass"), u.valueOf("objectClass"))
	}
	return e
}

// nameAfter gives an entry the values of its name, mostly.
func (u *universe) nameAfter(e *newEntry, dn string) {
	parsed, err := plan.ParseDN(dn)
	if err != nil {
		return
	}
	for _, ava := range parsed.RDN() {
		if name, there := e.named(ava.Type); !there || u.often("correct", 80) {
			e.set(name, ava.Value)
		}
	}
}

func (u *universe) modify() step {
	r := ldap.NewModifyRequest(u.dn(), u.controls())
	if r.DN == "dc=example,dc=org" {
		r.DN = "dc=example" // what is changed there would stay for the next run
	}
	for range pick(u.t, "modifications", 1, 1, 1, 2, 3) {
		name, values := u.attribute()
		switch pick(u.t, "modification", "add", "delete", "replace", "increment", "add", "delete", "replace") {
		case "add":
			r.Add(name, values)
		case "delete":
			r.Delete(name, values)
		case "replace":
			r.Replace(name, values)
		case "increment":
			if len(values) > 0 {
				r.Increment(name, values[0])
			}
		}
	}
	var what []string
	for _, c := range r.Changes {
		what = append(what, fmt.Sprintf("%d %s %q", c.Operation, c.Modification.Type, c.Modification.Vals))
	}
	return step{what: fmt.Sprintf("modify %q %s %v", r.DN, strings.Join(what, "; "), r.Controls), do: func(c *ldap.Conn) (any, error) {
		result, err := c.ModifyWithResult(r)
		if err != nil {
			return nil, err
		}
		return readControls(result.Controls), nil
	}}
}

func (u *universe) rename() step {
	r := ldap.NewModifyDNRequest(u.dn(), u.rdn(), u.often("delete old", 70), "")
	r.Controls = u.controls()
	if u.often("move", 50) {
		r.NewSuperior = u.parent()
	}
	if u.often("same name", 15) {
		r.NewRDN, _, _ = strings.Cut(r.DN, ",")
	}
	superior := r.NewSuperior
	if superior == "" {
		_, superior, _ = strings.Cut(r.DN, ",")
	}
	return step{
		makes: r.NewRDN + "," + superior,
		what:  fmt.Sprintf("modrdn %q %q delete=%v superior=%q %v", r.DN, r.NewRDN, r.DeleteOldRDN, r.NewSuperior, r.Controls),
		do:    func(c *ldap.Conn) (any, error) { return nil, c.ModifyDN(r) },
	}
}

func (u *universe) remove() step {
	r := ldap.NewDelRequest(u.dn(), u.controls())
	return step{what: fmt.Sprintf("delete %q %v", r.DN, r.Controls), do: func(c *ldap.Conn) (any, error) { return nil, c.Del(r) }}
}

func (u *universe) compare() step {
	dn, name := u.dn(), u.attributeName()
	if name == "hasSubordinates" {
		name = "structuralObjectClass" // of an entry that does not exist slapd answers success, which is no answer to a compare
	}
	value := u.valueOf(name)
	return step{what: fmt.Sprintf("compare %q %s %q", dn, name, value), do: func(c *ldap.Conn) (any, error) { return c.Compare(dn, name, value) }}
}

// searchRequest is any search. The root DSE and the subschema are left out: what the two say about themselves differs, and may.
func (u *universe) searchRequest() *ldap.SearchRequest {
	base := pick(u.t, "search base", "dc=example,dc=org", "dc=example,dc=org", "ou=people,dc=example,dc=org", u.dn())
	if base == "" || strings.EqualFold(base, "cn=Subschema") {
		base = "ou=groups,dc=example,dc=org"
	}
	scope := pick(u.t, "scope", ldap.ScopeBaseObject, ldap.ScopeSingleLevel, ldap.ScopeWholeSubtree, ldap.ScopeWholeSubtree)
	attributes := pick(u.t, "attributes", []string{"*"}, []string{"1.1"}, []string{"cn", "SN", "nonsense"}, []string{"name"}, nil,
		[]string{"objectClass", "cn;lang-de", "structuralObjectClass", "hasSubordinates", "entryDN", "subschemaSubentry"},
		[]string{"@organizationalPerson", "2.5.4.13"}, []string{"*", "1.1", "creatorsName"})
	return ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, u.filter(3), attributes, nil)
}

func (u *universe) search() step {
	r := u.searchRequest()
	r.TypesOnly = u.often("types only", 5)
	if u.often("limited", 10) {
		r.SizeLimit = pick(u.t, "limit", 1, 2, 5)
	}
	r.Controls = u.controls()
	return searchStep(r)
}

// page reads a search in pages, and with a limit as well now and then.
func (u *universe) page() step {
	r := u.searchRequest()
	size := pick(u.t, "page size", 1, 2, 3, 100, 0)
	if u.often("limited", 20) {
		r.SizeLimit = pick(u.t, "limit", 1, 2, 5)
	}
	return pagesStep(r, uint32(size))
}

func (u *universe) filter(depth int) string {
	if depth > 0 && u.often("nested", 35) {
		switch pick(u.t, "operator", "&", "|", "!") {
		case "&":
			return "(&" + u.filter(depth-1) + u.filter(depth-1) + ")"
		case "|":
			return "(|" + u.filter(depth-1) + u.filter(depth-1) + ")"
		default:
			return "(!" + u.filter(depth-1) + ")"
		}
	}
	name := u.attributeName()
	value, part := ldap.EscapeFilter(u.valueOf(name)), ldap.EscapeFilter(u.value())
	rule := pick(u.t, "rule", "caseExactMatch", "caseIgnoreMatch", "2.5.13.14", "integerOrderingMatch", "caseIgnoreIA5Match", "telephoneNumberMatch",
		"dnSubtreeMatch", "dnOneLevelMatch", "distinguishedNameMatch", "1.2.840.113556.1.4.803", "objectIdentifierMatch", "caseIgnoreSubstringsMatch", "noSuchMatch")
	form := pick(u.t, "filter", "(NAME=VALUE)", "(NAME=VALUE)", "(NAME=*)", "(NAME>=VALUE)", "(NAME<=VALUE)", "(NAME=PART*)", "(NAME=*PART*)",
		"(NAME=*PART)", "(NAME=PART*PART)", "(NAME= *PART )", "(NAME:RULE:=VALUE)", "(NAME:dn:=VALUE)", "(:RULE:=VALUE)", "(:dn:RULE:=VALUE)",
		"(objectClass=person)", "(objectClass=*)", "(&)", "(|)")
	return strings.NewReplacer("NAME", name, "VALUE", value, "PART", part, "RULE", rule).Replace(form)
}
