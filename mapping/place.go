package mapping

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// tail says which DN a template ends in.
type tail int

const (
	tailLiteral tail = iota
	tailAbove        // the unit above
	tailBase
)

// dnTemplate is a template for a DN: names with values from expressions, below a literal DN, the unit above or the base.
// What an expression gives is always one value, never structure.
type dnTemplate struct {
	at   position
	rdns []templateRDN
	tail tail
}

type templateRDN []templateAVA

type templateAVA struct {
	name   string
	pieces []piece
}

// dnTemplate reads a template for a DN.
func (r *reader) dnTemplate(s scalar, in scope) *dnTemplate {
	pieces, ok := r.segments(s, in)
	if !ok {
		return nil
	}
	t := &dnTemplate{at: s.at()}
	if n := len(pieces); n > 0 && pieces[n-1].expr != nil {
		if t.tail = tailOf(pieces[n-1].expr, in); t.tail != tailLiteral {
			pieces = pieces[:n-1]
		}
	}
	for _, e := range expressionsOf(pieces) {
		if read := readsDN(e); read != "" {
			r.report(e.at, "write it as in \"ou={ou.name},{parent.dn}\"", "%s is a DN, and a DN can only stand at the end, after a comma", read)
			return nil
		}
	}
	text, _ := marked(pieces)
	if t.tail != tailLiteral {
		cut, found := strings.CutSuffix(strings.TrimRight(text, " "), ",")
		if !found {
			r.report(s.at(), "write it as in \"uid={user.username},{ou.dn}\"", "a name and a comma are missing before the DN at the end")
			return nil
		}
		text = cut
	}
	dn, err := plan.ParseDN(text)
	if err != nil || dn.Empty() {
		r.report(s.at(), "write it as in \"uid={user.username},ou=people,dc=example,dc=org\"", "this is no DN: %v", reason(err))
		return nil
	}
	for _, rdn := range dn {
		var out templateRDN
		for _, ava := range rdn {
			value := unmark(ava.Value, pieces)
			if len(value) == 0 {
				r.problem(s.at(), "%s has no value, and no part of a DN may be empty", ava.Type)
				return nil
			}
			out = append(out, templateAVA{name: ava.Type, pieces: value})
		}
		t.rdns = append(t.rdns, out)
	}
	return t
}

// tailOf recognises the expressions that stand for a whole DN.
func tailOf(e *expression, in scope) tail {
	switch {
	case e.field == nameDN && e.record == in.aboveName():
		return tailAbove
	case strings.TrimSpace(e.source.text) == nameBase:
		return tailBase
	}
	return tailLiteral
}

// readsDN returns the DN that an expression reads, empty if it reads none.
func readsDN(e *expression) string {
	i := slices.IndexFunc(e.reads, func(read string) bool {
		return read == nameDN || read == nameBase || strings.HasSuffix(read, "."+nameDN) && strings.Count(read, ".") == 1
	})
	if i < 0 {
		return ""
	}
	return e.reads[i]
}

// reason drops the text that could not be parsed, which is in the excerpt, from the parser's error.
func reason(err error) error {
	if err == nil {
		return errors.New("it is empty")
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// checkPlace finds templates that lead outside the base, or give everybody the same DN.
func (r *reader) checkPlace(t *dnTemplate, base plan.DN, in scope) {
	own := func(e *expression) bool { return readsOwn(e, in) || readsBelow(e, nameEntry) }
	if !slices.ContainsFunc(t.rdns[0], func(ava templateAVA) bool { return slices.ContainsFunc(expressionsOf(ava.pieces), own) }) {
		example := "{" + in.own() + ".name}"
		if in.kind == event.KindUser {
			example = "{user.username}"
		}
		r.report(t.at, "put a field into its first part, such as "+example, "every %s would have the same DN", kindName(in.kind))
	}
	if base.Empty() || t.tail != tailLiteral {
		return
	}
	if literal := t.literalEnd(); !literal.Within(base) || len(t.rdns) == len(base) {
		r.problem(t.at, "the DN lies outside the base %s, where nothing is ever written", base)
	}
}

// literalEnd returns the part of a DN at its end that holds no expression.
func (t *dnTemplate) literalEnd() plan.DN {
	var dn plan.DN
	for _, rdn := range slices.Backward(t.rdns) {
		var literal plan.RDN
		for _, ava := range rdn {
			if len(ava.pieces) != 1 || ava.pieces[0].expr != nil {
				return dn
			}
			literal = append(literal, plan.AVA{Type: ava.name, Value: ava.pieces[0].literal})
		}
		dn = dn.Child(literal)
	}
	return dn
}

// names returns the attributes that name the entry.
func (t *dnTemplate) names() []string {
	var out []string
	for _, ava := range t.rdns[0] {
		out = append(out, ava.name)
	}
	return out
}

func (t *dnTemplate) expressions() []*expression {
	var out []*expression
	for _, rdn := range t.rdns {
		for _, ava := range rdn {
			out = append(out, expressionsOf(ava.pieces)...)
		}
	}
	return out
}

// literalDN reads a DN without expressions.
func (r *reader) literalDN(s scalar, what string) plan.DN {
	if r.hasBrace(s, s.text, what) {
		return nil
	}
	dn, err := plan.ParseDN(s.text)
	if err != nil || dn.Empty() {
		r.report(s.at(), "write it as in dc=example,dc=org", "%s is a DN, and this is none: %v", what, reason(err))
		return nil
	}
	return dn
}

// insideBase reads a DN that has to be within the base. It may end in {base}, or be that.
func (r *reader) insideBase(s scalar, base plan.DN, what string) plan.DN {
	if strings.TrimSpace(s.text) == "{"+nameBase+"}" {
		return base
	}
	text, below := strings.CutSuffix(strings.TrimSpace(s.text), ",{base}")
	if !below {
		dn := r.literalDN(s, what)
		if !dn.Empty() && !base.Empty() && !dn.Within(base) {
			r.problem(s.at(), "%s lies outside the base %s, where nothing is ever written", what, base)
		}
		return dn
	}
	if r.hasBrace(s, text, what) {
		return nil
	}
	dn, err := plan.ParseDN(text)
	if err != nil {
		r.problem(s.at(), "%s is a DN, and this is none: %v", what, reason(err))
		return nil
	}
	return slices.Concat(dn, base)
}

// hasBrace reports an expression in a DN that is to be the same for everybody.
func (r *reader) hasBrace(s scalar, text, what string) bool {
	at := strings.IndexAny(text, "{}")
	if at < 0 {
		return false
	}
	r.report(s.within(utf8.RuneCountInString(text[:at])), `{base} may stand at its end; a brace that is meant is \7b or \7d`, "%s is the same for everybody, so no field can stand in it", what)
	return true
}
