package telemetry

import "github.com/prometheus/client_golang/prometheus"

// State is how things are at the moment at which someone looks at the metrics.
type State struct {
	// Works says, by directory, whether this instance is the one that works on it.
	Works map[string]bool
	// Sized: the store is in files here, which take Bytes where Free bytes are left.
	Sized       bool
	Bytes, Free int64
	Guards      []GuardUse
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
	})
}

// states is a collector that asks how things are.
type states struct {
	state                    func() State
	works, bytes, free, used *prometheus.Desc
}

// Describe sends the descriptions of the metrics.
func (s *states) Describe(to chan<- *prometheus.Desc) {
	to <- s.works
	to <- s.bytes
	to <- s.free
	to <- s.used
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
	if now.Sized {
		to <- prometheus.MustNewConstMetric(s.bytes, prometheus.GaugeValue, float64(now.Bytes))
		to <- prometheus.MustNewConstMetric(s.free, prometheus.GaugeValue, float64(now.Free))
	}
}
