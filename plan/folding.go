package plan

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Folding is how one kind of server prepares text before it compares it. RFC 4518 says how it should be, and servers differ in
// what they do: in width and composition of characters, in letters that are not ASCII, and in spaces.
type Folding struct {
	// Text prepares the value of an attribute, Name one that stands in a DN; exact: with regard to case.
	Text, Name func(value string, exact bool) string
	// BySyntax: moments, postal addresses and the parts of DNs are compared by what they mean; otherwise by their text.
	BySyntax bool
}

// SharedFolding folds no more than every server does that this product knows, so what it takes for one is one everywhere.
func SharedFolding() Folding {
	return Folding{
		Text:     func(value string, exact bool) string { return FoldCase(SingleSpaces(value), exact, sharedLetters) },
		Name:     func(value string, exact bool) string { return FoldCase(SingleInnerSpaces(value), exact, sharedLetters) },
		BySyntax: true,
	}
}

// StandardFolding prepares values by RFC 4518, and leaves names apart wherever some server does.
func StandardFolding() Folding {
	text := func(value string, exact bool) string {
		if exact {
			return squeeze(value)
		}
		return Fold(value)
	}
	return Folding{Text: text, Name: SharedFolding().Name, BySyntax: true}
}

// sharedLetters are the capitals beyond ASCII that every server takes for their small letters: those of Unicode 1.1.
var sharedLetters = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x00c0, Hi: 0x012f, Stride: 1},
	{Lo: 0x0131, Hi: 0x018d, Stride: 1},
	{Lo: 0x018f, Hi: 0x019e, Stride: 1},
	{Lo: 0x01a0, Hi: 0x01a5, Stride: 1},
	{Lo: 0x01a7, Hi: 0x01c3, Stride: 1},
	{Lo: 0x01cd, Hi: 0x01f0, Stride: 1},
	{Lo: 0x01f4, Hi: 0x01f5, Stride: 1},
	{Lo: 0x01fa, Hi: 0x0217, Stride: 1},
	{Lo: 0x0386, Hi: 0x03ce, Stride: 1},
	{Lo: 0x03e2, Hi: 0x03ee, Stride: 1},
	{Lo: 0x0401, Hi: 0x040c, Stride: 1},
	{Lo: 0x040e, Hi: 0x0481, Stride: 1},
	{Lo: 0x0490, Hi: 0x04bf, Stride: 1},
	{Lo: 0x04c1, Hi: 0x04c4, Stride: 1},
	{Lo: 0x04c7, Hi: 0x04c7, Stride: 1},
	{Lo: 0x04cb, Hi: 0x04cb, Stride: 1},
	{Lo: 0x04d0, Hi: 0x04eb, Stride: 1},
	{Lo: 0x04ee, Hi: 0x04f5, Stride: 1},
	{Lo: 0x04f8, Hi: 0x04f8, Stride: 1},
	{Lo: 0x0531, Hi: 0x0556, Stride: 1},
	{Lo: 0x1e00, Hi: 0x1e94, Stride: 1},
	{Lo: 0x1ea0, Hi: 0x1ef8, Stride: 1},
	{Lo: 0x1f08, Hi: 0x1f6f, Stride: 1},
	{Lo: 0x1fb8, Hi: 0x1fbb, Stride: 1},
	{Lo: 0x1fc8, Hi: 0x1fcb, Stride: 1},
	{Lo: 0x1fd8, Hi: 0x1fdb, Stride: 1},
	{Lo: 0x1fe8, Hi: 0x1fec, Stride: 1},
	{Lo: 0x1ff8, Hi: 0x1ffb, Stride: 1},
	{Lo: 0xff21, Hi: 0xff3a, Stride: 1},
}}

// SharedLetters are the capitals beyond ASCII that every server takes for their small letters.
func SharedLetters() *unicode.RangeTable { return sharedLetters }

// FoldCase makes small letters of capitals: of those of ASCII, and of those in some tables. Exact leaves all as they are.
func FoldCase(value string, exact bool, letters ...*unicode.RangeTable) string {
	if exact || !utf8.ValidString(value) {
		return value
	}
	return strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			return c
		}
		if unicode.In(c, letters...) {
			return unicode.ToLower(c)
		}
		return c
	}, value)
}

// SingleSpaces drops spaces at the ends and makes several of them one. No other sign counts as a space.
func SingleSpaces(value string) string {
	if !strings.Contains(value, "  ") {
		return strings.Trim(value, " ")
	}
	return strings.Join(strings.FieldsFunc(value, func(c rune) bool { return c == ' ' }), " ")
}

// SingleInnerSpaces makes several spaces one, but for those at the ends: in a DN they are there because somebody escaped them.
func SingleInnerSpaces(value string) string {
	inner := strings.Trim(value, " ")
	at := strings.Index(value, inner)
	return value[:at] + SingleSpaces(inner) + value[at+len(inner):]
}

// Fold brings text into a form in which everything is equal that any server takes for one: compatibility composed, lower case, without
// spaces at the ends and with single spaces inside (RFC 4518). Servers distinguish some of what is equal here.
func Fold(value string) string {
	if isPlainASCII(value) {
		return strings.ToLower(strings.Join(strings.Fields(value), " "))
	}
	return norm.NFKC.String(strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(value)), " ")))
}

// squeeze brings a value into the form in which values that match with regard to case are equal (RFC 4518): composed,
// without spaces at the ends and with single spaces inside.
func squeeze(v string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(v)), " ")
}

func isPlainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
