package dispatch_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

const plainMapping = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: dc=example,dc=org
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  attributes: { businessCategory: ou.id }
user:
  dn: "uid={user.username},{ou.dn}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  attributes: { employeeNumber: user.id, cn: user.displayName, sn: user.displayName, mail: lower(user.email) }
`

// crowd is a directory and a store that both know the same people, in units.
type crowd struct {
	server   *ldaptest.Server
	store    store.Store
	target   *connector.Directory
	mapping  *mapping.Set
	searches atomic.Int64
}

const perUnit = 500

func newCrowd(tb testing.TB, people int) *crowd {
	tb.Helper()
	c := &crowd{}
	var err error
	if c.mapping, err = mapping.Compile("mapping.yaml", []byte(plainMapping)); err != nil {
		tb.Fatal(err)
	}
	c.server, err = ldaptest.Start(ldaptest.Config{AdminPassword: secret.New("pass"), LDIF: crowdLDIF(people)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.server.Close)
	c.server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "search" {
			c.searches.Add(1)
		}
		return ldaptest.Fault{}
	})
	log := logrus.New()
	log.SetOutput(io.Discard)
	c.target, err = connector.Open(connector.Config{
		URLs: []string{c.server.URL()}, BindDN: "cn=admin,dc=example,dc=org", Credentials: connector.Fixed(connector.Credentials{BindPassword: secret.New("pass")}), Connections: 1,
		Timeout: time.Minute, Log: log, Clock: time.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.target.Close)
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		tb.Fatal(err)
	}
	c.store, err = store.OpenSQLite(context.Background(), store.SQLiteConfig{Path: filepath.Join(tb.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.store.Close(); err != nil {
			tb.Error(err)
		}
	})
	c.remember(tb)
	c.searches.Store(0)
	return c
}

func crowdLDIF(people int) string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n")
	for i := range people {
		unit := i / perUnit
		if i%perUnit == 0 {
			fmt.Fprintf(&b, "\ndn: ou=U%[1]d,dc=example,dc=org\nobjectClass: organizationalUnit\nou: U%[1]d\nbusinessCategory: ou_%[1]d\n", unit)
		}
		fmt.Fprintf(&b, "\ndn: uid=u%[1]d,ou=U%[2]d,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: u%[1]d\nemployeeNumber: user_%[1]d\ncn: User %[1]d\nsn: User %[1]d\nmail: u%[1]d@example.org\n", i, unit)
	}
	return b.String()
}

// remember makes the store know everybody who is in the directory, with the links.
func (c *crowd) remember(tb testing.TB) {
	tb.Helper()
	var links []*plan.Entry
	attributes := []string{"ou", "uid", "employeeNumber", "businessCategory"}
	err := c.target.Scan(context.Background(), c.mapping.Base(), "(|(employeeNumber=*)(businessCategory=*))", attributes, func(page []*plan.Entry) error {
		links = append(links, page...)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	const writers = 64
	work := make(chan *plan.Entry)
	var running sync.WaitGroup
	for range writers {
		running.Go(func() {
			for e := range work {
				if err := c.know(e); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	for _, e := range links {
		work <- e
	}
	close(work)
	running.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}

func (c *crowd) know(e *plan.Entry) error {
	ref, facts := unit(e.Value("businessCategory")), map[string]any{"name": e.Value("ou"), "parentId": event.RootUnitID}
	if name := e.Value("uid"); name != "" {
		above := e.DN.Parent().RDN()[0].Value
		ref = user(e.Value("employeeNumber"))
		facts = map[string]any{"username": name, "displayName": "User " + name[1:], "email": name + "@EXAMPLE.org", "primaryOuId": "ou_" + above[1:]}
	}
	key := store.Key{Directory: corp, Object: ref}
	job, err := c.store.Load(context.Background(), key, 1)
	if err != nil {
		return err
	}
	known := event.Object{Ref: ref, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}}, Facts: map[string]event.Fact{}}
	for name, value := range facts {
		known.Facts[name] = event.Fact{Value: value, At: event.Stamp{Event: 1}}
	}
	_, err = c.store.Settle(context.Background(), 1, store.Settlement{Key: key, Version: job.Version, Known: known, Record: store.Record{Link: e.Link, DN: e.DN}})
	return err
}

func (c *crowd) compare(yield func(dispatch.Found) error, progress func(int)) error {
	return dispatch.Comparison{
		Store: c.store, Directory: corp, Server: c.target, Mapping: c.mapping, Now: 2, Progress: progress,
	}.Run(context.Background(), yield)
}

// One read in pages serves everybody: there is no search for each object, and one connection is enough.
func TestAComparisonReadsTheDirectoryOnce(t *testing.T) {
	const people = 1200
	c := newCrowd(t, people)
	verdicts := map[dispatch.Verdict]int{}
	told := 0
	if err := c.compare(func(f dispatch.Found) error {
		verdicts[f.Verdict]++
		return nil
	}, func(n int) { told = n }); err != nil {
		t.Fatal(err)
	}
	if want := people + 3; verdicts[dispatch.Equal] != want || len(verdicts) != 1 {
		t.Errorf("the verdicts are %v, want %d equal", verdicts, want)
	}
	if n := c.searches.Load(); n > 6 {
		t.Errorf("%d people took %d searches", people, n)
	}
	if told != people {
		t.Errorf("the last word about the progress was %d", told)
	}
	if len(c.server.Journal()) != 0 {
		t.Errorf("it has written %v", c.server.Journal())
	}
}

// The comparison ends with the first error of who is told.
func TestAComparisonCanBeEnded(t *testing.T) {
	c := newCrowd(t, 10)
	enough := fmt.Errorf("enough")
	calls := 0
	err := c.compare(func(dispatch.Found) error {
		calls++
		return enough
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "enough") || calls != 1 {
		t.Errorf("after %d calls it ended with %v", calls, err)
	}
}

// BenchmarkCompare compares everybody with a directory in memory over LDAP, and shows how much memory that takes.
func BenchmarkCompare(b *testing.B) {
	for _, people := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("%d people", people), func(b *testing.B) {
			c := newCrowd(b, people)
			for b.Loop() {
				base, peak := heap(), uint64(0)
				n := 0
				if err := c.compare(func(dispatch.Found) error { n++; return nil }, func(n int) {
					if n%5000 == 0 {
						peak = max(peak, heap())
					}
				}); err != nil {
					b.Fatal(err)
				}
				if n != people+people/perUnit {
					b.Fatalf("%d objects were compared", n)
				}
				b.ReportMetric(float64(max(peak, base)-base)/(1<<20), "MiB")
				b.ReportMetric(float64(c.searches.Swap(0)), "searches")
			}
			b.ReportMetric(float64(people*b.N)/b.Elapsed().Seconds(), "people/s")
		})
	}
}

// heap returns how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
