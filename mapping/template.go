package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// piece is a part of a template: literal text, or an expression.
type piece struct {
	literal string
	expr    *expression
}

// segments splits a template into literal text and the expressions in braces. Braces and quotes inside an expression are
// understood.
func (r *reader) segments(s scalar, kind event.Kind) (pieces []piece, ok bool) {
	letters := []rune(s.text)
	start := 0
	for i := 0; i < len(letters); i++ {
		switch letters[i] {
		case '}':
			r.problem(place{s.at.line, s.at.column + i}, "a } without a { before it")
			return nil, false
		case '{':
			end := closingBrace(letters, i)
			if end < 0 {
				r.problem(place{s.at.line, s.at.column + i}, "a { without a } after it")
				return nil, false
			}
			if i > start {
				pieces = append(pieces, piece{literal: string(letters[start:i])})
			}
			inner := scalar{text: string(letters[i+1 : end]), at: place{s.at.line, s.at.column + i + 1}, indent: s.indent}
			e := r.compileExpression(inner, kind, false)
			if e == nil {
				return nil, false
			}
			pieces = append(pieces, piece{expr: e})
			i, start = end, end+1
		}
	}
	if start < len(letters) {
		pieces = append(pieces, piece{literal: string(letters[start:])})
	}
	return pieces, true
}

