package connector

import (
	"strings"
	"unicode"

	"idaas-ldap/plan"
)

// Folding is that of Samba: letters of Unicode 1.1 without regard to case, among them those that count and those in circles, and
// nothing composed, so full and half width are two. Windows takes more for one, width and accents too (MS-ADTS section
// 3.1.1.2.2.4); where that makes two names one, it says so when the second is to be written.
func (activeDirectory) Folding() plan.Folding {
	text := func(value string, exact bool) string {
		value = plan.FoldCase(plan.SingleSpaces(value), exact, plan.SharedLetters(), lettersOfSamba)
		if exact {
			return value
		}
		return strings.ReplaceAll(value, "ς", "σ")
	}
	return plan.Folding{Text: text, Name: text}
}

// lettersOfSamba are the capitals that only Samba takes for their small letters.
var lettersOfSamba = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x018e, Hi: 0x018e, Stride: 1},
	{Lo: 0x019f, Hi: 0x019f, Stride: 1},
	{Lo: 0x01c4, Hi: 0x01c4, Stride: 1},
	{Lo: 0x01c7, Hi: 0x01c7, Stride: 1},
	{Lo: 0x01ca, Hi: 0x01ca, Stride: 1},
	{Lo: 0x01f1, Hi: 0x01f1, Stride: 1},
	{Lo: 0x2160, Hi: 0x216f, Stride: 1},
	{Lo: 0x24b6, Hi: 0x24cf, Stride: 1},
}}
