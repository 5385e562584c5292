package mapping

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// piece is a part of a template: literal text, or an expression.
type piece struct {
	literal string
	expr    *expression
	// from is where it begins in the template, in characters.
	from int
}

// segments splits a template into literal text and the expressions in braces. Braces and quotes inside an expression are
// understood.
func (r *reader) segments(s scalar, in scope) (pieces []piece, ok bool) {
	letters := []rune(s.text)
	start, good := 0, true
	literal := func(end int) {
		if end > start {
			pieces = append(pieces, piece{literal: string(letters[start:end]), from: start})
		}
	}
	for i := 0; i < len(letters); i++ {
		switch letters[i] {
		case '}':
			r.problem(s.within(i), "a } without a { before it")
			return nil, false
		case markOpen, markClose:
			r.problem(s.within(i), "the template holds a character that is for private use")
			return nil, false
		case '{':
			end := closingBrace(letters, i)
			if end < 0 {
				r.problem(s.within(i), "a { without a } after it")
				return nil, false
			}
			literal(i)
			e := r.expression(s.part(i+1, end), in, forText)
			good = good && e != nil
			pieces = append(pieces, piece{expr: e, from: i})
			i, start = end, end+1
		}
	}
	literal(len(letters))
	return pieces, good
}

// closingBrace returns the index of the brace that closes the one at open, -1 if there is none.
func closingBrace(letters []rune, open int) int {
	depth, quote := 0, rune(0)
	for i := open; i < len(letters); i++ {
		c := letters[i]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' {
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

// marked joins pieces with marks in the place of expressions. origins has, for each byte of the text and for its end, the
// character of the template that it comes from.
func marked(pieces []piece) (text string, origins []int) {
	var b strings.Builder
	for i, p := range pieces {
		if p.expr != nil {
			b.WriteString(string(markOpen) + strconv.Itoa(i) + string(markClose))
			for len(origins) < b.Len() {
				origins = append(origins, p.from)
			}
			continue
		}
		b.WriteString(p.literal)
		for n, c := range []rune(p.literal) {
			for range utf8.RuneLen(c) {
				origins = append(origins, p.from+n)
			}
		}
	}
	end := 0
	if len(origins) > 0 {
		end = origins[len(origins)-1] + 1
	}
	return b.String(), append(origins, end)
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

// hasMark reports whether a text holds the place of an expression.
func hasMark(text string) bool { return strings.ContainsRune(text, markOpen) }

// expressionsOf returns the expressions among pieces.
func expressionsOf(pieces []piece) []*expression {
	var out []*expression
	for _, p := range pieces {
		if p.expr != nil {
			out = append(out, p.expr)
		}
	}
	return out
}
