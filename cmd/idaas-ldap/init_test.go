package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

const keyEndpoint = "https://eiam.example.org/v2/idaas_example/app_example/provisioning/jwks"

// initialise writes a first configuration for a directory into a folder.
func initialise(t *testing.T, a ldaptest.Access, folder string, flags ...string) (code int, said string) {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(a.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"init", "--bind-dn", a.BindDN, "--bind-password-file", password, "--key-endpoint", keyEndpoint, folder}
	if a.CAFile != "" {
		args = append(args, "--url", a.TLSURL, "--ca-file", a.CAFile)
	} else {
		args = append(args, "--url", a.URL)
	}
	code, out, errs := call(t, append(args, flags...)...)
	return code, out + errs
}

// isAccepted makes a first configuration for a server, and sees to it that validate accepts it.
func isAccepted(t *testing.T, a ldaptest.Access, kind string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "made")
	code, said := initialise(t, a, folder)
	if code != 0 || !strings.Contains(said, " is "+kind) || !strings.Contains(said, "https://YOUR PROXY/accounts/provision") {
		t.Fatalf("exit %d: %s", code, said)
	}
	for _, name := range []string{"bind.secret", "encryption.secret"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if code, said := validate(t, hereabouts(t, folder), "--online"); code != 0 {
		t.Errorf("validate: exit %d: %s", code, said)
	}
}

