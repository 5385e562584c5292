package processor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// What is protected neither goes nor moves along with what is above it.
func TestWhatIsProtectedDoesNotGoAlong(t *testing.T) {
	root := plan.Add{DN: plan.MustParseDN("uid=root,ou=dev," + people), Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"account", "posixAccount"}},
		{Name: "uid", Values: []string{"root"}},
		{Name: "cn", Values: []string{"root"}},
		{Name: "uidNumber", Values: []string{"0"}},
		{Name: "gidNumber", Values: []string{"0"}},
		{Name: "homeDirectory", Values: []string{"/root"}},
	}}
	const protect = "guards:\n  deletes"
	dev := unit("dev")
	for _, c := range []struct {
		name, protected string
		entry           plan.Operation
		edits           []string
		moves           bool
	}{
		{"the superuser", "uid=root", root, nil, false},
		{"a filter of the mapping", "uid=vip", person("uid=vip,ou=dev,"+people, "title=president"), []string{protect, "protect: [ { filter: \"(title=President)\" } ]\n" + protect}, false},
		{"a DN of the mapping", "uid=vip", person("uid=vip,ou=dev," + people), []string{protect, "protect: [ \"uid=vip,OU=Dev,ou=people,{base}\" ]\n" + protect}, true},
		{"a subtree of the mapping", "ou=vips", plan.Add{DN: plan.MustParseDN("ou=vips,ou=dev," + people), Attributes: []plan.Attribute{
			{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"vips"}},
		}}, []string{protect, "protect: [ { subtree: \"ou=vips,ou=dev,ou=people,{base}\" } ]\n" + protect}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, append([]string{"when_not_empty: wait", "when_not_empty: subtree"}, c.edits...), func(s *stage) {
				s.process(dev, s.called(dev, "dev", event.RootUnitID))
				s.make(c.entry)
				refused := func(what string, changes ...event.Change) {
					s.Helper()
					s.directory.written = nil
					r := s.process(dev, changes...)
					if r.Outcome.State != event.Failed || !strings.Contains(r.Outcome.Message, c.protected) || len(s.directory.written) > 0 {
						s.Errorf("%s is %+v, and %d operations were made", what, r.Outcome, len(s.directory.written))
					}
				}
				if c.moves {
					refused("a renaming", s.called(dev, "research", event.RootUnitID))
				}
				refused("a deletion", s.say(event.TypeUnitDelete, dev, nil))
			})
		})
	}
}

// The account that the service logs in with may be below a unit of ours.
func TestTheLoginOfTheServiceDoesNotGoAlong(t *testing.T) {
	const login = "uid=service,ou=dev," + people
	server := startServer(t, ldaptest.Config{NoReferences: true, NoMemberOf: true})
	admin := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	set := mappingOf(t, "openldap.yaml", []string{"when_not_empty: wait", "when_not_empty: subtree"})
	s, dev := newStage(t, admin, set), unit("dev")
	s.process(dev, s.called(dev, "dev", event.RootUnitID))
	s.make(person(login, "userPassword=a password of its own"))
	s.processor = processor.New(asLogin{admin, login}, func() *mapping.Set { return set })
	for _, c := range []event.Change{s.called(dev, "research", event.RootUnitID), s.say(event.TypeUnitDelete, dev, nil)} {
		if r := s.process(dev, c); r.Outcome.State != event.Failed || !strings.Contains(r.Outcome.Message, "uid=service") {
			t.Errorf("%s is %+v", c.Type, r.Outcome)
		}
	}
	s.there(login)
}

// asLogin is a directory that is logged in to with another account.
type asLogin struct {
	processor.Target
	login string
}

func (a asLogin) Profile(ctx context.Context) (*connector.Profile, error) {
	profile, err := a.Target.Profile(ctx)
	if err != nil {
		return nil, err
	}
	return &connector.Profile{Flavour: profile.Flavour, Matching: profile.Matching, Schema: profile.Schema, Controls: profile.Controls, Extensions: profile.Extensions, Login: a.login}, nil
}

