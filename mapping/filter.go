package mapping

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// filter is a search filter (RFC 4515) taken apart.
type filter struct {
	// operator is & | ! for those that combine, and = >= <= ~= := for those that compare.
	operator string
	below    []*filter
	// attribute is what is compared; for := with the matching rule and whatever else stands before it.
	attribute string
	// parts are the text between the stars, unescaped: one for a comparison, several for substrings, two empty ones for
	// presence.
	parts []string
	// at is where a comparison begins, in bytes.
	at int
}

// filterError is a mistake in a filter at a byte of it.
type filterError struct {
	at     int
	reason string
}

func (e *filterError) Error() string { return e.reason }

const maxFilterDepth = 50

// parseFilter reads a filter.
func parseFilter(text string) (*filter, error) {
	p := filterParser{text: text}
	f, err := p.filter(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(text) {
		return nil, p.wrong("something stands behind the filter; combine filters as in (&(...)(...))")
	}
	return f, nil
}

type filterParser struct {
	text string
	at   int
}

func (p *filterParser) wrong(format string, args ...any) error {
	return &filterError{min(p.at, len(p.text)), fmt.Sprintf(format, args...)}
}

func (p *filterParser) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) filter(depth int) (*filter, error) {
	if depth > maxFilterDepth {
		return nil, p.wrong("it is nested too deeply")
	}
	if !p.next('(') {
		return nil, p.wrong("a ( is missing")
	}
	for _, operator := range []string{"&", "|", "!"} {
		if p.next(operator[0]) {
			return p.combined(operator, depth)
		}
	}
	return p.comparison()
}

func (p *filterParser) combined(operator string, depth int) (*filter, error) {
	f := &filter{operator: operator}
	for !p.next(')') {
		if p.at == len(p.text) {
			return nil, p.wrong("a ) is missing")
		}
		below, err := p.filter(depth + 1)
		if err != nil {
			return nil, err
		}
		f.below = append(f.below, below)
	}
	switch {
	case len(f.below) == 0:
		p.at--
		return nil, p.wrong("%s combines filters, and there are none", operator)
	case operator == "!" && len(f.below) > 1:
		p.at--
		return nil, p.wrong("! takes one filter")
	}
	return f, nil
}

func (p *filterParser) comparison() (*filter, error) {
	start := p.at
	equals := strings.IndexAny(p.text[p.at:], "=()")
	if equals < 0 || p.text[p.at+equals] != '=' {
		return nil, p.wrong("an attribute, = and a value are missing")
	}
	f := &filter{operator: "=", attribute: p.text[start : start+equals], at: start}
	if n := len(f.attribute); n > 0 && strings.IndexByte("<>~:", f.attribute[n-1]) >= 0 {
		f.operator = f.attribute[n-1:] + "="
		f.attribute = f.attribute[:n-1]
	}
	if !p.attributeOK(f) {
		return nil, p.wrong("an attribute name is missing before %s", f.operator)
	}
	p.at = start + equals + 1
	part := []byte{}
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ')':
			p.at++
			f.parts = append(f.parts, string(part))
			if len(f.parts) > 1 && f.operator != "=" {
				p.at--
				return nil, p.wrong("a * has no meaning with %s", f.operator)
			}
			return f, nil
		case '(', 0:
			return nil, p.wrong("a character is not allowed here; write it as \\28 for (, \\00 for zero")
		case '*':
			f.parts = append(f.parts, string(part))
			part = []byte{}
			p.at++
		case '\\':
			if p.at+3 > len(p.text) {
				return nil, p.wrong("two hex digits are missing behind the backslash")
			}
			octet, err := hex.DecodeString(p.text[p.at+1 : p.at+3])
			if err != nil {
				return nil, p.wrong("two hex digits are missing behind the backslash")
			}
			part = append(part, octet...)
			p.at += 3
		default:
			part = append(part, c)
			p.at++
		}
	}
	return nil, p.wrong("a ) is missing")
}

// attributeOK checks the left side of a comparison: an attribute description, or for := also a matching rule.
func (p *filterParser) attributeOK(f *filter) bool {
	if f.operator == ":=" {
		return f.attribute != "" && !hasMark(f.attribute) && isAttributeName(strings.ReplaceAll(f.attribute, ":", ";"))
	}
	return isAttributeName(f.attribute)
}

// narrow reports whether only entries can pass that hold something of the object, where marked stands for that.
func (f *filter) narrow(marked func(string) bool) bool {
	isNarrow := func(below *filter) bool { return below.narrow(marked) }
	switch f.operator {
	case "&":
		return slices.ContainsFunc(f.below, isNarrow)
	case "|":
		return !slices.ContainsFunc(f.below, func(below *filter) bool { return !isNarrow(below) })
	case "=", "~=", ":=":
		return slices.ContainsFunc(f.parts, marked)
	}
	return false
}

// comparisons returns those that a filter combines.
func (f *filter) comparisons() []*filter {
	if len(f.below) == 0 && f.attribute != "" {
		return []*filter{f}
	}
	var out []*filter
	for _, below := range f.below {
		out = append(out, below.comparisons()...)
	}
	return out
}

// attributes returns the attributes that a filter looks at.
func (f *filter) attributes() []string {
	if len(f.below) == 0 {
		name, _, _ := strings.Cut(f.attribute, ":")
		return []string{name}
	}
	var out []string
	for _, below := range f.below {
		out = append(out, below.attributes()...)
	}
	return out
}

// escapeFilter escapes a value for a filter (RFC 4515 section 3): what has a meaning there, octets that are no UTF-8, and
// U+FFFD, which go-ldap takes for such octets.
func escapeFilter(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); {
		c, size := utf8.DecodeRuneInString(value[i:])
		octets := value[i : i+size]
		i += size
		if c != utf8.RuneError && !strings.ContainsRune("*()\\\x00", c) {
			b.WriteString(octets)
			continue
		}
		for _, octet := range []byte(octets) {
			fmt.Fprintf(&b, `\%02x`, octet)
		}
	}
	return b.String()
}

func isAttributeName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '-' && c != ';' && c != '.' {
			return false
		}
	}
	return s != ""
}
