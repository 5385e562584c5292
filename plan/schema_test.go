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
	})
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
