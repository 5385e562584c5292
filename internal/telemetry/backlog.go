package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"idaas-ldap/event"
)

// backlogPatience is how long one look at the metrics may ask the store.
const backlogPatience = 5 * time.Second

// WatchBacklog adds the number of events in each state, which is asked for each time someone looks at the metrics, until
// the context ends, for the directories that are configured then. One whose count fails is left out, and backlog_counted says so.
func (m *Metrics) WatchBacklog(ctx context.Context, count func(ctx context.Context, directory string) (map[event.State]int64, error)) {
	m.registry.MustRegister(&backlog{
		ctx: ctx, directories: m.directories, count: count,
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
}

// Describe sends the descriptions of the metrics.
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	to <- b.waiting
	to <- b.counted
}

// Collect counts and sends the numbers. States with nothing in them are sent as zero, so that graphs do not break off.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(b.ctx, backlogPatience)
	defer cancel()
	for _, directory := range b.directories() {
		counts, err := b.count(ctx, directory)
		to <- prometheus.MustNewConstMetric(b.counted, prometheus.GaugeValue, truth(err == nil), directory)
		if err != nil {
			continue
		}
		for _, state := range []event.State{event.Pending, event.Waiting, event.Held, event.Failed} {
			to <- prometheus.MustNewConstMetric(b.waiting, prometheus.GaugeValue, float64(counts[state]), directory, string(state))
		}
	}
}
