package ldaptest

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"idaas-ldap/plan"
)

const (
	syntaxes = "1.3.6.1.4.1.1466.115.121.1."
	syntaxDN = syntaxes + "12"
)

var (
	integerForm   = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	bitStringForm = regexp.MustCompile(`^'[01]*'B$`)
	oidForm       = regexp.MustCompile(`^([0-2](\.(0|[1-9][0-9]*))+|[A-Za-z][A-Za-z0-9-]*)$`)
	uuidForm      = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	printableForm = regexp.MustCompile(`^[A-Za-z0-9'()+,./:? =-]+$`)
	numericForm   = regexp.MustCompile(`^[0-9 ]+$`)
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

// validSyntax checks a value against a syntax of RFC 4517. What no rule is known for is refused, as slapd does.
func validSyntax(syntax, v string) bool {
	switch syntax {
	case "1.3.6.1.1.16.1":
		return uuidForm.MatchString(v)
	case "1.3.6.1.1.1.0.0", "1.3.6.1.1.1.0.1":
		return isASCII(v)
	}
	switch strings.TrimPrefix(syntax, syntaxes) {
	case "15": // Directory String
		return v != "" && utf8.ValidString(v)
	case "26": // IA5 String
		return isASCII(v)
	case "12":
		_, err := plan.ParseDN(v)
		return err == nil
	case "34": // Name And Optional UID
		name, _ := cutUID(v)
		_, err := plan.ParseDN(name)
		return err == nil
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
	case "22", "52", "14", "39": // Facsimile and Telex Number, Delivery Method, Other Mailbox
		return v != "" && isASCII(v)
	case "41": // Postal Address
		return v != "" && utf8.ValidString(v)
	case "24":
		_, err := parseTime(v)
		return err == nil
	case "6":
		return validBitString(v)
	case "28": // JPEG
		return strings.HasPrefix(v, "\xff\xd8\xff")
	case "8", "9", "10", "49", "5": // certificates and other BER
		return strings.HasPrefix(v, "\x30")
	case "40", "4": // Octet String, Audio
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
