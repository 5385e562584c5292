package mapping

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar is one value of the file. It knows where each of its characters stands, in whichever of YAML's styles it is
// written, so that a mistake inside an expression is shown at its position.
type scalar struct {
	text string
	// whole is the value that this one is a part of, and offset where in it, in characters.
	whole  *written
	offset int
}

// written is how a value is written in the file.
type written struct {
	lines []string
	at    position // of the token: of the opening quote, of the | or >
	style token.Type
	text  string
}

// part returns some characters of a scalar as one of its own.
func (s scalar) part(from, to int) scalar {
	return scalar{text: string([]rune(s.text)[from:to]), whole: s.whole, offset: s.offset + from}
}

// at returns the position of the first character.
func (s scalar) at() position { return s.within(0) }

// within returns the position of a character, counted from 0.
func (s scalar) within(character int) position {
	positions := s.whole.positions()
	return positions[max(0, min(s.offset+character, len(positions)-1))]
}

// scalar returns a node as one value.
func (r *reader) scalar(n ast.Node, what string) (scalar, bool) {
	w := &written{lines: r.lines, at: r.at(n), style: n.GetToken().Type}
	switch n := n.(type) {
	case *ast.StringNode:
		w.text = n.Value
	case *ast.LiteralNode:
		w.text = strings.TrimRight(n.Value.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		w.text = n.GetToken().Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.report(w.at, "write the value itself", "anchors, aliases and tags are not understood here")
		return scalar{}, false
	default:
		r.problem(w.at, "%s is one value", what)
		return scalar{}, false
	}
	return scalar{text: w.text, whole: w}, true
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

// number reads a whole number.
func (r *reader) number(n ast.Node, what string, least int64) (int64, bool) {
	s, ok := r.scalar(n, what)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil || v < least {
		r.problem(s.at(), "%s is a whole number of at least %d", what, least)
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
	if slices.Contains(words, s.text) {
		return s.text, true
	}
	r.report(s.at(), nearestOnly(s.text, words), "%s is %s", what, list(words, "or"))
	return "", false
}

// nearestOnly is didYouMean for a message that lists the candidates itself.
func nearestOnly(name string, words []string) string {
	if hint := didYouMean(name, words); len(words) > 1 && strings.HasPrefix(hint, "did") {
		return hint
	}
	return ""
}

// boolean reads true or false.
func (r *reader) boolean(n ast.Node, what string) bool {
	word, _ := r.oneOf(n, what, "true", "false")
	return word == "true"
}

// places returns where every character of the value stands, and the end.
func (w *written) positions() []position {
	if w.style == token.LiteralType {
		return w.literal()
	}
	letters := []rune(w.text)
	c := cursor{lines: w.lines, position: w.at}
	switch w.style {
	case token.SingleQuoteType, token.DoubleQuoteType:
		c.column++
	case token.FoldedType:
		c.down()
		for c.restIsBlank() && c.line < len(c.lines) && len(letters) > 0 && letters[0] != '\n' {
			c.down()
		}
		c.indent = c.spaces()
		c.column += c.indent
	}
	out := make([]position, 0, len(letters)+1)
	for _, letter := range letters {
		out = append(out, c.next(letter, w.style))
	}
	return append(out, c.position)
}

// literal: the lines of a block after | stand in the file as they are, indented.
func (w *written) literal() []position {
	var out []position
	line := w.at.line
	for text := range strings.SplitSeq(w.text, "\n") {
		line++
		column := 1
		if line <= len(w.lines) {
			column = max(0, len([]rune(w.lines[line-1]))-len([]rune(text))) + 1
		}
		for range []rune(text) {
			out = append(out, position{line, column})
			column++
		}
		out = append(out, position{line, column})
	}
	return out
}

// cursor walks through the file along with the characters of a value (YAML 1.2 sections 6.5, 7.3 and 8.1).
type cursor struct {
	lines []string
	position
	// indent is that of a folded block, zero where all spaces at the beginning of a line fall away.
	indent int
}

func (c *cursor) rest() []rune {
	if c.line > len(c.lines) {
		return nil
	}
	letters := []rune(c.lines[c.line-1])
	return letters[min(c.column-1, len(letters)):]
}

func (c *cursor) restIsBlank() bool { return strings.TrimSpace(string(c.rest())) == "" }

func (c *cursor) spaces() int {
	rest := string(c.rest())
	return len(rest) - len(strings.TrimLeft(rest, " \t"))
}

func (c *cursor) down() {
	c.line++
	c.column = 1
}

// indented goes to where the text of a new line begins.
func (c *cursor) indented() {
	c.down()
	skip := c.spaces()
	if c.indent > 0 {
		skip = min(skip, c.indent)
	}
	c.column += skip
}

// next returns the position of the next character of the value and goes on behind it.
func (c *cursor) next(letter rune, style token.Type) position {
	if style == token.DoubleQuoteType {
		for rest := c.rest(); len(rest) > 0 && rest[0] == '\\'; rest = c.rest() {
			if len(strings.TrimSpace(string(rest[1:]))) == 0 { // a line that goes on in the next one
				c.indented()
				continue
			}
			here := c.position
			c.column += escapeLength(rest)
			return here
		}
	}
	if c.restIsBlank() && c.line < len(c.lines) {
		switch letter {
		case ' ', '\n':
			here := c.position
			c.indented()
			return here
		}
		for c.restIsBlank() && c.line < len(c.lines) {
			c.indented()
		}
	}
	here := c.position
	c.column++
	if style == token.SingleQuoteType && letter == '\'' {
		c.column++
	}
	return here
}

// escapeLength is how many characters an escape in double quotes takes.
func escapeLength(rest []rune) int {
	if len(rest) < 2 {
		return len(rest)
	}
	switch rest[1] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}
