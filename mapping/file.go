package mapping

import (
	"bytes"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// section is what a mapping says about one kind of object.
type section struct {
	kind          event.Kind
	in            scope
	at            position
	scope         *expression
	dn            *dnTemplate
	match         []matchRule
	objectClasses []string
	classesAt     []position // of the object classes; none where the file names none
	attributes    []attributeRule
	password      PasswordRule
	lifecycle     lifecycle
	removal       plan.Removal
	renames       *scalar     // how an entry is called among the leavers where its name is taken, until that can be read
	rename        *expression // the same, read; nil for the default
	members       *MemberRule
	adoptBelow    []plan.DN // empty where the file says nothing of it
	adoptPassword bool
	root          plan.DN
	rootAt        position
	readsAboveDN  bool
	status        []writer // what the lifecycle writes out
}

// MemberRule says how members of a group are written.
type MemberRule struct {
	Attribute   string
	Placeholder string
	value       *expression // nil for the member's DN
	at          position
}

// sectionNames are the keys of the sections.
var sectionNames = map[event.Kind]string{
	event.KindUnit:  "organizational_unit",
	event.KindUser:  "user",
	event.KindGroup: "group",
}

// defaultClasses are the object classes of a section that names none (RFC 4519, RFC 2798).
var defaultClasses = map[event.Kind]string{
	event.KindUnit:  "organizationalUnit",
	event.KindUser:  "inetOrgPerson",
	event.KindGroup: "groupOfNames",
}

func kindName(kind event.Kind) string {
	if kind == event.KindUnit {
		return "unit"
	}
	return string(kind)
}

// Compile reads a mapping file. The name is the one that messages show. The error is an [*Errors] with everything that is
// wrong with the file; nothing of it is used then.
func Compile(name string, source []byte) (*Set, error) {
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // a byte order mark, which editors of one system write
	r := newReader(name, source)
	s := &Set{file: name, lines: r.lines, guards: defaultGuards, sections: map[event.Kind]*section{}}
	if root := r.root(source); root != nil {
		r.topLevel(s, root)
	}
	if len(r.errors.List) > 0 {
		r.errors.finish()
		return nil, &r.errors
	}
	return s, nil
}

// topLevel reads the top level. The base comes first, whatever the order in the file: everything is checked against it.
func (r *reader) topLevel(s *Set, root *ast.MappingNode) {
	var tests, protect ast.Node
	sections := map[event.Kind]ast.Node{}
	r.each(root, map[string]func(ast.Node){
		"version": func(n ast.Node) { r.oneOf(n, "version", "1") },
		"base": func(n ast.Node) {
			if v, ok := r.scalar(n, "base"); ok {
				s.base = r.literalDN(v, "base")
				s.baseText = s.base.String()
			}
		},
		"organizational_unit": func(n ast.Node) { sections[event.KindUnit] = n },
		"user":                func(n ast.Node) { sections[event.KindUser] = n },
		"group":               func(n ast.Node) { sections[event.KindGroup] = n },
		"guards":              func(n ast.Node) { r.guards(s, n) },
		"protect":             func(n ast.Node) { protect = n },
		"tests":               func(n ast.Node) { tests = n },
	})
	if !hasKey(root, "version") {
		r.report(position{1, 1}, "begin with 'version: 1'", "'version' is missing")
	}
	if !hasKey(root, "base") {
		r.report(position{1, 1}, "it is the DN outside of which nothing is ever written", "'base' is missing")
	}
	if !hasKey(root, "user") && !hasKey(root, "group") && !hasKey(root, "organizational_unit") {
		r.report(position{1, 1}, "it needs at least one of the sections organizational_unit, user and group", "the mapping says nothing")
	}
	units := hasKey(root, "organizational_unit")
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		if n := sections[kind]; n != nil {
			s.sections[kind] = r.section(s, scope{kind: kind, above: units && kind != event.KindGroup}, n)
		}
	}
	if protect != nil {
		r.protect(s, protect)
	}
	if tests != nil {
		s.tests = r.tests(tests)
	}
}

