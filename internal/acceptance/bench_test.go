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
// nothing else is done. Beside it the same tokens are only opened, by turns. One operation is one request.
func BenchmarkAccept(b *testing.B) {
	for _, c := range []struct{ callers, events int }{{1, 1}, {16, 1}, {64, 1}, {64, 20}} {
		b.Run(fmt.Sprintf("callers=%d/events=%d", c.callers, c.events), func(b *testing.B) {
			server := startEmbedded(b)
			p := startProduct(b, embeddedDirectory(server), true)
			server.Down()
			verifier, err := p.app.Verifier(time.Now)
			if err != nil {
				b.Fatal(err)
			}
			tokens := newcomers(b, p, b.N, c.events)
			open := func(token string) receiver.Document {
				document, err := verifier.Open(context.Background(), token)
				if err != nil {
					b.Error(err)
				}
				return document
			}
			b.ResetTimer()
			var opening, accepting spent
			const turns = 4
			for turn := range turns {
				part := tokens[turn*len(tokens)/turns : (turn+1)*len(tokens)/turns]
				opening.add(measure(b, func() { atOnce(c.callers, part, func(token string) { open(token) }) }))
				accepting.add(profiled(b, func() { atOnce(c.callers, part, func(token string) { accept(b, p, open(token)) }) }))
			}
			events := float64(b.N * c.events)
			b.ReportMetric(events/accepting.wall.Seconds(), "events/s")
			b.ReportMetric(opening.wall.Seconds()/accepting.wall.Seconds(), "of-opening")
			b.ReportMetric(float64(accepting.processor.Microseconds())/events, "cpu-µs/event")
			b.ReportMetric(float64(opening.processor.Microseconds())/events, "opening-cpu-µs/event")
		})
	}
}

// newcomers returns tokens with so many new users each.
func newcomers(b *testing.B, p *product, n, events int) []string {
	b.Helper()
	tokens := make([]string, n)
	for i := range tokens {
		all := make([]idaastest.Event, events)
		for j := range all {
			all[j] = p.tenant.CreateUser(idaastest.User{ID: p.tenant.NewUserID(), Username: fmt.Sprintf("u%d.%d", i, j), DisplayName: "Ann Lee"}, "")
		}
		var err error
		if tokens[i], err = p.tenant.Token(all); err != nil {
			b.Fatal(err)
		}
	}
	return tokens
}

// atOnce calls work for each of some texts, a number of them at a time.
func atOnce(callers int, texts []string, work func(string)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(texts); i = next.Add(1) - 1 {
				work(texts[i])
			}
		})
	}
	wg.Wait()
}

func accept(b *testing.B, p *product, document receiver.Document) {
	b.Helper()
	ticket, err := p.app.Dispatcher.Accept(context.Background(), document.Application, document.InstanceID, document.Changes)
	if err != nil {
		b.Error(err)
		return
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	ticket.Wait(done)
}
