package plan

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// rule is how the values of an attribute are compared: the equality rules of RFC 4517 come down to these.
type rule int

const (
	ignoreCase rule = iota
	exactCase
	asDN
	asInteger
	asTelephone
	asBoolean
	asOctets
)

// DefaultMatching compares by what the RFCs say of well-known attributes, where no schema of the server is at hand.
// Attributes that are not known are compared without regard to case.
func DefaultMatching() Matching { return defaultMatching{} }

type defaultMatching struct{}

// Equal compares two values.
func (defaultMatching) Equal(attribute, a, b string) bool {
	return equal(wellKnown(attribute), a, b)
}

// SingleValued reports whether a well-known attribute holds one value.
func (defaultMatching) SingleValued(attribute string) bool {
	switch strings.ToLower(attribute) {
	case "uidnumber", "gidnumber", "homedirectory", "loginshell", "gecos", "displayname", "employeenumber", "preferredlanguage",
		"shadowexpire", "shadowlastchange", "pwdaccountlockedtime", "pwdendtime", "pwdstarttime", "nsaccountlock",
		"useraccountcontrol", "accountexpires", "samaccountname", "userprincipalname", "lockouttime", "pwdlastset":
		return true
	}
	return false
}

func wellKnown(attribute string) rule {
	switch strings.ToLower(attribute) {
	case "member", "uniquemember", "manager", "secretary", "owner", "seealso", "roleoccupant", "memberof":
		return asDN
	case "uidnumber", "gidnumber", "shadowexpire", "shadowlastchange", "shadowmin", "shadowmax", "shadowwarning",
		"useraccountcontrol", "accountexpires", "lockouttime", "pwdlastset":
		return asInteger
	case "telephonenumber", "mobile", "homephone", "pager", "facsimiletelephonenumber":
		return asTelephone
	case "nsaccountlock":
		return asBoolean
	case "homedirectory", "memberuid", "userpassword":
		return exactCase
	case "jpegphoto", "usercertificate", "objectguid", "thumbnailphoto", "unicodepwd":
		return asOctets
	}
	return ignoreCase
}

func equal(r rule, a, b string) bool {
	if a == b {
		return true
	}
	switch r {
	case exactCase:
		return squeeze(a) == squeeze(b)
	case asDN:
		x, errX := ParseDN(a)
		y, errY := ParseDN(b)
		return errX == nil && errY == nil && x.Equal(y)
	case asInteger:
		return integer(a) == integer(b)
	case asTelephone:
		return digits(a) == digits(b)
	case asBoolean:
		return strings.EqualFold(a, b)
	case asOctets:
		return false
	default:
		return Fold(a) == Fold(b)
	}
}

// squeeze brings a value into the form in which values that match with regard to case are equal (RFC 4518): composed,
// without spaces at the ends and with single spaces inside.
func squeeze(v string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(v)), " ")
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

// SameAttribute reports whether two names are of the same attribute: in whatever case, and also the long names and object
// identifiers of the types that stand in DNs.
func SameAttribute(a, b string) bool { return attributeKey(a) == attributeKey(b) }

func contains(m Matching, attribute string, values []string, v string) bool {
	return slices.ContainsFunc(values, func(x string) bool { return m.Equal(attribute, x, v) })
}
