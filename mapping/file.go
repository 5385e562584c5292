package mapping

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Limit is one guard: how many of something may happen within a window.
type Limit struct {
	Max     int
	Percent float64
	Window  time.Duration
}

// Allows returns how many may happen where so many objects are known: the smaller of the two bounds, at least one.
func (l Limit) Allows(known int) int {
	return max(1, min(l.Max, int(l.Percent*float64(known)/100)))
}

// Guards are the limits on what a mapping may take away.
type Guards struct {
	Deletes, Disables Limit
}

// defaultGuards hold where a mapping says nothing.
var defaultGuards = Guards{
	Deletes:  Limit{Max: 20, Percent: 5, Window: time.Hour},
	Disables: Limit{Max: 50, Percent: 10, Window: time.Hour},
}

// section is what a mapping says about one kind of object.
type section struct {
	kind          event.Kind
	at            place
	scope         *expression
	dn            *dnTemplate
	match         []*filterTemplate
	objectClasses []string
	attributes    []attributeRule
	password      PasswordRule
	lifecycle     lifecycle
	removal       plan.Removal
	members       *MemberRule
	root          plan.DN
}

// attributeRule says where the values of one attribute come from.
type attributeRule struct {
	name      string
	at        place
	value     *expression
	constant  []string
	isConst   bool
	when      *expression
	authority plan.Authority
	keepEmpty bool
	reference event.Kind // the value is the id of such an object, and its DN is written
	allocate  *Number
}

// PasswordRule says whether and how passwords are written.
type PasswordRule struct {
	Write      bool
	Hash       plan.HashMethod
	MustChange bool
}

// lifecycle says how the status of a user is expressed.
type lifecycle struct {
	disable, lock, expire plan.Means
}

// MemberRule says how members of a group are written.
type MemberRule struct {
	Attribute   string
	Placeholder string
	value       *expression // nil for the member's DN
}

// Compile reads a mapping file. The error is an [*Errors] with everything that is wrong with it.
func Compile(name string, source []byte) (*Set, error) {
	r := newReader(name, source)
	s := &Set{file: name, guards: defaultGuards, sections: map[event.Kind]*section{}}
	r.topLevel(s, r.root(source))
	if len(r.errors.List) > 0 {
		r.errors.sort()
		return nil, &r.errors
	}
	return s, nil
}

// topLevel reads the top level.
func (r *reader) topLevel(s *Set, root *ast.MappingNode) {
	if root == nil {
		return
	}
	var tests ast.Node
	// The base comes first, whatever the order in the file: everything is checked against it.
	deferred := map[event.Kind]ast.Node{}
	versionSeen, baseSeen := false, false
	r.each(root, map[string]func(ast.Node){
		"version": func(n ast.Node) {
			versionSeen = true
			r.oneOf(n, "version", "1")
		},
		"base": func(n ast.Node) {
			baseSeen = true
			s.base, _ = r.literalDN(n, "base")
		},
		"organizational_unit": func(n ast.Node) { deferred[event.KindUnit] = n },
		"user":                func(n ast.Node) { deferred[event.KindUser] = n },
		"group":               func(n ast.Node) { deferred[event.KindGroup] = n },
		"guards":              func(n ast.Node) { r.guards(s, n) },
		"tests":               func(n ast.Node) { tests = n },
	})
	if !versionSeen {
		r.problem(place{1, 1}, "'version: 1' is missing")
	}
	if !baseSeen {
		r.problem(place{1, 1}, "'base:' is missing: the DN outside of which nothing is ever written")
		return
	}
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		if n := deferred[kind]; n != nil {
			s.sections[kind] = r.section(s, kind, n)
		}
	}
	if len(deferred) == 0 {
		r.problem(place{1, 1}, "the mapping says nothing about users, units or groups")
	}
	r.crossCheck(s)
	if tests != nil {
		s.tests = r.tests(tests)
	}
}

// crossCheck finds what does not fit between sections.
func (r *reader) crossCheck(s *Set) {
	unit := s.sections[event.KindUnit]
	user := s.sections[event.KindUser]
	if user != nil && user.dn != nil && user.dn.tail == tailAbove && unit == nil {
		r.problem(user.dn.source.at, "the DN of a user ends in {ou.dn}, but there is no organizational_unit section that says where units are")
	}
}

