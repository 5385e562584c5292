package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// rightsBlock finds the lines that give the bind account its rights for a mapping, which is named in a mark above them.
func rightsBlock(mapping string) *regexp.Regexp {
	return regexp.MustCompile("(?s)(<!-- rights for " + regexp.QuoteMeta(mapping) + " -->\n```text rights\n)(.*?)(```\n)")
}

// pageRights returns the lines of a page for a mapping, which are the same in every language.
func pageRights(t *testing.T, page, mapping string) (lines []string) {
	t.Helper()
	for _, where := range languages {
		path := filepath.Join("..", "..", where[1], page)
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		block := rightsBlock(mapping).FindStringSubmatch(string(source))
		if block == nil {
			t.Fatalf("%s has no lines for %s", path, mapping)
		}
		found := strings.Split(strings.TrimSpace(block[2]), "\n")
		if lines != nil && !slices.Equal(lines, found) {
			t.Fatalf("%s has other rights for %s than the page in another language", path, mapping)
		}
		lines = found
	}
	return lines
}

// writeRights writes lines for a mapping into a page, in every language.
func writeRights(t *testing.T, page, mapping string, lines []string) {
	t.Helper()
	for _, where := range languages {
		path := filepath.Join("..", "..", where[1], page)
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := rightsBlock(mapping).ReplaceAllStringFunc(string(source), func(old string) string {
			block := rightsBlock(mapping).FindStringSubmatch(old)
			return block[1] + strings.Join(lines, "\n") + "\n" + block[3]
		})
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// trialOfRights is how the rights on a page are tried on a server.
type trialOfRights struct {
	page, mapping string
	// config has an account that has what give gave it last, and nothing else.
	config string
	give   func(lines []string)
	admin  *ldap.Conn
}

// isLeast looks whether the lines of the page are what the account needs, together with others that it has: with all of them it lacks nothing, and without
// any one of them exactly that one is named.
func (r trialOfRights) isLeast(t *testing.T, others ...string) (lines []string, said string) {
	t.Helper()
	if *update {
		lines, _ = gathered(t, r.config, func(all []string) { r.give(slices.Concat(others, all)) })
		writeRights(t, r.page, r.mapping, lines)
	}
	lines = pageRights(t, r.page, r.mapping)
	r.give(slices.Concat(others, lines))
	if code, said := validate(t, r.config, "--online", "--rights"); code != exitDone {
		t.Fatalf("with all of %s: exit %d\n%s", r.page, code, said)
	}
	for _, line := range lines {
		rest := slices.DeleteFunc(slices.Concat(others, lines), func(other string) bool { return other == line })
		r.give(rest)
		code, now := validate(t, r.config, "--online", "--rights")
		r.removeTests(t)
		said += now
		named := slices.Compact(slices.Sorted(slices.Values(granted(now))))
		if code != exitFailed || len(named) != 1 || !strings.HasPrefix(line, partOf(named[0])) || strings.Contains(now, "cannot be tried") {
			t.Errorf("without %s: exit %d\n%s", line, code, now)
		}
	}
	r.give(slices.Concat(others, lines))
	return lines, said
}

// partOf is a line as far as another has to begin with it to give the same: slapd's rules may be about more attributes.
func partOf(line string) string {
	what, _, _ := strings.Cut(line, " by ")
	return what
}

// removeTests removes the entries that a trial could not remove again.
func (r trialOfRights) removeTests(t *testing.T) {
	t.Helper()
	found, err := r.admin.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		"(|(ou=*idaas-ldap-test-*)(cn=*idaas-ldap-test-*))", []string{"1.1"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found.Entries, func(a, b *ldap.Entry) int { return len(b.DN) - len(a.DN) }) // what is below goes first
	for _, e := range found.Entries {
		if err := r.admin.Del(ldap.NewDelRequest(e.DN, nil)); err != nil {
			t.Fatal(err)
		}
	}
}

// gathered gives an account line by line what validate says that it lacks, until it lacks nothing, and returns the lines that were needed
// in their order on a page.
func gathered(t *testing.T, config string, give func(all []string)) (lines []string, said string) {
	t.Helper()
	given := map[string]bool{}
	for range 12 {
		code, now := validate(t, config, "--online", "--rights")
		said += now
		if code == exitDone {
			return needed(slices.Sorted(maps.Keys(given))), said
		}
		latest := granted(now)
		slices.Sort(latest)
		latest = slices.DeleteFunc(slices.Compact(latest), func(line string) bool { return given[line] })
		if len(latest) == 0 {
			break
		}
		for _, line := range latest {
			given[line] = true
		}
		give(slices.Sorted(maps.Keys(given)))
	}
	t.Fatalf("nothing more is granted, and it is not enough:\n%s", said)
	return nil, ""
}

// needed leaves out what another line gives as well: a rule of slapd for the same entries with more attributes.
func needed(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		what, _, _ := strings.Cut(line, " by ")
		return slices.ContainsFunc(lines, func(other string) bool { return strings.HasPrefix(other, what+",") })
	})
}

