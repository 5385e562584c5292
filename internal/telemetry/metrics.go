package telemetry

import (
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"idaas-ldap/event"
)

const namespace = "idaas_ldap"

// Metrics is what is counted and measured, on a registry of its own. Its methods are safe for concurrent use and never
// wait. Labels hold names of directories from the configuration and words that the program itself chooses; a label
// that looks like anything else is counted as "other".
type Metrics struct {
	registry *prometheus.Registry
	clock    func() time.Time

	accepted    prometheus.Counter
	rejected    *prometheus.CounterVec
	settled     *prometheus.CounterVec
	reconciles  *prometheus.HistogramVec
	writes      *prometheus.CounterVec
	available   *prometheus.GaugeVec
	leases      *prometheus.CounterVec
	operations  *prometheus.HistogramVec
	requests    *prometheus.HistogramVec
	pulls       *prometheus.CounterVec
	pulled      *prometheus.GaugeVec
	pullSuccess *prometheus.GaugeVec
	pullNext    *prometheus.GaugeVec
	pullTook    *prometheus.GaugeVec
	reloads     *prometheus.CounterVec
	reloadState *prometheus.GaugeVec
	files       *prometheus.CounterVec
	filesState  *prometheus.GaugeVec
	configState prometheus.Gauge
	damaged     prometheus.Gauge
	ends        *prometheus.GaugeVec
	lastEvent   *prometheus.GaugeVec
	lastSuccess *prometheus.GaugeVec
	notified    *prometheus.CounterVec
	notTold     *prometheus.CounterVec
	forwarded   *prometheus.CounterVec

	totals totals

	configuredLock sync.Mutex
	configured     []string // directories
}

// NewMetrics returns metrics that are all at zero. The clock tells how old keys are.
func NewMetrics(version string, clock func() time.Time) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), clock: clock}
	m.accepted = m.counter("events_accepted_total", "Events that are on durable storage, repeats not counted.")
	m.rejected = m.counters("callbacks_rejected_total", "Callbacks that were refused, by reason.", "reason")
	m.settled = m.counters("outcomes_total", "What became of events, by directory, state and code.", "directory", "state", "code")
	m.reconciles = m.histograms("reconcile_seconds", "Time to bring one object to what is known of it.", "directory")
	m.writes = m.counters("reconcile_writes_total", "LDAP writes that were made for objects.", "directory")
	m.available = m.gauges("directory_available", "1 while the directory answers, 0 while it is left alone.", "directory")
	m.leases = m.counters("directory_leases_total", "How often this instance took the work on a directory over (taken), handed it over (given_up), or found that its lease had ended (lost).", "directory", "result")
	m.operations = m.histograms("ldap_operation_seconds", "Time of LDAP operations, by directory, operation and result.", "directory", "operation", "result")
	m.requests = m.histograms("http_request_seconds", "Time to answer HTTP requests, by route and status.", "route", "status")
	m.pulls = m.counters("pull_rounds_total", "Rounds of reading IDaaS's own API that were tried, by application and result.", "application", "result")
	m.pulled = m.gauges("pull_objects", "What the last round found: objects that IDaaS has (listed), of which something was news (changed), that are proven to be gone (absent), or that were not listed and stay (unlisted).", "application", "state")
	m.pullSuccess = m.gauges("pull_last_success_timestamp_seconds", "When everything was last read from IDaaS's own API.", "application")
	m.pullNext = m.gauges("pull_next_timestamp_seconds", "When everything is to be read from IDaaS's own API the next time.", "application")
	m.pullTook = m.gauges("pull_last_duration_seconds", "How long the last round of reading IDaaS's own API took that came to its end.", "application")
	m.reloads = m.counters("mapping_reloads_total", "Mapping files that were read again, by directory and result.", "directory", "result")
	m.reloadState = m.gauges("mapping_last_reload_successful", "1 if the newest mapping file is in force, 0 if it was refused.", "directory")
	m.files = m.counters("file_reloads_total", "Secrets and certificates that were read again after a change, by key of the configuration and result.", "key", "result")
	m.filesState = m.gauges("file_last_reload_successful", "1 if the files of a key of the configuration are in force as they are now, 0 if they were refused.", "key")
	m.ends = m.gauges("certificate_end_timestamp_seconds", "When the certificate of a key of the configuration ends.", "key")
	m.lastEvent = m.gauges("application_last_event_timestamp_seconds", "When this instance took the last event of the application in, since it was started.", "application")
	m.lastSuccess = m.gauges("directory_last_success_timestamp_seconds", "When this instance brought the last event into the directory, since it was started.", "directory")
	m.notified = m.counters("notifications_total", "Notifications by receiver and result: sent, failed, or dropped as too many waited.", "receiver", "result")
	m.notTold = m.counters("notifications_suppressed_total", "News that were not told by themselves, as they repeat others, by kind.", "kind")
	m.forwarded = m.counters("audit_forwarded_lines_total", "Lines of the audit log that the syslog server has beyond doubt (sent), and that it will not get, as they were removed or damaged before (lost).", "result")
	m.configState = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "config_last_reload_successful",
		Help: "1 if what the configuration names was good when it was read as a whole for the last time, at the start or at a SIGHUP.",
	})
	m.damaged = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "store_damaged", Help: "1 once the database of the store was found damaged while it was in use, so that nothing is taken in any more.",
	})
	m.registry.MustRegister(m.configState, m.damaged)
	m.configState.Set(1)

	build := m.gauges("build_info", "Always 1; the labels say what is running.", "version", "go")
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves the metrics in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Accepted counts events of an application that were stored.
func (m *Metrics) Accepted(application string, events int) {
	m.lastEvent.WithLabelValues(application).Set(float64(m.clock().Unix()))
	m.accepted.Add(float64(events))
	m.totals.accepted.Add(int64(events))
}