func (r *reader) literalDN(n ast.Node, what string) (plan.DN, place) {
	s, ok := r.scalar(n, what)
	if !ok {
		return nil, s.at
	}
	dn, err := plan.ParseDN(s.text)
	if err != nil || dn.Empty() {
		r.problem(s.at, "%s is a DN, such as dc=example,dc=org", what)
	}
	return dn, s.at
}

// insideBase reads a DN that has to be within the base.
func (r *reader) insideBase(s *Set, n ast.Node, what string) plan.DN {
	dn, at := r.literalDN(n, what)
	if !dn.Empty() && !s.base.Empty() && !dn.Within(s.base) {
		r.problem(at, "%s lies outside the base %s, where nothing is ever written", what, s.base)
	}
	return dn
}

func (r *reader) section(s *Set, kind event.Kind, n ast.Node) *section {
	keys := r.keys(n, "this section")
	if keys == nil {
		return nil
	}
	c := &section{
		kind: kind, at: r.at(n),
		password:  PasswordRule{Write: true, Hash: plan.HashNone},
		lifecycle: lifecycle{disable: plan.Means{Auto: true}, lock: plan.Means{Auto: true}, expire: plan.Means{Auto: true}},
		removal:   plan.Removal{Action: plan.RemoveDelete},
	}
	known := map[string]func(ast.Node){
		"scope": func(n ast.Node) {
			if e, ok := r.scalar(n, "scope"); ok {
				c.scope = r.compileExpression(e, kind, true)
			}
		},
		"dn": func(n ast.Node) {
			if t, ok := r.scalar(n, "dn"); ok {
				c.dn = r.dnTemplate(t, kind)
			}
		},
		"match":          func(n ast.Node) { c.match = r.matches(n, kind) },
		"object_classes": func(n ast.Node) { c.objectClasses = r.words(n, "object_classes") },
		"attributes":     func(n ast.Node) { c.attributes = r.attributes(n, kind) },
	}
	dnSeen := hasKey(keys, "dn")
	switch kind {
	case event.KindUser:
		known["password"] = func(n ast.Node) { r.password(c, n) }
		known["lifecycle"] = func(n ast.Node) { r.lifecycle(s, c, n) }
	case event.KindUnit:
		known["root"] = func(n ast.Node) { c.root = r.insideBase(s, n, "organizational_unit.root") }
		known["on_delete"] = func(n ast.Node) { r.onDelete(c, n) }
	case event.KindGroup:
		known["members"] = func(n ast.Node) { r.members(c, n) }
		known["on_delete"] = func(n ast.Node) { r.removal(s, c, n) }
	}
	r.each(keys, known)
	r.complete(s, c, dnSeen, hasKey(keys, "match"), hasKey(keys, "object_classes"))
	return c
}

func hasKey(keys *ast.MappingNode, name string) bool {
	return slices.ContainsFunc(keys.Values, func(v *ast.MappingValueNode) bool { return v.Key.GetToken().Value == name })
}

// complete finds what a section lacks, and what contradicts itself.
func (r *reader) complete(s *Set, c *section, dn, match, classes bool) {
	if !dn {
		r.problem(c.at, "'dn' is missing: where the entry of a %s is", c.kind)
	}
	if !match {
		r.problem(c.at, "'match' is missing: how an entry is found that is not linked yet")
	}
	if !classes {
		r.problem(c.at, "'object_classes' is missing")
	}
	if c.kind == event.KindUnit && c.root.Empty() && !s.base.Empty() {
		c.root = s.base
	}
	if c.dn == nil {
		return
	}
	if c.dn.tail == tailLiteral && !s.base.Empty() {
		if !c.dn.literalTail().Within(s.base) {
			r.problem(c.dn.source.at, "the DN lies outside the base %s, where nothing is ever written", s.base)
		}
	}
	for _, name := range c.dn.names() {
		i := slices.IndexFunc(c.attributes, func(a attributeRule) bool { return strings.EqualFold(a.name, name) })
		if i >= 0 && c.attributes[i].authority == plan.Merge {
			r.problem(c.attributes[i].at, "%s names the entry and cannot have authority merge", name)
		}
	}
}

// literalTail returns the RDNs at the end of the template that hold no expression.
func (t *dnTemplate) literalTail() plan.DN {
	var dn plan.DN
	for i := len(t.rdns) - 1; i >= 0; i-- {
		var rdn plan.RDN
		for _, ava := range t.rdns[i] {
			if len(ava.pieces) != 1 || ava.pieces[0].expr != nil {
				return dn
			}
			rdn = append(rdn, plan.AVA{Type: ava.name, Value: ava.pieces[0].literal})
		}
		dn = dn.Child(rdn)
	}
	return dn
}

