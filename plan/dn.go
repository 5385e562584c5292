package plan

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// AVA is an attribute type with a value: one part of a relative distinguished name.
type AVA struct {
	Type  string
	Value string
}

// RDN is a relative distinguished name: one AVA, rarely several.
type RDN []AVA

// DN is a distinguished name, the entry's own RDN first (RFC 4514). The zero value is the empty DN: the rootDSE.
type DN []RDN

// ParseDN reads a DN in the string form of RFC 4514, and as well with spaces around separators and with quoted values,
// which RFC 2253 asks readers to accept.
func ParseDN(s string) (DN, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	p := dnParser{in: s}
	var dn DN
	for {
		rdn, err := p.rdn()
		if err != nil {
			return nil, fmt.Errorf("parse DN %q: %w at byte %d", s, err, p.pos+1)
		}
		dn = append(dn, rdn)
		if p.pos == len(p.in) {
			return dn, nil
		}
		p.pos++ // the comma
	}
}

// MustParseDN is ParseDN for constants; it panics where the text is no DN.
func MustParseDN(s string) DN {
	dn, err := ParseDN(s)
	if err != nil {
		panic(err)
	}
	return dn
}

type dnParser struct {
	in  string
	pos int
}

var (
	errNoEquals  = errors.New("no '=' after the attribute type")
	errNoType    = errors.New("an attribute type is missing")
	errBadType   = errors.New("an attribute type holds a character that it may not hold")
	errEscape    = errors.New("a backslash is not followed by two hex digits or a special character")
	errQuote     = errors.New("a quoted value does not end")
	errHex       = errors.New("a value after '#' is not hex")
	errSpecial   = errors.New("a special character needs a backslash")
	errNotString = errors.New("a value is not UTF-8")
)

func (p *dnParser) rdn() (RDN, error) {
	var rdn RDN
	for {
		ava, err := p.ava()
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, ava)
		if p.pos == len(p.in) || p.in[p.pos] == ',' || p.in[p.pos] == ';' {
			return rdn, nil
		}
		p.pos++ // the plus
	}
}

func (p *dnParser) ava() (AVA, error) {
	end := strings.IndexByte(p.in[p.pos:], '=')
	if end < 0 {
		return AVA{}, errNoEquals
	}
	name := strings.Trim(p.in[p.pos:p.pos+end], " ")
	if name == "" {
		return AVA{}, errNoType
	}
	for _, c := range []byte(name) {
		if !isAlphanumeric(c) && c != '-' && c != '.' && c != ';' {
			return AVA{}, errBadType
		}
	}
	p.pos += end + 1
	for p.pos < len(p.in) && p.in[p.pos] == ' ' {
		p.pos++
	}
	value, err := p.value()
	if err != nil {
		return AVA{}, err
	}
	if !utf8.ValidString(value) {
		return AVA{}, errNotString
	}
	return AVA{Type: name, Value: value}, nil
}

func (p *dnParser) value() (string, error) {
	if p.pos < len(p.in) {
		switch p.in[p.pos] {
		case '"':
			return p.quoted()
		case '#':
			return p.hexValue()
		}
	}
	var out []byte
	keep := 0 // trailing spaces count only where they were escaped
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch c {
		case ',', ';', '+':
			return string(out[:keep+trimmed(out[keep:])]), nil
		case '\\':
			b, err := p.escape()
			if err != nil {
				return "", err
			}
			out = append(out, b)
			keep = len(out)
			continue
		case '"', '<', '>', 0:
			return "", errSpecial
		}
		out = append(out, c)
		p.pos++
	}
	return string(out[:keep+trimmed(out[keep:])]), nil
}

// trimmed returns the length of b without its trailing spaces.
func trimmed(b []byte) int { return len(strings.TrimRight(string(b), " ")) }