// Rejected counts a callback that was refused, for a reason in one word.
func (m *Metrics) Rejected(reason string) { m.rejected.WithLabelValues(word(reason)).Inc() }

// Settled counts an event that came to an outcome. The directory is empty for an event that is for none.
func (m *Metrics) Settled(directory string, outcome event.Outcome) {
	if outcome.State == event.Failed {
		m.totals.failed.Add(1)
	}
	if outcome.State == event.Done && directory != "" {
		m.lastSuccess.WithLabelValues(directory).Set(float64(m.clock().Unix()))
	}
	m.settled.WithLabelValues(directory, word(string(outcome.State)), word(string(outcome.Code))).Inc()
}

// Reconciled measures the work on one object and counts its writes.
func (m *Metrics) Reconciled(directory string, operations int, took time.Duration) {
	m.reconciles.WithLabelValues(directory).Observe(took.Seconds())
	m.writes.WithLabelValues(directory).Add(float64(operations))
}

// Available notes that a directory went down or came back.
func (m *Metrics) Available(directory string, available bool) {
	m.available.WithLabelValues(directory).Set(truth(available))
}

// Leased counts that this instance works on a directory from now on (taken), or does not any more.
func (m *Metrics) Leased(directory, result string) {
	m.leases.WithLabelValues(directory, "lost").Add(0) // or the first one would be no increase
	m.leases.WithLabelValues(directory, word(result)).Inc()
}

// Operation measures one LDAP operation. The result is a word or a result code.
func (m *Metrics) Operation(directory, operation, result string, took time.Duration) {
	m.operations.WithLabelValues(directory, word(operation), word(result)).Observe(took.Seconds())
	m.totals.operations.Add(1)
	m.totals.took.Add(int64(took))
}

// Request measures one HTTP request. The route is the pattern that was matched and never the path of the request.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Notified counts a notification to a receiver of the configuration, by its result.
func (m *Metrics) Notified(receiver, result string) {
	for _, known := range []string{"sent", "failed", "dropped"} {
		m.notified.WithLabelValues(receiver, known).Add(0) // or the first one would be no increase
	}
	m.notified.WithLabelValues(receiver, word(result)).Inc()
}

