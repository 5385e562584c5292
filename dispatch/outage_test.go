package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
)

// While a directory does not answer nothing is stored for any event, nobody hammers it, and everybody is told so at once.
// When it is back everything is applied.
func TestAnOutageIsProbedByOneAndKeepsEverything(t *testing.T) {
	inBubble(t, func(r *rig) {
		d := r.directories[corp]
		d.goDown(errDown)
		first := r.answer(update("u0", 1))
		if first.State != event.Waiting || first.Code != event.CodeUnavailable || !strings.Contains(first.Message, "connection refused") {
			r.Fatalf("the one that finds out is answered with %+v", first)
		}
		start := time.Now()
		const objects = 50
		for i := 1; i < objects; i++ {
			if o := r.answer(update(fmt.Sprint("u", i), 1)); o.Code != event.CodeUnavailable {
				r.Fatalf("during the outage an event is answered with %+v", o)
			}
		}
		if took := time.Since(start); took > 0 {
			r.Errorf("the answers took %s although the reason was known", took)
		}
		r.pass(10 * time.Minute)
		if n := len(d.tasks()); n != 1 {
			r.Errorf("%d objects were tried during the outage; one found out", n)
		}
		checkProbes(r.T, d.probed())
		if got := r.outcome(corp, "u7@1"); got.State != event.Pending || got.Code != event.CodeAccepted {
			r.Errorf("something was stored for an event: %+v", got)
		}
		if reason := r.Availability()[corp]; reason != "connection refused" {
			r.Errorf("the reason shown is %q", reason)
		}
		d.goDown(nil)
		r.pass(30 * time.Second)
		if n := r.counts(); len(n) > 0 {
			r.Errorf("after the outage there is left %v", n)
		}
		for i := range objects {
			r.wantCode(fmt.Sprint("u", i, "@1"), event.CodeApplied)
		}
		if reason := r.Availability()[corp]; reason != "" {
			r.Errorf("after the outage the reason shown is %q", reason)
		}
		if want := []string{"corp false", "corp true"}; !slices.Equal(r.seen.available, want) {
			r.Errorf("the observer was told %q", r.seen.available)
		}
	})
}

// checkProbes checks that the pauses between looks at a directory that is down double up to a quarter of a minute.
func checkProbes(t *testing.T, probes []time.Time) {
	t.Helper()
	if len(probes) < 40 || len(probes) > 60 {
		t.Errorf("%d probes in ten minutes", len(probes))
	}
	pause := 2 * time.Second
	for i := 1; i < len(probes); i++ {
		if took := probes[i].Sub(probes[i-1]); took < pause*3/4 || took > pause {
			t.Errorf("probe %d comes after %s; want between %s and %s", i, took, pause*3/4, pause)
		}
		pause = min(2*pause, 15*time.Second)
	}
}

// Those who wait for their answer when the directory goes down are told at once.
func TestWhoWaitsWhenTheDirectoryGoesDownIsTold(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-release
			return unavailable(task, errDown)
		})
		r.directories[corp].mu.Lock()
		r.directories[corp].down = nil
		r.directories[corp].mu.Unlock()
		var tickets []*dispatch.Ticket
		for i := range 10 { // more than there are workers
			tickets = append(tickets, r.accept(update(fmt.Sprint("u", i), 1)))
		}
		synctest.Wait()
		close(release)
		start := time.Now()
		for i, ticket := range tickets {
			if o := r.await(ticket)[0]; o.Code != event.CodeUnavailable {
				r.Errorf("u%d is answered with %+v", i, o)
			}
		}
		if took := time.Since(start); took > 0 {
			r.Errorf("the answers took %s", took)
		}
	})
}

func TestAnOutageOfOneDirectoryDoesNotTouchAnother(t *testing.T) {
	routes := []dispatch.Route{{Directory: corp, Workers: 2, PasswordSync: true}, {Directory: "lab", Workers: 2}}
	inBubbleOf(t, routes, func(r *rig) {
		r.directories[corp].goDown(errDown)
		o := r.answer(update("ann", 1))
		if o.State != event.Waiting || !strings.Contains(o.Message, "corp: ") || !strings.Contains(o.Message, "lab: add") {
			r.Errorf("answered with %+v", o)
		}
		if got := r.outcome("lab", "ann@1"); got.Code != event.CodeApplied {
			r.Errorf("the other directory has %+v", got)
		}
		if got := r.outcome(corp, "ann@1"); got.State != event.Pending {
			r.Errorf("the directory that is down has %+v", got)
		}
		r.directories[corp].goDown(nil)
		r.pass(time.Minute)
		r.wantCode("ann@1", event.CodeApplied)
	})
}