func (r *reader) words(n ast.Node, what string) []string {
	var out []string
	for _, s := range r.scalars(n, what) {
		if !isAttributeName(s.text) {
			r.problem(s.at, "%q is no name of an attribute or object class", s.text)
			continue
		}
		out = append(out, s.text)
	}
	return out
}

func (r *reader) matches(n ast.Node, kind event.Kind) []*filterTemplate {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		r.problem(r.at(n), "match is a list of rules, as in [ { attribute: employeeNumber, value: user.id } ]")
		return nil
	}
	var out []*filterTemplate
	for _, item := range list.Values {
		keys := r.keys(item, "a match rule")
		var attribute, value, filter *scalar
		adopt := false
		take := func(into **scalar, what string) func(ast.Node) {
			return func(n ast.Node) {
				if s, ok := r.scalar(n, what); ok {
					*into = &s
				}
			}
		}
		before := len(r.errors.List)
		r.each(keys, map[string]func(ast.Node){
			"attribute": take(&attribute, "attribute"),
			"value":     take(&value, "value"),
			"filter":    take(&filter, "filter"),
			"adopt":     func(n ast.Node) { adopt = r.boolean(n, "adopt") },
		})
		var t *filterTemplate
		switch {
		case len(r.errors.List) > before:
			continue
		case filter != nil && attribute == nil && value == nil:
			t = r.filterTemplate(*filter, kind, adopt)
		case filter == nil && attribute != nil && value != nil:
			t = r.equalityFilter(*attribute, *value, kind, adopt)
		default:
			r.problem(r.at(item), "a match rule has either a filter, or an attribute and a value")
		}
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

func (r *reader) attributes(n ast.Node, kind event.Kind) []attributeRule {
	keys := r.keys(n, "attributes")
	if keys == nil {
		return nil
	}
	var out []attributeRule
	seen := map[string]string{}
	for _, entry := range keys.Values {
		name := entry.Key.GetToken().Value
		at := place{entry.Key.GetToken().Position.Line, entry.Key.GetToken().Position.Column}
		folded := strings.ToLower(name)
		switch {
		case !isAttributeName(name):
			r.problem(at, "%q is no attribute name", name)
			continue
		case seen[folded] != "":
			r.problem(at, "%q writes the same attribute as %q", name, seen[folded])
			continue
		case folded == "objectclass":
			r.problem(at, "object classes stand under object_classes")
			continue
		case folded == "userpassword", folded == "unicodepwd":
			r.problem(at, "passwords are written by the password section, never by a rule")
			continue
		case entry.Value == nil || entry.Value.Type() == ast.NullType:
			r.problem(at, "%q has no value", name)
			continue
		}
		seen[folded] = name
		rule := attributeRule{name: name, at: at}
		if r.attribute(&rule, entry.Value, kind) {
			out = append(out, rule)
		}
	}
	return out
}

func (r *reader) attribute(rule *attributeRule, n ast.Node, kind event.Kind) bool {
	before := len(r.errors.List)
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		r.attributeKeys(rule, r.keys(n, "a rule"), kind)
	default:
		if s, ok := r.scalar(n, "a rule"); ok {
			rule.value = r.compileExpression(s, kind, false)
		}
	}
	return len(r.errors.List) == before
}

