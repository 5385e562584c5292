package dit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

const small = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit

dn: cn=ann,ou=people,dc=example,dc=org
objectClass: person
cn: ann
sn: Lee
description: a secret

dn: cn=bob,ou=people,dc=example,dc=org
objectClass: person
cn: bob
sn: Lee
`

// Each trouble does what a server in it does, and is over when it is over.
func TestTroubleDoesWhatAServerInItDoes(t *testing.T) {
	schema, err := dit.ReadSchema()
	if err != nil {
		t.Fatal(err)
	}
	d := directory(t, dit.Config{Suffix: "dc=example,dc=org", Schema: schema}, small)
	ann, people := plan.MustParseDN("cn=ann,ou=people,dc=example,dc=org"), plan.MustParseDN("ou=people,dc=example,dc=org")
	replace := func(name, value string) func() error {
		return func() error {
			return d.Modify(ann, []plan.Modification{{Type: plan.ReplaceValues, Name: name, Values: []string{value}}}, anybody)
		}
	}
	remove := func(dn plan.DN) func() error { return func() error { return d.Delete(dn, anybody) } }
	rename := func() error {
		return d.Rename(plan.ModifyDN{DN: ann, NewRDN: plan.MustParseDN("cn=eve")[0]}, anybody)
	}
	search := func(filter string) func() error {
		return func() error {
			f, err := d.ParseFilter(filter)
			if err == nil {
				_, err = d.Search(dit.Search{Base: people, Scope: ldap.ScopeWholeSubtree, Filter: f})
			}
			return err
		}
	}
	hidden := dit.Trouble{Hidden: func(dn plan.DN) bool { return dn.Equal(ann) }}
	noEves := dit.Trouble{Refuse: func(attribute, value string) uint16 {
		if strings.EqualFold(value, "eve") {
			return ldap.LDAPResultInvalidAttributeSyntax
		}
		return 0
	}}
	for _, c := range []struct {
		what    string
		trouble dit.Trouble
		do      func() error
		code    uint16
	}{
		{"a modify where nothing may be written", dit.Trouble{ReadOnly: true}, replace("sn", "Li"), ldap.LDAPResultUnwillingToPerform},
		{"a rename where nothing may be written", dit.Trouble{ReadOnly: true}, rename, ldap.LDAPResultUnwillingToPerform},
		{"a search where nothing may be written", dit.Trouble{ReadOnly: true}, search("(cn=*)"), 0},
		{"a delete where nothing may be deleted", dit.Trouble{NoDelete: true}, remove(ann), ldap.LDAPResultInsufficientAccessRights},
		{"a modify where nothing may be deleted", dit.Trouble{NoDelete: true}, replace("sn", "Li"), 0},
		{"a search that finds too much", dit.Trouble{Limit: 1, Cut: ldap.LDAPResultSizeLimitExceeded}, search("(sn=*)"), ldap.LDAPResultSizeLimitExceeded},
		{"a search that finds not too much", dit.Trouble{Limit: 1, Cut: ldap.LDAPResultSizeLimitExceeded}, search("(cn=ann)"), 0},
		{"a modify of what is hidden", hidden, replace("sn", "Li"), ldap.LDAPResultNoSuchObject},
		{"a delete above what is hidden", hidden, remove(people), ldap.LDAPResultNotAllowedOnNonLeaf},
		{"a value that is refused", noEves, replace("sn", "Eve"), ldap.LDAPResultInvalidAttributeSyntax},
		{"a name that is refused", noEves, rename, ldap.LDAPResultInvalidAttributeSyntax},
		{"another value", noEves, replace("sn", "Li"), 0},
	} {
		d.Suffer(c.trouble)
		var refused *dit.Refusal
		code := uint16(0)
		if errors.As(c.do(), &refused) {
			code = refused.Code
		}
		if code != c.code {
			t.Errorf("%s: code %d, want %d", c.what, code, c.code)
		}
	}
	d.Suffer(hidden)
	if got := found(t, d, "dc=example,dc=org", "(objectClass=person)"); got != "cn=bob,ou=people,dc=example,dc=org" {
		t.Errorf("beside the hidden entry there are %q", got)
	}
	d.Suffer(dit.Trouble{HiddenAttributes: []string{"description"}})
	if got := found(t, d, "dc=example,dc=org", "(description=*)"); got != "" {
		t.Errorf("by a hidden attribute %q was found", got)
	}
	d.Suffer(dit.Trouble{LeftBehind: ann.Equal})
	staff := plan.ModifyDN{DN: people, NewRDN: plan.MustParseDN("ou=staff")[0], DeleteOldRDN: true}
	if err := d.Rename(staff, anybody); err != nil {
		t.Fatal(err)
	}
	if got := found(t, d, "dc=example,dc=org", "(cn=ann)"); got != ann.String() {
		t.Errorf("who was left behind is %q", got)
	}
	if got := found(t, d, staff.NewDN().String(), "(objectClass=person)"); got != "cn=bob,ou=staff,dc=example,dc=org" {
		t.Errorf("%q came along", got)
	}
	d.Suffer(dit.Trouble{})
	if got := found(t, d, "dc=example,dc=org", "(description=a secret)"); got != ann.String() {
		t.Errorf("after the trouble %q is found", got)
	}
}
