package acceptance_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// spent is what a push has cost.
type spent struct{ wall, processor time.Duration }

func (s *spent) add(other spent) {
	s.wall += other.wall
	s.processor += other.processor
}

// inFlight is how many requests are made at a time, by the product's callers and by the bare loop.
const inFlight = 16

// BenchmarkOpenLDAPFirstPush pushes people over HTTP into slapd, and compares with a bare loop over the LDAP library that
// makes the same searches and writes on as many connections, by turns. The ratio of the two is what the product costs: 1
// would be nothing.
func BenchmarkOpenLDAPFirstPush(b *testing.B) {
	for _, people := range []int{1000, 8000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			var bare, ours spent
			rounds := 0
			for b.Loop() {
				bare.add(firstPushBare(b, people))
				ours.add(firstPush(b, people))
				rounds++
			}
			reportPush(b, rounds*people, bare, ours)
		})
	}
}

// BenchmarkOpenLDAPHundredThousand pushes a hundred thousand people into slapd, and compares them all afterwards.
func BenchmarkOpenLDAPHundredThousand(b *testing.B) {
	const people = 100_000
	for b.Loop() {
		server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true, Unlimited: true})
		p := startProduct(b, slapdDirectory(server), true)
		p.tenant.Clock = time.Now // with a millisecond for each, the last would come from the future
		tokens := tokensOf(b, p, idaastest.Generate(3, people, 0), people)
		ours := profiled(b, func() { push(b, p, tokens) })
		b.ReportMetric(ours.wall.Seconds(), "s/push")
		b.ReportMetric(float64(ours.processor.Microseconds())/people, "cpu-µs/user")
		b.ReportMetric(measure(b, func() { p.compare() }).wall.Seconds(), "s/reconcile")
		p.halt()
		server.Stop()
	}
}

// BenchmarkOpenLDAPUnchangedPush pushes people who are in slapd already, and compares with a bare loop that searches for each.
func BenchmarkOpenLDAPUnchangedPush(b *testing.B) {
	for _, people := range []int{8000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true})
			p := startProduct(b, slapdDirectory(server), true)
			org := idaastest.Generate(3, people, 0)
			push(b, p, tokensOf(b, p, org, people))
			var bare, ours spent
			rounds := 0
			for b.Loop() {
				tokens := tokensOf(b, p, org, people)
				bare.add(measure(b, func() { bareLoop(b, server, org, bareSearch) }))
				ours.add(profiled(b, func() { push(b, p, tokens) }))
				rounds++
			}
			reportPush(b, rounds*people, bare, ours)
		})
	}
}

func reportPush(b *testing.B, people int, bare, ours spent) {
	b.Helper()
	b.ReportMetric(float64(people)/bare.wall.Seconds(), "bare-users/s")
	b.ReportMetric(float64(people)/ours.wall.Seconds(), "users/s")
	b.ReportMetric(bare.wall.Seconds()/ours.wall.Seconds(), "ratio")
	b.ReportMetric(float64(ours.processor.Microseconds())/float64(people), "cpu-µs/user")
	b.ReportMetric(ours.wall.Seconds()/float64(b.N), "s/push")
}

func measure(b *testing.B, work func()) spent {
	b.Helper()
	start, before := time.Now(), processorTime(b)
	work()
	return spent{time.Since(start), processorTime(b) - before}
}

// profiles is where to say which functions the processor time of the product is spent in.
var profiles = flag.String("profiles", "", "a folder that benchmarks write a profile of each measured part into")

// profiled measures what the product does, which is what a profile shows.
func profiled(b *testing.B, work func()) spent {
	b.Helper()
	if *profiles == "" {
		return measure(b, work)
	}
	file, err := os.CreateTemp(*profiles, "*.prof")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		b.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	return measure(b, work)
}

// tokensOf signs the push of an organisation, twenty events to a request, before anything is measured.
func tokensOf(b *testing.B, p *product, org idaastest.Organization, people int) []string {
	b.Helper()
	events := org.Push(p.tenant)[:people]
	var tokens []string
	const batch = 20
	for len(events) > 0 {
		n := min(batch, len(events))
		token, err := p.tenant.Token(events[:n])
		if err != nil {
			b.Fatal(err)
		}
		tokens, events = append(tokens, token), events[n:]
	}
	return tokens
}

// push sends all and waits until every event is settled in the store.
func push(b *testing.B, p *product, tokens []string) {
	b.Helper()
	atOnce(inFlight, tokens, func(token string) {
		if answer, err := p.client.SendToken(context.Background(), token); err != nil || answer.Status != 200 {
			b.Errorf("%v %+v", err, answer)
		}
	})
	if bad := p.settle(); len(bad) > 0 {
		b.Fatalf("%+v", bad[0])
	}
}

func firstPush(b *testing.B, people int) spent {
	b.Helper()
	server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true})
	p := startProduct(b, slapdDirectory(server), true)
	tokens := tokensOf(b, p, idaastest.Generate(3, people, 0), people)
	took := profiled(b, func() { push(b, p, tokens) })
	p.halt()
	server.Stop()
	return took
}

// firstPushBare does by hand what the product does for a new user: look by each match rule, add, read the id.
func firstPushBare(b *testing.B, people int) spent {
	b.Helper()
	server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true})
	org := idaastest.Generate(3, people, 0)
	took := measure(b, func() { bareLoop(b, server, org, bareUser) })
	server.Stop()
	return took
}

// bareLoop does something for everybody on four connections, with as many requests in flight as a push has.
func bareLoop(b *testing.B, server *ldaptest.Slapd, org idaastest.Organization, each func(*ldap.Conn, idaastest.User) error) {
	b.Helper()
	const connections = 4
	var next atomic.Int64
	var wg sync.WaitGroup
	for range connections {
		conn, err := ldap.DialURL(server.URL)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		if err := conn.Bind(server.BindDN, server.Password); err != nil {
			b.Fatal(err)
		}
		for range inFlight / connections {
			wg.Go(func() {
				for i := next.Add(1) - 1; int(i) < len(org.Users); i = next.Add(1) - 1 {
					if err := each(conn, org.Users[i]); err != nil {
						b.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func bareSearch(conn *ldap.Conn, u idaastest.User) error {
	filter := "(employeeNumber=" + u.ID + ")"
	_, err := conn.Search(ldap.NewSearchRequest(testBase, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false, filter, []string{"*"}, nil))
	return err
}

func bareUser(conn *ldap.Conn, u idaastest.User) error {
	for _, filter := range []string{"(employeeNumber=" + u.ID + ")", "(&(uid=" + u.Username + ")(!(employeeNumber=*)))"} {
		if _, err := conn.Search(ldap.NewSearchRequest(testBase, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false, filter, []string{"*"}, nil)); err != nil {
			return err
		}
	}
	dn := "uid=" + u.Username + ",ou=people," + testBase
	add := ldap.NewAddRequest(dn, nil)
	for name, value := range map[string]string{
		"objectClass": "inetOrgPerson", "uid": u.Username, "employeeNumber": u.ID, "cn": u.DisplayName, "sn": u.DisplayName,
		"displayName": u.DisplayName, "mail": u.Email, "description": u.Description,
	} {
		add.Attribute(name, []string{value})
	}
	if err := conn.Add(add); err != nil {
		return err
	}
	_, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"entryUUID"}, nil))
	return err
}
