package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the content of a JSON string; ok is false for anything else. Half a surrogate pair becomes U+FFFD, as
// encoding/json has it.
func Text(value []byte) (text string, ok bool) {
	content, ok := Bytes(value)
	return string(content), ok
}

// Bytes is [Text] for content that need not be copied: without an escape in it, the result is a slice of value.
func Bytes(value []byte) (content []byte, ok bool) {
	if len(value) < 2 || stringEnd(value, 0) != len(value) {
		return nil, false
	}
	content = value[1 : len(value)-1]
	escape := bytes.IndexByte(content, '\\')
	if escape < 0 {
		return content, true
	}
	out := make([]byte, escape, len(content))
	copy(out, content)
	for content = content[escape:]; len(content) > 0; {
		if content[0] != '\\' {
			next := bytes.IndexByte(content, '\\')
			if next < 0 {
				next = len(content)
			}
			out, content = append(out, content[:next]...), content[next:]
			continue
		}
		var length int
		out, length = unescape(out, content)
		content = content[length:]
	}
	return out, true
}

// unescape appends what the escape at the beginning of content stands for, and returns how long it is. It was checked.
func unescape(out, content []byte) ([]byte, int) {
	switch c := content[1]; c {
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	case 'u':
		first, _ := hexadecimal(content[2:])
		if !utf16.IsSurrogate(first) {
			return utf8.AppendRune(out, first), 6
		}
		if len(content) >= 12 && content[6] == '\\' && content[7] == 'u' {
			second, _ := hexadecimal(content[8:])
			if whole := utf16.DecodeRune(first, second); whole != utf8.RuneError {
				return utf8.AppendRune(out, whole), 12
			}
		}
		return utf8.AppendRune(out, utf8.RuneError), 6
	default:
		return append(out, c), 2
	}
}

// hexadecimal reads the four digits of an escape.
func hexadecimal(digits []byte) (r rune, ok bool) {
	if len(digits) < 4 {
		return 0, false
	}
	for _, c := range digits[:4] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			r |= rune(c-'A') + 10
		default:
			return 0, false
		}
	}
	return r, true
}