func (p *dnParser) escape() (byte, error) {
	rest := p.in[p.pos+1:]
	if len(rest) >= 2 {
		if b, err := hex.DecodeString(rest[:2]); err == nil {
			p.pos += 3
			return b[0], nil
		}
	}
	if len(rest) >= 1 && strings.IndexByte(` "#+,;<=>\`, rest[0]) >= 0 {
		p.pos += 2
		return rest[0], nil
	}
	return 0, errEscape
}

func (p *dnParser) quoted() (string, error) {
	var out []byte
	p.pos++
	for p.pos < len(p.in) {
		switch c := p.in[p.pos]; c {
		case '\\':
			b, err := p.escape()
			if err != nil {
				return "", err
			}
			out = append(out, b)
		case '"':
			p.pos++
			return string(out), p.toSeparator()
		default:
			out = append(out, c)
			p.pos++
		}
	}
	return "", errQuote
}

func (p *dnParser) toSeparator() error {
	for p.pos < len(p.in) && p.in[p.pos] == ' ' {
		p.pos++
	}
	if p.pos < len(p.in) && strings.IndexByte(",;+", p.in[p.pos]) < 0 {
		return errSpecial
	}
	return nil
}

// hexValue reads the "#04..." form: the BER encoding of the value, in which only the octet string of definite length is
// of use here.
func (p *dnParser) hexValue() (string, error) {
	p.pos++
	end := p.pos
	for end < len(p.in) && isHex(p.in[end]) {
		end++
	}
	raw, err := hex.DecodeString(p.in[p.pos:end])
	if err != nil || len(raw) < 2 || int(raw[1]) != len(raw)-2 {
		return "", errHex
	}
	p.pos = end
	return string(raw[2:]), p.toSeparator()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// EscapeValue escapes an attribute value for use in a DN. On top of what RFC 4514 demands it escapes '=', which Samba
// refuses bare, and control characters, which no person can read.
func EscapeValue(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case strings.IndexByte(`"+,;<>\=`, c) >= 0,
			c == '#' && i == 0,
			c == ' ' && (i == 0 || i == len(value)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// String returns the RDN in the form of RFC 4514.
func (r RDN) String() string {
	parts := make([]string, len(r))
	for i, ava := range r {
		parts[i] = ava.Type + "=" + EscapeValue(ava.Value)
	}
	return strings.Join(parts, "+")
}

// String returns the DN in the form of RFC 4514.
func (d DN) String() string {
	parts := make([]string, len(d))
	for i, rdn := range d {
		parts[i] = rdn.String()
	}
	return strings.Join(parts, ",")
}

// Key returns a text that is the same for RDNs that any server takes for one. Some servers distinguish names with one key, so
// it leads to candidates, among which [Matching] decides.
func (r RDN) Key() string { return r.key(AttributeKey, Fold) }

// Key returns a text that is the same for DNs that any server takes for one. See [RDN.Key].
func (d DN) Key() string { return d.key(RDN.Key) }

// sharedKey returns a text that is the same for RDNs that every server takes for one.
func (r RDN) sharedKey() string {
	fold := SharedFolding().Name
	return r.key(AttributeKey, func(value string) string { return fold(value, false) })
}

func (r RDN) key(typ, value func(string) string) string {
	parts := make([]string, len(r))
	for i, ava := range r {
		parts[i] = typ(ava.Type) + "=" + EscapeValue(value(ava.Value))
	}
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

func (d DN) key(of func(RDN) string) string {
	parts := make([]string, len(d))
	for i, rdn := range d {
		parts[i] = of(rdn)
	}
	return strings.Join(parts, ",")
}

// SharedKey returns a text that is the same for just those DNs that are [DN.Equal].
func (d DN) SharedKey() string { return d.key(RDN.sharedKey) }

// Equal reports whether both name the same entry on every server. Where a server is at hand, its [Matching] knows more.
func (d DN) Equal(other DN) bool {
	return slices.EqualFunc(d, other, func(a, b RDN) bool { return a.sharedKey() == b.sharedKey() })
}

// Exactly reports whether both are spelled the same, apart from the case of attribute types.
func (d DN) Exactly(other DN) bool {
	return slices.EqualFunc(d, other, func(a, b RDN) bool { return a.Exactly(b) })
}

// Exactly reports whether both are spelled the same, apart from the case of attribute types.
func (r RDN) Exactly(other RDN) bool {
	return slices.EqualFunc(r, other, func(a, b AVA) bool {
		return SameAttribute(a.Type, b.Type) && a.Value == b.Value
	})
}

// Empty reports whether the DN is that of the rootDSE.
func (d DN) Empty() bool { return len(d) == 0 }

// RDN returns the entry's own name, nil for the empty DN.
func (d DN) RDN() RDN {
	if len(d) == 0 {
		return nil
	}
	return d[0]
}

// Parent returns the DN of the entry above; the empty DN has itself.
func (d DN) Parent() DN {
	if len(d) == 0 {
		return nil
	}
	return d[1:]
}

// Child returns the DN of an entry right below.
func (d DN) Child(rdn RDN) DN {
	return append(DN{rdn}, d...)
}

// Within reports whether d is base or lies anywhere below it.
func (d DN) Within(base DN) bool {
	return len(d) >= len(base) && d[len(d)-len(base):].Equal(base)
}

// Below reports whether d lies below base and is not base itself.
func (d DN) Below(base DN) bool { return len(d) > len(base) && d.Within(base) }

// Rebase returns the DN that d gets when the entry from is renamed to to. A d that is not within from stays.
func (d DN) Rebase(from, to DN) DN {
	if !d.Within(from) {
		return d
	}
	return slices.Concat(d[:len(d)-len(from)], to)
}
