package connector

import (
	"testing"

	"idaas-ldap/plan"
)

// The lines are for people to copy, so they are what each server's own documentation has.
func TestWhatGrantsARight(t *testing.T) {
	want := Want{Who: "cn=p,dc=example", Below: plan.MustParseDN("ou=people,dc=example"), Class: "inetOrgPerson", Attribute: "mail"}
	for act, lines := range map[Act][4]string{
		ActAdd: {
			"let cn=p,dc=example add entries of inetOrgPerson below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=entry,children by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="*")(version 3.0; acl "idaas-ldap add"; allow (add) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:T /G "cn=p,dc=example:CC;inetOrgPerson"`,
		},
		ActDelete: {
			"let cn=p,dc=example delete entries of inetOrgPerson below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=entry,children by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="*")(version 3.0; acl "idaas-ldap delete"; allow (delete) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:T /G "cn=p,dc=example:DC;inetOrgPerson"`,
		},
		ActDeleteSubtree: {
			"let cn=p,dc=example delete entries of inetOrgPerson and all below them below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=entry,children by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="*")(version 3.0; acl "idaas-ldap delete"; allow (delete) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:S /G "cn=p,dc=example:DT;;inetOrgPerson"`,
		},
		ActRename: {
			"let cn=p,dc=example rename and move entries of inetOrgPerson below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=entry,children,mail by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="mail")(version 3.0; acl "idaas-ldap write,moddn"; allow (write,moddn) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:S /G "cn=p,dc=example:WP;name;inetOrgPerson" "cn=p,dc=example:WP;mail;inetOrgPerson"`,
		},
		ActMove: {
			"let cn=p,dc=example rename and move entries of inetOrgPerson below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=entry,children,mail by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="mail")(version 3.0; acl "idaas-ldap write,moddn"; allow (write,moddn) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:T /G "cn=p,dc=example:CCDC;inetOrgPerson" && ` +
				`dsacls "ou=people,dc=example" /I:S /G "cn=p,dc=example:WP;name;inetOrgPerson" "cn=p,dc=example:WP;mail;inetOrgPerson"`,
		},
		ActWrite: {
			"let cn=p,dc=example write mail below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=mail by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="mail")(version 3.0; acl "idaas-ldap write"; allow (write) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:S /G "cn=p,dc=example:WP;mail;inetOrgPerson"`,
		},
		ActPassword: {
			"let cn=p,dc=example set passwords below ou=people,dc=example",
			`to dn.subtree="ou=people,dc=example" attrs=userPassword by dn.exact="cn=p,dc=example" write by * break`,
			`aci: (target="ldap:///ou=people,dc=example")(targetattr="userPassword")(version 3.0; acl "idaas-ldap write"; allow (write) userdn="ldap:///cn=p,dc=example";)`,
			`dsacls "ou=people,dc=example" /I:S /G "cn=p,dc=example:CA;Reset Password;inetOrgPerson"`,
		},
	} {
		want.Act = act
		for i, flavour := range []Flavour{generic{}, openLDAP{}, ds389{}, activeDirectory{}} {
			if got := flavour.Grant(want); got != lines[i] {
				t.Errorf("%s: %s\nwant %s", flavour.Name(), got, lines[i])
			}
		}
	}
	want.Act, want.From = ActMove, want.Below
	if got, line := (activeDirectory{}).Grant(want), `dsacls "ou=people,dc=example" /I:T /G "cn=p,dc=example:DC;inetOrgPerson"`; got != line {
		t.Errorf("within one place: %s\nwant %s", got, line)
	}
}