func TestOpenLDAPSparesWhatIsProtected(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", "when_not_empty: wait", "when_not_empty: subtree")
	w.sparesTheSuperuser()
}

func Test389DSSparesWhatIsProtected(t *testing.T) {
	w := enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml", "when_not_empty: wait", "when_not_empty: subtree")
	w.sparesTheSuperuser()
}

// sparesWhatADomainProtects deletes a unit with everything below it while an administrator of the domain is there, then while an account
// that every domain has is, two levels below, and then without.
func (w *world) sparesWhatADomainProtects() {
	w.Helper()
	dev, lab := unit("protecting"), unit("protecting below")
	w.must(event.CodeApplied, dev, w.called(dev, "protecting", event.RootUnitID))
	w.must(event.CodeApplied, lab, w.called(lab, "below", dev.ID))
	admin, guest := "cn=keeper,"+w.dn(dev).String(), "cn=Guest,"+w.dn(lab).String()
	moves := func(from, to string) func(*ldap.Conn) error {
		return func(conn *ldap.Conn) error { return conn.ModifyDN(ldap.NewModifyDNRequest(from, "cn=Guest", true, to)) }
	}
	spared := func(who string) {
		w.Helper()
		r := w.process(dev, w.say(event.TypeUnitDelete, dev, nil))
		if r.Outcome.State != event.Failed || !strings.Contains(strings.ToLower(r.Outcome.Message), strings.ToLower(who)) || len(r.Operations) != 0 {
			w.Errorf("the deletion is %+v, and %d operations were made", r.Outcome, len(r.Operations))
		}
		w.must(event.CodeUnchanged, dev, w.called(dev, "protecting", event.RootUnitID))
	}
	w.asAdmin(func(conn *ldap.Conn) error {
		add := ldap.NewAddRequest(admin, nil)
		for name, value := range map[string]string{"objectClass": "user", "sAMAccountName": "keeper", "adminCount": "1"} {
			add.Attribute(name, []string{value})
		}
		return conn.Add(add)
	})
	spared(admin)
	w.asAdmin(func(conn *ldap.Conn) error { return conn.Del(ldap.NewDelRequest(admin, nil)) })
	w.asAdmin(moves("cn=Guest,cn=Users,"+suffix, w.dn(lab).String()))
	spared(guest)
	w.asAdmin(moves(guest, "cn=Users,"+suffix))
	w.must(event.CodeApplied, dev, w.say(event.TypeUnitDelete, dev, nil))
}

// sparesTheSuperuser deletes a unit with everything below it, first with the superuser there, and then without.
func (w *world) sparesTheSuperuser() {
	w.Helper()
	dev := unit("dev")
	w.must(event.CodeApplied, dev, w.called(dev, "dev", event.RootUnitID))
	root := "uid=root," + w.dn(dev).String()
	w.asAdmin(func(conn *ldap.Conn) error {
		add := ldap.NewAddRequest(root, nil)
		for name, value := range map[string]string{"uid": "root", "cn": "root", "uidNumber": "0", "gidNumber": "0", "homeDirectory": "/root"} {
			add.Attribute(name, []string{value})
		}
		add.Attribute("objectClass", []string{"account", "posixAccount"})
		return conn.Add(add)
	})
	if r := w.process(dev, w.say(event.TypeUnitDelete, dev, nil)); r.Outcome.State != event.Failed || !strings.Contains(r.Outcome.Message, "uid=root") {
		w.Errorf("the deletion is %+v", r.Outcome)
	}
	w.asAdmin(func(conn *ldap.Conn) error { return conn.Del(ldap.NewDelRequest(root, nil)) })
	w.must(event.CodeApplied, dev, w.say(event.TypeUnitDelete, dev, nil))
}
