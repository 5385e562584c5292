package jsonscan

import (
	"errors"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested.
const maxDepth = 200

// The errors say nothing of the content, which may be secret.
var (
	errObject  = errors.New("it is not a JSON object")
	errArray   = errors.New("it is not a JSON array")
	errTrailer = errors.New("there is something after the JSON value")
)

// Object calls member for each member of the one object that data is, in their order. The value is a slice of data,
// checked to be one JSON value, without space around it. A member that is there twice is seen twice. An error of member
// ends the walk and is returned.
func Object(data []byte, member func(name string, value []byte) error) error {
	at := space(data, 0)
	if at >= len(data) || data[at] != '{' {
		return errObject
	}
	at = space(data, at+1)
	if at < len(data) && data[at] == '}' {
		return ended(data, at+1)
	}
	for {
		nameEnd := stringEnd(data, at)
		if nameEnd < 0 {
			return errObject
		}
		name, _ := Text(data[at:nameEnd])
		at = space(data, nameEnd)
		if at >= len(data) || data[at] != ':' {
			return errObject
		}
		at = space(data, at+1)
		end := valueEnd(data, at, 1)
		if end < 0 {
			return errObject
		}
		if err := member(name, data[at:end]); err != nil {
			return err
		}
		at = space(data, end)
		switch {
		case at >= len(data):
			return errObject
		case data[at] == '}':
			return ended(data, at+1)
		case data[at] != ',':
			return errObject
		}
		at = space(data, at+1)
	}
}

// Array calls item for each item of the one array that data is, as [Object] does for members.
func Array(data []byte, item func(value []byte) error) error {
	at := space(data, 0)
	if at >= len(data) || data[at] != '[' {
		return errArray
	}
	at = space(data, at+1)
	if at < len(data) && data[at] == ']' {
		return ended(data, at+1)
	}
	for {
		end := valueEnd(data, at, 1)
		if end < 0 {
			return errArray
		}
		if err := item(data[at:end]); err != nil {
			return err
		}
		at = space(data, end)
		switch {
		case at >= len(data):
			return errArray
		case data[at] == ']':
			return ended(data, at+1)
		case data[at] != ',':
			return errArray
		}
		at = space(data, at+1)
	}
}

// ended reports what follows a value that should be the last.
func ended(data []byte, at int) error {
	if space(data, at) != len(data) {
		return errTrailer
	}
	return nil
}

func space(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t') {
		at++
	}
	return at
}

// valueEnd returns where the value that begins at a place ends, or -1 where there is none.
func valueEnd(data []byte, at, depth int) int {
	if at >= len(data) || depth > maxDepth {
		return -1
	}
	switch c := data[at]; {
	case c == '"':
		return stringEnd(data, at)
	case c == '{':
		return groupEnd(data, at+1, '}', depth+1)
	case c == '[':
		return groupEnd(data, at+1, ']', depth+1)
	case c == 't':
		return wordEnd(data, at, "true")
	case c == 'f':
		return wordEnd(data, at, "false")
	case c == 'n':
		return wordEnd(data, at, "null")
	default:
		return numberEnd(data, at)
	}
}

// groupEnd returns where an object or an array ends whose opening bracket is passed.
func groupEnd(data []byte, at int, closing byte, depth int) int {
	at = space(data, at)
	if at < len(data) && data[at] == closing {
		return at + 1
	}
	for {
		if closing == '}' {
			if at = stringEnd(data, at); at < 0 {
				return -1
			}
			at = space(data, at)
			if at >= len(data) || data[at] != ':' {
				return -1
			}
			at = space(data, at+1)
		}
		if at = valueEnd(data, at, depth); at < 0 {
			return -1
		}
		at = space(data, at)
		switch {
		case at >= len(data):
			return -1
		case data[at] == closing:
			return at + 1
		case data[at] != ',':
			return -1
		}
		at = space(data, at+1)
	}
}

func wordEnd(data []byte, at int, word string) int {
	if len(data)-at < len(word) || string(data[at:at+len(word)]) != word {
		return -1
	}
	return at + len(word)
}

// numberEnd follows the grammar of RFC 8259 section 6.
func numberEnd(data []byte, at int) int {
	if at < len(data) && data[at] == '-' {
		at++
	}
	whole := digits(data, at)
	if whole == at || data[at] == '0' && whole > at+1 {
		return -1
	}
	at = whole
	if at < len(data) && data[at] == '.' {
		end := digits(data, at+1)
		if end == at+1 {
			return -1
		}
		at = end
	}
	if at < len(data) && (data[at] == 'e' || data[at] == 'E') {
		at++
		if at < len(data) && (data[at] == '+' || data[at] == '-') {
			at++
		}
		end := digits(data, at)
		if end == at {
			return -1
		}
		at = end
	}
	return at
}

func digits(data []byte, at int) int {
	for at < len(data) && data[at] >= '0' && data[at] <= '9' {
		at++
	}
	return at
}

// plain are the octets that stand for themselves in a string: ASCII but control characters, the quote and the backslash.
var plain = func() (is [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

// stringEnd returns where the string that begins at a place ends, behind its closing quote, or -1.
func stringEnd(data []byte, at int) int {
	if at >= len(data) || data[at] != '"' {
		return -1
	}
	for at++; at < len(data); {
		if plain[data[at]] {
			at++
			continue
		}
		switch c := data[at]; {
		case c == '"':
			return at + 1
		case c == '\\':
			length := escapeLength(data[at:])
			if length == 0 {
				return -1
			}
			at += length
		case c < ' ':
			return -1
		default:
			r, size := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && size == 1 {
				return -1
			}
			at += size
		}
	}
	return -1
}

// escapeLength returns how long the escape at the beginning is, or 0 where it is none.
func escapeLength(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	switch data[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hexadecimal(data[2:]); ok {
			return 6
		}
	}
	return 0
}
