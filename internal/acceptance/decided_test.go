package acceptance_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// decision is what a server calls that which is decided once, and who has names and numbers there already.
type decision struct {
	mapping     string
	login, home string // attributes with the name that is decided, and with one that is made of it
	other       func(login, number string) map[string][]string
}

func posixDecision() decision {
	return decision{
		mapping: "testdata/decided.yaml", login: "uid", home: "homeDirectory",
		other: func(login, number string) map[string][]string {
			return map[string][]string{
				"objectClass": {"account", "posixAccount"}, "uid": {login}, "cn": {login}, "uidNumber": {number}, "gidNumber": {"100"}, "homeDirectory": {"/"},
			}
		},
	}
}

func activeDirectoryDecision() decision {
	return decision{
		mapping: "testdata/decided-active-directory.yaml", login: "sAMAccountName", home: "unixHomeDirectory",
		other: func(login, number string) map[string][]string {
			return map[string][]string{"objectClass": {"user"}, "cn": {login}, "sAMAccountName": {login}, "uidNumber": {number}}
		},
	}
}

func TestEmbeddedDecidesNamesAndNumbersOnce(t *testing.T) {
	decidedOnce(t, embeddedDirectory(startEmbedded(t)), posixDecision())
}

func TestOpenLDAPDecidesNamesAndNumbersOnce(t *testing.T) {
	t.Parallel()
	decidedOnce(t, slapdDirectory(ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})), posixDecision())
}

func Test389DSDecidesNamesAndNumbersOnce(t *testing.T) {
	t.Parallel()
	decidedOnce(t, ds389Directory(ldaptest.StartDS389(t, ldaptest.DS389Config{})), posixDecision())
}

func TestSambaDecidesNamesAndNumbersOnce(t *testing.T) {
	t.Parallel()
	decidedOnce(t, sambaDirectory(ldaptest.StartSamba(t)), activeDirectoryDecision())
}

// Many people of one name come at once, into a directory in which others have the name and many of the numbers already.
func decidedOnce(t *testing.T, dir *directory, d decision) {
	t.Helper()
	const others, people = 120, 24
	dir.mapping = d.mapping
	p := startProduct(t, dir, true)
	p.addOthers(d, others)
	users := make([]idaastest.User, people)
	var events []idaastest.Event
	for i := range users {
		users[i] = idaastest.User{ID: p.tenant.NewUserID(), Username: fmt.Sprintf("u%d", i), DisplayName: "Ann Lee", Email: "ann.lee@example.org"}
		events = append(events, p.tenant.CreateUser(users[i], ""))
	}
	p.send(events...)
	p.settled()
	decided := map[string]string{}
	var names, mails, numbers, want []string
	for i, u := range users {
		e := p.user(u.ID)
		if e == nil {
			t.Fatalf("user %d has no entry", i)
		}
		login, number := e.GetAttributeValue(d.login), e.GetAttributeValue("uidNumber")
		wantDN(t, e, dir.userDN(idaastest.User{Username: login}, dir.people))
		wantValues(t, e, d.home, "/home/"+login)
		wantValues(t, e, "gidNumber", number)
		names, numbers, mails = append(names, login), append(numbers, number), append(mails, e.GetAttributeValue("mail"))
		want = append(want, fmt.Sprintf("ann-lee%d", i+2))
		decided[u.ID] = login + " " + number
	}
	// The others have ann-lee and the numbers from 20000 on.
	sameSet(t, "names", names, want)
	for i := range want {
		want[i] = strings.Replace(want[i], "ann-lee", "ann.lee", 1) + "@example.org"
	}
	want = append(slices.DeleteFunc(want, func(v string) bool { return v == fmt.Sprintf("ann.lee%d@example.org", people+1) }), "ann.lee@example.org")
	sameSet(t, "mail addresses", mails, want)
	for i := range want {
		want[i] = strconv.Itoa(20000 + others + i)
	}
	sameSet(t, "numbers", numbers, want)

	// A change of the name changes neither, and no event decides anew, not even after a restart.
	p.halt()
	p.start()
	for i := range users {
		users[i].DisplayName = "Ann Kim"
		p.send(p.tenant.UserEvent(event.TypeUserUpdateInfo, users[i]))
	}
	p.settled()
	for _, u := range users {
		e := p.user(u.ID)
		wantValues(t, e, "displayName", "Ann Kim")
		if got := e.GetAttributeValue(d.login) + " " + e.GetAttributeValue("uidNumber"); got != decided[u.ID] {
			t.Fatalf("what was decided as %s is %s now", decided[u.ID], got)
		}
	}

	// A name that is free again is taken again; a number is not.
	gone := p.user(users[0].ID).GetAttributeValue(d.login)
	p.apply(event.CodeApplied, p.tenant.DeleteUser(users[0].ID))
	late := idaastest.User{ID: p.tenant.NewUserID(), Username: "late", DisplayName: "Ann Lee"}
	p.apply(event.CodeApplied, p.tenant.CreateUser(late, ""))
	wantValues(t, p.user(late.ID), d.login, gone)
	wantValues(t, p.user(late.ID), "uidNumber", strconv.Itoa(20000+others+people))
}

// addOthers adds entries that are not ours: one that has the name that all want, and all together many numbers.
func (p *product) addOthers(d decision, count int) {
	p.t.Helper()
	p.addUnit("people")
	conn := p.reader()
	for i := range count {
		login := "ann-lee"
		if i > 0 {
			login = fmt.Sprintf("other%d", i)
		}
		add := ldap.NewAddRequest(p.dir.userDN(idaastest.User{Username: login}, p.dir.groups), nil)
		for name, values := range d.other(login, strconv.Itoa(20000+i)) {
			add.Attribute(name, values)
		}
		if err := conn.Add(add); err != nil {
			p.t.Fatal(err)
		}
	}
}

// addUnit adds a unit below the suffix where it is not there yet.
func (p *product) addUnit(name string) {
	p.t.Helper()
	unit := ldap.NewAddRequest("ou="+name+","+testBase, nil)
	unit.Attribute("objectClass", []string{"organizationalUnit"})
	if err := p.reader().Add(unit); err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
		p.t.Fatal(err)
	}
}

// settled waits until everything is done, and fails where something is not.
func (p *product) settled() {
	p.t.Helper()
	if bad := p.settle(); len(bad) > 0 {
		p.t.Fatalf("%d events failed or are held, the first: %+v", len(bad), bad[0])
	}
}

func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("the %s are %q; want %q", what, got, want)
	}
}
