package mapping

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Protection names the entries that are never taken over, whatever a match rule finds.
type Protection struct {
	// DNs are single entries, Subtrees entries with everything below them.
	DNs, Subtrees []plan.DN //nolint:revive // Not the domain name system.
	// Filters are search filters (RFC 4515); an entry that passes one of them is protected. Whether it does is for the directory
	// to say.
	Filters []string
}

// Place returns by which name or subtree an entry is protected, as the mapping file names it; empty where neither does.
func (p Protection) Place(m plan.Matching, dn plan.DN) string {
	if i := slices.IndexFunc(p.DNs, func(of plan.DN) bool { return plan.SameDN(m, dn, of) }); i >= 0 {
		return p.DNs[i].String()
	}
	if i := slices.IndexFunc(p.Subtrees, func(of plan.DN) bool { return plan.Within(m, dn, of) }); i >= 0 {
		return "the subtree " + p.Subtrees[i].String()
	}
	return ""
}

// protectRule is a filter of protect as the file has it.
type protectRule struct {
	filter *filter
	text   scalar
}

// Protect returns the entries that are never taken over.
func (s *Set) Protect() Protection { return s.protection }

// Adopts reports whether a match rule for a kind takes entries over.
func (s *Set) Adopts(kind event.Kind) bool {
	c := s.sections[kind]
	return c != nil && slices.ContainsFunc(c.match, func(m matchRule) bool { return m.adopt })
}

// AdoptBelow returns the entries below which those of a kind may be taken over. Without adopt_below in the file they are the
// places at which the section makes entries itself.
func (s *Set) AdoptBelow(kind event.Kind) []plan.DN {
	c := s.sections[kind]
	switch {
	case c == nil:
		return nil
	case len(c.adoptBelow) > 0:
		return c.adoptBelow
	}
	return []plan.DN{s.ground(c)}
}

// MayAdopt reports whether an entry lies where one of a kind may be taken over.
func (s *Set) MayAdopt(m plan.Matching, kind event.Kind, dn plan.DN) bool {
	return slices.ContainsFunc(s.AdoptBelow(kind), func(base plan.DN) bool { return plan.Below(m, dn, base) })
}

// AdoptPassword reports whether an entry that is taken over gets the user's password.
func (s *Set) AdoptPassword() bool {
	user := s.sections[event.KindUser]
	return user != nil && user.adoptPassword
}

// ground returns the lowest entry that everything which a section makes is below.
func (s *Set) ground(c *section) plan.DN {
	switch c.dn.tail {
	case tailAbove:
		return slices.Concat(c.dn.literalEnd(), s.Root())
	case tailBase:
		return slices.Concat(c.dn.literalEnd(), s.base)
	case tailLiteral:
	}
	return c.dn.literalEnd()
}

// adoptBelow reads below which entries others may be taken over.
func (r *reader) adoptBelow(s *Set, n ast.Node) []plan.DN {
	var out []plan.DN
	for _, v := range r.scalars(n, "adopt_below") {
		dn := r.insideBase(v, s.base, "adopt_below")
		switch {
		case dn.Empty():
		case slices.ContainsFunc(out, dn.Equal):
			r.problem(v.at(), "%s is there twice", dn)
		default:
			out = append(out, dn)
		}
	}
	return out
}

// protect reads the list of entries that are never taken over.
func (r *reader) protect(s *Set, n ast.Node) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok || len(sequence.Values) == 0 {
		r.report(r.at(n), "as in [ \"cn=admin,{base}\", { subtree: \"ou=service,{base}\" }, { filter: \"(objectClass=device)\" } ]", "protect is a list of DNs, subtrees and filters")
		return
	}
	for _, item := range sequence.Values {
		if !isKeys(item) {
			if v, ok := r.scalar(item, "an item of protect"); ok {
				if dn := r.anywhere(v, s.base, "an item of protect"); !dn.Empty() {
					s.protection.DNs = append(s.protection.DNs, dn)
				}
			}
			continue
		}
		keys, before := r.keys(item, "an item of protect"), len(r.errors.List)
		r.each(keys, map[string]func(ast.Node){
			"subtree": func(n ast.Node) { r.protectSubtree(s, n) },
			"filter":  func(n ast.Node) { r.protectFilter(s, n) },
		})
		if len(r.errors.List) == before && hasKey(keys, "subtree") == hasKey(keys, "filter") {
			r.problem(r.at(item), "an item of protect has either a subtree or a filter")
		}
	}
}

func (r *reader) protectSubtree(s *Set, n ast.Node) {
	v, ok := r.scalar(n, "protect.subtree")
	if !ok {
		return
	}
	dn := r.anywhere(v, s.base, "protect.subtree")
	switch {
	case dn.Empty():
	case s.base.Within(dn):
		r.report(v.at(), "leave the section out whose entries are to stay as they are", "this protects everything that the mapping could take over")
	default:
		s.protection.Subtrees = append(s.protection.Subtrees, dn)
	}
}

func (r *reader) protectFilter(s *Set, n ast.Node) {
	v, ok := r.scalar(n, "protect.filter")
	if !ok {
		return
	}
	if at := strings.IndexAny(v.text, "{}"); at >= 0 {
		r.report(v.within(len([]rune(v.text[:at]))), `a brace that is meant is \7b or \7d`, "this filter is for entries of others, so no field of an object can stand in it")
		return
	}
	parsed, err := parseFilter(v.text)
	var wrong *filterError
	if errors.As(err, &wrong) {
		r.report(v.within(len([]rune(v.text[:wrong.at]))), "write it as in (&(objectClass=person)(employeeType=service))", "this is no search filter: %s", wrong.reason)
		return
	}
	s.protection.Filters = append(s.protection.Filters, v.text)
	s.protects = append(s.protects, protectRule{filter: parsed, text: v})
}

// anywhere reads a DN that may lie outside the base. It may end in {base}.
func (r *reader) anywhere(v scalar, base plan.DN, what string) plan.DN {
	if strings.HasSuffix(v.text, ",{"+nameBase+"}") {
		return r.insideBase(v, base, what)
	}
	return r.literalDN(v, what)
}
