package mapping

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// attributeRule says where the values of one attribute come from.
type attributeRule struct {
	name     string
	path     string // how messages name the rule, without its section
	at       position
	value    *expression
	constant []string
	// unixNumber: it is the number of a user or group of UNIX.
	unixNumber bool
	isConst    bool
	when       *expression
	authority  plan.Authority
	keepEmpty  bool
	reference  event.Kind // the value is the id of such an object, and its DN is written
	required   bool       // nothing is written of the entry before that object has one
	allocate   *Number
	unique     *uniqueRule
}

// notByRule are attributes that no rule writes, with the reason.
var notByRule = map[string]string{
	"objectclass":  "object classes stand under object_classes",
	"userpassword": "passwords are written by the password section, never by a rule",
	"unicodepwd":   "passwords are written by the password section, never by a rule",
}

func (r *reader) attributes(n ast.Node, in scope) []attributeRule {
	keys := r.keys(n, "attributes")
	if keys == nil {
		return nil
	}
	var out []attributeRule
	var seen []string
	for _, entry := range r.rejoined(keys) {
		name, at := keyName(entry), positionOf(entry.Key.GetToken())
		written, _, _ := strings.Cut(plan.AttributeKey(name), ";")
		other := slices.IndexFunc(seen, func(s string) bool { return plan.SameAttribute(s, name) })
		switch {
		case !isAttributeName(name):
			r.problem(at, "%q is no attribute name", name)
			continue
		case other >= 0:
			r.problem(at, "%q writes the same attribute as %q", name, seen[other])
			continue
		case notByRule[written] != "":
			r.problem(at, "%s", notByRule[written])
			continue
		case isNull(entry.Value):
			r.report(at, "to leave an attribute alone, leave it out", "%q has no value", name)
			continue
		}
		seen = append(seen, name)
		rule := attributeRule{name: name, path: "attributes." + name, at: at, unixNumber: isUnixNumber(name)}
		if r.attribute(&rule, entry.Value, in) {
			out = append(out, rule)
		}
	}
	return out
}

// attribute reads the rule of one attribute: an expression alone, or keys.
func (r *reader) attribute(rule *attributeRule, n ast.Node, in scope) bool {
	before := len(r.errors.List)
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		r.attributeKeys(rule, r.keys(n, "a rule"), in)
	case *ast.SequenceNode:
		r.report(r.at(n), "for fixed values write { const: [...] }, for computed ones an expression in quotes: '[a, b]'", "a rule is one expression")
	default:
		if s, ok := r.scalar(n, "a rule"); ok {
			rule.value = r.expression(s, in, forValues)
		}
	}
	return len(r.errors.List) == before
}

// sources are the keys of a rule that say where values come from.
var sources = []string{"value", "const", "reference", "allocate", "unique"}

func (r *reader) attributeKeys(rule *attributeRule, keys *ast.MappingNode, in scope) {
	value := func(n ast.Node) {
		if s, ok := r.scalar(n, "an expression"); ok {
			rule.value = r.expression(s, in, forValues)
		}
	}
	kind, authority, required := event.KindUser, "", false
	var candidates *expression
	var longest int64
	r.each(keys, map[string]func(ast.Node){
		"value": value,
		"const": func(n ast.Node) {
			rule.isConst = true
			rule.constant = r.constants(n)
			if err := rule.superuserAmong(rule.constant); err != nil {
				r.problem(r.at(n), "%v", err)
			}
		},
		"reference": value,
		"required":  func(n ast.Node) { required = r.boolean(n, "required") },
		"kind": func(n ast.Node) {
			word, _ := r.oneOf(n, "kind", "user", "unit", "group")
			kind = map[string]event.Kind{"user": event.KindUser, "unit": event.KindUnit, "group": event.KindGroup}[word]
		},
		"allocate": func(n ast.Node) { rule.allocate = r.allocate(rule.name, n) },
		"unique": func(n ast.Node) {
			if s, ok := r.scalar(n, "unique"); ok {
				candidates = r.expression(s, in.undecided(), forValues)
			}
		},
		"max_length": func(n ast.Node) { longest, _ = r.number(n, "max_length", 1) },
		"when": func(n ast.Node) {
			if s, ok := r.scalar(n, "an expression"); ok {
				rule.when = r.expression(s, in.undecided(), forCondition)
			}
		},
		"authority": func(n ast.Node) { authority, _ = r.oneOf(n, "authority", "managed", "initial", "merge") },
		"on_empty": func(n ast.Node) {
			word, _ := r.oneOf(n, "on_empty", "remove", "keep")
			rule.keepEmpty = word == "keep"
		},
	})
	given := slices.DeleteFunc(slices.Clone(sources), func(key string) bool { return !hasKey(keys, key) })
	if len(given) != 1 {
		r.problem(rule.at, "a rule has exactly one of %s", list(sources, "and"))
		return
	}
	if candidates != nil {
		rule.unique = &uniqueRule{candidates, int(min(longest, maxText))}
	}
	switch {
	case hasKey(keys, "reference"):
		// What is written when the entry is made, and never again, has to be there by then.
		rule.reference, rule.required = kind, required || authority == "initial" && !hasKey(keys, "required")
	case hasKey(keys, "kind"):
		r.problem(rule.at, "'kind' says of which kind a reference is, and there is none")
	case hasKey(keys, "required"):
		r.problem(rule.at, "'required' says that a reference is waited for, and there is none")
	}
	switch authority {
	case "initial":
		rule.authority = plan.Initial
	case "merge":
		rule.authority = plan.Merge
	}
	r.meaningless(rule, keys, given[0], authority)
}

// meaningless finds keys that say nothing about a rule of this sort.
func (r *reader) meaningless(rule *attributeRule, keys *ast.MappingNode, source, authority string) {
	if hasKey(keys, "max_length") && source != "unique" {
		r.report(rule.at, "truncate(text, n) shortens a value", "'max_length' is for unique")
	}
	if hasKey(keys, "on_empty") && source != "value" && source != "reference" {
		r.problem(rule.at, "'on_empty' has no meaning with %s, which is never empty", source)
	}
	if authority != "" && authority != "initial" && (source == "allocate" || source == "unique") {
		r.problem(rule.at, "what %s decides is decided once, so its authority can only be initial", source)
	}
}

func (r *reader) constants(n ast.Node) []string {
	var out []string
	for _, s := range r.scalars(n, "const") {
		switch {
		case s.text == "":
			r.problem(s.at(), "an attribute has no empty values")
		case slices.Contains(out, s.text):
			r.problem(s.at(), "%q is there twice", s.text)
		default:
			out = append(out, s.text)
		}
	}
	return out
}
