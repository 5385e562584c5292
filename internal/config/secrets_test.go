package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"idaas-ldap/internal/config"
)

const (
	canary    = "c4n4ry-0f-4-s3cr3t"
	keyCanary = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)

// secretive is a configuration with a canary wherever a secret can be.
const secretive = `receiver:
  listen: 127.0.0.1:8443
applications:
  - id: app_example
    jwks_file: jwks.json
    encryption_keys: [` + keyCanary + `]
store: { url: "sqlite:a.db", retention: 48h }
directories:
  - name: corp
    type: openldap
    urls: [ldaps://ldap.example.org]
    bind_dn: cn=provisioner,dc=example,dc=org
    bind_password: "` + canary + `"
    mapping: openldap.yaml
admin: { listen: 0.0.0.0:9090, trusted_proxies: [10.0.0.7], token: ` + canary + ` }
`

func TestNothingPrintsASecret(t *testing.T) {
	c, _, err := config.Load(write(t, t.TempDir(), "c.yaml", secretive, 0o600), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Directories[0].BindPassword.Reveal() + c.Admin.Token.Reveal() + c.Applications[0].EncryptionKeys[0].Reveal(); got != canary+canary+keyCanary {
		t.Fatalf("the secrets were not read: %s", got)
	}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb+"\n", c, *c)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("loaded", "config", c)
	out.Write(asJSON)
	out.Write(asYAML)
	for _, hidden := range []string{canary, keyCanary, fmt.Sprintf("%x", canary)} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("a secret was printed:\n%s", out.String())
		}
	}
}

// A slip of the pen anywhere in the file does not give a secret away in what is said about it.
func TestProblemsHideSecrets(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", "", 0o600)
	rapid.Check(t, func(t *rapid.T) {
		// The secrets themselves stay whole, for a changed one could not be recognised.
		at := rapid.IntRange(0, len(secretive)-1).Filter(outsideSecrets).Draw(t, "at")
		insert := rapid.SampledFrom([]string{"", "", " ", "\n", "\n  ", ":", "x", "-", "{", "}", "[", "]", "\"", "'", "#", "|", "&", "*", "!", "\t", ",", "é"}).Draw(t, "insert")
		text := secretive[:at] + insert + secretive[at+rapid.IntRange(0, 1).Draw(t, "remove"):]
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := config.Load(path, nil)
		said := fmt.Sprint(warnings, err)
		if strings.Contains(said, canary) || strings.Contains(said, keyCanary) {
			t.Errorf("a secret is in the message:\n%s\nabout\n%s", said, text)
		}
	})
}

func outsideSecrets(at int) bool {
	for _, hidden := range []string{canary, keyCanary} {
		for from := range len(secretive) {
			if strings.HasPrefix(secretive[from:], hidden) && at >= from && at <= from+len(hidden) {
				return false
			}
		}
	}
	return true
}

func TestSecretFiles(t *testing.T) {
	const text = `applications:
  - { id: app_example, jwks_file: jwks.json, encryption_key_files: [new.key, old.key] }
directories:
  - name: corp
    urls: [ldaps://ldap.example.org]
    bind_dn: cn=provisioner,dc=example,dc=org
    bind_password_file: bind.secret
    mapping: openldap.yaml
`
	folder := t.TempDir()
	path := write(t, folder, "c.yaml", text, 0o644)
	newKey, oldKey := strings.Repeat("0f", 32), strings.Repeat("f0", 16)
	write(t, folder, "new.key", newKey, 0o640)
	write(t, folder, "old.key", oldKey+"\r\n", 0o600)

	for _, tt := range []struct{ name, content, want string }{
		{"no line break", " pass word ", " pass word "},
		{"one line break is not part of it", "password\n", "password"},
		{"as Windows writes it", "password\r\n", "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, folder, "bind.secret", tt.content, 0o600)
			c, warnings, err := config.Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Directories[0].BindPassword.Reveal(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if keys := c.Applications[0].EncryptionKeys; len(keys) != 2 || keys[0].Reveal() != newKey || keys[1].Reveal() != oldKey {
				t.Errorf("the encryption keys are not those of the files, in their order")
			}
			for _, w := range warnings {
				if strings.Contains(w.Message, "permission") {
					t.Errorf("unwanted warning: %s", w)
				}
			}
		})
	}

	t.Run("readable by everybody", func(t *testing.T) {
		write(t, folder, "bind.secret", "password\n", 0o604)
		_, warnings, err := config.Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWarning(t, warnings, "c.yaml:7:25: directories[0].bind_password_file: everybody on this machine can read")
	})

	t.Run("two line breaks at the end", func(t *testing.T) {
		write(t, folder, "bind.secret", "password\n\n", 0o600)
		var problems *config.Problems
		if _, _, err := config.Load(path, nil); !errors.As(err, &problems) || !strings.Contains(err.Error(), "more than one line") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestWarnings(t *testing.T) {
	const text = `applications:
  - { id: app_one, jwks_file: jwks.json }
  - { id: app_two, jwks_file: jwks.json }
directories:
  - name: corp
    urls: [ldap://ldap.example.org]
    allow_cleartext: true
    bind_dn: cn=provisioner,dc=example,dc=org
    bind_password: password
    mapping: openldap.yaml
    applications: [app_one]
`
	_, warnings, err := config.Load(write(t, t.TempDir(), "c.yaml", text, 0o644), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"c.yaml: the file holds secrets and everybody on this machine can read it",
		"c.yaml:3:5: applications[1]: no directory takes the events of app_two",
		"c.yaml:7:22: directories[0].allow_cleartext: passwords cross the network unprotected",
		"c.yaml: receiver.listen: events are taken in over plain HTTP",
	} {
		wantWarning(t, warnings, want)
	}
	if len(warnings) != 4 {
		t.Errorf("want 4 warnings, got %v", warnings)
	}

	_, warnings, err = config.Load(write(t, t.TempDir(), "c.yaml", text, 0o640), []string{
		"IDAAS_LDAP_RECEIVER_LISTEN=127.0.0.1:8443",
		"IDAAS_LDAP_DIRECTORIES_0_APPLICATIONS_1=app_two",
		"IDAAS_LDAP_DIRECTORIES_0_START_TLS=true",
	})
	if err != nil || len(warnings) > 0 {
		t.Errorf("got %v and error %v, want none", warnings, err)
	}
}

func wantWarning(t *testing.T, warnings []config.Warning, want string) {
	t.Helper()
	for _, w := range warnings {
		if strings.Contains(w.String(), want) {
			return
		}
	}
	t.Errorf("no warning %q in %v", want, warnings)
}
