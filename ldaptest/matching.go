package ldaptest

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"idaas-ldap/plan"
)

// matchingRule compares values (RFC 4517 section 4.2): two values match where their prepared forms are the same.
type matchingRule struct {
	name    string
	prepare func(string) (string, error)
	// compare orders prepared forms; nil orders them by their octets.
	compare func(a, b string) int
}

func (r *matchingRule) order(a, b string) int {
	if r.compare != nil {
		return r.compare(a, b)
	}
	return strings.Compare(a, b)
}

var errNoMatch = errors.New("the value cannot be compared by the rule of its attribute")

// ruleNamed returns a rule by its name or object identifier, nil for the empty name.
func ruleNamed(name string) (*matchingRule, error) {
	if name == "" {
		return nil, nil
	}
	low := strings.ToLower(name)
	r := &matchingRule{name: low}
	switch low {
	case "caseignorematch", "caseignoreorderingmatch", "caseignoresubstringsmatch", "2.5.13.2", "2.5.13.3", "2.5.13.4",
		"caseignoreia5match", "caseignoreia5substringsmatch", "1.3.6.1.4.1.1466.109.114.2", "1.3.6.1.4.1.1466.109.114.3":
		r.prepare = func(v string) (string, error) { return plan.Fold(v), nil }
	case "caseexactmatch", "caseexactorderingmatch", "caseexactsubstringsmatch", "2.5.13.5", "2.5.13.6", "2.5.13.7",
		"caseexactia5match", "caseexactia5substringsmatch", "1.3.6.1.4.1.1466.109.114.1", "1.3.6.1.4.1.4203.1.2.1":
		r.prepare = func(v string) (string, error) { return strings.Join(strings.Fields(norm.NFKC.String(v)), " "), nil }
	case "caseignorelistmatch", "caseignorelistsubstringsmatch", "2.5.13.11", "2.5.13.12":
		r.prepare = prepareList
	case "numericstringmatch", "numericstringorderingmatch", "numericstringsubstringsmatch", "2.5.13.8", "2.5.13.9", "2.5.13.10":
		r.prepare = func(v string) (string, error) { return strings.ReplaceAll(v, " ", ""), nil }
	case "telephonenumbermatch", "telephonenumbersubstringsmatch", "2.5.13.20", "2.5.13.21":
		r.prepare = func(v string) (string, error) { return strings.NewReplacer(" ", "", "-", "").Replace(v), nil }
	case "integermatch", "integerorderingmatch", "integerfirstcomponentmatch", "2.5.13.14", "2.5.13.15", "2.5.13.29":
		r.prepare, r.compare = prepareInteger, compareIntegers
	case "booleanmatch", "2.5.13.13":
		r.prepare = func(v string) (string, error) { return strings.ToUpper(v), nil }
	case "distinguishednamematch", "2.5.13.1":
		r.prepare = prepareDN
	case "uniquemembermatch", "2.5.13.23":
		r.prepare = prepareNameAndUID
	case "generalizedtimematch", "generalizedtimeorderingmatch", "2.5.13.27", "2.5.13.28":
		r.prepare = prepareTime
	case "uuidmatch", "uuidorderingmatch", "1.3.6.1.1.16.2", "1.3.6.1.1.16.3":
		r.prepare = func(v string) (string, error) { return strings.ToLower(v), nil }
	case "objectidentifiermatch", "objectidentifierfirstcomponentmatch", "2.5.13.0", "2.5.13.30":
		r.prepare = func(v string) (string, error) { return strings.ToLower(v), nil }
	case "octetstringmatch", "octetstringorderingmatch", "octetstringsubstringsmatch", "2.5.13.17", "2.5.13.18", "2.5.13.19",
		"bitstringmatch", "2.5.13.16", "certificateexactmatch", "certificatelistexactmatch", "csnmatch", "csnorderingmatch",
		"presentationaddressmatch", "protocolinformationmatch":
		r.prepare = func(v string) (string, error) { return v, nil }
	default:
		return nil, fmt.Errorf("matching rule %s is not known", name)
	}
	return r, nil
}

func prepareList(v string) (string, error) {
	lines := strings.Split(v, "$")
	for i := range lines {
		lines[i] = plan.Fold(lines[i])
	}
	return strings.Join(lines, "$"), nil
}

func prepareInteger(v string) (string, error) {
	n, ok := new(big.Int).SetString(v, 10)
	if !ok || !validInteger(v) {
		return "", errNoMatch
	}
	return n.String(), nil
}

func compareIntegers(a, b string) int {
	x, _ := new(big.Int).SetString(a, 10)
	y, _ := new(big.Int).SetString(b, 10)
	return x.Cmp(y)
}

func prepareDN(v string) (string, error) {
	dn, err := plan.ParseDN(v)
	if err != nil {
		return "", errNoMatch
	}
	return dn.Key(), nil
}

// prepareNameAndUID takes a DN with an optional bit string: "cn=x#'0101'B" (RFC 4517 section 3.3.21).
func prepareNameAndUID(v string) (string, error) {
	name, uid := cutUID(v)
	key, err := prepareDN(name)
	return key + uid, err
}

func cutUID(v string) (name, uid string) {
	if i := strings.LastIndexByte(v, '#'); i >= 0 && validBitString(v[i+1:]) {
		return v[:i], v[i:]
	}
	return v, ""
}

func prepareTime(v string) (string, error) {
	t, err := parseTime(v)
	if err != nil {
		return "", err
	}
	return t.Format("20060102150405.999999999Z"), nil
}

// parseTime reads a generalized time (RFC 4517 section 3.3.13).
func parseTime(v string) (time.Time, error) {
	v = strings.Replace(v, ",", ".", 1)
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700", "20060102150405.999999999Z0700"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errNoMatch
}
