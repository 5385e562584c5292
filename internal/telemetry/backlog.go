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

// Backlog is what waits for one directory.
type Backlog struct {
	// Counts are the numbers of events by state.
	Counts map[event.State]int64
	// Oldest is when the oldest event was received that is pending or waits, zero where none is.
	Oldest event.Millis
}

// WatchBacklog adds the number of events in each state, which is asked for each time someone looks at the metrics, until
// the context ends, for the directories that are configured then. A count that takes long is shown at the next look. A directory
// whose count fails is left out, and backlog_counted says so.
func (m *Metrics) WatchBacklog(ctx context.Context, count func(ctx context.Context, directory string) (Backlog, error)) {
	m.registry.MustRegister(&backlog{
		ctx: ctx, directories: m.directories, count: count, last: map[string]tally{}, under: map[string]chan struct{}{},
		waiting: prometheus.NewDesc(namespace+"_backlog_events", "Events that are not settled, and failed ones that are kept, by directory and state.",
			[]string{"directory", "state"}, nil),
		oldest: prometheus.NewDesc(namespace+"_backlog_oldest_timestamp_seconds", "When the oldest event of the directory was received that is pending or waits; 0 where none is.",
			[]string{"directory"}, nil),
		counted: prometheus.NewDesc(namespace+"_backlog_counted", "1 if the backlog of the directory could be counted, 0 if not.",
			[]string{"directory"}, nil),
	})
}

// backlog is a collector that asks the store.
type backlog struct {
	ctx                      context.Context // of the program: a collector is not given one
	directories              func() []string
	count                    func(ctx context.Context, directory string) (Backlog, error)
	waiting, oldest, counted *prometheus.Desc

	mu    sync.Mutex
	last  map[string]tally         // the last count that has ended, by directory
	under map[string]chan struct{} // counts under way; each is closed when it ends
}

// tally is what a count came to.
type tally struct {
	Backlog

	err error
}

// Describe sends the descriptions of the metrics.
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	to <- b.waiting
	to <- b.oldest
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
		to <- prometheus.MustNewConstMetric(b.waiting, prometheus.GaugeValue, float64(t.Counts[state]), directory, string(state))
	}
	to <- prometheus.MustNewConstMetric(b.oldest, prometheus.GaugeValue, float64(t.Oldest/1000), directory) //nolint:mnd // Seconds.
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
		found, err := b.count(ctx, directory)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.last[directory] = tally{found, err}
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
