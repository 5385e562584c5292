package processor_test

import (
	"errors"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

func TestOpenLDAPScan(t *testing.T) {
	checkScan(t, enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml"))
}

func Test389DSScan(t *testing.T) {
	checkScan(t, enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml"))
}

func TestSambaScan(t *testing.T) {
	checkScan(t, enter(t, ldaptest.StartSamba(t).Access, ldaps, "active-directory.yaml"))
}

// checkScan shows that all entries are read with the stable ids by which their objects are known, from the topmost entry on,
// where some servers refer to others as well.
func checkScan(t *testing.T, w *world) {
	t.Helper()
	links := map[string]event.Ref{}
	for _, name := range []string{"ann", "bob", "cid"} {
		links[w.create(user(name), name, "", nil).Link] = user(name)
	}
	if len(links) != 3 {
		t.Fatalf("the links are %v", links)
	}
	found := map[event.Ref]plan.DN{}
	scan := func(page func([]*plan.Entry) error) error {
		return w.dir.Scan(t.Context(), plan.MustParseDN(suffix), "(objectClass=person)", []string{"cn"}, page)
	}
	if err := scan(func(page []*plan.Entry) error {
		for _, e := range page {
			if ref, ours := links[e.Link]; ours && e.Value("cn") != "" {
				found[ref] = e.DN
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, ref := range links {
		if !found[ref].Equal(w.dn(ref)) {
			t.Errorf("%s is found at %s; want %s", ref, found[ref], w.dn(ref))
		}
	}
	enough := errors.New("enough")
	if err := scan(func([]*plan.Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("ended by the caller it returns %v", err)
	}
}
