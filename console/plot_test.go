package console

import (
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// What is only counted is counted so far, and then there are more.
func TestManyIsSaidToBeMore(t *testing.T) {
	for want, n := range map[string]any{"0": 0, "10000": int64(counted), "> 10000": countedTo, "> 10000 ": int64(1_000_000)} {
		if got := many(n); got != strings.TrimSpace(want) {
			t.Errorf("%v is said to be %q", n, got)
		}
	}
}

// A plot has the newest at its right end and the oldest at its left, what is older than a day nowhere, and stays within its frame.
func TestAPlotShowsTheLastDay(t *testing.T) {
	const now = event.Millis(1_800_000_000_000)
	ago := func(d time.Duration) event.Millis { return now - event.Millis(d.Milliseconds()) }
	all := plots(overview{At: now, Samples: []store.Sample{
		{At: ago(25 * time.Hour), Accepted: 1000, Backlog: 1000},
		{At: ago(24*time.Hour - time.Minute), Accepted: 5},
		{At: ago(9 * time.Minute), Accepted: 20, Failed: 1, Backlog: 7, Operations: 4, Took: 20 * time.Millisecond},
		{At: now, Accepted: 30, Failed: 2, Backlog: 3, Operations: 6, Took: 10 * time.Millisecond},
	}})
	for i, want := range []struct{ most, last int64 }{{50, 50}, {3, 3}, {7, 7}, {3, 3}} {
		if p := all[i]; p.Most != want.most || p.Last != want.last {
			t.Errorf("%s has at most %d and %d at last, not %+v", p.Name, p.Most, p.Last, want)
		}
	}
	points := strings.Fields(all[0].Line)
	if len(points) != plotPoints || points[0] != "0.0,89.4" || points[1] != "5.0,99.0" || points[plotPoints-1] != "720.0,3.0" {
		t.Errorf("the line goes from %s over %s to %s", points[0], points[1], points[len(points)-1])
	}
}