// addDocumentedAccount adds the entry that a page shows for the bind account, and returns who that is.
func addDocumentedAccount(t *testing.T, page string, a ldaptest.Access) ldaptest.Access {
	t.Helper()
	block := regexp.MustCompile("(?s)```ldif\n(.*?)```").FindStringSubmatch(documentation(t, "English")[page])
	if block == nil {
		t.Fatalf("%s shows no account", page)
	}
	records, err := plan.ParseRecords(strings.NewReader(block[1]))
	if err != nil || len(records) != 1 {
		t.Fatalf("%s: %d records, %v", page, len(records), err)
	}
	conn := a.Administrator(t)
	defer conn.Close()
	add := ldap.NewAddRequest(records[0].DN, nil)
	for _, attribute := range records[0].Attributes {
		add.Attribute(attribute.Name, attribute.Values)
		if attribute.Name == "userPassword" {
			a.Password = attribute.Values[0]
		}
	}
	if err := conn.Add(add); err != nil {
		t.Fatalf("%s: add %s: %v", page, records[0].DN, err)
	}
	a.BindDN = records[0].DN
	return a
}

// shownLine returns what stands behind a word in a line of its own that a page shows.
func shownLine(t *testing.T, page, word string) string {
	t.Helper()
	found := regexp.MustCompile("(?m)^" + word + " (.*)$").FindStringSubmatch(documentation(t, "English")[page])
	if found == nil {
		t.Fatalf("%s shows no line with %s", page, word)
	}
	return found[1]
}

// The access rules on the page are what validate names to an account that may only read, they are enough, and none is too many.
func TestOpenLDAPRightsOfThePage(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	give := func(lines []string) {
		rules := append(slices.Clone(lines), "to * "+shownLine(t, "openldap.md", `to \*`), `to attrs=userPassword by anonymous auth by * none`)
		server.Configure(t, "olcAccess", rules...)
	}
	configuredSlapd(t, server)
	give(nil)
	account := addDocumentedAccount(t, "openldap.md", server.Access)
	server.Configure(t, "olcLimits", shownLine(t, "openldap.md", "limits"))
	server.Configure(t, "olcDbIndex", shownLine(t, "openldap.md", "index"))
	admin := server.Administrator(t)
	defer admin.Close()
	people := trialOfRights{"openldap.md", "openldap.yaml", onlineConfig(t, account, server.URL, "openldap.yaml"), give, admin}
	lines, _ := people.isLeast(t)
	posix := trialOfRights{"openldap.md", "openldap-posix.yaml", onlineConfig(t, account, server.URL, "openldap-posix.yaml"), give, admin}
	posix.isLeast(t, lines...)
	server.Configure(t, "olcAccess", append(slices.Clone(lines), `to attrs=userPassword by anonymous auth by * none`)...)
	hidesAll(t, people.config)
}

// configuredSlapd gives slapd the change of the page for cn=config, as its administrator.
func configuredSlapd(t *testing.T, server *ldaptest.Slapd) {
	t.Helper()
	server.Configure(t, "olcDbIndex", "objectClass eq") // as in a new one
	change := filepath.Join(t.TempDir(), "rights.ldif")
	if err := os.WriteFile(change, []byte(exampleOf(t, "openldap.md", "ldif change")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ldapmodify", "-x", "-H", server.URL, "-D", "cn=config", "-w", server.Password, "-f", change).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// hidesAll expects that validate says what an account lacks that may write and not read.
func hidesAll(t *testing.T, config string) {
	t.Helper()
	if code, said := validate(t, config, "--online", "--rights"); code != exitFailed || !strings.Contains(said, "the base of the mapping is not to be seen") {
		t.Errorf("without the right to read: exit %d\n%s", code, said)
	}
}

// target finds of which entry a line is a value.
var target = regexp.MustCompile(`target="ldap:///([^"]+)"`)

// So are the values of aci.
func Test389DSRightsOfThePage(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	give := func(lines []string) {
		values := map[string][]string{"ou=people,dc=example,dc=org": nil, "ou=groups,dc=example,dc=org": nil, "ou=leavers,dc=example,dc=org": nil}
		for _, line := range lines {
			at := target.FindStringSubmatch(line)[1]
			values[at] = append(values[at], strings.TrimPrefix(line, "aci: "))
		}
		for at, aci := range values {
			server.Configure(t, at, "aci", aci...)
		}
	}
	give(nil)
	account := addDocumentedAccount(t, "389ds.md", server.Access)
	server.Configure(t, "dc=example,dc=org", "aci", shownLine(t, "389ds.md", "aci:"))
	config := onlineConfig(t, account, server.TLSURL, "389ds.yaml")
	admin := server.Administrator(t)
	defer admin.Close()
	trialOfRights{"389ds.md", "389ds.yaml", config, give, admin}.isLeast(t)
	server.Configure(t, "dc=example,dc=org", "aci")
	hidesAll(t, config)
	indexed389(t, server)
}

// indexed389 types the commands of the page for indexes, with the server and the password of the test.
func indexed389(t *testing.T, server *ldaptest.DS389Server) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "admin.secret")
	if err := os.WriteFile(secret, []byte(server.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("ldap://127.0.0.1:389", server.URL, "admin.secret", secret).Replace(exampleOf(t, "389ds.md", "sh dsconf"))
	if out, err := exec.CommandContext(t.Context(), "bash", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	admin := server.Administrator(t)
	defer admin.Close()
	for _, name := range []string{"employeeNumber", "businessCategory"} {
		if _, err := admin.Search(ldap.NewSearchRequest("cn="+name+",cn=index,cn=userRoot,cn=ldbm database,cn=plugins,cn=config", ldap.ScopeBaseObject,
			ldap.NeverDerefAliases, 0, 0, false, "(nsIndexType=eq)", []string{"1.1"}, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
