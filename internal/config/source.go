package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// hiddenMark stands in an excerpt where something must not be shown.
const hiddenMark = "…"

// source is the text of the configuration file and knows which parts of it must not be shown.
type source struct {
	name   string
	lines  [][]rune
	hidden map[int][]span // by line
}

// span is a stretch of one line: columns from 1, the last one excluded.
type span struct{ from, to int }

func newSource(name string, text []byte) *source {
	s := &source{name: name, hidden: map[int][]span{}}
	for line := range strings.SplitSeq(string(text), "\n") {
		s.lines = append(s.lines, []rune(strings.TrimSuffix(line, "\r")))
	}
	return s
}

// line returns a line counted from 1, empty if there is no such line.
func (s *source) line(number int) []rune {
	if number < 1 || number > len(s.lines) {
		return nil
	}
	return s.lines[number-1]
}

// hide keeps everything that a node says out of all excerpts.
func (s *source) hide(n ast.Node) { s.hideScalars(n, true) }

// hideValues does so for the values of a node and lets its keys be seen.
func (s *source) hideValues(n ast.Node) { s.hideScalars(n, false) }

func (s *source) hideScalars(n ast.Node, keys bool) {
	switch n := n.(type) {
	case nil:
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		at := n.GetToken().Position
		s.hidden[at.Line] = append(s.hidden[at.Line], span{at.Column, len(s.line(at.Line)) + 1})
	case *ast.MappingNode:
		for _, entry := range n.Values {
			if keys {
				s.hideFrom(entry.Key.GetToken())
			}
			s.hideScalars(entry.Value, keys)
		}
	case *ast.SequenceNode:
		for _, item := range n.Values {
			s.hideScalars(item, keys)
		}
	default:
		s.hideFrom(start(n))
		if literal, ok := n.(*ast.LiteralNode); ok {
			s.hideLines(start(n).Position.Line+1, strings.Count(literal.Value.GetToken().Origin, "\n")+1)
		}
	}
}

// hideFrom hides the scalar of one token. Where its end cannot be told for sure, it hides the rest of the line.
func (s *source) hideFrom(tk *token.Token) {
	line, from := tk.Position.Line, tk.Position.Column
	rest := s.line(line)
	rest = rest[min(from-1, len(rest)):]
	text := []rune(tk.Value)
	if tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType {
		quote := '"'
		if tk.Type == token.SingleQuoteType {
			quote = '\''
		}
		text = append(append([]rune{quote}, text...), quote)
	}
	to := from + len(rest)
	if len(rest) >= len(text) && slices.Equal(rest[:len(text)], text) {
		to = from + len(text)
	}
	s.hidden[line] = append(s.hidden[line], span{from, to})
	s.hideLines(line+1, strings.Count(strings.TrimSpace(tk.Origin), "\n"))
}

func (s *source) hideLines(first, count int) {
	for line := first; line < first+count; line++ {
		s.hidden[line] = append(s.hidden[line], span{1, len(s.line(line)) + 1})
	}
}

// excerpt returns a line with a mark below one stretch of it.
func (s *source) excerpt(line, column, width int) string {
	text := s.line(line)
	spans := slices.Clone(s.hidden[line])
	if len(text) == 0 || slices.Contains(spans, span{1, len(text) + 1}) {
		return ""
	}
	if comment := strings.Index(string(text), " #"); comment >= 0 {
		from := utf8.RuneCountInString(string(text)[:comment]) + 2
		spans = append(spans, span{from, len(text) + 1}) // a line that was put out of use may hold a secret as well
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })

	var shown strings.Builder
	markAt, markTo, shownTo := -1, -1, 0
	for at := 1; at <= len(text); at++ {
		if at == column {
			markAt = shownTo
		}
		if at == column+width {
			markTo = shownTo
		}
		for len(spans) > 0 && spans[0].to <= at {
			spans = spans[1:]
		}
		switch {
		case len(spans) > 0 && at >= spans[0].from:
			if at > spans[0].from {
				continue
			}
			shown.WriteString(hiddenMark)
		case text[at-1] == '\t':
			shown.WriteByte(' ')
		default:
			shown.WriteRune(text[at-1])
		}
		shownTo++
	}
	if markAt < 0 {
		markAt = shownTo
	}
	if markTo <= markAt {
		markTo = max(shownTo, markAt+1)
		if width <= 1 {
			markTo = markAt + 1
		}
	}
	return fmt.Sprintf("%6d | %s\n%6s | %s%s", line, strings.TrimRight(shown.String(), " "),
		"", strings.Repeat(" ", markAt), strings.Repeat("^", markTo-markAt))
}

// secretKey finds words that may be keys of secrets, also misspelt ones.
var secretKey = regexp.MustCompile(`(?i)(?:pas+|pwd|secret|token|key)[\w-]*`)

// maySpill reports whether the file may hold a secret. It serves files that cannot be parsed, in which the places of
// secrets are not known.
func (s *source) maySpill() bool {
	for _, line := range s.lines {
		for _, key := range secretKey.FindAllString(string(line), -1) {
			if !strings.HasSuffix(key, "_file") && !strings.HasSuffix(key, "_files") {
				return true
			}
		}
	}
	return false
}

// start returns the token at which a node begins.
func start(n ast.Node) *token.Token {
	if keys, ok := n.(*ast.MappingNode); ok && !keys.IsFlowStyle && len(keys.Values) > 0 {
		return keys.Values[0].Key.GetToken()
	}
	return n.GetToken()
}

// width returns how many characters of its first line a node takes, as far as that is easy to tell.
func width(n ast.Node) int {
	switch tk := start(n); tk.Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		return utf8.RuneCountInString(tk.Value) + 2
	default:
		return utf8.RuneCountInString(tk.Value)
	}
}
