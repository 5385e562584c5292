package mapping

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
)

// matchRule is one way of finding an entry that is not linked yet.
type matchRule struct {
	pieces     []piece
	attributes []string
	adopt      bool
	// byID: the rule asks for the id of the object in IDaaS, so an entry that it finds was written for the object.
	byID bool
	at   position
}

// matches reads the match rules of a section.
func (r *reader) matches(n ast.Node, in scope) []matchRule {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok || len(sequence.Values) == 0 {
		r.problem(r.at(n), "match is a list of rules, as in [ { attribute: employeeNumber, value: %s.id } ]", in.own())
		return nil
	}
	var out []matchRule
	for _, item := range sequence.Values {
		if rule, ok := r.match(item, in); ok {
			out = append(out, rule)
		}
	}
	return out
}

func (r *reader) match(item ast.Node, in scope) (matchRule, bool) {
	keys := r.keys(item, "a match rule")
	if keys == nil {
		return matchRule{}, false
	}
	var attribute, value, filter *scalar
	rule := matchRule{at: r.at(item)}
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
		"adopt":     func(n ast.Node) { rule.adopt = r.boolean(n, "adopt") },
	})
	switch {
	case len(r.errors.List) > before:
	case filter != nil && attribute == nil && value == nil:
		r.filterTemplate(&rule, *filter, in)
	case filter == nil && attribute != nil && value != nil:
		r.equality(&rule, *attribute, *value, in)
	default:
		r.problem(r.at(item), "a match rule has either a filter, or an attribute and a value")
	}
	return rule, len(r.errors.List) == before
}

// filterTemplate reads a template for a filter: every {...} is a value in it, escaped.
func (r *reader) filterTemplate(rule *matchRule, s scalar, in scope) {
	pieces, ok := r.segments(s, in)
	if !ok {
		return
	}
	text, origins := marked(pieces)
	f, err := parseFilter(text)
	var wrong *filterError
	if errors.As(err, &wrong) {
		r.report(s.within(origins[wrong.at]), "write it as in (&(objectClass=person)(uid={user.username}))", "this is no search filter: %s", wrong.reason)
		return
	}
	identifies := func(part string) bool {
		return slices.ContainsFunc(expressionsOf(unmark(part, pieces)), func(e *expression) bool { return readsOwn(e, in) })
	}
	if !f.narrow(identifies) {
		r.report(s.at(), "compare an attribute with a field of the object, as in (employeeNumber={"+in.own()+".id})", "this filter could hit everybody")
		return
	}
	rule.pieces, rule.attributes = pieces, f.attributes()
	rule.byID = f.narrow(func(part string) bool {
		return slices.ContainsFunc(expressionsOf(unmark(part, pieces)), func(e *expression) bool { return readsID(e, in) })
	})
}

// equality makes the filter of a rule with an attribute and a value.
func (r *reader) equality(rule *matchRule, attribute, value scalar, in scope) {
	if !isAttributeName(attribute.text) {
		r.problem(attribute.at(), "%q is no attribute name", attribute.text)
		return
	}
	e := r.expression(value, in, forText)
	if e == nil {
		return
	}
	if !readsOwn(e, in) {
		r.report(value.at(), "compare with a field of the object, such as "+in.own()+".id", "this rule could hit everybody")
		return
	}
	rule.attributes, rule.byID = []string{attribute.text}, readsID(e, in)
	rule.pieces = []piece{{literal: "(" + attribute.text + "="}, {expr: e}, {literal: ")"}}
}

func readsOwn(e *expression, in scope) bool { return readsBelow(e, in.own()) }

// readsID reports whether an expression gives the id of the object: it reads that and no other field.
func readsID(e *expression, in scope) bool {
	return len(e.reads) == 1 && e.reads[0] == in.own()+"."+event.FieldID
}

func readsBelow(e *expression, record string) bool {
	return slices.ContainsFunc(e.reads, func(read string) bool { return strings.HasPrefix(read, record+".") })
}
