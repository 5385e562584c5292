package connector

import (
	"strings"
	"unicode"

	"idaas-ldap/plan"
)

// Folding is that of 389 DS: letters of Unicode 1.1 without regard to case, and nothing composed, so full and half width are two.
// In values several spaces, tabs and line breaks count as the first of them. Names are text to it, whatever the attribute: only
// spaces inside are made one, and those at the ends, which have to be escaped, stay.
func (ds389) Folding() plan.Folding {
	return plan.Folding{
		Text: func(value string, exact bool) string {
			return plan.FoldCase(firstSpaces(value), exact, plan.SharedLetters(), lettersOf389)
		},
		Name: func(value string, _ bool) string {
			return plan.FoldCase(plan.SingleInnerSpaces(value), false, plan.SharedLetters(), lettersOf389)
		},
	}
}

// lettersOf389 are the Greek capitals with a iota beside them, which Samba does not fold.
var lettersOf389 = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x1f88, Hi: 0x1faf, Stride: 1}, {Lo: 0x1fbc, Hi: 0x1fbc, Stride: 1}, {Lo: 0x1fcc, Hi: 0x1fcc, Stride: 1}, {Lo: 0x1ffc, Hi: 0x1ffc, Stride: 1},
}}

// firstSpaces makes one of several signs that are spaces, the first of them, and drops those at the ends.
func firstSpaces(value string) string {
	isSpace := func(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' }
	value = strings.TrimFunc(value, isSpace)
	after := false
	return strings.Map(func(c rune) rune {
		drop := after && isSpace(c)
		after = isSpace(c)
		if drop {
			return -1
		}
		return c
	}, value)
}
