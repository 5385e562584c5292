package connector

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

func withLink(attributes []string, link string) []string {
	if link == "" {
		return attributes
	}
	out := make([]string, 0, len(attributes)+1)
	for _, a := range attributes {
		if a != "1.1" {
			out = append(out, a)
		}
	}
	return append(out, link)
}

// objectGUID is Active Directory's stable id, 16 octets of which the first three fields are little endian.
const objectGUID = "objectGUID"

// linkText returns a stable id as text.
func linkText(attribute, value string) string {
	if attribute != objectGUID || len(value) != 16 {
		return value
	}
	b := []byte(value)
	return fmt.Sprintf("%x-%x-%x-%x-%x", reversed(b[0:4]), reversed(b[4:6]), reversed(b[6:8]), b[8:10], b[10:16])
}

// linkFilter returns the filter that finds an entry by its stable id.
func linkFilter(attribute, text string) string {
	if attribute != objectGUID {
		return fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(text))
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		return "(!(objectClass=*))"
	}
	octets := append(append(append(reversed(b[0:4]), reversed(b[4:6])...), reversed(b[6:8])...), b[8:]...)
	var filter strings.Builder
	for _, o := range octets {
		fmt.Fprintf(&filter, `\%02x`, o)
	}
	return "(objectGUID=" + filter.String() + ")"
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[len(b)-1-i] = b[i]
	}
	return out
}

func parseDN(e *ldap.Entry) (plan.DN, error) {
	dn, err := plan.ParseDN(e.DN)
	if err != nil {
		return nil, ours{fmt.Errorf("read an entry: %w", err)}
	}
	return dn, nil
}

func namesOf(found []*ldap.Entry) ([]plan.DN, error) {
	dns := make([]plan.DN, len(found))
	for i, e := range found {
		var err error
		if dns[i], err = parseDN(e); err != nil {
			return nil, err
		}
	}
	return dns, nil
}
