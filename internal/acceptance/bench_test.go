package acceptance_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/receiver"
)

// BenchmarkAccept measures taking events in: verify, decrypt, decode and commit durably, with the directory down so that
// nothing else is done. One operation is one event in a request of its own.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			server := startEmbedded(b)
			p := startProduct(b, embeddedDirectory(server), true)
			server.Down()
			verifier, err := p.app.Verifier(time.Now)
			if err != nil {
				b.Fatal(err)
			}
			tokens := make([]string, b.N)
			for i := range tokens {
				user := idaastest.User{ID: p.tenant.NewUserID(), Username: fmt.Sprintf("u%d", i), DisplayName: "Ann Lee"}
				if tokens[i], err = p.tenant.Token([]idaastest.Event{p.tenant.CreateUser(user, "")}); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			before := processorTime(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for i := next.Add(1) - 1; int(i) < len(tokens); i = next.Add(1) - 1 {
						accept(b, p, verifier, tokens[i])
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
		})
	}
}

func accept(b *testing.B, p *product, verifier *receiver.Verifier, token string) {
	b.Helper()
	document, err := verifier.Open(context.Background(), token)
	if err != nil {
		b.Error(err)
		return
	}
	ticket, err := p.app.Dispatcher.Accept(context.Background(), document.Application, document.InstanceID, document.Changes)
	if err != nil {
		b.Error(err)
		return
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	ticket.Wait(done)
}

// BenchmarkOpenLDAPEndToEnd pushes people over HTTP into slapd, and compares with a bare loop over the LDAP library that
// makes the same searches and writes on as many connections, by turns. The ratio of the two is what the product costs: 1
// would be nothing.
func BenchmarkOpenLDAPEndToEnd(b *testing.B) {
	for _, people := range []int{1000, 8000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			var bare, ours time.Duration
			rounds := 0
			for b.Loop() {
				bare += endToEndBare(b, people)
				ours += endToEndProduct(b, people)
				rounds++
			}
			b.ReportMetric(float64(rounds*people)/bare.Seconds(), "bare-users/s")
			b.ReportMetric(float64(rounds*people)/ours.Seconds(), "users/s")
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

func endToEndProduct(b *testing.B, people int) time.Duration {
	b.Helper()
	server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true})
	p := startProduct(b, slapdDirectory(server), true)
	events := idaastest.Generate(3, people, 0).Push(p.tenant)[:people]
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
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 { // as many in flight as the bare loop has
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(tokens); i = next.Add(1) - 1 {
				if answer, err := p.client.SendToken(context.Background(), tokens[i]); err != nil || answer.Status != 200 {
					b.Errorf("%v %+v", err, answer)
				}
			}
		})
	}
	wg.Wait()
	if bad := p.settle(); len(bad) > 0 {
		b.Fatalf("%+v", bad[0])
	}
	took := time.Since(start)
	p.halt()
	server.Stop()
	return took
}

// endToEndBare does by hand what the product does for a new user: look by each match rule, add, read the id.
func endToEndBare(b *testing.B, people int) time.Duration {
	b.Helper()
	server := ldaptest.StartSlapd(b, ldaptest.SlapdConfig{Sync: true})
	org := idaastest.Generate(3, people, 0)
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		conn, err := ldap.DialURL(server.URL)
		if err != nil {
			b.Fatal(err)
		}
		if err := conn.Bind(server.BindDN, server.Password); err != nil {
			b.Fatal(err)
		}
		for range 4 {
			wg.Go(func() {
				for i := next.Add(1) - 1; int(i) < len(org.Users); i = next.Add(1) - 1 {
					if err := bareUser(conn, org.Users[i]); err != nil {
						b.Error(err)
					}
				}
			})
		}
		defer conn.Close()
	}
	wg.Wait()
	took := time.Since(start)
	server.Stop()
	return took
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