// closingBrace returns the index of the brace that closes the one at open, -1 if there is none.
func closingBrace(letters []rune, open int) int {
	depth, quote := 0, rune(0)
	for i := open; i < len(letters); i++ {
		c := letters[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// Marks stand for expressions while the literal rest of a template is parsed. They are characters for private use, which
// are refused in the literal text.
const (
	markOpen  = '\ue000'
	markClose = '\ue001'
)

func mark(i int) string { return string(markOpen) + strconv.Itoa(i) + string(markClose) }

// marked joins pieces with marks in the place of expressions.
func marked(pieces []piece) (string, bool) {
	var b strings.Builder
	for i, p := range pieces {
		if p.expr != nil {
			b.WriteString(mark(i))
			continue
		}
		if strings.ContainsRune(p.literal, markOpen) || strings.ContainsRune(p.literal, markClose) {
			return "", false
		}
		b.WriteString(p.literal)
	}
	return b.String(), true
}

// unmark splits a text with marks into pieces.
func unmark(text string, pieces []piece) []piece {
	var out []piece
	for text != "" {
		open := strings.IndexRune(text, markOpen)
		if open < 0 {
			return append(out, piece{literal: text})
		}
		if open > 0 {
			out = append(out, piece{literal: text[:open]})
		}
		end := strings.IndexRune(text, markClose)
		i, _ := strconv.Atoi(text[open+utf8.RuneLen(markOpen) : end])
		out = append(out, pieces[i])
		text = text[end+utf8.RuneLen(markClose):]
	}
	return out
}

// tail says which DN a template ends in.
type tail int

const (
	tailLiteral tail = iota
	tailAbove        // the unit above
	tailBase
)

// dnTemplate is a template for a DN: names with values from expressions, below a literal DN, the unit above or the base.
type dnTemplate struct {
	source scalar
	rdns   []templateRDN
	tail   tail
}

type templateRDN []templateAVA

type templateAVA struct {
	name   string
	pieces []piece
}

// dnTemplate reads a template for a DN.
func (r *reader) dnTemplate(s scalar, kind event.Kind) *dnTemplate {
	pieces, ok := r.segments(s, kind)
	if !ok {
		return nil
	}
	t := &dnTemplate{source: s}
	if n := len(pieces); n > 0 && pieces[n-1].expr != nil {
		switch strings.ReplaceAll(pieces[n-1].expr.source.text, " ", "") {
		case aboveName(kind) + ".dn":
			t.tail, pieces = tailAbove, pieces[:n-1]
		case nameBase:
			t.tail, pieces = tailBase, pieces[:n-1]
		}
	}
	for _, p := range pieces {
		if p.expr != nil && strings.HasSuffix(strings.TrimSpace(p.expr.source.text), ".dn") {
			r.problem(p.expr.source.at, "a DN can only stand at the end, after a comma")
			return nil
		}
	}
	text, ok := marked(pieces)
	if !ok {
		r.problem(s.at, "the template holds a character that is for private use")
		return nil
	}
	if t.tail != tailLiteral {
		if !strings.HasSuffix(strings.TrimRight(text, " "), ",") {
			r.problem(s.at, "a comma is missing before the DN at the end")
			return nil
		}
		text = strings.TrimSuffix(strings.TrimRight(text, " "), ",")
	}
	dn, err := plan.ParseDN(text)
	if err != nil || dn.Empty() {
		r.problem(s.at, "this is no DN: write it as in \"uid={user.username},ou=people,dc=example,dc=org\" (%v)", withoutMarks(err))
		return nil
	}
	for _, rdn := range dn {
		var out templateRDN
		for _, ava := range rdn {
			value := unmark(ava.Value, pieces)
			if len(value) == 0 {
				r.problem(s.at, "%s has no value; an RDN may not be empty", ava.Type)
				return nil
			}
			out = append(out, templateAVA{name: ava.Type, pieces: value})
		}
		t.rdns = append(t.rdns, out)
	}
	return t
}

func withoutMarks(err error) string {
	if err == nil {
		return "it is empty"
	}
	return strings.Map(func(c rune) rune {
		if c == markOpen || c == markClose {
			return -1
		}
		return c
	}, err.Error())
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
			for _, p := range ava.pieces {
				if p.expr != nil {
					out = append(out, p.expr)
				}
			}
		}
	}
	return out
}

// filterTemplate is a template for a search filter (RFC 4515).
type filterTemplate struct {
	source scalar
	pieces []piece
	adopt  bool
}

// filterTemplate reads a template for a filter.
func (r *reader) filterTemplate(s scalar, kind event.Kind, adopt bool) *filterTemplate {
	pieces, ok := r.segments(s, kind)
	if !ok {
		return nil
	}
	probe := ""
	narrow := false
	for _, p := range pieces {
		if p.expr != nil {
			narrow = narrow || !insideNot(probe)
			probe += "x"
		} else {
			probe += p.literal
		}
	}
	if _, err := ldap.CompileFilter(probe); err != nil {
		r.problem(s.at, "this is no search filter: %v", err)
		return nil
	}
	if !narrow {
		r.problem(s.at, "this filter could hit everybody; compare an attribute with a value of the object, as in \"(employeeNumber={user.id})\"")
		return nil
	}
	return &filterTemplate{source: s, pieces: pieces, adopt: adopt}
}

// insideNot reports whether the end of a beginning of a filter lies inside a negation.
func insideNot(beginning string) bool {
	var negated []bool
	for i := 0; i < len(beginning); i++ {
		switch beginning[i] {
		case '(':
			outer := len(negated) > 0 && negated[len(negated)-1]
			negated = append(negated, outer || i+1 < len(beginning) && beginning[i+1] == '!')
		case ')':
			if len(negated) > 0 {
				negated = negated[:len(negated)-1]
			}
		}
	}
	return len(negated) > 0 && negated[len(negated)-1]
}

// equalityFilter makes the filter of a match rule with an attribute and a value.
func (r *reader) equalityFilter(attribute, value scalar, kind event.Kind, adopt bool) *filterTemplate {
	if !isAttributeName(attribute.text) {
		r.problem(attribute.at, "%q is no attribute name", attribute.text)
		return nil
	}
	e := r.compileExpression(value, kind, false)
	if e == nil {
		return nil
	}
	if len(e.reads) == 0 {
		r.problem(value.at, "this rule could hit everybody; compare with a value of the object, such as user.id")
		return nil
	}
	return &filterTemplate{source: value, adopt: adopt, pieces: []piece{
		{literal: "(" + attribute.text + "="}, {expr: e}, {literal: ")"},
	}}
}

func isAttributeName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '-' && c != ';' && c != '.' {
			return false
		}
	}
	return s != ""
}

// escapeFilter escapes a value for a filter (RFC 4515 section 3).
func escapeFilter(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case '*', '(', ')', '\\', 0:
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
