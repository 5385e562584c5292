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

const decidedMapping = "testdata/decided.yaml"

func TestEmbeddedDecidesNamesAndNumbersOnce(t *testing.T) {
	dir := embeddedDirectory(startEmbedded(t))
	dir.mapping = decidedMapping
	decidedOnce(t, startProduct(t, dir, true))
}

func TestOpenLDAPDecidesNamesAndNumbersOnce(t *testing.T) {
	dir := slapdDirectory(ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}))
	dir.mapping = decidedMapping
	decidedOnce(t, startProduct(t, dir, true))
}

// Many people of one name come at once, into a directory in which others have the name and many of the numbers already.
func decidedOnce(t *testing.T, p *product) {
	t.Helper()
	const others, people = 120, 24
	p.addOthers(others)
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
		uid, number := e.GetAttributeValue("uid"), e.GetAttributeValue("uidNumber")
		wantDN(t, e, "uid="+uid+",ou=people,"+testBase)
		wantValues(t, e, "homeDirectory", "/home/"+uid)
		wantValues(t, e, "gidNumber", number)
		names, numbers, mails = append(names, uid), append(numbers, number), append(mails, e.GetAttributeValue("mail"))
		want = append(want, fmt.Sprintf("ann-lee%d", i+2))
		decided[u.ID] = uid + " " + number
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
		wantValues(t, e, "cn", "Ann Kim")
		if got := e.GetAttributeValue("uid") + " " + e.GetAttributeValue("uidNumber"); got != decided[u.ID] {
			t.Fatalf("what was decided as %s is %s now", decided[u.ID], got)
		}
	}

	// A name that is free again is taken again; a number is not.
	gone := p.user(users[0].ID).GetAttributeValue("uid")
	p.apply(event.CodeApplied, p.tenant.DeleteUser(users[0].ID))
	late := idaastest.User{ID: p.tenant.NewUserID(), Username: "late", DisplayName: "Ann Lee"}
	p.apply(event.CodeApplied, p.tenant.CreateUser(late, ""))
	wantValues(t, p.user(late.ID), "uid", gone)
	wantValues(t, p.user(late.ID), "uidNumber", strconv.Itoa(20000+others+people))
}

// addOthers adds entries that are not ours: one that has the name that all want, and all together many numbers.
func (p *product) addOthers(count int) {
	p.t.Helper()
	p.addUnit("people")
	conn := p.reader()
	for i := range count {
		uid := "ann-lee"
		if i > 0 {
			uid = fmt.Sprintf("other%d", i)
		}
		add := ldap.NewAddRequest("uid="+uid+",ou=groups,"+testBase, nil)
		add.Attribute("objectClass", []string{"account", "posixAccount"})
		for name, value := range map[string]string{
			"uid": uid, "cn": uid, "uidNumber": strconv.Itoa(20000 + i), "gidNumber": "100", "homeDirectory": "/",
		} {
			add.Attribute(name, []string{value})
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
