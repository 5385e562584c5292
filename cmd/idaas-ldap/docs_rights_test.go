package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// rightsBlock finds the lines that give the bind account its rights for a mapping, which is named in a mark above them.
func rightsBlock(mapping string) *regexp.Regexp {
	return regexp.MustCompile("(?s)(<!-- rights for " + regexp.QuoteMeta(mapping) + " -->\n```text\n)(.*?)(```\n)")
}

// rightsOnPage looks whether a page has the lines for a mapping, in every language.
func rightsOnPage(t *testing.T, page, mapping string, lines ...string) {
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
		if *update {
			text := strings.Join(lines, "\n") + "\n"
			changed := rightsBlock(mapping).ReplaceAllStringFunc(string(source), func(string) string { return block[1] + text + block[3] })
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(strings.Split(strings.TrimSpace(block[2]), "\n"), lines); diff != "" {
			t.Errorf("%s: the rights for %s: -update writes what validate says (-page +validate)\n%s", path, mapping, diff)
		}
	}
}

// gathered gives an account line by line what validate says that it lacks, until it lacks nothing, and returns the lines that were needed
// in their order on a page.
func gathered(t *testing.T, config string, give func(all, latest []string)) (lines []string, said string) {
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
		give(slices.Sorted(maps.Keys(given)), latest)
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

// eachIsNamed takes one line after the other away, of those that are tried, and looks whether it is named.
func eachIsNamed(t *testing.T, config string, lines, tried []string, give func(lines []string)) {
	t.Helper()
	for _, line := range tried {
		give(slices.DeleteFunc(slices.Clone(lines), func(other string) bool { return other == line }))
		code, said := validate(t, config, "--online", "--rights")
		isNamed := slices.ContainsFunc(granted(said), func(named string) bool {
			what, _, _ := strings.Cut(named, " by ")
			return strings.HasPrefix(line, what) // of a line with several attributes the first that is missed is named
		})
		if code != exitFailed || !isNamed {
			t.Errorf("without %s: exit %d\n%s", line, code, said)
		}
	}
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
	conn, err := ldap.DialURL(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(a.AdminDN, a.Password); err != nil {
		t.Fatal(err)
	}
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
		rules := append(slices.Clone(lines), `to attrs=userPassword by anonymous auth by * none`, `to * by users read`)
		server.Configure(t, "olcAccess", rules...)
	}
	give(nil)
	account := addDocumentedAccount(t, "openldap.md", server.Access)
	server.Configure(t, "olcLimits", shownLine(t, "openldap.md", "limits"))
	server.Configure(t, "olcDbIndex", shownLine(t, "openldap.md", "index"))
	people := onlineConfig(t, account, server.URL, "openldap.yaml")
	lines, _ := gathered(t, people, func(all, _ []string) { give(all) })
	rightsOnPage(t, "openldap.md", "openldap.yaml", lines...)
	posix, _ := gathered(t, onlineConfig(t, account, server.URL, "openldap-posix.yaml"), func(more, _ []string) { give(slices.Concat(lines, more)) })
	rightsOnPage(t, "openldap.md", "openldap-posix.yaml", posix...)
	eachIsNamed(t, people, lines, lines, give)
}

// target finds of which entry a line is a value.
var target = regexp.MustCompile(`target="ldap:///([^"]+)"`)

// The values of aci on the page are enough as well, and those of each sort are named.
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
	lines, _ := gathered(t, config, func(all, _ []string) { give(all) })
	rightsOnPage(t, "389ds.md", "389ds.yaml", lines...)
	// One of each sort is enough here, where every try takes more than on slapd: an entry and its right.
	sorts := map[string]string{}
	for _, line := range lines {
		_, right, _ := strings.Cut(line, "acl ")
		sorts[target.FindString(line)+right] = line
	}
	eachIsNamed(t, config, lines, slices.Sorted(maps.Values(sorts)), give)
}
