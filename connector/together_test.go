package connector_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// throng is a server with people, and a directory that many look into at the same time.
type throng struct {
	t      *testing.T
	server *ldaptest.Server
	d      *connector.Directory
	links  []string
}

const atTheSameTime = 50

func newThrong(t *testing.T) *throng {
	t.Helper()
	server := startServer(t, ldaptest.Config{})
	now := time.Now()
	c := &throng{t: t, server: server, d: openDirectory(t, connector.Config{
		URLs: []string{server.URL()}, Base: func() plan.DN { return baseDN }, Connections: 1,
		Timeout: time.Hour, Clock: func() time.Time { return now }, // nothing is asked because time has passed
	})}
	for i := range atTheSameTime {
		if err := c.d.Apply(t.Context(), person(c.dn(i).String(), fmt.Sprintf("employeeNumber=%d", i))); err != nil {
			t.Fatal(err)
		}
		e, err := c.d.Read(t.Context(), c.dn(i), nil)
		if err != nil || e == nil {
			t.Fatalf("%v, %v", e, err)
		}
		c.links = append(c.links, e.Link)
	}
	return c
}

func (c *throng) dn(i int) plan.DN { return plan.MustParseDN(fmt.Sprintf("uid=u%d,%s", i, people)) }

func rule(i int) plan.Key {
	return plan.Key{Base: baseDN, Attributes: []string{"uid", "employeeNumber"}, Match: []plan.Match{
		{Filter: fmt.Sprintf("(employeeNumber=%d)", i), ByID: true}, {Filter: fmt.Sprintf("(&(uid=u%d)(!(employeeNumber=*)))", i)},
	}}
}

func (c *throng) byLink(i int) plan.Key {
	return plan.Key{Base: baseDN, Attributes: []string{"uid", "employeeNumber"}, Link: c.links[i]}
}

// atOnce calls look for everybody while the search for somebody else is kept waiting, and returns how many searches there were
// after that. Fault decides about each of them.
func (c *throng) atOnce(fault func(search int) ldaptest.Fault, look func(i int)) int {
	c.t.Helper()
	var n atomic.Int32
	first := make(chan struct{})
	c.server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb != "search" {
			return ldaptest.Fault{}
		}
		switch i := int(n.Add(1)); i {
		case 1:
			return ldaptest.Fault{Wait: first}
		case 2:
			return ldaptest.Fault{} // the first finds nobody and looks at the base
		default:
			return fault(i - 2)
		}
	})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := c.d.Find(c.t.Context(), rule(atTheSameTime+1000)); err != nil {
			c.t.Errorf("the first: %v", err)
		}
	})
	for n.Load() == 0 {
		runtime.Gosched()
	}
	for i := range atTheSameTime {
		all.Go(func() { look(i) })
	}
	awaitLookups(c.d, atTheSameTime)
	close(first)
	all.Wait()
	return int(n.Load()) - 2
}

// awaitLookups waits until so many look-ups wait for the next search. Where they never do, whoever counts the searches sees more of them.
func awaitLookups(d *connector.Directory, n int) {
	for deadline := time.Now().Add(time.Minute); connector.WaitingLookups(d) < n && time.Now().Before(deadline); {
		runtime.Gosched()
	}
}

func well(int) ldaptest.Fault { return ldaptest.Fault{} }

func (c *throng) finds(key plan.Key, i int) {
	found, err := c.d.Find(c.t.Context(), key)
	if err != nil || found == nil || !found.DN.Equal(c.dn(i)) || found.Link != c.links[i] || found.Value("employeeNumber") != fmt.Sprint(i) || found.Rule != 0 {
		c.t.Errorf("%d: found is %+v, %v", i, found, err)
	}
}

// Many who are looked for at the same time take one search, and each gets its own entry.
func TestManyAreFoundWithOneSearch(t *testing.T) {
	c := newThrong(t)
	if n := c.atOnce(well, func(i int) { c.finds(c.byLink(i), i) }); n != 1 {
		t.Errorf("by link it takes %d searches", n)
	}
	if n := c.atOnce(well, func(i int) {
		if found, err := c.d.Find(t.Context(), rule(atTheSameTime+i)); found != nil || err != nil {
			t.Errorf("nobody: found is %+v, %v", found, err)
		}
	}); n != 2 {
		t.Errorf("for those who are not there it takes %d searches, with the look at the base", n)
	}
	if n := c.atOnce(well, func(i int) {
		e, err := c.d.ReadNew(t.Context(), c.dn(i), rule(i))
		if err != nil || e == nil || e.Link != c.links[i] || !e.DN.Equal(c.dn(i)) {
			t.Errorf("%d: read is %+v, %v", i, e, err)
		}
	}); n != 1 {
		t.Errorf("for the ids of new entries it takes %d searches", n)
	}
}

