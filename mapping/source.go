package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reader reads the YAML of one file and collects what is wrong with it.
type reader struct {
	file   string
	lines  []string
	errors Errors
}

// place is where something stands in the file.
type place struct{ line, column int }

func newReader(file string, source []byte) *reader {
	return &reader{file: file, lines: strings.Split(string(source), "\n")}
}

// root parses the source and returns its top-level keys, nil where it is not a YAML mapping.
func (r *reader) root(source []byte) *ast.MappingNode {
	if !utf8.Valid(source) {
		r.problem(place{}, "this is not UTF-8 text")
		return nil
	}
	file, err := parser.ParseBytes(source, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var broken yaml.Error
		if errors.As(err, &broken) && broken.GetToken() != nil {
			at := broken.GetToken().Position
			r.problem(place{at.Line, at.Column}, "this is not YAML: %s", broken.GetMessage())
		} else {
			r.problem(place{}, "this is not YAML: %v", err)
		}
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		r.problem(place{}, "the file is empty; start with 'version: 1' and 'base:'")
		return nil
	}
	if len(file.Docs) > 1 {
		r.problem(r.at(file.Docs[1].Body), "a second document begins here; a mapping is one document")
		return nil
	}
	return r.keys(file.Docs[0].Body, "a mapping file")
}

func (r *reader) problem(at place, format string, args ...any) {
	p := Problem{File: r.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)}
	if at.line >= 1 && at.line <= len(r.lines) {
		text := strings.ReplaceAll(strings.TrimRight(r.lines[at.line-1], "\r"), "\t", " ")
		p.Excerpt = fmt.Sprintf("%6d | %s\n       | %s^", at.line, text, strings.Repeat(" ", max(0, at.column-1)))
	}
	r.errors.List = append(r.errors.List, p)
}

func (r *reader) at(n ast.Node) place {
	tk := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		tk = m.Values[0].Key.GetToken()
	}
	return place{tk.Position.Line, tk.Position.Column}
}

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

// each calls the function of every key, and reports keys that are unknown or there twice.
func (r *reader) each(n *ast.MappingNode, known map[string]func(ast.Node)) {
	if n == nil {
		return
	}
	seen := map[string]bool{}
	for _, entry := range n.Values {
		name := entry.Key.GetToken().Value
		at := place{entry.Key.GetToken().Position.Line, entry.Key.GetToken().Position.Column}
		read, ok := known[name]
		switch {
		case !ok:
			r.problem(at, "there is no %q here%s", name, didYouMean(name, sortedKeys(known)))
		case seen[name]:
			r.problem(at, "%q is there twice", name)
		case entry.Value == nil || entry.Value.Type() == ast.NullType:
			r.problem(at, "%q has no value", name)
		default:
			read(entry.Value)
		}
		seen[name] = true
	}
}

// scalar is one value of the file with the place of its first character.
type scalar struct {
	text string
	at   place
	// indent is the column of the text's further lines, for block scalars.
	indent int
}

// scalar returns a node as one value.
func (r *reader) scalar(n ast.Node, what string) (scalar, bool) {
	tk := n.GetToken()
	s := scalar{at: r.at(n), indent: 1}
	switch n := n.(type) {
	case *ast.StringNode:
		s.text = n.Value
		if tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType {
			s.at.column++
		}
	case *ast.LiteralNode:
		s.text = strings.TrimRight(n.Value.Value, "\n")
		s.at.line++
		s.at.column = 1
		if s.at.line <= len(r.lines) {
			line := r.lines[s.at.line-1]
			s.at.column = len(line) - len(strings.TrimLeft(line, " ")) + 1
		}
		s.indent = s.at.column
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		s.text = tk.Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.problem(s.at, "anchors, aliases and tags are not understood here; write the value itself")
		return s, false
	default:
		r.problem(s.at, "%s is one value", what)
		return s, false
	}
	return s, true
}

// scalars returns a node as a list of values; one value is a list of one.
func (r *reader) scalars(n ast.Node, what string) []scalar {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		if s, ok := r.scalar(n, what); ok {
			return []scalar{s}
		}
		return nil
	}
	var out []scalar
	for _, item := range sequence.Values {
		if s, ok := r.scalar(item, "an item of "+what); ok {
			out = append(out, s)
		}
	}
	return out
}

// within returns the place of a character of a scalar, given by line and column inside it.
func (s scalar) within(line, column int) place {
	if line <= 1 {
		return place{s.at.line, s.at.column + column}
	}
	return place{s.at.line + line - 1, s.indent + column}
}

// number reads a whole number.
func (r *reader) number(n ast.Node, what string, least int64) (int64, bool) {
	s, ok := r.scalar(n, what)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil || v < least {
		r.problem(s.at, "%s is a whole number of at least %d", what, least)
		return 0, false
	}
	return v, true
}

// oneOf reads a word of a list.
func (r *reader) oneOf(n ast.Node, what string, words ...string) (string, bool) {
	s, ok := r.scalar(n, what)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if s.text == w {
			return w, true
		}
	}
	r.problem(s.at, "%s is %s%s", what, orList(words), didYouMean(s.text, words))
	return "", false
}

// boolean reads true or false.
func (r *reader) boolean(n ast.Node, what string) bool {
	word, _ := r.oneOf(n, what, "true", "false")
	return word == "true"
}
