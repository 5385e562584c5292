package connector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

var baseDN = plan.MustParseDN(suffix)

// crowd is one more than fits on two pages.
const crowd = 1001

// crowded returns a directory with many people, all of the same number, and their manager.
func crowded(t *testing.T) (*ldaptest.Server, *connector.Directory) {
	t.Helper()
	server := startServer(t, ldaptest.Config{})
	var ldif strings.Builder
	for i := range crowd {
		fmt.Fprintf(&ldif, "dn: uid=p%d,%s\nobjectClass: inetOrgPerson\nuid: p%d\ncn: p\nsn: p\nemployeeNumber: 7\nmanager: %s\n\n", i, people, i, annDN)
	}
	if err := server.LoadLDIF(ldif.String()); err != nil {
		t.Fatal(err)
	}
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 2, Timeout: time.Minute})
	if _, err := d.Profile(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server, d
}

// looks are all ways to look for entries, each with the number of those that it finds in a crowd.
var looks = []struct {
	name string
	want int
	look func(context.Context, *connector.Directory) (int, error)
}{
	{"Children", crowd, func(ctx context.Context, d *connector.Directory) (int, error) {
		found, err := d.Children(ctx, plan.MustParseDN(people))
		return len(found), err
	}},
	{"Referring", crowd, func(ctx context.Context, d *connector.Directory) (int, error) {
		found, err := d.Referring(ctx, baseDN, []string{"manager"}, annDN.String())
		return len(found), err
	}},
	{"ReferringBelow", crowd, func(ctx context.Context, d *connector.Directory) (int, error) {
		found, err := d.ReferringBelow(ctx, baseDN, []string{"manager"}, plan.MustParseDN(people), plan.MustParseDN(people), []plan.DN{annDN})
		return len(found), err
	}},
	{"Scan", crowd, func(ctx context.Context, d *connector.Directory) (n int, err error) {
		err = d.Scan(ctx, baseDN, "(employeeNumber=7)", nil, func(page []*plan.Entry) error {
			n += len(page)
			return nil
		})
		return n, err
	}},
	{"Occupied", 1, func(ctx context.Context, d *connector.Directory) (int, error) {
		found, err := d.Occupied(ctx, baseDN, "employeeNumber", []string{"7", "8"})
		if found["8"] {
			return 2, err
		}
		return min(1, len(found)), err
	}},
}

func TestASearchIsWhole(t *testing.T) {
	_, d := crowded(t)
	for _, l := range looks {
		if n, err := l.look(t.Context(), d); err != nil || n != l.want {
			t.Errorf("%s finds %d, %v; want %d", l.name, n, err, l.want)
		}
	}
}

// A search that the server cuts short tells nothing, whatever it has sent before, and says by which setting more is to be had.
func TestNothingIsConcludedFromASearchThatWasCut(t *testing.T) {
	server, d := crowded(t)
	find := func(ctx context.Context, d *connector.Directory) (int, error) {
		_, err := d.Find(ctx, plan.Key{Base: baseDN, Match: []plan.Match{{Filter: "(employeeNumber=9)"}}})
		return 0, err
	}
	first := func(ctx context.Context, d *connector.Directory) (int, error) {
		_, _, err := d.FirstChildren(ctx, plan.MustParseDN(people), 5)
		return 0, err
	}
	cut := looks
	cut = append(cut[:len(cut):len(cut)], []struct {
		name string
		want int
		look func(context.Context, *connector.Directory) (int, error)
	}{{"Find", 0, find}, {"FirstChildren", 0, first}}...)
	for _, fault := range []struct {
		name   string
		fault  ldaptest.Fault
		advice string
	}{
		{"the size", ldaptest.Fault{Code: ldap.LDAPResultSizeLimitExceeded, Only: 1}, "limits dn.exact"},
		{"the time", ldaptest.Fault{Code: ldap.LDAPResultTimeLimitExceeded, Only: 1}, "limits dn.exact"},
		{"an administrator", ldaptest.Fault{Code: ldap.LDAPResultAdminLimitExceeded}, "limits dn.exact"},
		{"another server's part", ldaptest.Fault{Refer: []string{"ldap://elsewhere.example.org/ou=far," + people}}, "that holds all of the mapping's base"},
		{"a right", ldaptest.Fault{Code: ldap.LDAPResultInsufficientAccessRights}, "the bind account may not"},
	} {
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb != "search" {
				return ldaptest.Fault{}
			}
			return fault.fault
		})
		for _, l := range cut {
			n, err := l.look(t.Context(), d)
			if err == nil && (l.name == "Occupied" && fault.fault.Code == ldap.LDAPResultSizeLimitExceeded || l.name == "FirstChildren" && fault.fault.Code == 0) {
				continue // what it found is as much as it asks for
			}
			if o := failure(t, err, connector.KindIncomplete); n > l.want || !strings.Contains(o.Explain(), fault.advice) {
				t.Errorf("%s cut by %s finds %d: %s", l.name, fault.name, n, o.Explain())
			}
		}
	}
}

