package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// validateOnline checks a ready mapping together with a real server. Edits change the mapping, in pairs of old and new text.
func validateOnline(t *testing.T, a ldaptest.Access, url, mapping string, edits ...string) (code int, said string) {
	t.Helper()
	return validate(t, onlineConfig(t, a, url, mapping, edits...), "--online")
}

func validate(t *testing.T, config string, flags ...string) (code int, said string) {
	t.Helper()
	code, out, errs := call(t, append([]string{"validate", "--config", config}, flags...)...)
	return code, out + errs
}

// onlineConfig writes a configuration for a real server and a ready mapping.
func onlineConfig(t *testing.T, a ldaptest.Access, url, mapping string, edits ...string) string {
	t.Helper()
	folder := t.TempDir()
	source, err := os.ReadFile(filepath.Join(mappingsFolder(t), mapping))
	if err != nil {
		t.Fatal(err)
	}
	edited, tests, _ := strings.Cut(string(source), "\ntests:")
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(edited, edits[i]) {
			t.Fatalf("%s has no %q", mapping, edits[i])
		}
		edited = strings.Replace(edited, edits[i], edits[i+1], 1)
	}
	if len(edits) == 0 {
		edited += "\ntests:" + tests
	}
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
    mapping: mapping.yaml
admin: { listen: "127.0.0.1:0" }
`, url, a.CAFile, a.BindDN, a.Password)
	for name, content := range map[string]string{"idaas-ldap.yaml": text, "jwks.json": keySet, "mapping.yaml": edited} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// wants fails unless the command has failed with some problems and no other.
func wants(t *testing.T, code int, said string, problems ...string) {
	t.Helper()
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	for _, p := range problems {
		if !strings.Contains(said, p) {
			t.Errorf("it does not say %q", p)
		}
	}
	if n := strings.Count(said, "corp: ") - strings.Count(said, "corp: the mapping ") - strings.Count(said, "corp: whether "); n != len(problems) {
		t.Errorf("it says %d things instead of %d", n, len(problems))
	}
	if t.Failed() {
		t.Log(said)
	}
}

func TestOpenLDAPValidateOnline(t *testing.T) {
	good, bare := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true}).Access
	if code, said := validateOnline(t, good, good.URL, "openldap.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
	if code, said := validateOnline(t, good, good.URL, "openldap-posix.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
	isAccepted(t, good, "openldap")
	code, said := validateOnline(t, bare, bare.URL, "openldap.yaml")
	if code != exitFailed || !strings.Contains(said, "no means to disable or lock or expire an account") || !strings.Contains(said, "pwdLockout TRUE") {
		t.Errorf("without a password policy: exit %d\n%s", code, said)
	}
}

func Test389DSValidateOnline(t *testing.T) {
	a := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	if code, said := validateOnline(t, a, a.TLSURL, "389ds.yaml"); code != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
	isAccepted(t, a, "389ds")
	code, said := validateOnline(t, a, a.URL, "389ds.yaml")
	if code != exitFailed || !strings.Contains(said, "passwords over TLS only") {
		t.Errorf("without TLS: exit %d\n%s", code, said)
	}
}

// The plug-in with which 389 DS loses track of names is found where the bind account may see it; else it is told to look.
func Test389DSValidateSettings(t *testing.T) {
	for _, on := range []bool{false, true} {
		a := ldaptest.StartDS389(t, ldaptest.DS389Config{Integrity: on}).Access
		code, said := validateOnline(t, a, a.TLSURL, "389ds.yaml")
		if code != exitDone || !strings.Contains(said, "may not see whether nsslapd-pluginEnabled of cn=referential integrity postoperation") {
			t.Errorf("%v: exit %d\n%s", on, code, said)
		}
		a.BindDN = a.AdminDN
		code, said = validateOnline(t, a, a.TLSURL, "389ds.yaml")
		if got := strings.Contains(said, `is "on" and has to be "off"`); got != on || (code == exitDone) == on || strings.Contains(said, "may not see whether") {
			t.Errorf("%v, as administrator: exit %d\n%s", on, code, said)
		}
	}
}

// What a server would refuse is said before it does, all at once and with its place.
func TestOpenLDAPValidateWrongMappings(t *testing.T) {
	a := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access
	code, said := validateOnline(t, a, a.URL, "openldap.yaml",
		"object_classes: [inetOrgPerson]", "object_classes: [inetOrgPerson, posixAccount]",
		"mail: lower(user.email)", "mial: lower(user.email)",
		"displayName: user.displayName", "displayName: map(user.ous, .name)",
		"dn: \"cn={group.name},ou=groups,dc=example,dc=org\"", "dn: \"cn={group.name},ou=teams,dc=example,dc=org\"")
	wants(t, code, said, "has no attribute mial; did you mean mail?", "displayName has one value in the directory, and this gives a list",
		"posixAccount demands gidNumber", "posixAccount demands homeDirectory", "posixAccount demands uidNumber",
		"the entry ou=teams,dc=example,dc=org is not there")
	if !strings.Contains(said, "mapping.yaml:39:5: the directory's schema has no attribute mial") {
		t.Errorf("the place is not shown:\n%s", said)
	}
}

// Whether the bind account may write, OpenLDAP does not tell; a test finds it out and leaves nothing behind.
func TestOpenLDAPValidateRights(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true})
	a := server.Access
	config := onlineConfig(t, a, a.URL, "openldap.yaml")
	if code, said := validate(t, config, "--online"); code != exitDone || !strings.Contains(said, "cannot be told without writing") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if writes := server.Writes(t); len(writes) != 0 {
		t.Errorf("it has written %v", writes)
	}
	if code, said := validate(t, config, "--online", "--rights"); code != exitDone || !strings.Contains(said, "may do all that the mapping can need") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if writes := server.Writes(t); len(writes) < 20 {
		t.Errorf("the test has written %v", writes)
	}
	other := onlineConfig(t, a, a.URL, "openldap.yaml", "root: ou=people,dc=example,dc=org", "root: ou=system,dc=example,dc=org")
	if code, said := validate(t, other, "--online", "--rights"); code != exitFailed || !strings.Contains(said, "the bind account may not add an entry of organizationalUnit below ou=system,dc=example,dc=org") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// grants finds the lines that validate prints to give rights.
var grants = regexp.MustCompile(`This grants it: (.*)`)

// granted are these lines. None speaks of the entries of the test, which are gone.
func granted(said string) (lines []string) {
	for _, found := range grants.FindAllStringSubmatch(said, -1) {
		lines = append(lines, found[1])
	}
	return lines
}

// What the bind account lacks is named, and the line that is named gives it.
func TestOpenLDAPValidateNamesWhatGrantsARight(t *testing.T) {
	lacking := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessRules: []string{
		`to attrs=userPassword by anonymous auth by * none`,
		`to dn.subtree="ou=groups,dc=example,dc=org" by users read`,
		`to dn.subtree="ou=people,dc=example,dc=org" attrs=mobile by users read`,
	}})
	code, said := validate(t, onlineConfig(t, lacking.Access, lacking.URL, "openldap.yaml"), "--online", "--rights")
	for _, want := range []string{
		"may not set the password of an entry of inetOrgPerson below", "may not write mobile of an entry of inetOrgPerson below",
		"may not add an entry of groupOfNames below ou=groups,dc=example,dc=org",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if code != exitFailed || strings.Contains(said, "by hand") {
		t.Errorf("exit %d", code)
	}
	given := granted(said)
	if len(given) != 3 {
		t.Errorf("%d lines grant something: %q", len(given), given)
	}
	if t.Failed() {
		t.Log(said)
	}
	granting := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessRules: append(given,
		`to attrs=userPassword by anonymous auth by * none`, `to dn.subtree="ou=people,dc=example,dc=org" attrs=mobile by users read`,
	)})
	if code, said := validate(t, onlineConfig(t, granting.Access, granting.URL, "openldap.yaml"), "--online", "--rights"); code != exitDone {
		t.Errorf("with %q: exit %d\n%s", given, code, said)
	}
}

func Test389DSValidateNamesWhatGrantsARight(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	a := server.Access
	conn, err := ldap.DialURL(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(a.AdminDN, a.Password); err != nil {
		t.Fatal(err)
	}
	for dn, denied := range map[string]string{
		"ou=groups,dc=example,dc=org":  `(targetattr="*")(version 3.0; acl "no groups"; deny (add, delete) userdn="ldap:///` + a.BindDN + `";)`,
		"ou=leavers,dc=example,dc=org": `(targetattr="*")(version 3.0; acl "no end"; deny (delete) userdn="ldap:///` + a.BindDN + `";)`,
		"ou=people,dc=example,dc=org":  `(targetattr="mobile || nsAccountLock || accountUnlockTime")(version 3.0; acl "no mobile"; deny (write) userdn="ldap:///` + a.BindDN + `";)`,
	} {
		change := ldap.NewModifyRequest(dn, nil)
		change.Add("aci", []string{denied})
		if err := conn.Modify(change); err != nil {
			t.Fatal(err)
		}
	}
	code, said := validate(t, onlineConfig(t, a, a.TLSURL, "389ds.yaml", toLeavers...), "--online", "--rights")
	for _, want := range []string{
		"may not delete an entry of inetOrgPerson below ou=leavers,dc=example,dc=org", `(target="ldap:///ou=leavers,dc=example,dc=org")(targetattr="*")(version 3.0; acl "idaas-ldap delete"; allow (delete)`,
		"may not write nsAccountLock of an entry of inetOrgPerson below", `(target="ldap:///ou=people,dc=example,dc=org")(targetattr="nsAccountLock")`,
		"may not write accountUnlockTime of an entry of inetOrgPerson below", `(target="ldap:///ou=people,dc=example,dc=org")(targetattr="accountUnlockTime")`,
		"may not add an entry of groupOfNames below ou=groups,dc=example,dc=org", `(target="ldap:///ou=groups,dc=example,dc=org")(targetattr="*")(version 3.0; acl "idaas-ldap add"; allow (add)`,
		"may not write mobile of an entry of inetOrgPerson below", `(targetattr="mobile")(version 3.0; acl "idaas-ldap write"; allow (write)`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if code != exitFailed || strings.Contains(said, "by hand") || t.Failed() {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// Every server lets its own account do all that its ready mapping can need, and is as it was afterwards.
func Test389DSValidateTriesEverything(t *testing.T) {
	a := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	triesEverything(t, a, "389ds.yaml", toLeavers...)
}

func triesEverything(t *testing.T, a ldaptest.Access, mapping string, edits ...string) {
	t.Helper()
	code, said := validate(t, onlineConfig(t, a, a.TLSURL, mapping, edits...), "--online", "--rights")
	if code != exitDone || !strings.Contains(said, "may do all that the mapping can need") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if _, again := validate(t, onlineConfig(t, a, a.TLSURL, mapping), "--online", "--rights"); !strings.Contains(again, "may do all that the mapping can need") {
		t.Errorf("the second time:\n%s", again)
	}
}

func TestOpenLDAPValidateFindsAServerThatIsReadOnly(t *testing.T) {
	const one = "0d9a1c1e-6f0c-4e6f-9d53-3f1a2b7c8d90" // the two are one directory
	a := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{BaseID: one}).Access
	readOnly := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{ReadOnly: true, BaseID: one})
	config := onlineConfig(t, a, a.URL+`", "`+readOnly.URL, "openldap.yaml")
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(string(raw), `\"`, `"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, said := validate(t, config, "--online")
	if code != exitFailed || !strings.Contains(said, "directories[0].urls[1]: it takes no writes") || strings.Contains(said, "urls[0]: it") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

func Test389DSValidateWrongMappings(t *testing.T) {
	a := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	code, said := validateOnline(t, a, a.TLSURL, "389ds.yaml",
		"mail: lower(user.email)", "mail: lower(user.email)\n    uidNumber: { const: none }",
		"dn: \"uid={user.username},{ou.dn}\"", "dn: \"uid={user.username},{base}\"")
	wants(t, code, said, "may not see whether nsslapd-pluginEnabled of", "no object class of the section allows uidNumber", "a value of uidNumber is a whole number",
		"the bind account may not add an entry of inetOrgPerson below dc=example,dc=org")
}

// A server that cannot be asked says so, and is asked by a test only where that is wanted.
func TestValidateSaysWhereRightsCannotBeTold(t *testing.T) {
	directory := startDirectory(t, "")
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, keySet) }))
	defer keys.Close()
	config := writeConfig(t, t.TempDir(), `listen: "127.0.0.1:0"`, fmt.Sprintf("  - { id: app_example, jwks_url: %q }", keys.URL), directory.URL())
	before := directory.LDIF()
	code, said := validate(t, config, "--online")
	if code != exitDone || !strings.Contains(said, "cannot be told without writing: --rights makes") || len(directory.Journal()) != 0 {
		t.Errorf("exit %d\n%s%v", code, said, directory.Journal())
	}
	if code, said := validate(t, config, "--online", "--rights"); code != exitDone || !strings.Contains(said, "may do all that the mapping can need") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if directory.LDIF() != before || len(directory.Journal()) < 20 {
		t.Errorf("the test leaves something behind, or wrote nothing: %v", directory.Journal())
	}
	code, out, _ := call(t, "validate", "--config", config, "--online", "--output", "json")
	var all []validated
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != exitDone || len(all) != 1 || all[0].Tests == 0 || len(all[0].Notes) != 1 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if code, said := validate(t, config, "--rights"); code != exitUsage || !strings.Contains(said, "--online") {
		t.Errorf("exit %d\n%s", code, said)
	}
}
