package dit

import (
	"cmp"
	"errors"
	"math/big"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// String preparation as slapd does it (RFC 4518 in spirit): what counts as the same when values are compared. A value has
// passed the check of its syntax before.

var errNoMatch = errors.New("the value cannot be compared by the rule of its attribute")

func asIs(v string) (string, error) { return v, nil }

// prepareFolded is for text that is compared without regard to case: every letter is put in lower case by itself, and then
// decomposed and composed again. So a ligature is its letters, but "ß" is not "ss", and "™" is "TM" in capitals.
func prepareFolded(v string) (string, error) {
	return spacesOf(norm.NFKC.String(strings.Map(unicode.ToLower, v))), nil
}

func prepareExact(v string) (string, error) { return spacesOf(norm.NFKC.String(v)), nil }

// spacesOf leaves out spaces at the ends and makes one of several. Text of spaces alone becomes one space. Only the space
// itself is one: tabs and line ends are characters like others.
func spacesOf(v string) string {
	if out := singleSpaces(v); out != "" || v == "" {
		return out
	}
	return " "
}

func singleSpaces(v string) string {
	if !strings.HasPrefix(v, " ") && !strings.HasSuffix(v, " ") && !strings.Contains(v, "  ") {
		return v
	}
	words := strings.FieldsFunc(v, func(r rune) bool { return r == ' ' })
	return strings.Join(words, " ")
}

// prepareASCII is for IA5 strings. A NUL ends them, and nothing is left of spaces alone.
func prepareASCII(v string) (string, error) {
	v, _, _ = strings.Cut(v, "\x00")
	return singleSpaces(v), nil
}

func prepareFoldedASCII(v string) (string, error) {
	v, err := prepareASCII(v)
	return strings.ToLower(v), err
}

// without is for numbers that people write with separators, which do not count. Separators alone become one space.
func without(separators ...string) func(string) (string, error) {
	return func(v string) (string, error) {
		for _, sep := range separators {
			v = strings.ReplaceAll(v, sep, "")
		}
		return cmp.Or(v, " "), nil
	}
}

// prepareList is for postal addresses: lines with a dollar between them.
func prepareList(v string) (string, error) {
	lines := strings.Split(v, "$")
	for i, line := range lines {
		lines[i], _ = prepareFolded(line) // it has no error
	}
	return strings.Join(lines, "$"), nil
}

func number(v string) *big.Int {
	n, ok := new(big.Int).SetString(v, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

func compareIntegers(a, b string) int { return number(a).Cmp(number(b)) }

// prepareTime brings a generalized time to UTC, with as much of a fraction as there is.
func prepareTime(v string) (string, error) {
	t, err := parseTime(v)
	if err != nil {
		return "", err
	}
	return t.Format("20060102150405.999999999Z"), nil
}

// compareTimes ignores the "Z" at the end, which would come after a fraction.
func compareTimes(a, b string) int {
	return strings.Compare(strings.TrimSuffix(a, "Z"), strings.TrimSuffix(b, "Z"))
}

// parseTime reads a generalized time (RFC 4517 section 3.3.13).
func parseTime(v string) (time.Time, error) {
	v = strings.Replace(v, ",", ".", 1)
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700", "20060102150405.999999999Z0700"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errNoMatch
}

// prepareDN returns the key of a name; see [schema.keyOf].
func (s *Schema) prepareDN(v string) (string, error) {
	dn, err := s.parseDN(v)
	if err != nil {
		return "", errNoMatch
	}
	return s.keyOf(dn), nil
}

// prepareNameAndUID takes a DN with an optional bit string: "cn=x#'0101'B" (RFC 4517 section 3.3.21).
func (s *Schema) prepareNameAndUID(v string) (string, error) {
	name, uid := cutUID(v)
	key, err := s.prepareDN(name)
	return key + uid, err
}

func cutUID(v string) (name, uid string) {
	if i := strings.LastIndexByte(v, '#'); i >= 0 && validBitString(v[i+1:]) {
		return v[:i], v[i:]
	}
	return v, ""
}
