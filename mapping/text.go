package mapping

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// errSkip is what skip() ends an evaluation with.
var errSkip = &valueError{"skip"}

// octets are a binary value.
type octets string

// onText makes a function of one text. An absent text gives an absent result, and so does an empty result.
func onText(f func(string) string) func(*meter, []any) (any, error) {
	return func(_ *meter, args []any) (any, error) {
		s, err := textArgument(args[0])
		if err != nil || s == "" {
			return nil, err
		}
		return orNothing(f(s)), nil
	}
}

func orNothing(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// textArgument returns an argument as text, empty where it is absent. What a mapping reads from user.raw may be of any
// type, so numbers are taken for text here.
func textArgument(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	s, ok := scalarText(v)
	if !ok {
		return "", wrongValue("text is needed here, and this is %s", kindOf(v))
	}
	if len(s) > maxBinary {
		return "", errTooLong
	}
	return s, nil
}

// scalarText returns a single value as text.
func scalarText(v any) (string, bool) {
	switch v.(type) {
	case string, octets, bool, int, int64, float64:
		return valueText(v), true
	}
	return "", false
}

// valueText writes a value as a directory takes it: TRUE and FALSE (RFC 4517 section 3.3.3), numbers in decimal.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case octets:
		return string(v)
	case bool:
		if v {
			return "TRUE"
		}
		return "FALSE"
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func asText(_ *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	return orNothing(s), err
}

func length(_ *meter, args []any) (any, error) {
	if values, isList := items(args[0]); isList {
		return len(values), nil
	}
	s, err := textArgument(args[0])
	return utf8.RuneCountInString(s), err
}

func normalize(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }

// withoutAccent are letters whose difference from a plain one is no accent that could be taken off.
var withoutAccent = strings.NewReplacer(
	"ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L",
	"đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ħ", "h", "Ħ", "H", "ı", "i",
)

func transliterate(s string) string {
	// A transformer has a state, so each call has its own.
	plain := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	out, _, err := transform.String(plain, withoutAccent.Replace(pinyinText(s)))
	if err != nil {
		return s
	}
	return out
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return -1
	}, transliterate(width.Fold.String(s)))
}

func slug(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(transliterate(width.Fold.String(s))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		case r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N):
			dash = true
		}
	}
	return b.String()
}

func truncate(_ *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	n, isNumber := whole(args[1])
	if err != nil || !isNumber || s == "" {
		return nil, err
	}
	letters := []rune(s)
	return orNothing(string(letters[:min(int64(len(letters)), max(0, n))])), nil
}

func replaceText(_ *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	if err != nil || s == "" {
		return nil, err
	}
	old, err := textArgument(args[1])
	if err != nil || old == "" {
		return s, err
	}
	with, err := textArgument(args[2])
	if err != nil {
		return nil, err
	}
	if grown := len(s) + strings.Count(s, old)*(len(with)-len(old)); grown > maxText {
		return nil, errTooLong
	}
	return orNothing(strings.ReplaceAll(s, old, with)), nil
}

func regexReplace(m *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	if err != nil || s == "" {
		return nil, err
	}
	p, ok := args[1].(*pattern)
	if !ok {
		return nil, wrongValue("a pattern that was not compiled")
	}
	with, err := textArgument(args[2])
	if err != nil {
		return nil, err
	}
	all, err := p.find(m, s)
	if err != nil {
		return nil, err
	}
	var out []byte
	last := 0
	groups := strings.Count(with, "$")
	for _, found := range all {
		if err := m.spend(len(with) + groups*(found[1]-found[0])); err != nil {
			return nil, err
		}
		out = append(out, s[last:found[0]]...)
		out = p.expression.ExpandString(out, with, s, found)
		last = found[1]
		if len(out) > maxText {
			return nil, errTooLong
		}
	}
	return orNothing(string(out) + s[last:]), nil
}

func decodeBase64(_ *meter, args []any) (any, error) {
	s, err := textArgument(args[0])
	if err != nil || s == "" {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	switch {
	case err != nil:
		return nil, wrongValue("base64 decodes text in base64, and this is not")
	case len(raw) == 0:
		return nil, nil
	}
	return octets(raw), nil
}
