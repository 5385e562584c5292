package mapping_test

import (
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

// Nobody gets the number of the superuser, nor one that a system takes for it; everything else of the record is written.
func TestNobodyIsTheSuperuser(t *testing.T) {
	for value, refused := range map[string]bool{
		"0": true, "00": true, "-0": true, "+0": true, " 0": true, "4294967296": true, "-4294967296": true, "18446744073709551616": true,
		"4294967295": true, "-1": true, "1": false, "1000": false, "4294967294": false, "-2": false, "4294968296": false, "0x0": false,
	} {
		for _, attribute := range []string{"uidNumber", "GIDNUMBER", "1.3.6.1.1.1.1.0", "oid.1.3.6.1.1.1.1.1", "employeeType"} {
			set := compile(t, "version: 1\nbase: dc=example,dc=org\nuser:\n  dn: \"uid={user.username},{base}\"\n  match: [ { attribute: employeeNumber, value: user.id } ]\n"+
				"  attributes:\n    "+attribute+": user.custom.number\n    title: user.username\n")
			result, err := set.Desired(mapping.Input{Object: userOf(event.Values{"username": "ann", "custom.number": value})})
			if err != nil {
				t.Fatal(err)
			}
			isRefused := len(result.Failed) == 1 && strings.Contains(result.Failed[0].Error(), "superuser")
			if want := refused && attribute != "employeeType"; isRefused != want || len(result.Rules) != 2 && !want || want && len(result.Rules) != 1 {
				t.Errorf("%s %q: %v, %d rules", attribute, value, result.Failed, len(result.Rules))
			}
		}
	}
}