// section reads one of the three sections. It always returns one, for the checks that follow.
func (r *reader) section(s *Set, in scope, n ast.Node) *section {
	kind := in.kind
	c := &section{
		kind: kind, in: in, at: r.at(n),
		objectClasses: []string{defaultClasses[kind]},
		password:      PasswordRule{Write: true, Hash: plan.HashNone},
		lifecycle:     lifecycle{disable: plan.Means{Auto: true}, lock: plan.Means{Auto: true}, expire: plan.Means{Auto: true}},
		removal:       plan.Removal{Action: plan.RemoveDelete},
	}
	keys := r.keys(n, "the section "+sectionNames[kind])
	if keys == nil {
		return c
	}
	in.decided = decidedNames(keys)
	c.in = in
	known := map[string]func(ast.Node){
		"scope": func(n ast.Node) {
			if v, ok := r.scalar(n, "scope"); ok {
				c.scope = r.expression(v, in.undecided(), forCondition)
			}
		},
		"dn": func(n ast.Node) {
			if v, ok := r.scalar(n, "dn"); ok {
				c.dn = r.dnTemplate(v, in)
			}
		},
		"match":          func(n ast.Node) { c.match = r.matches(n, in.undecided()) },
		"object_classes": func(n ast.Node) { c.objectClasses, c.classesAt = r.words(n, "object_classes") },
		"attributes":     func(n ast.Node) { c.attributes = r.attributes(n, in) },
		"adopt_below":    func(n ast.Node) { c.adoptBelow = r.adoptBelow(s, n) },
	}
	switch kind {
	case event.KindUser:
		known["password"] = func(n ast.Node) { r.password(c, n) }
		known["lifecycle"] = func(n ast.Node) { r.lifecycle(s, c, n) }
		known["adopt_password"] = func(n ast.Node) { c.adoptPassword = r.boolean(n, "adopt_password") }
		known["on_delete"] = func(n ast.Node) { r.notEmpty(c, n, "wait", "fail", "subtree") }
	case event.KindUnit:
		known["root"] = func(n ast.Node) {
			if v, ok := r.scalar(n, "root"); ok {
				c.root, c.rootAt = r.insideBase(v, s.base, "organizational_unit.root"), v.at()
			}
		}
		known["on_delete"] = func(n ast.Node) { r.notEmpty(c, n, "wait", "fail", "move_children", "subtree") }
	case event.KindGroup:
		known["members"] = func(n ast.Node) { r.members(s, c, n) }
		known["on_delete"] = func(n ast.Node) { r.removal(s, c, n, "on_delete") }
	}
	r.each(keys, known)
	r.complete(s, c, keys)
	r.leavers(c)
	r.checkWriters(c)
	if above := in.aboveName(); c.dn != nil && above != "" {
		c.readsAboveDN = slices.ContainsFunc(c.expressions(), func(e *expression) bool { return slices.Contains(e.reads, above+"."+nameDN) })
	}
	return c
}

// complete finds what a section lacks and what contradicts itself.
func (r *reader) complete(s *Set, c *section, keys *ast.MappingNode) {
	for _, needed := range []struct{ key, why string }{
		{"dn", "it says where the entry of a " + kindName(c.kind) + " is"},
		{"match", "it says how an entry is found that was not written by us before"},
	} {
		if !hasKey(keys, needed.key) {
			r.report(c.at, needed.why, "'%s' is missing in the section %s", needed.key, sectionNames[c.kind])
		}
	}
	if c.kind == event.KindUnit && !hasKey(keys, "root") {
		c.root = s.base
	}
	if c.dn == nil {
		return
	}
	r.checkPlace(c.dn, s.base, c.in)
	r.checkNames(c)
	r.checkNaming(c)
}

// words reads names of attributes or object classes.
func (r *reader) words(n ast.Node, what string) (out []string, at []position) {
	for _, v := range r.scalars(n, what) {
		switch {
		case !isAttributeName(v.text):
			r.problem(v.at(), "%q is no name of an attribute or object class", v.text)
		case slices.ContainsFunc(out, func(name string) bool { return strings.EqualFold(name, v.text) }):
			r.problem(v.at(), "%q is there twice", v.text)
		default:
			out, at = append(out, v.text), append(at, v.at())
		}
	}
	return out, at
}

func (r *reader) members(s *Set, c *section, n ast.Node) {
	keys := r.keys(n, "members")
	if keys == nil {
		return
	}
	rule := &MemberRule{at: r.at(n)}
	r.each(keys, map[string]func(ast.Node){
		"attribute": func(n ast.Node) {
			if names, _ := r.words(n, "members.attribute"); len(names) > 0 {
				rule.Attribute = names[0]
			}
		},
		"value": func(n ast.Node) {
			if v, ok := r.scalar(n, "members.value"); ok && strings.TrimSpace(v.text) != nameDN {
				rule.value = r.expression(v, scope{kind: event.KindUser, decided: s.userNames()}, forText)
			}
		},
		"placeholder": func(n ast.Node) {
			if v, ok := r.scalar(n, "members.placeholder"); ok {
				rule.Placeholder = r.placeholder(s, v)
			}
		},
	})
	if !hasKey(keys, "attribute") {
		r.report(r.at(n), "it is member, uniqueMember or memberUid", "'attribute' is missing in members")
	}
	c.members = rule
}

// placeholder reads the value of a group without members. It names no entry of a user, so it may lie outside the base.
func (r *reader) placeholder(s *Set, v scalar) string {
	return r.anywhere(v, s.base, "members.placeholder").String()
}
