package mapping

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
)

// Bounds on a pattern: on its text and on the program that it becomes.
const (
	maxPattern     = 512
	maxPatternSize = 1000
)

// pattern is a compiled regular expression (RE2) with what it costs.
type pattern struct {
	expression *regexp.Regexp
	// size is how many steps one character of text may take.
	size int
	// straight: the search for a match looks only a little further than the match goes. Otherwise every single match may
	// cost a look at the whole text.
	straight bool
}

var (
	errLongPattern  = errors.New("it is too long")
	errLargePattern = errors.New("it repeats too much")
)

func compilePattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, errLongPattern
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err //nolint:wrapcheck // It says what is wrong with the pattern.
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err //nolint:wrapcheck // As above.
	}
	if len(program.Inst) > maxPatternSize {
		return nil, errLargePattern
	}
	expression, err := regexp.Compile(text)
	return &pattern{expression, len(program.Inst), isStraight(parsed)}, err //nolint:wrapcheck // As above.
}

// isStraight reports whether a pattern repeats nothing without end, or one character only.
func isStraight(p *syntax.Regexp) bool {
	for p.Op == syntax.OpCapture {
		p = p.Sub[0]
	}
	if endless(p) {
		below := p.Sub[0]
		return below.Op == syntax.OpCharClass || below.Op == syntax.OpLiteral && len(below.Rune) == 1
	}
	return !repeatsEndlessly(p)
}

func endless(p *syntax.Regexp) bool {
	return p.Op == syntax.OpStar || p.Op == syntax.OpPlus || p.Op == syntax.OpRepeat && p.Max < 0
}

func repeatsEndlessly(p *syntax.Regexp) bool {
	return endless(p) || slices.ContainsFunc(p.Sub, repeatsEndlessly)
}

// find returns the matches in a text, with what they cost taken off the meter first. Where that cannot be known, it finds as
// many as the meter has room for and fails where there are more.
func (p *pattern) find(m *meter, text string) ([][]int, error) {
	once := len(text)*p.size + 1
	if p.straight {
		if err := m.spend(once); err != nil {
			return nil, err
		}
		return p.expression.FindAllStringSubmatchIndex(text, -1), nil
	}
	room := max(0, m.left/once)
	found := p.expression.FindAllStringSubmatchIndex(text, room+1)
	return found, m.spend((len(found) + 1) * once)
}