func (r *reader) attributeKeys(rule *attributeRule, keys *ast.MappingNode, kind event.Kind) {
	expression := func(into **expression, asBool bool) func(ast.Node) {
		return func(n ast.Node) {
			if s, ok := r.scalar(n, "an expression"); ok {
				*into = r.compileExpression(s, kind, asBool)
			}
		}
	}
	sources, authority := 0, ""
	source := func(read func(ast.Node)) func(ast.Node) {
		return func(n ast.Node) {
			sources++
			read(n)
		}
	}
	refKind := event.KindUser
	r.each(keys, map[string]func(ast.Node){
		"value": source(expression(&rule.value, false)),
		"const": source(func(n ast.Node) {
			rule.isConst = true
			for _, s := range r.scalars(n, "const") {
				rule.constant = append(rule.constant, s.text)
			}
		}),
		"reference": source(func(n ast.Node) {
			rule.reference = refKind
			expression(&rule.value, false)(n)
		}),
		"kind": func(n ast.Node) {
			word, _ := r.oneOf(n, "kind", "user", "unit", "group")
			refKind = map[string]event.Kind{"user": event.KindUser, "unit": event.KindUnit, "group": event.KindGroup}[word]
		},
		"allocate": source(func(n ast.Node) { rule.allocate = r.allocate(rule.name, n) }),
		"when":     expression(&rule.when, true),
		"authority": func(n ast.Node) {
			authority, _ = r.oneOf(n, "authority", "managed", "initial", "merge")
		},
		"on_empty": func(n ast.Node) {
			word, _ := r.oneOf(n, "on_empty", "remove", "keep")
			rule.keepEmpty = word == "keep"
		},
	})
	if rule.reference != "" {
		rule.reference = refKind
	}
	if sources != 1 {
		r.problem(rule.at, "a rule has exactly one of value, const, reference and allocate")
	}
	switch authority {
	case "initial":
		rule.authority = plan.Initial
	case "merge":
		rule.authority = plan.Merge
	}
}

func (r *reader) allocate(name string, n ast.Node) *Number {
	number := &Number{Pool: strings.ToLower(name)}
	var fromOK, toOK bool
	r.each(r.keys(n, "allocate"), map[string]func(ast.Node){
		"from": func(n ast.Node) { number.From, fromOK = r.number(n, "from", 0) },
		"to":   func(n ast.Node) { number.To, toOK = r.number(n, "to", 0) },
	})
	if !fromOK || !toOK || number.To < number.From {
		r.problem(r.at(n), "allocate has a range, as in { from: 20000, to: 60000 }")
	}
	return number
}

func (r *reader) password(c *section, n ast.Node) {
	hashes := map[string]plan.HashMethod{}
	for _, h := range []plan.HashMethod{plan.HashNone, plan.HashCleartext, plan.HashSSHA, plan.HashSSHA256, plan.HashSSHA512, plan.HashArgon2id, plan.HashPBKDF2} {
		hashes[string(h)] = h
	}
	r.each(r.keys(n, "password"), map[string]func(ast.Node){
		"write": func(n ast.Node) {
			word, _ := r.oneOf(n, "password.write", "auto", "never")
			c.password.Write = word != "never"
		},
		"hash": func(n ast.Node) {
			word, ok := r.oneOf(n, "password.hash", slices.Sorted(maps.Keys(hashes))...)
			if ok {
				c.password.Hash = hashes[word]
			}
		},
		"on_create_without": func(n ast.Node) { r.oneOf(n, "password.on_create_without", "none") },
		"must_change":       func(n ast.Node) { c.password.MustChange = r.boolean(n, "password.must_change") },
	})
}

func (r *reader) lifecycle(s *Set, c *section, n ast.Node) {
	r.each(r.keys(n, "lifecycle"), map[string]func(ast.Node){
		"disable": func(n ast.Node) { c.lifecycle.disable = r.means(s, n, "lifecycle.disable") },
		"lock":    func(n ast.Node) { c.lifecycle.lock = r.means(s, n, "lifecycle.lock") },
		"expire":  func(n ast.Node) { c.lifecycle.expire = r.means(s, n, "lifecycle.expire") },
		"delete":  func(n ast.Node) { r.removal(s, c, n) },
	})
}

// means reads how a status is expressed: auto, ignore, or attribute values for when it applies and when not.
func (r *reader) means(s *Set, n ast.Node, what string) plan.Means {
	if _, isKeys := n.(*ast.MappingNode); !isKeys {
		word, _ := r.oneOf(n, what, "auto", "ignore")
		return plan.Means{Auto: word == "auto"}
	}
	var m plan.Means
	values := func(into *[]plan.Rule) func(ast.Node) {
		return func(n ast.Node) {
			keys := r.keys(n, what)
			if keys == nil {
				return
			}
			for _, entry := range keys.Values {
				rule := plan.Rule{Attribute: entry.Key.GetToken().Value}
				if !isAttributeName(rule.Attribute) {
					r.problem(r.at(entry.Key), "%q is no attribute name", rule.Attribute)
					continue
				}
				for _, v := range r.scalars(entry.Value, "a value") {
					rule.Values = append(rule.Values, v.text)
				}
				*into = append(*into, rule)
			}
		}
	}
	r.each(r.keys(n, what), map[string]func(ast.Node){
		"on":   values(&m.On),
		"off":  values(&m.Off),
		"move": func(n ast.Node) { m.MoveTo = r.insideBase(s, n, what+".move") },
	})
	// What is written while it applies goes when it does not, unless the file says what comes instead.
	for _, on := range m.On {
		if !slices.ContainsFunc(m.Off, func(off plan.Rule) bool { return strings.EqualFold(off.Attribute, on.Attribute) }) {
			m.Off = append(m.Off, plan.Rule{Attribute: on.Attribute})
		}
	}
	return m
}

