package acceptance_test

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// gathered is a product on a directory that keeps the first search waiting until many others wait for it.
type gathered struct {
	*product

	searches atomic.Int32
}

// startGathered lets a product work on so many objects at a time over one connection. What is done with the searches after the first is
// decided by fault, and with other operations by refuse.
func startGathered(t *testing.T, number int) (*gathered, *ldaptest.Server) {
	t.Helper()
	server := startEmbedded(t)
	return &gathered{product: startProductWith(t, setup{
		atOnce: number, answerWithin: 50 * time.Millisecond, directories: []configured{{name: "corp", dir: embeddedDirectory(server), connections: 1}},
	})}, server
}

// gather sends events and lets the first search be answered when so many look-ups wait, that of the search among them.
func (g *gathered) gather(server *ldaptest.Server, events []idaastest.Event, wait int, fault func(search int, op ldaptest.Operation) ldaptest.Fault) {
	g.t.Helper()
	first := make(chan struct{})
	var sending sync.WaitGroup
	defer func() {
		close(first)
		sending.Wait()
	}()
	g.searches.Store(0)
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		n := 0
		if !strings.HasPrefix(op.BoundAs, "cn=connector,") || !strings.HasSuffix(op.DN, testBase) {
			return ldaptest.Fault{} // what is asked about the server, at whatever time
		}
		if op.Verb == "search" {
			n = int(g.searches.Add(1))
		}
		if n == 1 {
			return ldaptest.Fault{Wait: first}
		}
		return fault(n, op)
	})
	for some := range slices.Chunk(events, 50) {
		sending.Go(func() {
			if answer, err := g.post(some); err != nil || answer.Status != 200 {
				g.t.Errorf("answered with %+v, %v", answer, err)
			}
		})
	}
	stacks := make([]byte, 64<<20)
	for deadline := time.Now().Add(settleWithin); ; <-time.After(50 * time.Millisecond) {
		waiting := bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("connector.(*together).ask("))
		if waiting >= wait {
			break
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%d wait to be looked for; want %d", waiting, wait)
		}
	}
}

func oneOfMany(id, name string) idaastest.User {
	return idaastest.User{ID: "user_" + id, Username: name, DisplayName: "Ann Lee", Email: name + "@example.org"}
}

// A hundred and twenty people who come again are looked for with one search where they are worked on at the same time, beside that for the first of them.
func TestEmbeddedAsManyAsAreWorkedOnAreLookedForWithOneSearch(t *testing.T) {
	const people = 120
	g, server := startGathered(t, manyAtOnce)
	events := func() (all []idaastest.Event) {
		for i := range people {
			all = append(all, g.tenant.UserEvent(event.TypeUserPush, oneOfMany(fmt.Sprint(i), fmt.Sprint("u", i))))
		}
		return all
	}
	for some := range slices.Chunk(events(), 50) {
		g.send(some...)
	}
	if bad := g.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad[0])
	}
	g.gather(server, events(), people, func(int, ldaptest.Operation) ldaptest.Fault { return ldaptest.Fault{} })
	if bad := g.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad[0])
	}
	if n := g.searches.Load(); n != 2 {
		t.Errorf("it takes %d searches", n)
	}
}

// Of many who are looked for, read and stored together some fail, each in another way, and so do searches for all of them. Everybody ends as
// one by one.
func TestEmbeddedWhoFailsAmongManyHurtsNobodyElse(t *testing.T) {
	alone := failsAmongMany(t, oneAtOnce)
	for _, number := range []int{0, manyAtOnce} {
		if diff := cmp.Diff(alone, failsAmongMany(t, number)); diff != "" {
			t.Errorf("with %d at a time, where 0 is as many as usual (-one at a time +this):\n%s", number, diff)
		}
	}
}

// failsAmongMany returns what became of each, and of the directory.
func failsAmongMany(t *testing.T, number int) (ends map[string]string) {
	t.Helper()
	const people = 120
	g, server := startGathered(t, number)
	for i, id := range []string{"user_7", "user_7", "user_other"} {
		add := ldap.NewAddRequest(fmt.Sprintf("uid=%s,ou=people,%s", []string{"twin", "othertwin", "u17"}[i], testBase), nil)
		for name, value := range map[string]string{"objectClass": "inetOrgPerson", "cn": "x", "sn": "x", "employeeNumber": id} {
			add.Attribute(name, []string{value})
		}
		if err := g.reader().Add(add); err != nil {
			t.Fatal(err)
		}
	}
	g.send(g.tenant.CreateUser(oneOfMany("first", "first"), "")) // what is asked once is asked for
	if bad := g.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad[0])
	}
	var events []idaastest.Event
	for i := range people {
		u := oneOfMany(fmt.Sprint(i), fmt.Sprint("u", i))
		switch i {
		case 19:
			u.Unit = "ou_of_nobody"
		case 23:
			u.Username = "svc-23"
		case 29:
			u.Email = strings.Repeat("x", 300) + "@example.org"
		}
		events = append(events, g.tenant.CreateUser(u, ""))
	}
	wait := map[int]int{oneAtOnce: 1, 0: 45, manyAtOnce: 110}[number]
	g.gather(server, events, wait, func(search int, op ldaptest.Operation) ldaptest.Fault {
		switch {
		case op.Verb == "add" && strings.HasPrefix(op.DN, "uid=u11,"):
			return ldaptest.Fault{Code: ldap.LDAPResultConstraintViolation, Message: "not this one"}
		case op.Verb == "add" && strings.HasPrefix(op.DN, "uid=u13,"):
			return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "too large"}
		case search == 0:
			return ldaptest.Fault{}
		}
		return map[int]ldaptest.Fault{
			3: {Code: ldap.LDAPResultSizeLimitExceeded, Only: 3}, 5: {DropBefore: true}, 7: {Code: ldap.LDAPResultAdminLimitExceeded},
			9: {DropAfter: true}, 11: {Code: ldap.LDAPResultTimeLimitExceeded, Only: 1},
		}[search]
	})
	ends = map[string]string{}
	g.await(t, func() []store.EventRecord {
		var open []store.EventRecord
		for _, r := range g.events(t, store.Filter{Directory: g.directory, Limit: 1000}) {
			ends[r.Object.ID] = string(r.Outcome.State) + " " + string(r.Outcome.Code)
			if r.Outcome.State == event.Pending || r.Outcome.Code == event.CodeRetry {
				open = append(open, r)
			}
		}
		return open
	})
	for dn, attributes := range g.dir.stands(t) {
		ends[dn] = fmt.Sprint(slices.Sorted(maps.Keys(attributes)), attributes["uid"])
	}
	return ends
}
