package config_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

func TestEnvironmentOverrides(t *testing.T) {
	folder := t.TempDir()
	bind := config.Path(write(t, folder, "bind.secret", "from a file\n", 0o600))

	for _, tt := range []struct {
		name    string
		environ []string
		change  func(*config.Config)
	}{
		{"nothing", []string{"IDAAS_LDAPX=1", "PATH=/bin", "idaas_ldap_log_level=debug"}, func(*config.Config) {}},
		{"text", []string{"IDAAS_LDAP_RECEIVER_LISTEN=[::1]:8444"}, func(c *config.Config) { c.Receiver.Listen = "[::1]:8444" }},
		{"the last of two wins", []string{"IDAAS_LDAP_LOG_LEVEL=error", "IDAAS_LDAP_LOG_LEVEL=warn"}, func(c *config.Config) { c.Log.Level = "warn" }},
		{"duration", []string{"IDAAS_LDAP_RECEIVER_ANSWER_WITHIN=0s"}, func(c *config.Config) { c.Receiver.AnswerWithin = 0 }},
		{"number", []string{"IDAAS_LDAP_RECEIVER_MAX_BODY_BYTES=1_048_576"}, func(c *config.Config) { c.Receiver.MaxBodyBytes = 1 << 20 }},
		{"truth", []string{"IDAAS_LDAP_DIRECTORIES_0_PASSWORD_SYNC=false"}, func(c *config.Config) { c.Directories[0].PasswordSync = false }},
		{"nothing after the equals sign", []string{"IDAAS_LDAP_APPLICATIONS_0_JWKS_FILE=", "IDAAS_LDAP_APPLICATIONS_0_JWKS_URL=https://keys.example.org/a=b"}, func(c *config.Config) {
			c.Applications[0].JWKSFile, c.Applications[0].JWKSURL = "", "https://keys.example.org/a=b"
		}},
		{"a path is relative to the file", []string{"IDAAS_LDAP_STORE_KEY_FILE=keys/store.key"}, func(c *config.Config) { c.Store.KeyFile = "testdata/keys/store.key" }},
		{"an item of a list", []string{"IDAAS_LDAP_DIRECTORIES_0_URLS_0=ldaps://other.example.org"}, func(c *config.Config) {
			c.Directories[0].URLs[0] = "ldaps://other.example.org"
		}},
		{"the next items of a list", []string{"IDAAS_LDAP_RECEIVER_ALLOW_FROM_1=2001:db8::/32", "IDAAS_LDAP_RECEIVER_ALLOW_FROM_0=192.0.2.0/24"}, func(c *config.Config) {
			c.Receiver.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		}},
		{"a secret", []string{"IDAAS_LDAP_DIRECTORIES_0_BIND_PASSWORD=other"}, func(c *config.Config) {
			c.Directories[0].BindPassword = secret.New("other")
		}},
		{"a secret's file instead of the secret", []string{"IDAAS_LDAP_DIRECTORIES_0_BIND_PASSWORD_FILE=" + string(bind)}, func(c *config.Config) {
			c.Directories[0].BindPassword, c.Directories[0].BindPasswordFile = secret.New("from a file"), bind
		}},
		{"a whole directory", []string{
			"IDAAS_LDAP_DIRECTORIES_1_NAME=second",
			"IDAAS_LDAP_DIRECTORIES_1_URLS_0=ldapi:///var/run/slapd/ldapi",
			"IDAAS_LDAP_DIRECTORIES_1_SASL=external",
			"IDAAS_LDAP_DIRECTORIES_1_MAPPING=second.yaml",
		}, func(c *config.Config) {
			second := config.DefaultDirectory()
			second.Name, second.URLs, second.SASL, second.Mapping = "second", []string{"ldapi:///var/run/slapd/ldapi"}, "external", "testdata/second.yaml"
			c.Directories = append(c.Directories, second)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := load(t, "testdata/minimal.yaml")
			tt.change(want)
			if diff := cmp.Diff(want, load(t, "testdata/minimal.yaml", tt.environ...), equal); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A secret of the environment takes the place of a file that the configuration names, so that the file need not exist.
func TestEnvironmentReplacesSecretFile(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", `applications:
  - { id: app_example, jwks_file: jwks.json }
directories:
  - name: corp
    urls: [ldaps://ldap.example.org]
    bind_dn: cn=provisioner,dc=example,dc=org
    bind_password_file: absent.secret
    mapping: openldap.yaml
`, 0o600)
	d := load(t, path, "IDAAS_LDAP_DIRECTORIES_0_BIND_PASSWORD=other").Directories[0]
	if d.BindPassword.Reveal() != "other" || d.BindPasswordFile != "" {
		t.Errorf("got password %q from file %q", d.BindPassword.Reveal(), d.BindPasswordFile)
	}
}

// A value in the environment does not excuse one in the file that cannot be read.
func TestEnvironmentDoesNotHideAWrongFile(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", "receiver: { answer_within: soon }\n", 0o600)
	_, _, err := config.Load(path, []string{"IDAAS_LDAP_RECEIVER_ANSWER_WITHIN=1s"})
	if err == nil || !strings.Contains(err.Error(), `c.yaml:1:28: receiver.answer_within: "soon" is not a duration`) {
		t.Errorf("got %v, want the problem of the file", err)
	}
}

// In a pod beside a service of the same name there are variables that nobody meant for us.
func TestVariablesOfServicesAreNotRead(t *testing.T) {
	names := []string{
		"IDAAS_LDAP_SERVICE_HOST", "IDAAS_LDAP_SERVICE_PORT", "IDAAS_LDAP_SERVICE_PORT_HTTPS", "IDAAS_LDAP_PORT", "IDAAS_LDAP_PORT_8443_TCP",
		"IDAAS_LDAP_PORT_8443_TCP_ADDR", "IDAAS_LDAP_ADMIN_SERVICE_HOST", "IDAAS_LDAP_ADMIN_PORT_9090_TCP_PROTO",
	}
	environ := make([]string, len(names))
	for i, name := range names {
		environ[i] = name + "=10.0.0.1"
	}
	_, warnings, err := config.Load("testdata/minimal.yaml", environ)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(warnings, func(w config.Warning) bool { return w.Position.Variable == name }) {
			t.Errorf("nothing is said of %s: %v", name, warnings)
		}
	}
	if _, _, err := config.Load("testdata/minimal.yaml", []string{"IDAAS_LDAP_SERVICE=x"}); err == nil {
		t.Error("another unknown variable is let through")
	}
}
