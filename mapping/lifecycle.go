package mapping

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

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

// hashes are the forms of a password by their names in the file.
var hashes = []plan.HashMethod{
	plan.HashNone, plan.HashCleartext, plan.HashSSHA, plan.HashSSHA256, plan.HashSSHA512, plan.HashArgon2id, plan.HashPBKDF2,
}

func (r *reader) password(c *section, n ast.Node) {
	names := make([]string, len(hashes))
	for i, h := range hashes {
		names[i] = string(h)
	}
	r.each(r.keys(n, "password"), map[string]func(ast.Node){
		"write": func(n ast.Node) {
			word, _ := r.oneOf(n, "password.write", "auto", "never")
			c.password.Write = word != "never"
		},
		"hash": func(n ast.Node) {
			if word, ok := r.oneOf(n, "password.hash", names...); ok {
				c.password.Hash = plan.HashMethod(word)
			}
		},
		"on_create_without": func(n ast.Node) { r.oneOf(n, "password.on_create_without", "none") },
		"must_change":       func(n ast.Node) { c.password.MustChange = r.boolean(n, "password.must_change") },
	})
}

func (r *reader) lifecycle(s *Set, c *section, n ast.Node) {
	r.each(r.keys(n, "lifecycle"), map[string]func(ast.Node){
		"disable": func(n ast.Node) { c.lifecycle.disable = r.means(s, c, n, "lifecycle.disable") },
		"lock":    func(n ast.Node) { c.lifecycle.lock = r.means(s, c, n, "lifecycle.lock") },
		"expire":  func(n ast.Node) { c.lifecycle.expire = r.means(s, c, n, "lifecycle.expire") },
		"delete":  func(n ast.Node) { r.removal(s, c, n, "lifecycle.delete") },
	})
}

func isKeys(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// means reads how a status is expressed: auto, ignore, a place to keep the entry, or attribute values for when it applies
// and when not.
func (r *reader) means(s *Set, c *section, n ast.Node, what string) plan.Means {
	if !isKeys(n) {
		word, _ := r.oneOf(n, what, "auto", "ignore")
		return plan.Means{Auto: word == "auto"}
	}
	keys := r.keys(n, what)
	var m plan.Means
	r.each(keys, map[string]func(ast.Node){
		"on":   func(n ast.Node) { m.On = r.fixedValues(c, n, what, "on") },
		"off":  func(n ast.Node) { m.Off = r.fixedValues(c, n, what, "off") },
		"move": func(n ast.Node) { m.MoveTo = r.moveTo(s, n, what+".move") },
	})
	if !hasKey(keys, "on") && !hasKey(keys, "move") {
		r.report(r.at(n), "as in { on: { employeeType: disabled }, off: { employeeType: staff } } or { move: \"ou=disabled,{base}\" }",
			"%s is auto, ignore, values of attributes, or a place", what)
	}
	// Whoever is moved can still log in under the new DN, unless the server keeps the user out as well.
	if !hasKey(keys, "on") {
		m.Auto, m.IfAny = true, true
	}
	// What is written while it applies goes when it does not, unless the file says what comes instead.
	for _, on := range m.On {
		if !slices.ContainsFunc(m.Off, func(off plan.Rule) bool { return strings.EqualFold(off.Attribute, on.Attribute) }) {
			m.Off = append(m.Off, plan.Rule{Attribute: on.Attribute})
		}
	}
	return m
}

// fixedValues reads attributes with the values that they have, none for an attribute that is to be absent.
func (r *reader) fixedValues(c *section, n ast.Node, part, when string) []plan.Rule {
	keys := r.keys(n, part+"."+when)
	if keys == nil {
		return nil
	}
	var out []plan.Rule
	for _, entry := range keys.Values {
		name, at := keyName(entry), positionOf(entry.Key.GetToken())
		switch {
		case !isAttributeName(name):
			r.problem(at, "%q is no attribute name", name)
			continue
		case notByRule[strings.ToLower(name)] != "":
			r.problem(at, "%s", notByRule[strings.ToLower(name)])
			continue
		}
		rule := plan.Rule{Attribute: name}
		if !isNull(entry.Value) {
			for _, v := range r.scalars(entry.Value, "a value") {
				rule.Values = append(rule.Values, v.text)
			}
		}
		c.status = append(c.status, writer{name, part, at, rule.Values})
		out = append(out, rule)
	}
	return out
}

func (r *reader) moveTo(s *Set, n ast.Node, what string) plan.DN {
	v, ok := r.scalar(n, what)
	if !ok {
		return nil
	}
	dn := r.insideBase(v, s.base, what)
	if !dn.Empty() {
		s.kept = append(s.kept, Place{DN: dn, What: what, at: v.at()})
	}
	return dn
}

// removal reads what becomes of the entry of a user or group that is gone.
func (r *reader) removal(s *Set, c *section, n ast.Node, what string) {
	if isKeys(n) {
		r.graveyard(s, c, n, what)
		return
	}
	words := []string{string(plan.RemoveDelete), string(plan.RemoveKeep)}
	if c.kind == event.KindUser {
		words = append(words, string(plan.RemoveDisable))
	}
	if word, ok := r.oneOf(n, what, words...); ok {
		c.removal.Action = plan.RemovalAction(word)
	}
}

// graveyard reads where entries are kept whose object is gone.
func (r *reader) graveyard(s *Set, c *section, n ast.Node, what string) {
	keys := r.keys(n, what)
	c.removal.Action = plan.RemoveMove
	r.each(keys, map[string]func(ast.Node){
		"move": func(n ast.Node) { c.removal.MoveTo = r.moveTo(s, n, what+".move") },
		"purge_after": func(n ast.Node) {
			c.removal.PurgeAfter = r.duration(n, what+".purge_after", "2160h for 90 days")
		},
		"rename": func(n ast.Node) {
			if v, ok := r.scalar(n, what+".rename"); ok {
				c.renames = &v
			}
		},
	})
	if !hasKey(keys, "move") {
		r.report(r.at(n), "as in { move: \"ou=leavers,{base}\" }", "%s does not say where the entry is moved", what)
	}
}

func (r *reader) duration(n ast.Node, what, example string) time.Duration {
	v, ok := r.scalar(n, what)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(v.text)
	if err != nil || d <= 0 {
		r.problem(v.at(), "%s is a duration in h, m and s, such as %s", what, example)
	}
	return d
}

// notEmpty reads what becomes of an entry that is to be deleted and has others below it.
func (r *reader) notEmpty(c *section, n ast.Node, words ...string) {
	r.each(r.keys(n, "on_delete"), map[string]func(ast.Node){
		"when_not_empty": func(n ast.Node) {
			word, _ := r.oneOf(n, "on_delete.when_not_empty", words...)
			switch word {
			case "fail":
				c.removal.FailNotEmpty = true
			case "move_children":
				c.removal.Action = plan.RemoveMoveChildren
			case "subtree":
				c.removal.Subtree = true
			}
		},
	})
}
