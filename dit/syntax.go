package dit

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	syntaxes         = "1.3.6.1.4.1.1466.115.121.1."
	syntaxDN         = syntaxes + "12"
	syntaxNameAndUID = syntaxes + "34"
	// syntaxInteger is the one of what can be incremented.
	syntaxInteger = syntaxes + "27"

	// What slapd knows of classes and attribute types has a syntax of its own behind that of object identifiers.
	syntaxClass     = "an object class"
	syntaxAttribute = "an attribute type"

	syntaxCSN = "1.3.6.1.4.1.4203.666.11.2.1"

	delivery = `(any|mhs|physical|telex|teletex|g3fax|g4fax|ia5|videotex|telephone)`
)

var (
	integerForm   = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	bitStringForm = regexp.MustCompile(`^'[01]*'B$`)
	oidForm       = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*$`)
	uuidForm      = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	csnForm       = regexp.MustCompile(`^[0-9]{14}\.[0-9]{6}Z#[0-9a-f]{6}#[0-9a-f]{3}#[0-9a-f]{6}$`)
	printableForm = regexp.MustCompile(`^[A-Za-z0-9'()+,./:? =-]+$`)
	// printables are printable strings with a dollar between them.
	printablesForm = regexp.MustCompile(`^[A-Za-z0-9'()+,./:? =-]+(\$[A-Za-z0-9'()+,./:? =-]+)*$`)
	numericForm    = regexp.MustCompile(`^[0-9 ]+$`)
	deliveryForm   = regexp.MustCompile(`(?i)^` + delivery + `( *\$ *` + delivery + `)*$`)
	// In a postal address a backslash may only stand for a dollar or for itself.
	postalForm = regexp.MustCompile(`^([^\\]|\\24|\\5[Cc])*$`)
)

func validInteger(v string) bool   { return integerForm.MatchString(v) }
func validBitString(v string) bool { return bitStringForm.MatchString(v) }

// needsBinary reports whether values of a syntax are transferred with the option ;binary only (RFC 4523).
func needsBinary(syntax string) bool {
	switch strings.TrimPrefix(syntax, syntaxes) {
	case "8", "9", "10", "49":
		return true
	}
	return false
}

// validSyntax checks a value against a syntax of RFC 4517 other than those of names. What no rule is known for is refused, as slapd does.
func validSyntax(syntax, v string) bool {
	switch syntax {
	case "1.3.6.1.1.16.1":
		return uuidForm.MatchString(v)
	case syntaxCSN:
		return csnForm.MatchString(v)
	case "1.3.6.1.1.1.0.0", "1.3.6.1.1.1.0.1":
		return isASCII(v)
	}
	switch strings.TrimPrefix(syntax, syntaxes) {
	case "45": // SubtreeSpecification
		return utf8.ValidString(v)
	case "15": // Directory String
		return v != "" && utf8.ValidString(v)
	case "26", "39": // IA5 String, Other Mailbox
		return isASCII(v)
	case "27":
		return validInteger(v)
	case "7":
		return v == "TRUE" || v == "FALSE"
	case "11": // Country String
		return len(v) == 2 && printableForm.MatchString(v)
	case "36":
		return numericForm.MatchString(v)
	case "38":
		return oidForm.MatchString(v)
	case "44", "50": // Printable String, Telephone Number
		return printableForm.MatchString(v)
	case "22", "52": // Facsimile and Telex Number
		return printablesForm.MatchString(v)
	case "14":
		return deliveryForm.MatchString(v)
	case "41": // Postal Address
		return utf8.ValidString(v) && postalForm.MatchString(v)
	case "24":
		_, err := parseTime(v)
		return err == nil
	case "6":
		return validBitString(v)
	case "8", "9", "10", "49": // certificates and their kin
		return strings.HasPrefix(v, "\x30")
	case "40", "4", "5", "28": // Octet String, Audio, Binary, JPEG
		return true
	}
	return false
}

func isASCII(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
