package mapping

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reader reads the YAML of one file and collects everything that is wrong with it.
type reader struct {
	file   string
	lines  []string
	errors Errors
	// expressions is how many there were so far.
	expressions int
}

// position is where something stands in the file, counted from 1 and in characters.
type position struct{ line, column int }

func newReader(file string, source []byte) *reader {
	// YAML has three ways to end a line (YAML 1.2 section 5.4).
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(source))
	return &reader{file: file, lines: strings.Split(text, "\n")}
}

// root parses the source and returns its top-level keys, nil where it is not a YAML mapping.
func (r *reader) root(source []byte) *ast.MappingNode {
	body := r.body(source, "start with 'version: 1' and 'base:'", "a mapping")
	if body == nil {
		return nil
	}
	return r.keys(body, "a mapping file")
}

// body parses the source and returns its one document, nil where there is none. Start says how to begin, what names the file.
func (r *reader) body(source []byte, start, what string) ast.Node {
	if !r.acceptable(source, what) {
		return nil
	}
	// The library counts lines that end in two characters twice here and there.
	file, err := parseYAML([]byte(strings.Join(r.lines, "\n")))
	if err != nil {
		r.notYAML(err)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		r.report(position{}, start, "the file is empty")
		return nil
	}
	if len(file.Docs) > 1 {
		at := position{1, 1}
		if body := file.Docs[1].Body; body != nil {
			at = r.at(body)
		}
		r.problem(at, "a second document begins here; %s is one document", what)
		return nil
	}
	return file.Docs[0].Body
}

// parseYAML turns a panic of the parser into an error.
func parseYAML(source []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return parser.ParseBytes(source, 0, parser.AllowDuplicateMapKey()) //nolint:wrapcheck // The caller gives it its position.
}

func (r *reader) notYAML(err error) {
	var broken yaml.Error
	if !errors.As(err, &broken) || broken.GetToken() == nil {
		r.problem(position{}, "this is not YAML: %v", err)
		return
	}
	at := position{broken.GetToken().Position.Line, broken.GetToken().Position.Column}
	hint := ""
	if at.line <= len(r.lines) && strings.ContainsAny(r.lines[at.line-1], `?@{"`+"`") {
		hint = "an expression or template with ': ', ' #', quotes, or { at its beginning goes in quotes"
	}
	r.report(at, hint, "this is not YAML: %s", broken.GetMessage())
}

func (r *reader) problem(at position, format string, args ...any) { r.report(at, "", format, args...) }

// report adds a problem with a hint.
func (r *reader) report(at position, hint, format string, args ...any) {
	p := Problem{File: r.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...), Hint: hint}
	if at.line >= 1 && at.line <= len(r.lines) {
		p.Excerpt = excerpt(r.lines[at.line-1], at)
	}
	r.errors.List = append(r.errors.List, p)
}

// excerpt shows a line, or what fits around the position, with a mark below it.
func excerpt(line string, at position) string {
	const before, width = 60, 110
	letters := []rune(strings.ReplaceAll(line, "\t", " "))
	column := min(at.column-1, len(letters))
	start := 0
	if column > width-20 {
		start = column - before
	}
	shown := letters[start:min(len(letters), start+width)]
	text := string(shown)
	if start > 0 {
		text = "…" + string(shown[1:])
	}
	if start+width < len(letters) {
		text += "…"
	}
	number := fmt.Sprintf("%5d", at.line)
	return fmt.Sprintf("%s | %s\n%s | %s^", number, text, strings.Repeat(" ", len(number)), markSpace(shown[:max(0, column-start)]))
}

