package plan

import (
	"slices"
	"strings"
)

// wellKnownNames are the names of attribute types that have several, the usual one first (RFC 4519, RFC 4524, RFC 2798). Those
// that mean another attribute on some server, such as streetAddress on Active Directory, are left out: only a schema tells.
var wellKnownNames = [][]string{
	{"c", "countryName", "2.5.4.6"},
	{"cn", "commonName", "2.5.4.3"},
	{"co", "friendlyCountryName", "0.9.2342.19200300.100.1.43"},
	{"dc", "domainComponent", "0.9.2342.19200300.100.1.25"},
	{"facsimileTelephoneNumber", "fax", "2.5.4.23"},
	{"gidNumber", "1.3.6.1.1.1.1.1"},
	{"givenName", "gn", "2.5.4.42"},
	{"homePhone", "homeTelephoneNumber", "0.9.2342.19200300.100.1.20"},
	{"l", "localityName", "2.5.4.7"},
	{"mail", "rfc822Mailbox", "0.9.2342.19200300.100.1.3"},
	{"mobile", "mobileTelephoneNumber", "0.9.2342.19200300.100.1.41"},
	{"memberUid", "1.3.6.1.1.1.1.12"},
	{"o", "organizationName", "2.5.4.10"},
	{"objectClass", "2.5.4.0"},
	{"ou", "organizationalUnitName", "2.5.4.11"},
	{"pager", "pagerTelephoneNumber", "0.9.2342.19200300.100.1.42"},
	{"sn", "surname", "2.5.4.4"},
	{"st", "stateOrProvinceName", "2.5.4.8"},
	{"uid", "userid", "0.9.2342.19200300.100.1.1"},
	{"uidNumber", "1.3.6.1.1.1.1.0"},
	{"unicodePwd", "1.2.840.113556.1.4.90"},
	{"userPassword", "2.5.4.35"},
}

// SameAttribute reports whether two descriptions are of the same attribute: in whatever case, and also by the other names and
// the object identifiers of well-known types. A directory knows more; see [Matching].
func SameAttribute(a, b string) bool { return AttributeKey(a) == AttributeKey(b) }

// AttributeKey returns a text that is the same for descriptions of which [SameAttribute] holds.
func AttributeKey(description string) string {
	return attributeKey(description, wellKnownName)
}

// attributeKey brings a description (RFC 4512 section 2.5) into one form: the type as a function names it, and its options in
// order. With the option binary it is the same attribute (RFC 4522 section 3).
func attributeKey(description string, typ func(lower string) string) string {
	name, rest, hasOptions := strings.Cut(strings.ToLower(description), ";")
	key := typ(strings.TrimPrefix(name, "oid."))
	if !hasOptions {
		return key
	}
	options := slices.DeleteFunc(strings.Split(rest, ";"), func(o string) bool { return o == "" || o == "binary" })
	slices.Sort(options)
	return strings.Join(append([]string{key}, slices.Compact(options)...), ";")
}

// wellKnownName returns the usual name of a type, in lower case.
func wellKnownName(lower string) string {
	if name, ok := usualNames[lower]; ok {
		return name
	}
	return lower
}

// usualNames leads from every name of the well-known types to the usual one.
var usualNames = func() map[string]string {
	usual := map[string]string{}
	for _, names := range wellKnownNames {
		for _, name := range names {
			usual[strings.ToLower(name)] = strings.ToLower(names[0])
		}
	}
	return usual
}()
