package acceptance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

const openLDAPMapping = "../../configs/mappings/openldap.yaml"

func slapdDirectory(s *ldaptest.Slapd) *directory {
	return &directory{
		vocabulary: inetOrgPerson("entryUUID"), can: means{status: true, history: true, minLength: true, tooShort: "quality", usedBefore: "history", lockout: true, ends: true, posix: true},
		kind: ldaptest.OpenLDAP, url: s.URL, bindDN: s.BindDN, password: s.Password, readDN: s.AdminDN, readPassword: s.Password, mapping: openLDAPMapping, adopting: adoptingByName,
		base: testBase, people: "ou=people," + testBase, groups: "ou=groups," + testBase, leavers: "ou=leavers," + testBase,
	}
}

// A user's life on slapd, and what slapd's own log says was written at each step.
func TestOpenLDAPLife(t *testing.T) {
	t.Parallel()
	for _, encrypted := range []bool{true, false} {
		t.Run(map[bool]string{true: "encrypted", false: "unencrypted"}[encrypted], func(t *testing.T) {
			t.Parallel()
			server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true})
			p := startProduct(t, slapdDirectory(server), encrypted)
			life(t, p, func() []ldaptest.Write { return server.Writes(t) })
		})
	}
}

func life(t *testing.T, p *product, writes func() []ldaptest.Write) {
	t.Helper()
	seen := 0
	fresh := func() []ldaptest.Write {
		all := writes()
		out := all[seen:]
		seen = len(all)
		return out
	}
	research := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Research"}
	lab := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Lab, Ltd.", Parent: research.ID}
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, research))
	// The guards count in percent of what is known, so there are more units than the two that go at the end.
	for _, name := range []string{"Sales", "Support"} {
		p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, idaastest.Unit{ID: p.tenant.NewUnitID(), Name: name}))
	}
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, lab))
	ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann.lee", DisplayName: "Ann Lee", Email: "ann@example.org", Unit: lab.ID}
	create := p.tenant.CreateUser(ann, "correct horse 1")
	p.apply(event.CodeApplied, create)

	entry := p.user(ann.ID, "entryUUID")
	wantDN(t, entry, `uid=ann.lee,ou=Lab\, Ltd.,ou=Research,ou=people,`+testBase)
	uuid := entry.GetAttributeValue("entryUUID")
	if !p.canBind(entry.DN, "correct horse 1") || p.canBind(entry.DN, "wrong") {
		t.Fatal("the password is not the one that was sent")
	}

	fresh()
	ann.Email = "ann.lee@example.org"
	p.apply(event.CodeApplied, p.tenant.UserEvent(event.TypeUserUpdateInfo, ann))
	w := fresh()
	if len(w) != 1 || w[0].Type != "modify" || !onlyTouches(w[0], "mail") {
		t.Fatalf("an update of the mail address wrote %+v", w)
	}

	p.apply(event.CodeUnchanged, p.tenant.UserEvent(event.TypeUserPush, ann))
	p.apply(event.CodeApplied, create) // a repeat gets the recorded answer
	if w := fresh(); len(w) != 0 {
		t.Fatalf("events that say nothing new wrote %+v", w)
	}

	vpn := idaastest.Group{ID: p.tenant.NewGroupID(), Name: "Vpn users"}
	p.apply(event.CodeApplied, p.tenant.GroupEvent(event.TypeGroupCreate, vpn))
	p.apply(event.CodeApplied, p.tenant.Membership(event.TypeGroupAddUser, vpn.ID, ann.ID))
	wantMembers(t, p, vpn.ID, entry.DN)

	ann.Username, ann.Unit = "ann.kim", research.ID
	fresh()
	p.apply(event.CodeApplied, p.tenant.UserEvent(event.TypeUserUpdateInfo, ann))
	entry = p.user(ann.ID, "entryUUID", "memberOf")
	wantDN(t, entry, "uid=ann.kim,ou=Research,ou=people,"+testBase)
	if got := entry.GetAttributeValue("entryUUID"); got != uuid {
		t.Fatalf("the renamed entry is another one: %s, was %s", got, uuid)
	}
	wantMembers(t, p, vpn.ID, entry.DN)

	// A renamed unit takes everybody along.
	research.Name = "Research & Development"
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitUpdate, research))
	entry = p.user(ann.ID, "entryUUID")
	wantDN(t, entry, "uid=ann.kim,ou=Research & Development,ou=people,"+testBase)
	wantMembers(t, p, vpn.ID, entry.DN)

	p.apply(event.CodeApplied, p.tenant.UpdatePassword(ann, "correct horse 2"))
	if !p.canBind(entry.DN, "correct horse 2") || p.canBind(entry.DN, "correct horse 1") {
		t.Fatal("the new password does not work, or the old one still does")
	}
	p.apply(event.CodeApplied, p.tenant.UserStatus(event.TypeUserDisable, ann))
	if p.canBind(entry.DN, "correct horse 2") {
		t.Fatal("a disabled user can log in")
	}
	p.apply(event.CodeApplied, p.tenant.UserStatus(event.TypeUserEnable, ann))
	if !p.canBind(entry.DN, "correct horse 2") {
		t.Fatal("an enabled user cannot log in")
	}

	p.apply(event.CodeApplied, p.tenant.Membership(event.TypeGroupRemoveUser, vpn.ID, ann.ID))
	wantMembers(t, p, vpn.ID, "cn=nobody,"+testBase)
	p.apply(event.CodeApplied, p.tenant.Membership(event.TypeGroupAddUser, vpn.ID, ann.ID))
	p.apply(event.CodeApplied, p.tenant.DeleteUser(ann.ID))
	if e := p.user(ann.ID); e != nil {
		t.Fatalf("the deleted user is still there: %s", e.DN)
	}
	wantMembers(t, p, vpn.ID, "cn=nobody,"+testBase)
	p.apply(event.CodeApplied, p.tenant.DeleteUnit(lab.ID))
	p.apply(event.CodeApplied, p.tenant.DeleteUnit(research.ID))
	p.apply(event.CodeApplied, p.tenant.DeleteGroup(vpn.ID))
}