// Where a search in pages breaks off it begins anew: the server forgets with the connection how far it had come.
func TestAConnectionThatIsLostBetweenPages(t *testing.T) {
	server, d := crowded(t)
	for _, fault := range []ldaptest.Fault{
		{DropBefore: true},
		{DropAfter: true},
		{Code: ldap.LDAPResultProtocolError, Message: "paged results cookie is invalid"},
		{Code: ldap.LDAPResultUnwillingToPerform, Message: "paged results cookie is invalid or old"},
	} {
		for _, l := range looks[:3] {
			var searches atomic.Int32
			server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				if op.Verb == "search" && searches.Add(1) == 2 {
					return fault
				}
				return ldaptest.Fault{}
			})
			if n, err := l.look(t.Context(), d); err != nil || n != l.want {
				t.Errorf("%s finds %d after %+v, %v; want %d", l.name, n, fault, err, l.want)
			}
		}
	}
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{DropAfter: op.Verb == "search" && op.DN == people}
	})
	_, err := d.Children(t.Context(), plan.MustParseDN(people))
	if o := failure(t, err, connector.KindRetry); o.InDoubt {
		t.Error("a search is in doubt")
	}
}

// A reading of the whole tree begins anew only as long as nothing of it was handed on.
func TestAScanThatBreaksOff(t *testing.T) {
	server, d := crowded(t)
	breakAt := func(n int32) *atomic.Int32 {
		var searches atomic.Int32
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			return ldaptest.Fault{DropBefore: op.Verb == "search" && searches.Add(1) == n}
		})
		return &searches
	}
	scan := func() (n int, err error) {
		err = d.Scan(t.Context(), baseDN, "(employeeNumber=7)", nil, func(page []*plan.Entry) error {
			n += len(page)
			return nil
		})
		return n, err
	}
	breakAt(1)
	if n, err := scan(); err != nil || n != crowd {
		t.Errorf("a scan that broke off at once finds %d, %v", n, err)
	}
	breakAt(2)
	n, err := scan()
	wantKind(t, err, connector.KindRetry)
	if n != 500 {
		t.Errorf("%d entries were handed on", n)
	}
	server.Fault(nil)
	enough := errors.New("enough")
	if err := d.Scan(t.Context(), baseDN, "(employeeNumber=7)", nil, func([]*plan.Entry) error { return enough }); err != enough { //nolint:errorlint // It is to be returned as it is.
		t.Errorf("the caller's error comes back as %v", err)
	}
}

// A server that never comes to an end costs a bounded number of pages, entries and octets.
func TestAServerThatNeverEnds(t *testing.T) {
	server, d := crowded(t)
	none := func(dn string) bool { return strings.HasPrefix(dn, "uid=") }
	for _, lie := range []struct {
		name     string
		fault    ldaptest.Fault
		searches int32
	}{
		{"the same page for ever", ldaptest.Fault{Endless: true}, 2},
		{"empty pages for ever", ldaptest.Fault{Endless: true, Hide: none}, 501},
		{"entries for ever", ldaptest.Fault{Repeat: 1 << 30}, 1},
	} {
		for _, l := range looks[:4] {
			var searches atomic.Int32
			server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				if op.Verb != "search" {
					return ldaptest.Fault{}
				}
				searches.Add(1)
				return lie.fault
			})
			_, err := l.look(t.Context(), d)
			o := failure(t, err, connector.KindIncomplete)
			if !strings.Contains(o.Explain(), "taken in at a time") || searches.Load() > lie.searches {
				t.Errorf("%s with %s: %d searches, %s", l.name, lie.name, searches.Load(), o.Explain())
			}
		}
	}
}

// A scan may take long, as long as entries keep coming.
func TestAServerThatTrickles(t *testing.T) {
	server, _ := crowded(t)
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Clock: clock.Now})
	for _, c := range []struct {
		page, met, searches int
		every               time.Duration
	}{
		{page: 100, met: crowd, searches: (crowd + 99) / 100, every: 6 * time.Minute},
		{page: 1, met: 59, searches: 60, every: 10 * time.Second},
	} {
		server.Fault(nil)
		if _, err := d.Profile(t.Context()); err != nil {
			t.Fatal(err)
		}
		met, searches := 0, 0
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb != "search" {
				return ldaptest.Fault{}
			}
			searches++
			clock.pass(c.every)
			return ldaptest.Fault{PageOf: c.page}
		})
		err := d.Scan(t.Context(), baseDN, "(employeeNumber=7)", nil, func(page []*plan.Entry) error {
			met += len(page)
			return nil
		})
		if met != c.met || searches != c.searches {
			t.Errorf("pages of %d every %s: %d entries with %d searches", c.page, c.every, met, searches)
		}
		switch {
		case c.met == crowd && err != nil:
			t.Errorf("entries that keep coming: %v", err)
		case c.met != crowd:
			if o := failure(t, err, connector.KindIncomplete); !strings.Contains(o.Explain(), "less than 100 entries in 10m") {
				t.Error(o.Explain())
			}
		}
	}
}

func TestAServerThatSendsTooMuch(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := d.Apply(t.Context(), person(annDN.String(), "description="+strings.Repeat("x", 1<<20))); err != nil {
		t.Fatal(err)
	}
	read := func() error {
		_, err := d.Read(t.Context(), annDN, []string{"description"})
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	server.Fault(func(ldaptest.Operation) ldaptest.Fault { return ldaptest.Fault{Repeat: 400} })
	if o := failure(t, read(), connector.KindIncomplete); !strings.Contains(o.Explain(), "64 MiB") {
		t.Error(o.Explain())
	}
	server.Fault(nil)
	if err := read(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
