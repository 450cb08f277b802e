// Package metrics counts what happens to the connection and renders it, with what is true at the moment, for
// Prometheus.
//
// What can be looked up is looked up when someone scrapes; only events are counted, by the callers of Take. The
// package has no goroutine and no state outside Metrics. Labels take few, known values: no account, host or farm is
// among them.
package metrics

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// Source is where values come from that are looked up for each scrape, from any goroutine. A nil function exports
// nothing of its kind.
type Source struct {
	Snapshot func() *conn.Snapshot
	Ticks    func() (evaluated, skipped uint64)
	Trading  func() Trading
	Programs func() Programs
	Queued   func() map[string]int    // alerts that wait, by channel
	Faults   func() map[string]uint64 // panics since the start, by the part of the program
	// Panicked takes down that a scrape has failed inside; it is answered with an error.
	Panicked func(what any, stack []byte)
	Version  string
}

// Trading is the state of rules and orders.
type Trading struct {
	Armed   bool
	Rules   map[rules.State]int
	Orders  map[ledger.OrderState]int // that the ledger holds
	Blocked map[string]uint64         // orders that were blocked since the start, by the reason's id
	// ticks that gave way to a later one since the start, before anything had looked at them
	Conflated uint64
}

// Programs is the state of programs at the guarded port.
type Programs struct {
	Connected     int
	Sent, Unknown uint64            // orders and changes since the start
	Refused       map[string]uint64 // orders, changes and other requests since the start, by the reason's id
}

// Metrics is everything that GET /metrics answers. Make it with New.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	lost, attempts          *prometheus.CounterVec
	upstreamLost, suspected prometheus.Counter
	recovery                *prometheus.HistogramVec
}

// recoveryBuckets are seconds from the blink that a dropped socket takes to an hour.
var recoveryBuckets = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600}

// The layers whose recovery is measured.
const (
	layerSocket   = "socket"
	layerAPI      = "api"
	layerUpstream = "upstream"
)

// New returns metrics with every counter at zero for every label, so that already the first event is an increase.
func New(s Source) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewatch_sessions_lost_total", Help: "Sessions with Gateway that ended unasked, by cause.",
		}, []string{"cause"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewatch_attempts_failed_total", Help: "Attempts to connect to Gateway that failed, by cause.",
		}, []string{"cause"}),
		upstreamLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatewatch_upstream_outages_total",
			Help: "How often Gateway lost IBKR's servers while a session with it was up.",
		}),
		suspected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatewatch_probes_overdue_total", Help: "How often Gateway left a probe unanswered beyond the soft " +
				"limit, which closes the guard.",
		}),
		recovery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatewatch_recovery_seconds",
			Help:    "How long outages lasted that are over, by the layer that was restored.",
			Buckets: recoveryBuckets,
		}, []string{"layer"}),
	}
	for _, cause := range append(slices.Clone(causes), otherCause) {
		m.lost.WithLabelValues(string(cause))
		m.attempts.WithLabelValues(string(cause))
	}
	for _, layer := range []string{layerAPI, layerUpstream} {
		m.recovery.WithLabelValues(layer)
	}
	m.registry.MustRegister(
		m.lost, m.attempts, m.upstreamLost, m.suspected, m.recovery, present{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	// Compressing costs more than the loopback saves.
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
	return m
}

// causes are those that end a session or an attempt; a label has no other values but otherCause.
var causes = []ib.Cause{
	ib.CauseRefused, ib.CauseClosedEarly, ib.CauseNoAnswer, ib.CauseClientIDInUse, ib.CauseDisclaimer,
	ib.CauseUnreachable, ib.CauseNotReady, ib.CauseClosedLogin, ib.CauseUnsupported, ib.CauseTooNew,
	ib.CauseGarbage, ib.CauseClosed, ib.CauseBroken, ib.CauseSilent, ib.CauseUnconfirmed,
	ib.CausePortChanged, ib.CauseClient,
}

// otherCause is for whatever is not in causes.
const otherCause ib.Cause = "other"

// Take counts an event. It is for one goroutine, which may be another one than that of a scrape.
func (m *Metrics) Take(e conn.Event) {
	switch e.Kind {
	case conn.EventLost:
		count(m.lost, e.Cause)
	case conn.EventAttemptFailed:
		count(m.attempts, e.Cause)
	case conn.EventUpstreamLost:
		m.upstreamLost.Inc()
	case conn.EventSuspected:
		m.suspected.Inc()
	case conn.EventConnected:
		m.recovered(layerAPI, e.Duration)
	case conn.EventUpstreamRestored:
		m.recovered(layerUpstream, e.Duration)
	}
}

func count(c *prometheus.CounterVec, cause ib.Cause) {
	if !slices.Contains(causes, cause) {
		cause = otherCause
	}
	c.WithLabelValues(string(cause)).Inc()
}

// recovered counts the end of an outage. No duration means that there was none: the first connection, or one after a
// pause.
func (m *Metrics) recovered(layer string, outage time.Duration) {
	if outage > 0 {
		m.recovery.WithLabelValues(layer).Observe(outage.Seconds())
	}
}

// Handler answers a scrape. It asks nothing of the request but the headers that say which format is wanted.
func (m *Metrics) Handler() http.Handler { return m.handler }
