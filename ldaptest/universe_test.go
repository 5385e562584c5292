package ldaptest_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"idaas-ldap/plan"
)

// universe is the small world of a run: few names and values, so that operations collide often, and among them all that is
// odd about names and values.
type universe struct {
	t *rapid.T
	// made are names that entries have or had.
	made []string
}

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func (u *universe) often(label string, percent int) bool {
	return rapid.IntRange(1, 100).Draw(u.t, label) <= percent
}

// value is something to be called by.
func (u *universe) value() string {
	return pick(u.t, "value", "a", "A", "b", "ann lee", "Ann  Lee", "Müller", "MÜLLER", "Mu\u0308ller", "王伟", "😀",
		"ﬁx", "fix", "ss", "Straße", "İ", "i", "Ａ", "™", "tm", "TM", "ΣΊΣΥΦΟΣ", "σίσυφος",
		"x,y", "x+y", `"q"`, "#h", "e=f", "<t>", `b\s`, "-", "ß", "1", "01")
}

// rdn is a name; now and then one that cannot be.
func (u *universe) rdn() string {
	types := []string{"uid", "cn", "ou", "UID", "commonName", "uid", "cn", "ou"}
	if u.often("odd type", 8) {
		types = []string{
			"foo", "entryUUID", "dc", "mail", "userPassword", "member", "displayName", "c", "uidNumber", "objectClass", "2.5.4.3",
			"jpegPhoto", "createTimestamp", "telephoneNumber", "homeDirectory",
		}
	}
	one := func() string { return pick(u.t, "type", types...) + "=" + u.escaped(u.value()) }
	switch {
	case u.often("multi", 6):
		return one() + "+" + one()
	case u.often("broken", 2):
		return pick(u.t, "broken", "nonsense", "=x", "uid=", "uid=a,", `uid=a\`, "uid=\xff", "u id=a", "uid=a+", `uid=\zz`, "uid=a=b", "1x=a", "uid==")
	}
	return one()
}

// escaped spells a value for a DN in one of several ways.
func (u *universe) escaped(v string) string {
	if u.often("hex", 10) {
		var b strings.Builder
		for i := range len(v) {
			fmt.Fprintf(&b, `\%02X`, v[i])
		}
		return b.String()
	}
	return plan.EscapeValue(v)
}

// dn is a name that exists, has existed, or could.
func (u *universe) dn() string {
	switch {
	case u.often("special", 2):
		return pick(u.t, "special dn", "", "cn=Subschema", "dc=example,dc=org")
	case len(u.made) == 0 || !u.often("known", 75):
		return u.rdn() + "," + u.parent()
	}
	dn := pick(u.t, "known dn", u.made...)
	if u.often("respelled", 15) {
		dn = pick(u.t, "respelled", strings.ToUpper(dn), strings.ReplaceAll(dn, ",", " , "), strings.ToLower(dn))
	}
	return dn
}

func (u *universe) parent() string {
	bases := []string{"ou=people,dc=example,dc=org", "ou=groups,dc=example,dc=org", "dc=example,dc=org", "OU=People, DC=example,DC=org"}
	if u.often("odd parent", 6) {
		bases = []string{"ou=none,dc=example,dc=org", "dc=elsewhere", "", "cn=Subschema", "ou=a,ou=b,ou=people,dc=example,dc=org", "dc=org"}
	}
	if len(u.made) > 0 && u.often("below", 30) {
		return pick(u.t, "below dn", u.made...)
	}
	return pick(u.t, "base", bases...)
}

// attributeName is mostly a sensible one. It is never one of those in which the two differ by design: times, identifiers of
// entries and change numbers.
func (u *universe) attributeName() string {
	if u.often("odd attribute", 12) {
		return pick(u.t, "odd attribute name", "unknownAttribute", "memberOf", "entryUUID", "createTimestamp", "homeDirectory", "gidNumber",
			"loginShell", "cn;lang-de", "description;lang-en", "cn;nonsense", "jpegPhoto", "preferredLanguage", "c", "street",
			"pwdAccountLockedTime", "postalAddress", "userCertificate", "memberUid", "dc", "labeledURI", "facsimileTelephoneNumber",
			"x121Address", "structuralObjectClass", "hasSubordinates", "userPassword", "aRecord", "photo", "audio", "shadowExpire",
			"modifiersName", "uniqueMember", "userPKCS12", "preferredDeliveryMethod", "destinationIndicator", "telexNumber", "pwdEndTime")
	}
	return pick(u.t, "attribute", "cn", "sn", "uid", "description", "mail", "title", "employeeNumber", "displayName", "ou",
		"manager", "seeAlso", "uidNumber", "telephoneNumber", "objectClass", "member", "businessCategory", "givenName", "surname", "DESCRIPTION")
}

// attribute is one attribute with values.
func (u *universe) attribute() (name string, values []string) {
	name = u.attributeName()
	for range pick(u.t, "count", 1, 1, 1, 1, 2, 2, 3, 0) {
		values = append(values, u.valueOf(name))
	}
	return name, values
}

// valueOf is a value that the attribute mostly can have.
func (u *universe) valueOf(name string) string {
	if u.often("odd value", 6) {
		return pick(u.t, "odd value text", "", " ", "\xff\xfe", "  padded  ", "a\nb", strings.Repeat("x", 300), "\x00", "TRUE", "-5", "007", "'01'B")
	}
	switch strings.ToLower(name) {
	case "manager", "seealso", "member", "owner", "uniquemember":
		return u.dn()
	case "uidnumber", "gidnumber", "shadowexpire":
		return pick(u.t, "number", "1", "2", "10", "-3", "0")
	case "objectclass":
		return pick(u.t, "class", "person", "inetOrgPerson", "organizationalUnit", "groupOfNames", "posixAccount", "top", "noSuchClass",
			"INETORGPERSON", "extensibleObject", "2.5.6.6", "device", "account", "shadowAccount", "dcObject", "pkiUser",
			"organizationalPerson", "posixGroup")
	case "pwdaccountlockedtime", "pwdendtime":
		return pick(u.t, "time", "000001010000Z", "20260101000000Z", "20260101000000.5Z", "20260101020000+0200", "tomorrow")
	case "c":
		return pick(u.t, "country", "CN", "DE", "GER")
	case "jpegphoto":
		return "\xff\xd8\xff\xe0\x00\x10JFIF\x00" + pick(u.t, "photo", "1", "2")
	case "telephonenumber", "telexnumber":
		return pick(u.t, "phone", "+86 139 0000 0000", "+8613900000000", "+86-139-0000-0000", "1", "12$34$56")
	case "preferreddeliverymethod":
		return pick(u.t, "method", "any", "mhs $ telephone", "ANY$IA5", "any  $  any", "post", "any $")
	case "postaladdress":
		return pick(u.t, "address", "Street 1$City", "street  1$CITY", `a\24b`, `a\b`, "$$")
	}
	return u.value()
}