// hereabouts edits what is nobody's on this machine: a set of keys stands in for the key endpoint, and any port is taken. It returns the
// path of the configuration.
func hereabouts(t *testing.T, folder string) string {
	t.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "idaas-ldap.yaml")
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "jwks.json"), tenant.JWKS(), 0o600)
	}
	edited := strings.NewReplacer("jwks_url: '"+keyEndpoint+"'", "jwks_file: jwks.json", "127.0.0.1:8443", "127.0.0.1:0").Replace(string(text))
	if err == nil {
		err = os.WriteFile(config, []byte(edited+"admin: { listen: '127.0.0.1:0' }\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// What is missing, wrong or in the way is said, and nothing is left behind.
func TestInitSaysWhatItNeeds(t *testing.T) {
	directory := startDirectory(t, "")
	a := ldaptest.Access{URL: directory.URL(), BindDN: adminDN, Password: password}
	there := t.TempDir()
	if err := os.WriteFile(filepath.Join(there, "bind.secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("c4n4ry"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
		code int
	}{
		"nothing":                   {[]string{"init", filepath.Join(t.TempDir(), "x")}, "say --key-endpoint", exitUsage},
		"no server":                 {[]string{"init", "--key-endpoint", keyEndpoint, filepath.Join(t.TempDir(), "x")}, "say --url", exitUsage},
		"another endpoint":          {[]string{"init", "--key-endpoint", "https://example.org/jwks", filepath.Join(t.TempDir(), "x")}, "not one as IDaaS shows it", exitUsage},
		"two that send":             {[]string{"init", "--key-endpoint", keyEndpoint, "--simulated", filepath.Join(t.TempDir(), "x")}, "--simulated has no --key-endpoint", exitUsage},
		"something is there":        {[]string{"init", there}, "nothing is replaced", exitUsage},
		"half a certificate":        {[]string{"init", "--cert-file", "x", filepath.Join(t.TempDir(), "x")}, "go together", exitUsage},
		"nobody answers":            {[]string{"init", "--key-endpoint", keyEndpoint, "--url", "ldap://127.0.0.1:1", "--bind-dn", adminDN, "--bind-password-file", secret, filepath.Join(t.TempDir(), "x")}, "look at ldap://127.0.0.1:1", exitFailed},
		"clear text to the outside": {[]string{"init", "--key-endpoint", keyEndpoint, "--url", "ldap://ldap.example.org", "--bind-dn", adminDN, "--bind-password-file", secret, filepath.Join(t.TempDir(), "x")}, "--url: ", exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := call(t, c.args...)
			if code != c.code || !strings.Contains(errs, c.want) || strings.Contains(errs, "c4n4ry") {
				t.Errorf("exit %d: %s", code, errs)
			}
			if folder := c.args[len(c.args)-1]; folder != there {
				if _, err := os.Stat(folder); err == nil {
					t.Error("the folder is made")
				}
			}
		})
	}
	a.Password = "wrong-c4n4ry"
	if code, said := initialise(t, a, filepath.Join(t.TempDir(), "x")); code != exitFailed || !strings.Contains(said, "(49)") || strings.Contains(said, "c4n4ry") {
		t.Errorf("a wrong password: exit %d: %s", code, said)
	}
}

// What no flag says is asked for, again where the answer is empty; among several suffixes the person chooses, and the only one is taken.
func TestInitAsksWhoSitsThere(t *testing.T) {
	var said bytes.Buffer
	ask := func(answers string) *questions {
		return &questions{terminal: terminal{Err: &said}, reader: bufio.NewReader(strings.NewReader(answers)), somebody: true}
	}
	if got, err := ask("\n  ldaps://ldap1 \n").text("a server", "--url", ""); err != nil || got != "ldaps://ldap1" || strings.Count(said.String(), "a server: ") != 2 {
		t.Errorf("%q, %v; it says %q", got, err, said.String())
	}
	if got, err := ask("").text("a server", "--url", "ldaps://given"); err != nil || got != "ldaps://given" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ask("").text("a server", "--url", ""); err == nil || !strings.Contains(err.Error(), "--url") {
		t.Errorf("without an answer: %v", err)
	}
	one, two := plan.MustParseDN("dc=example,dc=org"), plan.MustParseDN("dc=example,dc=com")
	if got, err := ask("").base([]plan.DN{one}); err != nil || !got.Equal(one) {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := ask("dc=example,dc=com\n").base([]plan.DN{one, two}); err != nil || !got.Equal(two) || !strings.Contains(said.String(), "dc=example,dc=org; dc=example,dc=com") {
		t.Errorf("%s, %v; it says %q", got, err, said.String())
	}
}

// The key that IDaaS has already is taken, and a base that is named is used.
func TestInitTakesWhatIsGiven(t *testing.T) {
	directory := startDirectory(t, "")
	a := ldaptest.Access{URL: directory.URL(), BindDN: adminDN, Password: password}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "made")
	code, said := initialise(t, a, folder, "--encryption-key-file", key, "--base", "ou=people,"+suffix)
	if code != 0 || !strings.Contains(said, "the key that it shows already") {
		t.Fatalf("exit %d: %s", code, said)
	}
	files, err := filepath.Glob(filepath.Join(folder, "mappings", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the mappings are %v: %v", files, err)
	}
	mapping, err := os.ReadFile(files[0])
	if err != nil || !slices.Contains(strings.Fields(string(mapping)), "ou=people,"+suffix) {
		t.Errorf("the base is another one: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "encryption.secret")); err != nil || string(text) != strings.Repeat("ab", 32)+"\n" {
		t.Errorf("the key is %q: %v", text, err)
	}
	if code, said := validate(t, hereabouts(t, folder)); code != 0 {
		t.Errorf("validate: exit %d: %s", code, said)
	}
}

// For a trial the simulation is trusted, whose key is for its owner only, and no key endpoint is asked for.
func TestInitForATrial(t *testing.T) {
	directory := startDirectory(t, "")
	folder, secret := filepath.Join(t.TempDir(), "made"), filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "init", "--simulated", "--url", directory.URL(), "--bind-dn", adminDN, "--bind-password-file", secret, folder)
	if code != 0 || !strings.Contains(out, "--signing-key "+filepath.Join(folder, "simulate.key")) {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if info, err := os.Stat(filepath.Join(folder, "simulate.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info.Mode(), err)
	}
	if code, said := validate(t, filepath.Join(folder, "idaas-ldap.yaml")); code != 0 {
		t.Errorf("validate: exit %d: %s", code, said)
	}
}
