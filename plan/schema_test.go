package plan_test

import (
	"testing"

	"idaas-ldap/plan"
)

// Definitions as OpenLDAP 2.5, 389 DS 2.3 and Active Directory publish them.
var published = []string{
	`( 2.5.4.41 NAME 'name' DESC 'RFC4519: common supertype of name attributes' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )`,
	`( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: common name(s) for which the entity is known by' SUP name )`,
	`( 2.16.840.1.113730.3.1.241 NAME 'displayName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )`,
	`( 2.5.4.31 NAME 'member' DESC 'RFC2256: member of a group' SUP distinguishedName )`,
	`( 2.5.4.49 NAME 'distinguishedName' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )`,
	`( 1.3.6.1.1.1.1.0 NAME 'uidNumber' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )`,
	`( 1.3.6.1.1.1.1.12 NAME 'memberUid' EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )`,
	`( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock' DESC 'Operational attribute for Account Inactivation' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE USAGE directoryOperation X-ORIGIN 'Netscape Directory Server' )`,
	`( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )`,
	`( 1.2.840.113556.1.2.102 NAME 'memberOf' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' NO-USER-MODIFICATION )`,
	`this is no definition`,
}

func TestSchema(t *testing.T) {
	s, err := plan.ParseSchema(published, []string{
		`( 2.5.6.9 NAME 'groupOfNames' SUP top STRUCTURAL MUST ( member $ cn ) MAY ( businessCategory $ description ) )`,
		`( 1.3.6.1.1.1.2.0 NAME 'posixAccount' SUP top AUXILIARY MUST ( cn $ uid ) )`,
	}, nil)
	if err == nil {
		t.Error("what is no definition goes unnoticed")
	}
	for _, c := range []struct {
		attribute, a, b string
		equal           bool
	}{
		{"cn", "Ann  Lee", "ann lee", true},
		{"commonName", "Ann", "ANN", true},
		{"member", "UID=A,DC=x", "uid=a, dc=x", true},
		{"memberUid", "ann", "Ann", false},
		{"uidNumber", "007", "7", true},
		{"userAccountControl", "512", "0512", true},
		{"memberOf", "cn=A,dc=x", "CN=a,DC=X", true},
		{"telephoneNumber", "+86 1", "+861", true},
	} {
		if got := s.Equal(c.attribute, c.a, c.b); got != c.equal {
			t.Errorf("%s: %q and %q: %t", c.attribute, c.a, c.b, got)
		}
	}
	if !s.SingleValued("displayname") || s.SingleValued("cn") || !s.SingleValued("nsAccountLock") {
		t.Error("SINGLE-VALUE is read wrong")
	}
	if a, ok := s.Attribute("nsaccountlock"); !ok || !a.Operational {
		t.Errorf("nsAccountLock is %+v", a)
	}
	if c, ok := s.ObjectClass("GROUPOFNAMES"); !ok || len(c.Must) != 2 || c.Must[0] != "member" || c.Kind != "STRUCTURAL" {
		t.Errorf("groupOfNames is %+v", c)
	}
	if c, ok := s.ObjectClass("posixAccount"); !ok || c.Kind != "AUXILIARY" {
		t.Errorf("posixAccount is %+v", c)
	}
}

func TestAMisfitIsWhatASyntaxCannotHold(t *testing.T) {
	s, err := plan.ParseSchema([]string{
		`( 1.1 NAME 'number' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )`,
		`( 1.2 NAME 'large' SYNTAX '1.2.840.113556.1.4.906' )`,
		`( 1.3 NAME 'truth' SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 )`,
		`( 1.4 NAME 'name' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )`,
		`( 1.5 NAME 'moment' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 )`,
		`( 1.6 NAME 'ascii' SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{256} )`,
		`( 1.7 NAME 'digits' SYNTAX 1.3.6.1.4.1.1466.115.121.1.36 )`,
		`( 1.8 NAME 'plain' SYNTAX 1.3.6.1.4.1.1466.115.121.1.44 )`,
		`( 1.9 NAME 'phone' SYNTAX 1.3.6.1.4.1.1466.115.121.1.50 )`,
		`( 1.10 NAME 'text' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`,
		`( 1.11 NAME 'odd' SYNTAX 1.2.3 )`,
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		attribute   string
		good, wrong []string
	}{
		{"number", []string{"0", "-1", "20000"}, []string{"", "1.5", "007", "ten", "-"}},
		{"large", []string{"9223372036854775807"}, []string{"never"}},
		{"truth", []string{"TRUE", "FALSE"}, []string{"true", "1", ""}},
		{"name", []string{"cn=a,dc=example"}, []string{"a", ""}},
		{"moment", []string{"20260102150405Z", "2026010215+0800", "20260102150405.5Z"}, []string{"2026-01-02", "20260102", "20260102150405"}},
		{"ascii", []string{"a@example.org", ""}, []string{"müller"}},
		{"digits", []string{"12 34"}, []string{"12a", ""}},
		{"plain", []string{"A-1 (x)"}, []string{"a@b", "ä", ""}},
		{"phone", []string{"+86 10 1234"}, []string{"", "☎"}},
		{"text", []string{"müller", ""}, nil},
		{"odd", []string{"anything"}, nil},
		{"unknown", []string{"anything"}, nil},
	} {
		for _, v := range c.good {
			if form := s.Misfit(c.attribute, v); form != "" {
				t.Errorf("%s: %q is not taken for %s", c.attribute, v, form)
			}
		}
		for _, v := range c.wrong {
			if s.Misfit(c.attribute, v) == "" {
				t.Errorf("%s: %q is taken", c.attribute, v)
			}
		}
	}
}
