package ldaptest_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

func TestFaultsOfSearches(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	conn := dial(t, s.URL())
	elsewhere := "ldap://elsewhere.example.org/ou=far,dc=example,dc=org"
	for _, c := range []struct {
		name       string
		fault      ldaptest.Fault
		code       uint16
		entries    []string
		references int
	}{
		{"nothing", ldaptest.Fault{}, 0, []string{"ann", "bob"}, 0},
		{"a limit", ldaptest.Fault{Code: ldap.LDAPResultSizeLimitExceeded, Only: 1}, ldap.LDAPResultSizeLimitExceeded, []string{"ann"}, 0},
		{"a refusal", ldaptest.Fault{Code: ldap.LDAPResultBusy}, ldap.LDAPResultBusy, nil, 0},
		{"an access rule", ldaptest.Fault{Hide: func(dn string) bool { return dn == "uid=ann,"+peopleDN }}, 0, []string{"bob"}, 0},
		{"a hidden base", ldaptest.Fault{Hide: func(dn string) bool { return dn == "dc=example,dc=org" }}, ldap.LDAPResultNoSuchObject, nil, 0},
		{"a hidden attribute", ldaptest.Fault{HideAttributes: []string{"UID"}}, 0, []string{"", ""}, 0},
		{"references", ldaptest.Fault{Refer: []string{elsewhere}}, 0, []string{"ann", "bob"}, 1},
		{"repetition", ldaptest.Fault{Repeat: 2}, 0, []string{"ann", "bob", "ann", "bob", "ann", "bob"}, 0},
	} {
		s.Fault(func(ldaptest.Operation) ldaptest.Fault { return c.fault })
		result, err := conn.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=*)", []string{"uid"}, nil))
		var refused *ldap.Error
		if errors.As(err, &refused) != (c.code != 0) || refused != nil && refused.ResultCode != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
		var found []string
		for _, e := range result.Entries {
			found = append(found, e.GetAttributeValue("uid"))
		}
		if !slices.Equal(found, c.entries) || len(result.Referrals) != c.references {
			t.Errorf("%s: %q and %q", c.name, found, result.Referrals)
		}
	}
}

// A cookie that leads to the first page again leads nowhere.
func TestAnEndlessSearch(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	conn := dial(t, s.URL())
	s.Fault(func(ldaptest.Operation) ldaptest.Fault { return ldaptest.Fault{Endless: true} })
	paging := ldap.NewControlPaging(1)
	request := ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=*)", nil, []ldap.Control{paging})
	for range 5 {
		result, err := conn.Search(request)
		if err != nil || len(result.Entries) != 1 {
			t.Fatalf("a page is %+v, %v", result, err)
		}
		answer, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			t.Fatalf("the controls are %+v", result.Controls)
		}
		paging.SetCookie(answer.Cookie)
	}
}

// A write that is referred elsewhere says where to.
func TestAReferralOfAWrite(t *testing.T) {
	s := start(t, ldaptest.Config{LDIF: small})
	conn := dial(t, s.URL())
	s.Fault(func(ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{Code: ldap.LDAPResultReferral, Refer: []string{"ldap://elsewhere.example.org"}}
	})
	result, err := conn.ModifyWithResult(ldap.NewModifyRequest("uid=ann,"+peopleDN, nil))
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultReferral) || result.Referral != "ldap://elsewhere.example.org" {
		t.Errorf("%+v, %v", result, err)
	}
}
