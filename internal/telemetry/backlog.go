package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"idaas-ldap/event"
)

// backlogPatience is how long the store may be asked for one look at the metrics, and backlogQuick how long a look waits for it
// where there is a count of before: to count a million events takes longer than anybody should wait.
const (
	backlogPatience = 5 * time.Second
	backlogQuick    = 100 * time.Millisecond
)

// WatchBacklog adds the number of events in each state, which is asked for each time someone looks at the metrics, until
// the context ends, for the directories that are configured then. A count that takes long is shown at the next look. A directory
// whose count fails is left out, and backlog_counted says so.
func (m *Metrics) WatchBacklog(ctx context.Context, count func(ctx context.Context, directory string) (map[event.State]int64, error)) {
	m.registry.MustRegister(&backlog{
		ctx: ctx, directories: m.directories, count: count, last: map[string]tally{}, under: map[string]chan struct{}{},
		waiting: prometheus.NewDesc(namespace+"_backlog_events", "Events that are not settled, and failed ones that are kept, by directory and state.",
			[]string{"directory", "state"}, nil),
		counted: prometheus.NewDesc(namespace+"_backlog_counted", "1 if the backlog of the directory could be counted, 0 if not.",
			[]string{"directory"}, nil),
	})
}

// backlog is a collector that asks the store.
type backlog struct {
	ctx              context.Context // of the program: a collector is not given one
	directories      func() []string
	count            func(ctx context.Context, directory string) (map[event.State]int64, error)
	waiting, counted *prometheus.Desc

	mu    sync.Mutex
	last  map[string]tally         // the last count that has ended, by directory
	under map[string]chan struct{} // counts under way; each is closed when it ends
}

// tally is what a count came to.
type tally struct {
	counts map[event.State]int64
	err    error
}

// Describe sends the descriptions of the metrics.
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	to <- b.waiting
	to <- b.counted
}

// Collect counts and sends the numbers. States with nothing in them are sent as zero, so that graphs do not break off.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	quick := time.NewTimer(backlogQuick)
	defer quick.Stop()
	late := false
	for _, directory := range b.directories() {
		done := b.begin(directory)
		switch _, before := b.known(directory); {
		case !before:
			<-done
		case !late:
			select {
			case <-done:
			case <-quick.C:
				late = true
			}
		}
		b.send(to, directory)
	}
}

func (b *backlog) send(to chan<- prometheus.Metric, directory string) {
	t, _ := b.known(directory)
	to <- prometheus.MustNewConstMetric(b.counted, prometheus.GaugeValue, truth(t.err == nil), directory)
	if t.err != nil {
		return
	}
	for _, state := range []event.State{event.Pending, event.Waiting, event.Held, event.Failed} {
		to <- prometheus.MustNewConstMetric(b.waiting, prometheus.GaugeValue, float64(t.counts[state]), directory, string(state))
	}
}

// begin starts a count of a directory unless one is under way, and returns what is closed when it ends: when it is done, when its
// patience is over, or with the program.
func (b *backlog) begin(directory string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done := b.under[directory]; done != nil {
		return done
	}
	done := make(chan struct{})
	b.under[directory] = done
	go func() {
		ctx, cancel := context.WithTimeout(b.ctx, backlogPatience)
		defer cancel()
		counts, err := b.count(ctx, directory)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.last[directory] = tally{counts, err}
		delete(b.under, directory)
		close(done)
	}()
	return done
}

// known returns the last count of a directory that has ended.
func (b *backlog) known(directory string) (tally, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.last[directory]
	return t, ok
}
