package acceptance_test

import (
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// embeddedPassword is that of the connector in [ldaptest.Content], and of the administrator.
const embeddedPassword = "secret"

func startEmbedded(tb testing.TB) *ldaptest.Server {
	tb.Helper()
	const connector = "cn=connector,ou=system," + testBase
	server, err := ldaptest.Start(ldaptest.Config{
		AdminPassword: secret.New(embeddedPassword), Placeholder: "cn=nobody," + testBase, Writers: []string{connector},
		Passwords: ldaptest.PasswordPolicy{MinLength: 8, History: 3, HashClearText: true, RefuseHashed: true},
		LDIF: ldaptest.Content + `
dn: ou=policies,dc=example,dc=org
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
`,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

func embeddedDirectory(s *ldaptest.Server) *directory {
	return &directory{
		vocabulary: inetOrgPerson("entryUUID"), can: means{status: true, history: true, minLength: true, tooShort: "quality", usedBefore: "history", ends: true, posix: true},
		url: s.URL(), bindDN: "cn=connector,ou=system," + testBase, password: embeddedPassword,
		readDN: "cn=admin," + testBase, readPassword: embeddedPassword, mapping: openLDAPMapping, adopting: adoptingByName,
		base: testBase, people: "ou=people," + testBase, groups: "ou=groups," + testBase, leavers: "ou=leavers," + testBase,
		writes: func(testing.TB) []ldaptest.Write { return writesOf(s) },
	}
}

// writesOf returns the journal of the directory in the form of slapd's access log.
func writesOf(s *ldaptest.Server) []ldaptest.Write {
	var out []ldaptest.Write
	for _, r := range s.Journal() {
		if !strings.HasPrefix(r.BoundAs, "cn=connector,") {
			continue
		}
		w := ldaptest.Write{Type: r.Verb, DN: r.DN}
		for _, m := range r.Modifications {
			w.Mods = append(w.Mods, m.Name+":")
		}
		out = append(out, w)
	}
	return out
}

func TestEmbeddedLife(t *testing.T) {
	server := startEmbedded(t)
	life(t, startProduct(t, embeddedDirectory(server), true), func() []ldaptest.Write { return writesOf(server) })
}

func TestEmbeddedFullPush(t *testing.T) {
	server := startEmbedded(t)
	p := startProduct(t, embeddedDirectory(server), true)
	org := idaastest.Generate(2, 300, 20)
	for round := range 2 {
		server.ClearJournal()
		events := idaastest.Shuffled(uint64(round), org.Push(p.tenant))
		for len(events) > 0 {
			n := min(50, len(events))
			p.send(events[:n]...)
			events = events[n:]
		}
		if bad := p.settle(); len(bad) > 0 {
			t.Fatalf("%d events failed or are held, the first: %+v", len(bad), bad[0])
		}
	}
	checkOrganization(t, p, org)
	if w := server.Journal(); len(w) > 0 {
		t.Errorf("the second push wrote %d times, first %+v", len(w), w[0])
	}
}

// Two users whose names are exchanged, and two units that swap places: each waits for the other until one steps aside.
func TestEmbeddedNamesChangePlaces(t *testing.T) {
	server := startEmbedded(t)
	p := startProduct(t, embeddedDirectory(server), true)
	a := idaastest.User{ID: p.tenant.NewUserID(), Username: "alpha", DisplayName: "A"}
	b := idaastest.User{ID: p.tenant.NewUserID(), Username: "beta", DisplayName: "B"}
	x := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "North"}
	y := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "South"}
	c := idaastest.User{ID: p.tenant.NewUserID(), Username: "c", DisplayName: "C", Unit: x.ID}
	p.apply(event.CodeApplied, p.tenant.CreateUser(a, ""), p.tenant.CreateUser(b, ""), p.tenant.UnitEvent(event.TypeUnitCreate, x), p.tenant.UnitEvent(event.TypeUnitCreate, y))
	p.apply(event.CodeApplied, p.tenant.CreateUser(c, ""))
	a.Username, b.Username = b.Username, a.Username
	x.Name, y.Name = y.Name, x.Name
	p.send(p.tenant.UserEvent(event.TypeUserUpdateInfo, a), p.tenant.UserEvent(event.TypeUserUpdateInfo, b),
		p.tenant.UnitEvent(event.TypeUnitUpdate, x), p.tenant.UnitEvent(event.TypeUnitUpdate, y))
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	wantDN(t, p.user(a.ID), "uid=beta,ou=people,"+testBase)
	wantDN(t, p.user(b.ID), "uid=alpha,ou=people,"+testBase)
	wantDN(t, p.user(c.ID), "uid=c,ou=South,ou=people,"+testBase)
	if strings.Contains(server.LDIF(), "idaas-ldap-") {
		t.Error("a temporary name is left")
	}
}

// A unit is moved below what was its own child.
func TestEmbeddedUnitMovesBelowItsFormerChild(t *testing.T) {
	p := startProduct(t, embeddedDirectory(startEmbedded(t)), true)
	parent := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Parent"}
	child := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Child", Parent: parent.ID}
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, parent))
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, child))
	child.Parent, parent.Parent = "", child.ID
	up := p.tenant.UnitEvent(event.TypeUnitUpdateParent, child)
	down := p.tenant.UnitEvent(event.TypeUnitUpdateParent, parent)
	p.send(down)
	p.send(up)
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	wantDN(t, p.find("(businessCategory="+parent.ID+")"), "ou=Parent,ou=Child,ou=people,"+testBase)
}

// A unit is moved below what is two levels below it, while the one between gets its name and place.
func TestEmbeddedUnitMovesBelowWhoGetsItsPlace(t *testing.T) {
	p := startProduct(t, embeddedDirectory(startEmbedded(t)), true)
	top := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Top"}
	between := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Between", Parent: top.ID}
	low := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "Low", Parent: between.ID}
	for _, u := range []idaastest.Unit{top, between, low} {
		p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, u))
	}
	between.Name, between.Parent = top.Name, ""
	up := p.tenant.UnitEvent(event.TypeUnitPush, between)
	top.Name, top.Parent = "Former", low.ID
	down := p.tenant.UnitEvent(event.TypeUnitPush, top)
	p.send(down)
	p.send(up)
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	wantDN(t, p.find("(businessCategory="+top.ID+")"), "ou=Former,ou=Low,ou=Top,ou=people,"+testBase)
}

func TestEmbeddedEvents(t *testing.T) {
	runRows(t, "in memory", embeddedDirectory(startEmbedded(t)), oneAtOnce, manyAtOnce)
}
