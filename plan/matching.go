package plan

import (
	"slices"
	"strings"
)

// Matching compares attributes, values and names as a directory does: by its schema and by what kind of server it is. See
// [DefaultMatching].
type Matching interface {
	// AttributeKey returns a text that is the same for all names and object identifiers of an attribute, and another one for
	// another attribute or other options (RFC 4512 section 2.5).
	AttributeKey(description string) string
	// Equal reports whether two values of an attribute are the same to the server.
	Equal(attribute, a, b string) bool
	// Key returns a text that is the same for equal values of an attribute.
	Key(attribute, value string) string
	// SingleValued reports whether the attribute holds at most one value.
	SingleValued(attribute string) bool
	// Comparable reports whether the server can tell the values of an attribute apart. Where it has no equality rule, it refuses to
	// add to them and to delete one of them (RFC 4511 section 4.6), and all are replaced.
	Comparable(attribute string) bool
	// RDNKey returns a text that is the same for RDNs that are one name to the server.
	RDNKey(rdn RDN) string
}

// SameDN reports whether two DNs name the same entry.
func SameDN(m Matching, a, b DN) bool {
	return slices.EqualFunc(a, b, func(x, y RDN) bool { return m.RDNKey(x) == m.RDNKey(y) })
}

// DNKey returns a text that is the same for DNs that name the same entry.
func DNKey(m Matching, dn DN) string { return dn.key(m.RDNKey) }

// Within reports whether a DN is base or lies anywhere below it.
func Within(m Matching, dn, base DN) bool {
	return len(dn) >= len(base) && SameDN(m, dn[len(dn)-len(base):], base)
}

// Below reports whether a DN lies below base and is not base itself.
func Below(m Matching, dn, base DN) bool { return len(dn) > len(base) && Within(m, dn, base) }

// Rebase returns the DN that dn gets when the entry from is renamed to to. One that is not within from stays.
func Rebase(m Matching, dn, from, to DN) DN {
	if !Within(m, dn, from) {
		return dn
	}
	return slices.Concat(dn[:len(dn)-len(from)], to)
}

// SameDescription reports whether two descriptions are of the same attribute.
func SameDescription(m Matching, a, b string) bool { return m.AttributeKey(a) == m.AttributeKey(b) }

// DefaultMatching compares by what the RFCs say of well-known attributes, where no schema of the server is at hand.
// Attributes that are not known are compared without regard to case.
func DefaultMatching() Matching { return WellKnownMatching(StandardFolding()) }

// WellKnownMatching is [DefaultMatching] with the folding of a kind of server.
func WellKnownMatching(f Folding) Matching { return wellKnown{comparison{folding: f}} }

type wellKnown struct{ comparison }

// AttributeKey knows the other names of well-known attributes.
func (wellKnown) AttributeKey(description string) string { return AttributeKey(description) }

// Equal compares two values.
func (w wellKnown) Equal(attribute, a, b string) bool {
	return a == b || w.Key(attribute, a) == w.Key(attribute, b)
}

// Key prepares a value.
func (w wellKnown) Key(attribute, value string) string {
	return w.prepare(w.rule(attribute), value, w)
}

// RDNKey prepares a name.
func (w wellKnown) RDNKey(rdn RDN) string { return w.rdnKey(rdn, w) }

// SingleValued reports whether a well-known attribute holds one value.
func (wellKnown) SingleValued(attribute string) bool {
	switch AttributeKey(attribute) {
	case "uidnumber", "gidnumber", "homedirectory", "loginshell", "gecos", "displayname", "employeenumber", "preferredlanguage",
		"shadowexpire", "shadowlastchange", "pwdaccountlockedtime", "pwdendtime", "pwdstarttime", "nsaccountlock",
		"useraccountcontrol", "accountexpires", "samaccountname", "userprincipalname", "lockouttime", "pwdlastset":
		return true
	}
	return false
}

// Comparable reports whether a well-known attribute has an equality rule.
func (wellKnown) Comparable(attribute string) bool {
	switch AttributeKey(attribute) {
	case "facsimiletelephonenumber", "jpegphoto", "photo", "audio", "teletexterminalidentifier", "telexnumber", "preferreddeliverymethod":
		return false
	}
	return true
}

func (wellKnown) rule(attribute string) rule {
	name, _, _ := strings.Cut(AttributeKey(attribute), ";")
	switch name {
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
	case "jpegphoto", "usercertificate", "objectguid", "thumbnailphoto", "unicodepwd", "photo", "audio":
		return asOctets
	case "pwdendtime", "pwdstarttime", "pwdaccountlockedtime":
		return asMoment
	}
	return ignoreCase
}

func contains(m Matching, attribute string, values []string, v string) bool {
	return slices.ContainsFunc(values, func(x string) bool { return m.Equal(attribute, x, v) })
}
