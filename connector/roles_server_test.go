package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// every is one operation of each kind on an entry for ann, who is there before.
func every(name string) []plan.Operation {
	return []plan.Operation{
		person("uid=" + name + "," + people),
		plan.Modify{DN: annDN, Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description", Values: []string{name}}}},
		plan.SetPassword{DN: annDN, Password: secret.New("Correct-Horse-" + name)},
		plan.ModifyDN{DN: plan.MustParseDN("uid=" + name + "," + people), NewRDN: plan.RDN{{Type: "uid", Value: "other" + name}}, DeleteOldRDN: true},
		plan.Delete{DN: plan.MustParseDN("uid=other" + name + "," + people)},
	}
}

// checkReadOnly makes sure that a server that is switched to read-only is said to be, and is used again afterwards.
func checkReadOnly(t *testing.T, d *connector.Directory, name string, on, off func()) {
	t.Helper()
	on()
	for _, op := range every(name) {
		err := d.Apply(t.Context(), op)
		if o := failure(t, err, connector.KindReadOnly); o.InDoubt {
			t.Errorf("%s of %s is in doubt", op.Verb(), name)
		}
	}
	if err := d.Check(t.Context(), baseDN); !connector.IsReadOnly(err) || d.ReadOnly() == nil {
		t.Errorf("%s: the check says %v", name, err)
	}
	off()
	if err := d.Check(t.Context(), baseDN); err != nil || d.ReadOnly() != nil {
		t.Errorf("%s is over: %v, %v", name, err, d.ReadOnly())
	}
	for _, op := range every(name) {
		if err := d.Apply(t.Context(), op); err != nil {
			t.Errorf("%s is over: %v", name, err)
		}
	}
}

func TestOpenLDAPReadOnly(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	d := reach(t, server.Access)
	if err := d.Apply(t.Context(), person(annDN.String())); err != nil {
		t.Fatal(err)
	}
	checkReadOnly(t, d, "all", func() { server.Configure(t, "olcReadOnly", "TRUE") }, func() { server.Configure(t, "olcReadOnly", "FALSE") })
}

func Test389DSReadOnly(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	d := openDirectory(t, connector.Config{
		URLs: []string{server.TLSURL}, BindDN: server.BindDN, Credentials: login(server.Access, trustOf(t, server.Access)), Base: func() plan.DN { return baseDN },
	})
	if err := d.Apply(t.Context(), person(annDN.String())); err != nil {
		t.Fatal(err)
	}
	for name, entry := range map[string]string{"server": "cn=config", "backend": "cn=userRoot,cn=ldbm database,cn=plugins,cn=config"} {
		checkReadOnly(t, d, name, func() { server.Configure(t, entry, "nsslapd-readonly", "on") }, func() { server.Configure(t, entry, "nsslapd-readonly", "off") })
	}
}

// Of a provider and a server that follows it, the provider is written to, whichever is named first; while it is down nothing is,
// and the follower is read.
func TestOpenLDAPProviderAndConsumer(t *testing.T) {
	for _, silent := range []bool{false, true} {
		for _, first := range []string{"provider", "consumer"} {
			t.Run(fmt.Sprint(first, " first, silent ", silent), func(t *testing.T) {
				provider := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Provider: true})
				consumer := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Follows: provider.URL, Silent: silent})
				urls := []string{provider.URL, consumer.URL}
				if first == "consumer" {
					slices.Reverse(urls)
				}
				checkFollowed(t, provider, consumer, urls)
			})
		}
	}
}

func checkFollowed(t *testing.T, provider, consumer *ldaptest.Slapd, urls []string) {
	t.Helper()
	// The administrator can log in to what has not followed yet.
	follower := openDirectory(t, connector.Config{URLs: []string{consumer.URL}, BindDN: provider.AdminDN, Credentials: login(provider.Access, nil)})
	await := func(dn plan.DN) {
		for there := false; !there; {
			found, err := follower.Read(t.Context(), dn, nil)
			there = err == nil && found != nil
		}
	}
	await(plan.MustParseDN(provider.BindDN))
	d := openDirectory(t, connector.Config{
		URLs: urls, BindDN: provider.BindDN, Credentials: login(provider.Access, nil), Base: func() plan.DN { return baseDN },
	})
	if err := d.Apply(t.Context(), person(annDN.String())); err != nil {
		t.Fatal(err)
	}
	await(annDN)
	provider.Stop()
	err := d.Check(t.Context(), baseDN)
	if o := failure(t, err, connector.KindReadOnly); !strings.Contains(o.Error(), provider.URL) {
		t.Errorf("the check says %v", o)
	}
	change := plan.Modify{DN: annDN, Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "sn", Values: []string{"Lee"}}}}
	wantKind(t, d.Apply(t.Context(), change), connector.KindReadOnly)
	if there, err := d.Read(t.Context(), annDN, nil); err != nil || there == nil {
		t.Errorf("what the follower holds is not read: %v", err)
	}
	_, err = d.Read(t.Context(), plan.MustParseDN("uid=none,"+people), nil)
	wantKind(t, err, connector.KindReadOnly)
	provider.Start(t)
	if err := d.Check(t.Context(), baseDN); err != nil {
		t.Errorf("the provider is back: %v", err)
	}
	if err := d.Apply(t.Context(), change); err != nil {
		t.Errorf("the provider is back: %v", err)
	}
}
