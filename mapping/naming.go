package mapping

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// alwaysThere are the fields without which there is no object.
var alwaysThere = map[event.Kind][]string{
	event.KindUser:  {event.FieldID, event.FieldUsername},
	event.KindUnit:  {event.FieldID, event.FieldName},
	event.KindGroup: {event.FieldID, event.FieldName},
}

// keepsText are the functions that make text of text.
var keepsText = []string{"lower", "upper", "trim", "normalize", "transliterate", "pinyin", "pinyinName", "text", "familyName", "loginName"}

// neverEmpty reports whether an expression gives a text for every object, as far as its form tells.
func neverEmpty(n ast.Node, in scope) bool {
	both := func(a, b ast.Node) bool { return neverEmpty(a, in) && neverEmpty(b, in) }
	switch n := n.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(n.Value) != ""
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return true
	case *ast.ChainNode:
		return neverEmpty(n.Node, in)
	case *ast.ConditionalNode:
		return both(n.Exp1, n.Exp2)
	case *ast.VariableDeclaratorNode:
		return neverEmpty(n.Expr, in)
	case *ast.ArrayNode:
		return slices.ContainsFunc(n.Nodes, func(item ast.Node) bool { return neverEmpty(item, in) })
	case *ast.BinaryNode:
		switch n.Operator {
		case "??":
			return neverEmpty(n.Left, in) || neverEmpty(n.Right, in)
		case "+":
			return both(n.Left, n.Right)
		}
	case *ast.MemberNode:
		record, field := plainField(n, in)
		return record == nameEntry || slices.Contains(in.alwaysThere(record), field)
	case *ast.CallNode:
		return callNeverEmpty(n, in)
	}
	return false
}

func callNeverEmpty(n *ast.CallNode, in scope) bool {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	switch {
	case !ok:
		return false
	case callee.Value == "fail", callee.Value == "skip": // There is no result to be empty.
		return true
	case len(n.Arguments) == 0:
		return false
	}
	return slices.Contains(keepsText, callee.Value) && neverEmpty(n.Arguments[0], in)
}

// alwaysThere returns the fields of a record that are never empty.
func (s scope) alwaysThere(record string) []string {
	switch record {
	case "":
		return nil
	case s.own():
		return alwaysThere[s.kind]
	case s.aboveName():
		return alwaysThere[event.KindUnit]
	}
	return nil
}

// checkNames finds templates that can give an empty name.
func (r *reader) checkNames(c *section) {
	for _, rdn := range c.dn.rdns {
		for _, ava := range rdn {
			solid := slices.ContainsFunc(ava.pieces, func(p piece) bool {
				return p.expr == nil && strings.TrimSpace(p.literal) != "" || p.expr != nil && p.expr.neverEmpty
			})
			if !solid {
				r.canBeEmpty(c, ava)
			}
		}
	}
	for _, e := range c.dn.expressions() {
		for _, read := range e.reads {
			if attribute, ok := strings.CutPrefix(read, nameEntry+"."); ok {
				r.checkDecided(c, attribute)
			}
		}
	}
}

func (r *reader) canBeEmpty(c *section, ava templateAVA) {
	at, hint := c.dn.at, ""
	if all := expressionsOf(ava.pieces); len(all) > 0 {
		at = all[0].at
		hint = "give it something else to fall back to, as in {" + all[0].canonical + " ?? " + c.in.own() + "." + alwaysThere[c.kind][1] + "}"
	}
	r.report(at, hint, "%s would be empty for some, and an entry needs a name", ava.name)
}

// checkDecided finds what makes a decided value that the DN needs absent.
func (r *reader) checkDecided(c *section, attribute string) {
	i := slices.IndexFunc(c.attributes, func(a attributeRule) bool { return a.name == attribute })
	if i < 0 {
		return
	}
	rule := c.attributes[i]
	if rule.when != nil {
		r.problem(rule.when.at, "the DN needs %s.%s, so its rule cannot depend on a condition", nameEntry, attribute)
	}
	if rule.unique != nil && !rule.unique.candidates.neverEmpty {
		r.report(rule.unique.candidates.at, "give it something else to fall back to, such as "+c.in.own()+"."+alwaysThere[c.kind][1],
			"the DN needs %s.%s, and this would be empty for some", nameEntry, attribute)
	}
}

// checkNaming finds rules that give the attribute by which an entry is named another value than its name: it would have
// both.
func (r *reader) checkNaming(c *section) {
	for _, ava := range c.dn.rdns[0] {
		i := slices.IndexFunc(c.attributes, func(a attributeRule) bool { return plan.SameAttribute(a.name, ava.name) })
		if i < 0 {
			continue
		}
		rule := c.attributes[i]
		switch {
		case rule.authority != plan.Managed && !rule.decides():
			r.problem(rule.at, "%s names the entry, so its authority can only be managed", ava.name)
		case rule.decides() && !ava.reads(nameEntry+"."+rule.name):
			r.report(c.dn.at, "write "+ava.name+"={"+nameEntry+"."+rule.name+"}", "%s names the entry and is decided by its rule, so the name has to come from there", ava.name)
		case !rule.decides() && !rule.gives(ava):
			r.report(rule.at, "write the same in both, name all values in one rule, as in '["+ava.expression()+", ...]', or leave the rule out",
				"%s names the entry and is %s there, so the entry would have both values", ava.name, ava.expression())
		}
	}
}

func (a templateAVA) reads(name string) bool {
	return slices.ContainsFunc(expressionsOf(a.pieces), func(e *expression) bool { return slices.Contains(e.reads, name) })
}

// expression returns the value of a template as an expression.
func (a templateAVA) expression() string {
	parts := make([]string, len(a.pieces))
	for i, p := range a.pieces {
		parts[i] = (&ast.StringNode{Value: p.literal}).String()
		if p.expr != nil {
			parts[i] = p.expr.canonical
		}
	}
	return strings.Join(parts, " + ")
}

// gives reports whether the values of a rule are the one that names the entry, or have it among them. Letter case and
// spaces make no other name.
func (a attributeRule) gives(ava templateAVA) bool {
	if a.isConst {
		return len(ava.pieces) == 1 && slices.ContainsFunc(a.constant, func(v string) bool { return strings.EqualFold(v, ava.pieces[0].literal) })
	}
	if a.value == nil || a.reference != "" {
		return false
	}
	name := sameName(ava.expression())
	return sameName(a.value.canonical) == name || slices.ContainsFunc(a.value.items, func(item string) bool { return sameName(item) == name })
}

// sameName takes functions off an expression whose result names the same.
func sameName(text string) string {
	for _, function := range []string{"lower", "upper", "trim", "normalize"} {
		if inner, ok := strings.CutPrefix(text, function+"("); ok && strings.HasSuffix(inner, ")") && strings.Count(inner, "(") < 1 {
			return strings.TrimSuffix(inner, ")")
		}
	}
	return text
}
