package initial_test

import (
	"strings"
	"testing"

	"idaas-ldap/configs"
	"idaas-ldap/connector"
	"idaas-ldap/internal/initial"
	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

func answers(kind, base string) initial.Answers {
	return initial.Answers{
		URL: "ldaps://ldap.example.com", BindDN: "cn=it's us,dc=example,dc=com", Base: plan.MustParseDN(base), Type: kind, State: "data",
		KeyEndpoint: "https://eiam.example.com/v2/idaas_1/app_1/provisioning/jwks",
	}
}

// Whatever the server and its suffix are, the mapping passes its own tests, and nothing is left of the suffix of the ready one.
func TestTheFirstMappingPassesItsTests(t *testing.T) {
	for _, kind := range []string{connector.OpenLDAP, connector.DS389, connector.ActiveDirectory, connector.Generic} {
		for _, base := range []string{"dc=corp,dc=example,dc=com", "o=A and B", "DC=ad,DC=test"} {
			t.Run(kind+" "+base, func(t *testing.T) {
				files, err := initial.Files(answers(kind, base))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(files[1].Content), "dc=example,dc=org") {
					t.Error("the ready suffix is left")
				}
				set, err := mapping.Compile(files[1].Name, files[1].Content)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range mappingtest.Run(set) {
					if r.Err != nil {
						t.Errorf("%s: %v", r.Name, r.Err)
					}
				}
			})
		}
	}
}

// User names of Active Directory get the domain of the suffix.
func TestUserNamesHaveTheDomain(t *testing.T) {
	files, err := initial.Files(answers(connector.ActiveDirectory, "dc=corp,dc=example,dc=com"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[1].Content)
	if !strings.Contains(text, `user.username + "@corp.example.com"`) || strings.Contains(text, "userPrincipalName: ann.lee@example.org") {
		t.Error("it has another one")
	}
	if !strings.Contains(string(configs.ActiveDirectory), `user.username + "@example.org"`) {
		t.Error("the ready mapping has no such rule any more")
	}
}

// What the console of IDaaS shows is taken, and anything else is refused before it is written anywhere.
func TestKeyEndpoints(t *testing.T) {
	instance, application, err := initial.Application("https://eiam-api-cn-hangzhou.aliyuncs.com/v2/idaas_x/app_y/provisioning/jwks")
	if err != nil || instance != "idaas_x" || application != "app_y" {
		t.Errorf("%s %s: %v", instance, application, err)
	}
	for _, wrong := range []string{"", "http://eiam.example.com/v2/i/a/provisioning/jwks", "https:///v2/i/a/provisioning/jwks", "https://x/v2/i/a\nb/provisioning/jwks", "https://x/jwks", "://"} {
		if _, _, err := initial.Application(wrong); err == nil || !strings.Contains(err.Error(), "key endpoint") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// A base that would mean something else where it is put is refused, with what to do.
func TestABaseThatNeedsAHand(t *testing.T) {
	if _, err := initial.Files(answers(connector.OpenLDAP, "o=A\\, B")); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("it says %v", err)
	}
}

// Accounts for UNIX are offered where there is a ready mapping for them.
func TestAccountsForUNIX(t *testing.T) {
	a := answers(connector.OpenLDAP, "dc=example,dc=com")
	a.POSIX = true
	if files, err := initial.Files(a); err != nil || files[1].Name != "mappings/openldap-posix.yaml" {
		t.Errorf("%v: %v", files, err)
	}
	a.Type = connector.ActiveDirectory
	if _, err := initial.Files(a); err == nil || !strings.Contains(err.Error(), "no ready mapping") {
		t.Errorf("it says %v", err)
	}
}
