package connector

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"idaas-ldap/plan"
)

// Folding is that of slapd: RFC 4518 with the tables of Unicode 3.2. First capitals become small letters, then characters are
// compatibility composed, and not the other way round: ™ is "TM" and not "tm". Format characters and tabs stay.
func (openLDAP) Folding() plan.Folding {
	text := func(value string, exact bool) string {
		return plan.SingleSpaces(composed(plan.FoldCase(value, exact, lettersOfSlapd)))
	}
	return plan.Folding{Text: text, Name: text, BySyntax: true}
}

// lettersOfSlapd are the capitals that slapd takes for their small letters.
var lettersOfSlapd = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00c0, Hi: 0x0232, Stride: 1},
		{Lo: 0x0386, Hi: 0x03ce, Stride: 1},
		{Lo: 0x03d8, Hi: 0x03ee, Stride: 1},
		{Lo: 0x03f4, Hi: 0x03f4, Stride: 1},
		{Lo: 0x0400, Hi: 0x04bf, Stride: 1},
		{Lo: 0x04c1, Hi: 0x04f5, Stride: 1},
		{Lo: 0x04f8, Hi: 0x04f8, Stride: 1},
		{Lo: 0x0500, Hi: 0x050e, Stride: 1},
		{Lo: 0x0531, Hi: 0x0556, Stride: 1},
		{Lo: 0x1e00, Hi: 0x1e95, Stride: 1},
		{Lo: 0x1ea0, Hi: 0x1ef8, Stride: 1},
		{Lo: 0x1f08, Hi: 0x1ffc, Stride: 1},
		{Lo: 0x2126, Hi: 0x2126, Stride: 1},
		{Lo: 0x212a, Hi: 0x212b, Stride: 1},
		{Lo: 0xff21, Hi: 0xff3a, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x10400, Hi: 0x10425, Stride: 1}},
}

// notComposedBySlapd are the characters with a decomposition of which the tables of slapd know none, most of them from after
// Unicode 3.2.
var notComposedBySlapd = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x03f9, Hi: 0x03f9, Stride: 1},
		{Lo: 0x10fc, Hi: 0x10fc, Stride: 1},
		{Lo: 0x1b06, Hi: 0x1b43, Stride: 1},
		{Lo: 0x1d2c, Hi: 0x1dbf, Stride: 1},
		{Lo: 0x2090, Hi: 0x209c, Stride: 1},
		{Lo: 0x213b, Hi: 0x213c, Stride: 1},
		{Lo: 0x2150, Hi: 0x2152, Stride: 1},
		{Lo: 0x2189, Hi: 0x2189, Stride: 1},
		{Lo: 0x2c7c, Hi: 0x2c7d, Stride: 1},
		{Lo: 0x2d6f, Hi: 0x2d6f, Stride: 1},
		{Lo: 0x321d, Hi: 0x321e, Stride: 1},
		{Lo: 0x3244, Hi: 0x3250, Stride: 1},
		{Lo: 0x327c, Hi: 0x327e, Stride: 1},
		{Lo: 0x32cc, Hi: 0x32cf, Stride: 1},
		{Lo: 0x32ff, Hi: 0x32ff, Stride: 1},
		{Lo: 0x3377, Hi: 0x337a, Stride: 1},
		{Lo: 0x33de, Hi: 0x33df, Stride: 1},
		{Lo: 0x33ff, Hi: 0x33ff, Stride: 1},
		{Lo: 0xa69c, Hi: 0xab69, Stride: 1},
		{Lo: 0xf900, Hi: 0xf901, Stride: 1},
		{Lo: 0xfa2e, Hi: 0xfa2f, Stride: 1},
		{Lo: 0xfa6b, Hi: 0xfad9, Stride: 1},
		{Lo: 0xfe10, Hi: 0xfe19, Stride: 1},
		{Lo: 0xfe47, Hi: 0xfe48, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10781, Hi: 0x1193f, Stride: 1},
		{Lo: 0x1d4c1, Hi: 0x1d4c1, Stride: 1},
		{Lo: 0x1d608, Hi: 0x1d7ff, Stride: 1},
		{Lo: 0x1e030, Hi: 0x10ffff, Stride: 1},
	},
}

// composed returns text compatibility composed, with the tables of slapd.
func composed(value string) string {
	var b strings.Builder
	from := 0
	for at, c := range value {
		if unicode.Is(notComposedBySlapd, c) {
			b.WriteString(norm.NFKC.String(value[from:at]))
			b.WriteRune(c)
			from = at + utf8.RuneLen(c)
		}
	}
	b.WriteString(norm.NFKC.String(value[from:]))
	return b.String()
}
