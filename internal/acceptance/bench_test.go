package acceptance_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/idaastest"
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