// removal reads what becomes of the entry of an object that is gone.
func (r *reader) removal(s *Set, c *section, n ast.Node) {
	if _, isKeys := n.(*ast.MappingNode); isKeys {
		c.removal.Action = plan.RemoveMove
		r.each(r.keys(n, "delete"), map[string]func(ast.Node){
			"move": func(n ast.Node) { c.removal.MoveTo = r.insideBase(s, n, "delete.move") },
			"purge_after": func(n ast.Node) {
				if v, ok := r.scalar(n, "delete.purge_after"); ok {
					d, err := time.ParseDuration(v.text)
					if err != nil || d <= 0 {
						r.problem(v.at, "delete.purge_after is a duration in hours, such as 2160h for 90 days")
					}
					c.removal.PurgeAfter = d
				}
			},
		})
		if c.removal.MoveTo.Empty() {
			r.problem(r.at(n), "say where to move the entry, as in { move: \"ou=leavers,dc=example,dc=org\" }")
		}
		return
	}
	word, ok := r.oneOf(n, "delete", "delete", "disable", "keep")
	if ok {
		c.removal.Action = plan.RemovalAction(word)
	}
}

func (r *reader) onDelete(c *section, n ast.Node) {
	r.each(r.keys(n, "on_delete"), map[string]func(ast.Node){
		"when_not_empty": func(n ast.Node) {
			word, _ := r.oneOf(n, "on_delete.when_not_empty", "wait", "fail", "move_children", "subtree")
			switch word {
			case "fail":
				c.removal.FailNotEmpty = true
			case "move_children":
				c.removal.Action = plan.RemoveMoveChildren
			case "subtree":
				c.removal.Action = plan.RemoveSubtree
			}
		},
	})
}

func (r *reader) members(c *section, n ast.Node) {
	rule := &MemberRule{}
	r.each(r.keys(n, "members"), map[string]func(ast.Node){
		"attribute": func(n ast.Node) {
			if s, ok := r.scalar(n, "members.attribute"); ok {
				if rule.Attribute = s.text; !isAttributeName(s.text) {
					r.problem(s.at, "%q is no attribute name", s.text)
				}
			}
		},
		"value": func(n ast.Node) {
			if s, ok := r.scalar(n, "members.value"); ok && strings.TrimSpace(s.text) != nameDN {
				rule.value = r.compileExpression(s, event.KindUser, false)
			}
		},
		"placeholder": func(n ast.Node) {
			dn, _ := r.literalDN(n, "members.placeholder")
			rule.Placeholder = dn.String()
		},
	})
	if rule.Attribute == "" {
		r.problem(r.at(n), "members.attribute is missing: member, uniqueMember or memberUid")
	}
	c.members = rule
}

func (r *reader) guards(s *Set, n ast.Node) {
	limit := func(into *Limit, what string) func(ast.Node) {
		return func(n ast.Node) {
			r.each(r.keys(n, what), map[string]func(ast.Node){
				"max": func(n ast.Node) {
					if v, ok := r.number(n, what+".max", 1); ok {
						into.Max = int(v)
					}
				},
				"percent": func(n ast.Node) {
					if v, ok := r.number(n, what+".percent", 1); ok {
						into.Percent = float64(min(v, 100))
					}
				},
				"window": func(n ast.Node) {
					if v, ok := r.scalar(n, what+".window"); ok {
						d, err := time.ParseDuration(v.text)
						if err != nil || d <= 0 {
							r.problem(v.at, "%s.window is a duration, such as 1h or 30m", what)
						}
						into.Window = d
					}
				},
			})
		}
	}
	r.each(r.keys(n, "guards"), map[string]func(ast.Node){
		"deletes":  limit(&s.guards.Deletes, "guards.deletes"),
		"disables": limit(&s.guards.Disables, "guards.disables"),
	})
}
