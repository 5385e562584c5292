package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/telemetry"
)

// A look waits for the first count, and then for no long one: it shows what was counted last, and the next look what has been
// counted since.
func TestNobodyWaitsForALongCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := telemetry.NewMetrics("v1.2.3", time.Now)
		m.Configured([]string{"corp"}, nil)
		var takes, waiting, counts atomic.Int64
		takes.Store(int64(time.Second))
		waiting.Store(7)
		m.WatchBacklog(t.Context(), func(context.Context, string) (telemetry.Backlog, error) {
			counts.Add(1)
			n := waiting.Load()
			<-time.After(time.Duration(takes.Load()))
			return telemetry.Backlog{Counts: map[event.State]int64{event.Waiting: n}}, nil
		})
		look := func(wantTook time.Duration, want, wantCounts int64) {
			t.Helper()
			start := time.Now()
			got := scrape(t, m)
			if took := time.Since(start); took != wantTook || counts.Load() != wantCounts {
				t.Errorf("the look took %s with %d counts, want %s and %d", took, counts.Load(), wantTook, wantCounts)
			}
			if line := fmt.Sprintf(`idaas_ldap_backlog_events{directory="corp",state="waiting"} %d`, want); !strings.Contains(got, line+"\n") {
				t.Errorf("there is no %s", line)
			}
		}
		look(time.Second, 7, 1)
		waiting.Store(8)
		look(100*time.Millisecond, 7, 2)
		look(100*time.Millisecond, 7, 2) // the count is still under way
		<-time.After(time.Second)
		waiting.Store(9)
		takes.Store(int64(time.Millisecond))
		look(time.Millisecond, 9, 3)
		synctest.Wait()
	})
}