// onlyTouches reports whether a logged modify changes one attribute and nothing but what slapd adds itself.
func onlyTouches(w ldaptest.Write, attribute string) bool {
	for _, mod := range w.Mods {
		name, _, _ := strings.Cut(mod, ":")
		if !strings.EqualFold(name, attribute) && !slices.Contains([]string{"entryCSN", "modifiersName", "modifyTimestamp"}, name) {
			return false
		}
	}
	return true
}

func wantMembers(t *testing.T, p *product, group string, want ...string) {
	t.Helper()
	e := p.find("(businessCategory=" + group + ")")
	if e == nil {
		t.Fatalf("the group is not there")
	}
	got := e.GetAttributeValues("member")
	if len(got) != len(want) {
		t.Fatalf("the members are %q; want %q", got, want)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return sameDN(g, w) }) {
			t.Fatalf("the members are %q; want %q", got, want)
		}
	}
}

func TestOpenLDAPConnectionTest(t *testing.T) {
	t.Parallel()
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	p := startProduct(t, slapdDirectory(server), true)
	p.testsOK(t)
	server.Stop()
	test := p.tenant.Test()
	answer := p.send(test)
	if list, result := answer.Of(test.ID); list != "failed" || result.EventCode != string(event.CodeTestFailed) {
		t.Fatalf("with the directory down the test is answered with %s %+v", list, result)
	}
	// Events are taken in all the same, and applied when it is back.
	bob := idaastest.User{ID: p.tenant.NewUserID(), Username: "bob", DisplayName: "Bob"}
	p.apply(event.CodeAccepted, p.tenant.CreateUser(bob, ""))
	server.Start(t)
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	wantDN(t, p.user(bob.ID), "uid=bob,ou=people,"+testBase)
}

