package plan

import "strings"

// Folded returns the schema of a directory that prepares text in another way than RFC 4518 says.
func (s *Schema) Folded(f Folding) *Schema {
	folded := *s
	folded.folding = f
	return &folded
}

// AttributeKey brings a description into one form: the object identifier of a known type, and its options.
func (s *Schema) AttributeKey(description string) string { return attributeKey(description, s.typeKey) }

func (s *Schema) typeKey(lower string) string {
	if a, ok := s.attributes[lower]; ok {
		return strings.ToLower(a.OID)
	}
	return wellKnownName(lower)
}

// SingleValued reports whether an attribute holds one value at most.
func (s *Schema) SingleValued(attribute string) bool {
	a, ok := s.Attribute(attribute)
	if !ok {
		return s.unknown().SingleValued(attribute)
	}
	return a.SingleValue
}

// Comparable reports whether an attribute has an equality rule, or in a directory that publishes none, a syntax other than that
// of octets.
func (s *Schema) Comparable(attribute string) bool {
	a, ok := s.Attribute(attribute)
	switch {
	case !ok:
		return s.unknown().Comparable(attribute)
	case s.ruled:
		return a.Equality != ""
	default:
		return syntaxRule(a.Syntax) != asOctets
	}
}

// Equal compares two values by the attribute's equality rule, or by its syntax where it has none.
func (s *Schema) Equal(attribute, a, b string) bool {
	return a == b || s.Key(attribute, a) == s.Key(attribute, b)
}

// Key prepares a value for its equality rule.
func (s *Schema) Key(attribute, value string) string {
	r := s.rule(attribute)
	if r == asIdentifier {
		return s.identifier(value)
	}
	return s.prepare(r, value, s)
}

// RDNKey prepares a name.
func (s *Schema) RDNKey(rdn RDN) string { return s.rdnKey(rdn, s) }

// identifier prepares the name of an element of the schema: objectClass, for one, holds names and object identifiers alike.
func (s *Schema) identifier(value string) string {
	if c, ok := s.ObjectClass(value); ok {
		return strings.ToLower(c.OID)
	}
	return s.AttributeKey(value)
}

// unknown compares attributes that the schema does not know.
func (s *Schema) unknown() wellKnown { return wellKnown{s.comparison} }

func (s *Schema) rule(attribute string) rule {
	a, ok := s.Attribute(attribute)
	switch {
	case !ok:
		return s.unknown().rule(attribute)
	case a.Equality != "":
		return equalityRule(a.Equality)
	case s.ruled:
		return withoutRule(a.Syntax, s.unknown().rule(attribute))
	default:
		return syntaxRule(a.Syntax)
	}
}

// equalityRules are those that compare otherwise than without regard to case, by name and object identifier (RFC 4517 section
// 4.2, RFC 4530).
var equalityRules = map[string]rule{
	"distinguishednamematch": asDN, "2.5.13.1": asDN,
	"uniquemembermatch": asDNAndUID, "2.5.13.23": asDNAndUID,
	"caseexactmatch": exactCase, "2.5.13.5": exactCase,
	"caseexactia5match": exactCase, "1.3.6.1.4.1.1466.109.114.1": exactCase,
	"integermatch": asInteger, "2.5.13.14": asInteger,
	"numericstringmatch": asNumericString, "2.5.13.8": asNumericString,
	"telephonenumbermatch": asTelephone, "2.5.13.20": asTelephone,
	"booleanmatch": asBoolean, "2.5.13.13": asBoolean,
	"generalizedtimematch": asMoment, "2.5.13.27": asMoment,
	"caseignorelistmatch": asList, "2.5.13.11": asList,
	"objectidentifiermatch": asIdentifier, "2.5.13.0": asIdentifier,
	"uuidmatch": asUUID, "1.3.6.1.1.16.2": asUUID,
	"octetstringmatch": asOctets, "2.5.13.17": asOctets,
	"bitstringmatch": asOctets, "2.5.13.16": asOctets,
	"certificateexactmatch": asOctets, "2.5.13.34": asOctets,
	"certificatematch": asOctets, "2.5.13.35": asOctets,
	"certificatelistexactmatch": asOctets, "2.5.13.38": asOctets,
	"authpasswordexactmatch": asOctets, "1.3.6.1.4.1.4203.1.2.2": asOctets,
}

func equalityRule(name string) rule {
	return equalityRules[strings.ToLower(name)] // ignoreCase where there is no other
}

const (
	syntaxes1466 = "1.3.6.1.4.1.1466.115.121.1."
	syntaxesAD   = "1.2.840.113556.1.4."
)

// octetSyntaxes are those of values that are no text: audio, binary, bit string, certificates, fax, JPEG, octet string.
var octetSyntaxes = map[string]bool{
	syntaxes1466 + "4": true, syntaxes1466 + "5": true, syntaxes1466 + "6": true, syntaxes1466 + "8": true, syntaxes1466 + "9": true,
	syntaxes1466 + "10": true, syntaxes1466 + "23": true, syntaxes1466 + "28": true, syntaxes1466 + "40": true,
}

// withoutRule is how values are told apart that the server itself cannot compare.
func withoutRule(syntax string, known rule) rule {
	switch {
	case syntax == syntaxes1466+"22": // facsimile telephone number
		return asTelephone
	case octetSyntaxes[syntax], syntax == syntaxes1466+"12", syntax == syntaxes1466+"27", syntax == syntaxes1466+"24":
		return syntaxRule(syntax)
	}
	return known
}

// syntaxRule is how Active Directory compares the values of a syntax (MS-ADTS section 3.1.1.2.2.4): IA5 and printable text with
// regard to case and to every space.
func syntaxRule(syntax string) rule {
	switch {
	case octetSyntaxes[syntax]:
		return asOctets
	case syntax == syntaxes1466+"12":
		return asDN
	case syntax == syntaxes1466+"27", syntax == syntaxesAD+"906":
		return asInteger
	case syntax == syntaxes1466+"7":
		return asBoolean
	case syntax == syntaxes1466+"24", syntax == syntaxes1466+"53":
		return asMoment
	case syntax == syntaxes1466+"38":
		return asIdentifier
	case syntax == syntaxes1466+"26", syntax == syntaxes1466+"44", syntax == syntaxesAD+"1362":
		return asText
	}
	return ignoreCase
}
