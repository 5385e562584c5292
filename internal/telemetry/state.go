package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how things are at the moment at which someone looks at the metrics.
type State struct {
	// Works says, by directory, whether this instance is the one that works on it.
	Works map[string]bool
	// Sized: the store is in files here, which take Bytes where Free bytes are left.
	Sized       bool
	Bytes, Free int64
	Guards      []GuardUse
	Keys        []KeySet
	// Audited: an audit log is kept, and Written: nothing is owed to it.
	Audited, Written bool
	// Forwards: it is forwarded, and so many lines of it are not known to have arrived.
	Forwards    bool
	Unforwarded int64
}

// KeySet are the public keys of an application.
type KeySet struct {
	Application string
	// Usable: tokens can be verified by it now.
	Usable bool
	// Confirmed is when it was last known to be the one in force, zero while there is none.
	Confirmed time.Time
}

// GuardUse is how much of what the guard on an act lets through is used, 1 for all of it.
type GuardUse struct {
	Directory, Act string
	Used           float64
}

// WatchState shows a state, which is asked for each time someone looks and must not take long. It is called once, before anything is
// shown.
func (m *Metrics) WatchState(state func() State) {
	m.registry.MustRegister(&states{
		state: state,
		works: prometheus.NewDesc(namespace+"_directory_worked_on", "1 if this instance works on the directory, 0 if another one does.",
			[]string{"directory"}, nil),
		bytes: prometheus.NewDesc(namespace+"_store_bytes", "What the files of the store take; not shown where it is on a server.",
			[]string{}, nil),
		free: prometheus.NewDesc(namespace+"_store_free_bytes", "What is left on the disk of the store; not shown where it is on a server.",
			[]string{}, nil),
		used: prometheus.NewDesc(namespace+"_guard_used_ratio", "How much of what a guard lets through within its window is used, 1 for all of it, looked at every minute.",
			[]string{"directory", "act"}, nil),
		usable: prometheus.NewDesc(namespace+"_jwks_usable", "1 if callbacks of the application can be verified with its set of public keys, 0 if all are refused.",
			[]string{"application"}, nil),
		age: prometheus.NewDesc(namespace+"_jwks_age_seconds", "Time since the set of public keys of the application was confirmed; not shown while there is none.",
			[]string{"application"}, nil),
		written: prometheus.NewDesc(namespace+"_audit_written", "1 if the audit log can be written, 0 if not, so that nothing is written to the directories; not shown where none is kept.",
			[]string{}, nil),
		unforwarded: prometheus.NewDesc(namespace+"_audit_unforwarded_lines", "Lines of the audit log of which it is not certain that the syslog server has them; not shown where none is named.",
			[]string{}, nil),
		now: m.clock,
	})
}

// states is a collector that asks how things are.
type states struct {
	state                                                       func() State
	now                                                         func() time.Time
	works, bytes, free, used, usable, age, written, unforwarded *prometheus.Desc
}

// Describe sends the descriptions of the metrics.
func (s *states) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.works, s.bytes, s.free, s.used, s.usable, s.age, s.written, s.unforwarded} {
		to <- d
	}
}

// Collect sends the numbers.
func (s *states) Collect(to chan<- prometheus.Metric) {
	now := s.state()
	for directory, works := range now.Works {
		to <- prometheus.MustNewConstMetric(s.works, prometheus.GaugeValue, truth(works), directory)
	}
	for _, g := range now.Guards {
		to <- prometheus.MustNewConstMetric(s.used, prometheus.GaugeValue, g.Used, g.Directory, g.Act)
	}
	for _, k := range now.Keys {
		to <- prometheus.MustNewConstMetric(s.usable, prometheus.GaugeValue, truth(k.Usable), k.Application)
		if !k.Confirmed.IsZero() {
			to <- prometheus.MustNewConstMetric(s.age, prometheus.GaugeValue, s.now().Sub(k.Confirmed).Seconds(), k.Application)
		}
	}
	if now.Audited {
		to <- prometheus.MustNewConstMetric(s.written, prometheus.GaugeValue, truth(now.Written))
	}
	if now.Forwards {
		to <- prometheus.MustNewConstMetric(s.unforwarded, prometheus.GaugeValue, float64(now.Unforwarded))
	}
	if now.Sized {
		to <- prometheus.MustNewConstMetric(s.bytes, prometheus.GaugeValue, float64(now.Bytes))
		to <- prometheus.MustNewConstMetric(s.free, prometheus.GaugeValue, float64(now.Free))
	}
}
