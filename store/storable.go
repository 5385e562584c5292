package store

import (
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// PostgreSQL's text holds neither the character zero nor bytes that are no UTF-8, and an answer of a directory may have either. Each such
// byte is stored as its two hex digits behind a mark, a character for private use; so are the bytes of the mark itself.
const textMark = "\uf8ff"

// storable returns arguments in whose texts there is nothing that PostgreSQL cannot hold.
func storable(args []any) []any {
	copied := false
	for i, arg := range args {
		var can any
		switch arg := arg.(type) {
		case string:
			if isStorable(arg) {
				continue
			}
			can = marked(arg)
		case []string:
			if !slices.ContainsFunc(arg, func(text string) bool { return !isStorable(text) }) {
				continue
			}
			texts := make([]string, len(arg))
			for j, text := range arg {
				texts[j] = marked(text)
			}
			can = texts
		default:
			continue
		}
		if !copied {
			args, copied = slices.Clone(args), true
		}
		args[i] = can
	}
	return args
}

func isStorable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00") && !strings.Contains(text, textMark)
}

func marked(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		c, size := utf8.DecodeRuneInString(text)
		if char := text[:size]; c == 0 || char == textMark || c == utf8.RuneError && size == 1 {
			for i := range size {
				out.WriteString(textMark + hex.EncodeToString([]byte{text[i]}))
			}
		} else {
			out.WriteString(char)
		}
		text = text[size:]
	}
	return out.String()
}

// restore turns what storable has made back into what it was.
func restore(into []any) {
	for _, to := range into {
		v := reflect.ValueOf(to).Elem()
		if v.Kind() == reflect.String && strings.Contains(v.String(), textMark) {
			v.SetString(unmarked(v.String()))
		}
	}
}

func unmarked(text string) string {
	parts := strings.Split(text, textMark)
	out := []byte(parts[0])
	for _, part := range parts[1:] {
		code := part[:min(2, len(part))]
		if b, err := hex.DecodeString(code); err == nil && len(b) == 1 {
			out, part = append(out, b[0]), part[2:]
		}
		out = append(out, part...)
	}
	return string(out)
}