// What a server says of itself is asked for once, however many need it at the same moment, and whoever asks first may go away.
func TestManyAskOnceWhatTheServerIs(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 4})
	var asked atomic.Int32
	first := make(chan struct{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "search" && op.DN == "" && asked.Add(1) == 1 {
			return ldaptest.Fault{Wait: first}
		}
		return ldaptest.Fault{}
	})
	gone, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := d.Profile(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("whoever has gone is told %v", err)
		}
	})
	for asked.Load() == 0 {
		runtime.Gosched()
	}
	for range atTheSameTime {
		all.Go(func() {
			if profile, err := d.Profile(t.Context()); err != nil || profile.Schema == nil {
				t.Errorf("%+v, %v", profile, err)
			}
		})
	}
	leave()
	close(first)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("it is asked %d times", n)
	}
}

// Whoever is looked for first, and so alone, has the others wait as well.
func TestTheFirstOneHasTheOthersWait(t *testing.T) {
	c := newThrong(t)
	var n atomic.Int32
	first := make(chan struct{})
	c.server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "search" && n.Add(1) == 1 {
			return ldaptest.Fault{Wait: first}
		}
		return ldaptest.Fault{}
	})
	var all sync.WaitGroup
	all.Go(func() { c.finds(c.byLink(0), 0) })
	for n.Load() == 0 {
		runtime.Gosched()
	}
	for i := 1; i < atTheSameTime; i++ {
		all.Go(func() { c.finds(c.byLink(i), i) })
	}
	awaitLookups(c.d, atTheSameTime-1)
	close(first)
	all.Wait()
	if n.Load() != 2 {
		t.Errorf("it takes %d searches", n.Load())
	}
}

// Where a search for many leaves a doubt about one, that one is looked for alone.
func TestWhoIsInDoubtIsLookedForAlone(t *testing.T) {
	c := newThrong(t)
	// A search for many by their rules that finds anything does not say for whom.
	if n := c.atOnce(well, func(i int) { c.finds(rule(i), i) }); n != 1+atTheSameTime {
		t.Errorf("it takes %d searches", n)
	}
	// Who is not among those that were found by their ids is proven not to be there, like anybody else.
	gone := c.byLink(0)
	gone.Link = "00000000-0000-4000-8000-000000000000"
	if n := c.atOnce(well, func(i int) {
		if i > 0 {
			c.finds(c.byLink(i), i)
			return
		}
		if found, err := c.d.Find(t.Context(), gone); found != nil || err != nil {
			t.Errorf("found is %+v, %v", found, err)
		}
	}); n != 1+3 {
		t.Errorf("with one who is gone it takes %d searches", n)
	}
}

// A search for many that was cut, or refused, or of which an answer was lost, is none for anybody.
func TestASearchForManyIsWholeOrNone(t *testing.T) {
	for name, fault := range map[string]ldaptest.Fault{
		"cut by size":           {Code: ldap.LDAPResultSizeLimitExceeded, Only: 7},
		"cut with nothing":      {Code: ldap.LDAPResultSizeLimitExceeded},
		"refused by the server": {Code: ldap.LDAPResultAdminLimitExceeded},
		"referred elsewhere":    {Refer: []string{"ldap://elsewhere.example.org/"}},
		"sent twice":            {Repeat: 1},
		"with other ids":        {HideAttributes: []string{"entryUUID"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newThrong(t)
			bad := func(search int) ldaptest.Fault {
				if search == 1 {
					return fault
				}
				return ldaptest.Fault{}
			}
			if n := c.atOnce(bad, func(i int) { c.finds(c.byLink(i), i) }); n <= atTheSameTime {
				t.Errorf("it took only %d searches", n)
			}
			c.atOnce(bad, func(i int) {
				key := rule(atTheSameTime + i)
				key.Match[1].Filter = fmt.Sprintf("(uid=u%d)", i)
				found, err := c.d.Find(t.Context(), key)
				if err != nil || found == nil || !found.DN.Equal(c.dn(i)) || found.Rule != 1 {
					t.Errorf("%d: by a rule, found is %+v, %v", i, found, err)
				}
			})
			c.atOnce(bad, func(i int) {
				e, err := c.d.ReadNew(t.Context(), c.dn(i), rule(i))
				if err != nil || e == nil || e.Link != c.links[i] {
					t.Errorf("%d: the new one is %+v, %v", i, e, err)
				}
			})
		})
	}
}

// Nobody counts as absent where the base of the mapping is not to be seen, also when many are looked for at once.
func TestManyWhoAreHiddenAreNotGone(t *testing.T) {
	c := newThrong(t)
	hidden := func(int) ldaptest.Fault { return ldaptest.Fault{Hide: func(dn string) bool { return dn != "" }} }
	c.atOnce(hidden, func(i int) {
		found, err := c.d.Find(t.Context(), rule(atTheSameTime+i))
		if found != nil {
			t.Errorf("found is %+v", found)
		}
		wantKind(t, err, connector.KindUnseen)
	})
}
