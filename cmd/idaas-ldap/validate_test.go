package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/ldaptest"
)

// validateOnline checks a ready mapping together with a real server.
func validateOnline(t *testing.T, a ldaptest.Access, url, mapping string) (code int, said string) {
	t.Helper()
	folder := t.TempDir()
	config := filepath.Join(folder, "idaas-ldap.yaml")
	text := fmt.Sprintf(`receiver: { listen: "127.0.0.1:0" }
applications:
  - { id: app_example, jwks_file: jwks.json }
store: { url: "sqlite:store.db", key_file: store.key }
directories:
  - name: corp
    urls: [%q]
    tls: { ca_file: %q }
    bind_dn: %q
    bind_password: %q
    mapping: %q
admin: { listen: "127.0.0.1:0" }
`, url, a.CAFile, a.BindDN, a.Password, filepath.Join(mappingsFolder(t), mapping))
	for name, content := range map[string]string{config: text, filepath.Join(folder, "jwks.json"): `{"keys":[]}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := call(t, "validate", "--config", config, "--online")
	return code, out + errs
}

func TestOpenLDAPValidateOnline(t *testing.T) {
	good, bare := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true}).Access
	if code, said := validateOnline(t, good, good.URL, "openldap.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
	code, said := validateOnline(t, bare, bare.URL, "openldap.yaml")
	if code != exitFailed || !strings.Contains(said, "no means to disable or lock or expire an account") || !strings.Contains(said, "pwdLockout TRUE") {
		t.Errorf("without a password policy: exit %d\n%s", code, said)
	}
}

func Test389DSValidateOnline(t *testing.T) {
	a := ldaptest.StartDS389(t).Access
	if code, said := validateOnline(t, a, a.TLSURL, "389ds.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
	code, said := validateOnline(t, a, a.URL, "389ds.yaml")
	if code != exitFailed || !strings.Contains(said, "passwords over TLS only") {
		t.Errorf("without TLS: exit %d\n%s", code, said)
	}
}

func TestSambaValidateOnline(t *testing.T) {
	a := ldaptest.StartSamba(t).Access
	if code, said := validateOnline(t, a, a.TLSURL, "active-directory.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
}