// NotTold counts news that repeat others.
func (m *Metrics) NotTold(kind string) { m.notTold.WithLabelValues(word(kind)).Inc() }

// Forwarded counts lines of the audit log by what became of them on the way to a syslog server.
func (m *Metrics) Forwarded(result string, lines int64) {
	m.forwarded.WithLabelValues(word(result)).Add(float64(lines))
}

// StoreDamaged notes that the database of the store was found damaged.
func (m *Metrics) StoreDamaged() { m.damaged.Set(1) }

// Configured notes which directories and keys with files are in the configuration that is in force, and that they are good. What is
// said of others is forgotten.
func (m *Metrics) Configured(directories, keys []string) {
	m.reloadState.Reset()
	m.filesState.Reset()
	m.ends.Reset()
	for _, directory := range directories {
		m.reloadState.WithLabelValues(directory).Set(1)
	}
	for _, key := range keys {
		m.filesState.WithLabelValues(key).Set(1)
	}
	m.configuredLock.Lock()
	defer m.configuredLock.Unlock()
	for _, directory := range m.configured {
		if !slices.Contains(directories, directory) {
			m.available.DeleteLabelValues(directory)
			m.lastSuccess.DeleteLabelValues(directory)
		}
	}
	m.configured = directories
}

// directories returns those that are configured.
func (m *Metrics) directories() []string {
	m.configuredLock.Lock()
	defer m.configuredLock.Unlock()
	return m.configured
}

// Pulled notes how many objects of each sort a round of reading IDaaS's own API has found. Took is how long it took, zero where it did not
// come to its end.
func (m *Metrics) Pulled(application string, found map[string]int, took time.Duration) {
	result := "stopped"
	if took > 0 {
		result = "done"
		m.pullTook.WithLabelValues(application).Set(took.Seconds())
	}
	m.pulls.WithLabelValues(application, result).Inc()
	for state, n := range found {
		m.pulled.WithLabelValues(application, state).Set(float64(n))
	}
}

// Planned notes when the last round that came to its end did so, zero for never, and when the next one is due.
func (m *Metrics) Planned(application string, succeeded, next time.Time) {
	if !succeeded.IsZero() {
		m.pullSuccess.WithLabelValues(application).Set(float64(succeeded.Unix()))
	}
	m.pullNext.WithLabelValues(application).Set(float64(next.Unix()))
}

// MappingReloaded counts a mapping file that was read again, and notes whether it is in force now.
func (m *Metrics) MappingReloaded(directory string, good bool) {
	result := "refused"
	if good {
		result = "in_force"
	}
	m.reloads.WithLabelValues(directory, result).Inc()
	m.reloadState.WithLabelValues(directory).Set(truth(good))
}

// FilesReloaded counts files that were read again after a change, and notes whether they are in force now.
func (m *Metrics) FilesReloaded(key string, good bool) {
	result := "refused"
	if good {
		result = "in_force"
	}
	m.files.WithLabelValues(key, result).Inc()
	m.filesState.WithLabelValues(key).Set(truth(good))
}

// Reloaded notes whether everything was good when it was read again as a whole.
func (m *Metrics) Reloaded(good bool) { m.configState.Set(truth(good)) }

// CertificateEnds notes when the certificate of a key of the configuration ends.
func (m *Metrics) CertificateEnds(key string, at time.Time) {
	m.ends.WithLabelValues(key).Set(float64(at.Unix()))
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

// histograms measures from a quick search to a directory that takes its time.
func (m *Metrics) histograms(name, help string, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
	}, labels)
	m.registry.MustRegister(h)
	return h
}

var oneWord = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// word keeps text that came from outside out of labels.
func word(s string) string {
	if !oneWord.MatchString(s) {
		return "other"
	}
	return s
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