// A thousand people in fifty units, pushed twice in an order that nobody would choose.
func TestOpenLDAPFullPush(t *testing.T) {
	t.Parallel()
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true})
	p := startProduct(t, slapdDirectory(server), true)
	org := idaastest.Generate(1, 1000, 50)
	push := func(seed uint64) {
		events := idaastest.Shuffled(seed, org.Push(p.tenant))
		for len(events) > 0 {
			n := min(100, len(events))
			if answer := p.send(events[:n]...); answer.Status != 200 || len(answer.Failed) > 0 {
				t.Fatalf("answered with %d: %+v", answer.Status, answer.Failed)
			}
			events = events[n:]
		}
		if bad := p.settle(); len(bad) > 0 {
			t.Fatalf("%d events failed or are held, the first: %+v", len(bad), bad[0])
		}
	}
	push(1)
	checkOrganization(t, p, org)
	before := len(server.Writes(t))
	push(2)
	if after := server.Writes(t); len(after) != before {
		t.Errorf("the second push wrote %d times, first: %+v", len(after)-before, after[before])
	}
}

// checkOrganization compares the directory with what the organisation says, by rules of its own.
func checkOrganization(t *testing.T, p *product, org idaastest.Organization) {
	t.Helper()
	units := map[string]string{event.RootUnitID: p.dir.people}
	for _, u := range org.Units {
		parent := u.Parent
		if parent == "" {
			parent = event.RootUnitID
		}
		units[u.ID] = "ou=" + ldap.EscapeDN(u.Name) + "," + units[parent]
	}
	conn := p.reader()
	result, err := conn.SearchWithPaging(ldap.NewSearchRequest(p.dir.people, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"*"}, nil), 500)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]*ldap.Entry{}
	for _, e := range result.Entries {
		if id := e.GetAttributeValue("employeeNumber") + e.GetAttributeValue("businessCategory"); id != "" {
			entries[id] = e
		}
	}
	if len(entries) != len(org.Users)+len(org.Units) {
		t.Errorf("the directory holds %d units and users; want %d", len(entries), len(org.Users)+len(org.Units))
	}
	dns := map[string]string{}
	for _, u := range org.Users {
		dns[u.ID] = "uid=" + ldap.EscapeDN(u.Username) + "," + units[u.Unit]
		wantDN(t, entries[u.ID], dns[u.ID])
		wantValues(t, entries[u.ID], "cn", u.DisplayName)
		wantValues(t, entries[u.ID], "mail", strings.ToLower(u.Email))
		if u.PhoneVerified {
			wantValues(t, entries[u.ID], "mobile", "+"+u.PhoneRegion+u.PhoneNumber)
		} else {
			wantValues(t, entries[u.ID], "mobile")
		}
	}
	for _, u := range org.Units {
		wantDN(t, entries[u.ID], units[u.ID])
	}
	for _, g := range org.Groups {
		var members []string
		for _, id := range org.Members[g.ID] {
			members = append(members, dns[id])
		}
		wantMembers(t, p, g.ID, members...)
	}
}

func TestOpenLDAPEvents(t *testing.T) { //nolint:tparallel // Rows share a server and follow each other.
	t.Parallel()
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true})
	dir := slapdDirectory(server)
	dir.writes = server.Writes
	runRows(t, "OpenLDAP", dir, manyAtOnce)
}

// Without its overlays slapd keeps nobody out and follows no reference by itself.
func TestOpenLDAPBareEvents(t *testing.T) { //nolint:tparallel // Rows share a server and follow each other.
	t.Parallel()
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true, AccessLog: true})
	dir := slapdDirectory(server)
	dir.can, dir.writes = means{posix: true}, server.Writes
	runRows(t, "OpenLDAP, bare", dir, oneAtOnce)
}