// markSpace returns as much space as letters take on a terminal, where Chinese ones are two columns wide.
func markSpace(letters []rune) string {
	var b strings.Builder
	for _, c := range letters {
		b.WriteByte(' ')
		if c >= 0x1100 && (c <= 0x115f || c >= 0x2e80 && c <= 0xa4cf || c >= 0xac00 && c <= 0xd7a3 || c >= 0xf900 && c <= 0xfaff ||
			c >= 0xfe30 && c <= 0xfe6f || c >= 0xff00 && c <= 0xff60 || c >= 0xffe0 && c <= 0xffe6 || c >= 0x20000) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func (r *reader) at(n ast.Node) position {
	tk := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		tk = m.Values[0].Key.GetToken()
	}
	return positionOf(tk)
}

func positionOf(tk *token.Token) position { return position{tk.Position.Line, tk.Position.Column} }

// keys returns a node as keys with values, nil with a problem where it is something else.
func (r *reader) keys(n ast.Node, what string) *ast.MappingNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n
	case *ast.MappingValueNode:
		return &ast.MappingNode{BaseNode: n.BaseNode, Start: n.Start, Values: []*ast.MappingValueNode{n}}
	}
	r.problem(r.at(n), "%s is written as keys with values", what)
	return nil
}

// each calls the function of every key, and reports keys that are unknown, there twice or without a value.
func (r *reader) each(n *ast.MappingNode, known map[string]func(ast.Node)) {
	if n == nil {
		return
	}
	seen := map[string]bool{}
	for _, entry := range r.rejoined(n) {
		name, at := keyName(entry), positionOf(entry.Key.GetToken())
		read, ok := known[name]
		switch {
		case !ok:
			r.report(at, didYouMean(name, sortedKeys(known)), "there is no %q here", name)
		case seen[name]:
			r.problem(at, "%q is there twice", name)
		case isNull(entry.Value):
			r.problem(at, "%q has no value", name)
		default:
			read(entry.Value)
		}
		seen[name] = true
	}
}

func keyName(entry *ast.MappingValueNode) string { return entry.Key.GetToken().Value }

func isNull(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

func hasKey(keys *ast.MappingNode, name string) bool {
	for _, v := range keys.Values {
		if keyName(v) == name {
			return true
		}
	}
	return false
}

// rejoined returns the entries of keys in braces, with expressions put together again that YAML has split at the commas
// of their arguments: { value: e164(user.phoneRegion, user.phoneNumber), when: ... }.
func (r *reader) rejoined(n *ast.MappingNode) []*ast.MappingValueNode {
	if !n.IsFlowStyle {
		return n.Values
	}
	var out []*ast.MappingValueNode
	for i := 0; i < len(n.Values); i++ {
		entry := n.Values[i]
		value, ok := entry.Value.(*ast.StringNode)
		if !ok || value.Token.Type != token.StringType || openParentheses(value.Value) <= 0 {
			out = append(out, entry)
			continue
		}
		last := i
		for j := i + 1; j < len(n.Values) && isImplicitNull(n.Values[j]); j++ {
			if text, ok := r.between(value.Token, n.Values[j].Key.GetToken()); ok && openParentheses(text) == 0 {
				joined := *value
				joined.Value = text
				whole := *entry
				whole.Value = &joined
				entry, last = &whole, j
				break
			}
		}
		out = append(out, entry)
		i = last
	}
	return out
}

func isImplicitNull(entry *ast.MappingValueNode) bool {
	null, ok := entry.Value.(*ast.NullNode)
	return ok && null.Token.Type == token.ImplicitNullType
}

// between returns the text of one line from the beginning of a token to the end of another.
func (r *reader) between(from, to *token.Token) (string, bool) {
	a, b := positionOf(from), positionOf(to)
	if a.line != b.line || to.Type != token.StringType {
		return "", false
	}
	letters := []rune(r.lines[a.line-1])
	end := b.column - 1 + utf8.RuneCountInString(to.Value)
	if a.column < 1 || end > len(letters) || a.column-1 > end {
		return "", false
	}
	return string(letters[a.column-1 : end]), true
}

func openParentheses(text string) int { return strings.Count(text, "(") - strings.Count(text, ")") }
