package plan

import (
	"strconv"
	"strings"
	"time"
)

// rule is how the values of an attribute are compared: the equality rules of RFC 4517 section 4.2 come down to these.
type rule int

const (
	ignoreCase rule = iota
	exactCase
	asDN
	asDNAndUID
	asInteger
	asNumericString
	asTelephone
	asBoolean
	asMoment
	asList
	asIdentifier
	asUUID
	// asText compares text by its octets. Unlike octet strings the server finds such values.
	asText
	asOctets
)

// comparison prepares values in the way of one kind of server.
type comparison struct{ folding Folding }

// names is what comparison has to know of a schema.
type names interface {
	AttributeKey(description string) string
	RDNKey(rdn RDN) string
	rule(attribute string) rule
}

// prepare brings a value into a form in which equal values are the same octets.
func (c comparison) prepare(r rule, value string, n names) string {
	switch r {
	case exactCase:
		return c.folding.Text(value, true)
	case asDN:
		return dnKey(value, n)
	case asDNAndUID:
		return dnAndUIDKey(value, n)
	case asInteger:
		return integer(value)
	case asNumericString:
		return strings.ReplaceAll(value, " ", "")
	case asTelephone:
		return digits(value)
	case asBoolean:
		return strings.ToUpper(value)
	case asMoment:
		return c.moment(value)
	case asList:
		return c.list(value)
	case asIdentifier, asUUID:
		return strings.ToLower(value)
	case asText, asOctets:
		return value
	default:
		return c.folding.Text(value, false)
	}
}

// rdnKey prepares an RDN: its parts by what the schema says of their attributes, or all as text, as the server does.
func (c comparison) rdnKey(rdn RDN, n names) string {
	if !c.folding.BySyntax {
		return rdn.key(strings.ToLower, func(value string) string { return c.folding.Name(value, false) })
	}
	parts := make(RDN, len(rdn))
	for i, ava := range rdn {
		parts[i] = AVA{Type: n.AttributeKey(ava.Type), Value: c.inName().prepare(n.rule(ava.Type), ava.Value, n)}
	}
	return parts.key(asItIs, asItIs)
}

// inName compares text as in a name.
func (c comparison) inName() comparison {
	c.folding.Text = c.folding.Name
	return c
}

func asItIs(s string) string { return s }

func dnKey(value string, n names) string {
	dn, err := ParseDN(value)
	if err != nil {
		return value
	}
	return dn.key(n.RDNKey)
}

// dnAndUIDKey prepares a value of the syntax Name And Optional UID (RFC 4517 section 3.3.21).
func dnAndUIDKey(value string, n names) string {
	if i := strings.LastIndexByte(value, '#'); i > 0 && strings.HasPrefix(value[i:], "#'") && strings.HasSuffix(value, "'B") {
		return dnKey(value[:i], n) + value[i:]
	}
	return dnKey(value, n)
}

// moment prepares generalized time: other spellings of one moment are equal (RFC 4517 section 4.2.16).
func (c comparison) moment(value string) string {
	at, ok := parseMoment(value)
	if !c.folding.BySyntax || !ok {
		return c.folding.Text(value, false)
	}
	return at.UTC().Format("20060102150405.999999999Z")
}

// parseMoment reads generalized time (RFC 4517 section 3.3.13).
func parseMoment(value string) (time.Time, bool) {
	if !aMoment.MatchString(value) {
		return time.Time{}, false
	}
	zone := strings.IndexAny(value, "Z+-")
	digits, fraction, _ := strings.Cut(strings.ReplaceAll(value[:zone], ",", "."), ".")
	layout := "20060102150405"[:len(digits)]
	at, err := time.Parse(layout, digits)
	if err != nil {
		return time.Time{}, false // such as a 30th of February, or the year 0
	}
	if fraction != "" {
		part, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return time.Time{}, false
		}
		unit := map[int]time.Duration{10: time.Hour, 12: time.Minute, 14: time.Second}[len(digits)]
		at = at.Add(time.Duration(part * float64(unit)))
	}
	return at.Add(-offset(value[zone:])), true
}

// offset reads a zone such as Z, +01 or -0130.
func offset(zone string) time.Duration {
	if zone == "Z" {
		return 0
	}
	hours, _ := strconv.Atoi(zone[1:3])
	minutes := 0
	if len(zone) > 3 {
		minutes, _ = strconv.Atoi(zone[3:])
	}
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if zone[0] == '-' {
		return -d
	}
	return d
}

// list prepares lines that dollars separate (RFC 4517 section 4.2.12).
func (c comparison) list(value string) string {
	if !c.folding.BySyntax {
		return c.folding.Text(value, false)
	}
	lines := strings.Split(value, "$")
	for i, line := range lines {
		lines[i] = c.folding.Text(line, false)
	}
	return strings.Join(lines, "$")
}

// integer drops what does not count in the decimal form of a number.
func integer(v string) string {
	v = strings.TrimSpace(v)
	sign := ""
	if strings.HasPrefix(v, "-") {
		sign, v = "-", v[1:]
	}
	v = strings.TrimLeft(strings.TrimPrefix(v, "+"), "0")
	if v == "" {
		return "0"
	}
	return sign + v
}

// digits drops the spaces and hyphens that telephoneNumberMatch ignores (RFC 4517 section 4.2.29).
func digits(v string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(v))
}
