package acceptance_test

import (
	"maps"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

func TestEmbeddedEverybodyIsCompared(t *testing.T) {
	everybodyIsCompared(t, startProduct(t, embeddedDirectory(startEmbedded(t)), true))
}

func TestOpenLDAPEverybodyIsCompared(t *testing.T) {
	t.Parallel()
	everybodyIsCompared(t, startProduct(t, slapdDirectory(ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Unlimited: true})), true))
}

// compare returns how often each verdict came, and what is to be written.
func (p *product) compare() (verdicts map[dispatch.Verdict]int, differs []store.Key) {
	p.t.Helper()
	d := p.app.Directories()[0]
	verdicts = map[dispatch.Verdict]int{}
	err := dispatch.Comparison{
		Store: p.app.Store, Directory: d.Name, Server: d.Server, Mapping: d.Mapping(), Now: event.Millis(p.clock.Now().UnixMilli()),
	}.Run(p.t.Context(), func(f dispatch.Found) error {
		verdicts[f.Verdict]++
		if f.Differs() {
			differs = append(differs, store.Key{Directory: d.Name, Object: f.Object})
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return verdicts, differs
}

// More people than fit into a page are compared; what somebody has done by hand is found, and mended while the service runs.
func everybodyIsCompared(t *testing.T, p *product) {
	t.Helper()
	org := idaastest.Generate(3, 600, 12)
	events := org.Push(p.tenant)
	for len(events) > 0 {
		n := min(100, len(events))
		p.send(events[:n]...)
		events = events[n:]
	}
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%d events failed or are held, the first: %+v", len(bad), bad[0])
	}
	all := len(org.Users) + len(org.Units) + len(org.Groups)
	want := func(what string, want map[dispatch.Verdict]int) []store.Key {
		t.Helper()
		got, differs := p.compare()
		if !maps.Equal(got, want) {
			t.Fatalf("%s the verdicts are %v, want %v", what, got, want)
		}
		return differs
	}
	want("at first", map[dispatch.Verdict]int{dispatch.Equal: all})

	conn := p.reader()
	defer func() { _ = conn.Close() }()
	drifted, gone := p.user(org.Users[0].ID), p.user(org.Users[1].ID)
	change := ldap.NewModifyRequest(drifted.DN, nil)
	change.Replace("sn", []string{"Changed by hand"})
	ghost := ldap.NewAddRequest("uid=ghost,"+p.dir.people, nil)
	for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "ghost", "cn": "Ghost", "sn": "Ghost", "employeeNumber": "user_of_nobody"} {
		ghost.Attribute(name, []string{value})
	}
	for _, err := range []error{conn.Modify(change), conn.Del(ldap.NewDelRequest(gone.DN, nil)), conn.Add(ghost)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	differs := want("changed by hand,", map[dispatch.Verdict]int{dispatch.Equal: all - 2, dispatch.Drift: 1, dispatch.Missing: 1, dispatch.Orphan: 1})
	if err := p.app.Store.Ask(t.Context(), event.Millis(p.clock.Now().UnixMilli()), differs); err != nil {
		t.Fatal(err)
	}
	if bad := p.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	want("mended,", map[dispatch.Verdict]int{dispatch.Equal: all, dispatch.Orphan: 1})
}
