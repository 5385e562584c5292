package translate

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// join adds a text to another, with a space where Chinese and Latin would touch, and none between Chinese and Chinese.
func join(b []byte, text string) []byte {
	if trimmed := bytes.TrimRight(b, " "); len(trimmed) < len(b) && endsInHan(trimmed) && beginsInHan(text) {
		b = trimmed
	}
	if after := strings.TrimLeft(text, " "); len(after) < len(text) && endsInHan(b) && beginsInHan(after) {
		text = after
	}
	last, _ := utf8.DecodeLastRune(b)
	first, _ := utf8.DecodeRuneInString(text)
	if isLatin(last) && beginsInHan(text) || endsInHan(b) && isLatin(first) {
		b = append(b, ' ')
	}
	return append(b, text...)
}

func endsInHan(b []byte) bool {
	last, _ := utf8.DecodeLastRune(b)
	return unicode.Is(unicode.Han, last)
}

func beginsInHan(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return unicode.Is(unicode.Han, first)
}

func isLatin(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
