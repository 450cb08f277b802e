package metrics

import (
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// present collects what is true at the moment of a scrape.
type present struct{ s Source }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("gatewatch_"+name, help, labels, nil)
}

var (
	buildInfo = desc("build_info", "Always 1; the label is the program's version.", "version")
	state     = desc("state", "1 for the state that the connection is in, 0 for the others.", "state")
	connected = desc("connected", "1 while socket, API and upstream are all up.")
	layerUp   = desc("layer_up", "1 while the layer is up: the socket to Gateway, its API, and Gateway's own "+
		"connection to IBKR (upstream). What is above the socket is as Gateway last answered.", "layer")
	farms      = desc("farms", "Data farms that Gateway has reported in this session, by their state.", "state")
	guardOpen  = desc("guard_open", "1 while orders may leave.")
	guardShut  = desc("guard_shut", "1 for the reason why the guard is closed, 0 for the others.", "reason")
	sessionAge = desc("session_age_seconds", "For how long the present session has been up; 0 while there is none.")
	window     = desc("reset_window_active", "1 inside a reset window, in which reconnecting and alerts rest.")
	paused     = desc("paused", "1 while the connection is down because the user said so.")
	roundTrip  = desc("probe_round_trip_seconds", "Round trip of the last probe of this connection that was "+
		"answered; missing before the first.")
	ticks     = desc("ticks_total", "Ticks that reached the engine, by what became of them.", "outcome")
	conflated = desc("ticks_conflated_total",
		"Ticks that gave way to a later one before the engine had looked at them.")
	armed = desc("trading_armed", "1 while orders may leave, as far as the trader has a say; the guard has "+
		"another.")
	ruleStates = desc("rules", "Rules, by state.", "state")
	orders     = desc("orders", "Orders that the ledger holds, by what became of them.", "state")
	blocked    = desc("orders_blocked_total", "Blocked orders, by reason.", "reason")
	faults     = desc("faults_total", "Panics since the start, by the part of the program that was restarted "+
		"after them.", "part")
	programsUp  = desc("programs_connected", "Programs that are connected to the guarded port.")
	programSent = desc("program_orders_sent_total",
		"Orders and changes of programs that the guarded port let through.")
	programLost = desc("program_orders_unknown_total",
		"Orders of programs whose connection ended before Gateway mentioned them.")
	refused = desc("program_requests_refused_total", "Orders, changes and other requests of programs that the "+
		"guarded port refused, by reason.", "reason")
	alertsQueued = desc("alerts_queued", "Alerts that wait for delivery, by channel.", "channel")
)

// What conn has, all of which is exported at any time.
var (
	states = []conn.State{
		conn.Connecting, conn.Connected, conn.Degraded, conn.UpstreamLost, conn.Reconnecting, conn.ResetWindow,
		conn.Paused,
	}
	guardReasons = []ib.GuardReason{
		ib.GuardSocket, ib.GuardAPI, ib.GuardUpstream, ib.GuardWoke, ib.GuardProbe, ib.GuardMode,
		ib.GuardReadOnly, ib.GuardExit, ib.GuardUnconfirmed, ib.GuardReconciling,
	}
	farmStates = []conn.FarmState{conn.FarmOK, conn.FarmBroken, conn.FarmDormant, conn.FarmConnecting}
)

// What the engine has, likewise.
var (
	standings   = []rules.State{rules.Draft, rules.Active, rules.Triggered, rules.Done, rules.Failed}
	orderStates = []ledger.OrderState{
		ledger.Planned, ledger.NotSent, ledger.Sent, ledger.Working, ledger.Filled, ledger.Cancelled, ledger.Rejected,
		ledger.Inactive, ledger.Unknown,
	}
	// Of the reasons a label has no other values but otherReason.
	reasons = []string{
		"guard_shut", "gateway_silent", "disarmed", "paper_only", "wrong_mode", "per_minute", "per_day", "quantity",
		"notional", "no_price", "value_unknown",
		"instrument", "not_sent", "disk", "files_moved", "order_ids",
	}
)

// Of the reasons for a refusal at the guarded port a label has no other values but otherReason: the port's own, and
// those of the guard.
var refusals = func() (list []string) {
	for _, r := range []port.Reason{
		port.TradingStopped, port.ReadOnly, port.TooMany, port.NoProof, port.NotRecorded, port.NotStarted,
		port.ParentRefused,
		port.Withdrawn, port.Unreadable, port.UnknownRequest, port.NotAllowed,
	} {
		list = append(list, string(r))
	}
	for _, r := range guardReasons {
		list = append(list, string(r))
	}
	return list
}()

// otherReason is for whatever is not in reasons.
const otherReason = "other"

var errPanicked = errors.New("the metrics failed inside Gatewatch; the log says more")

// Describe is for the registry.
func (p present) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, state, connected, layerUp, farms, guardOpen, guardShut, sessionAge, window, paused, roundTrip,
		ticks, conflated, armed, ruleStates, orders, blocked, faults, alertsQueued, programsUp, programSent,
		programLost, refused,
	} {
		c <- d
	}
}

// Collect is called for each scrape, on a goroutine of the library's.
func (p present) Collect(c chan<- prometheus.Metric) {
	defer func() {
		if what := recover(); what != nil {
			if p.s.Panicked != nil {
				p.s.Panicked(what, debug.Stack())
			}
			c <- prometheus.NewInvalidMetric(buildInfo, errPanicked)
		}
	}()
	to := out(c)
	to.gauge(buildInfo, 1, p.s.Version)
	if p.s.Snapshot != nil {
		if s := p.s.Snapshot(); s != nil {
			connection(to, s)
		}
	}
	if p.s.Ticks != nil {
		evaluated, skipped := p.s.Ticks()
		to.counter(ticks, evaluated, "evaluated")
		to.counter(ticks, skipped, "skipped")
	}
	if p.s.Trading != nil {
		trading(to, p.s.Trading())
	}
	if p.s.Programs != nil {
		programs(to, p.s.Programs())
	}
	if p.s.Faults != nil {
		for part, n := range p.s.Faults() {
			to.counter(faults, n, part)
		}
	}
	if p.s.Queued != nil {
		for channel, n := range p.s.Queued() {
			to.gauge(alertsQueued, float64(n), channel)
		}
	}
}

func connection(to out, s *conn.Snapshot) {
	for _, one := range states {
		to.bit(state, s.State == one, string(one))
	}
	to.bit(connected, s.Connected())
	to.bit(layerUp, s.Layers.Socket, layerSocket)
	to.bit(layerUp, s.Layers.API, layerAPI)
	to.bit(layerUp, s.Layers.Upstream, layerUpstream)
	n := map[conn.FarmState]int{}
	for _, f := range s.Layers.Farms {
		n[f]++
	}
	for _, f := range farmStates {
		to.gauge(farms, float64(n[f]), string(f))
	}
	to.bit(guardOpen, s.GuardOpen())
	for _, r := range guardReasons {
		to.bit(guardShut, s.Guard == r, string(r))
	}
	age := time.Duration(0)
	if s.Session != 0 {
		age = max(0, time.Since(s.Layers.Since.API))
	}
	to.gauge(sessionAge, age.Seconds())
	to.bit(window, s.Window.Active)
	to.bit(paused, s.State == conn.Paused)
	if s.Probe > 0 {
		to.gauge(roundTrip, s.Probe.Seconds())
	}
}

func trading(to out, t Trading) {
	to.counter(conflated, t.Conflated)
	to.bit(armed, t.Armed)
	for _, s := range standings {
		to.gauge(ruleStates, float64(t.Rules[s]), string(s))
	}
	for _, f := range orderStates {
		to.gauge(orders, float64(t.Orders[f]), string(f))
	}
	byReason(to, blocked, t.Blocked, reasons)
}

func programs(to out, p Programs) {
	to.gauge(programsUp, float64(p.Connected))
	to.counter(programSent, p.Sent)
	to.counter(programLost, p.Unknown)
	byReason(to, refused, p.Refused, refusals)
}

// byReason exports a counter for each known reason, and one for all others.
func byReason(to out, d *prometheus.Desc, counts map[string]uint64, known []string) {
	other := uint64(0)
	for reason, n := range counts {
		if !slices.Contains(known, reason) {
			other += n
		}
	}
	for _, reason := range known {
		to.counter(d, counts[reason], reason)
	}
	to.counter(d, other, otherReason)
}

// out takes metrics on their way to a scrape.
type out chan<- prometheus.Metric

func (c out) gauge(d *prometheus.Desc, v float64, labels ...string) {
	c.send(d, prometheus.GaugeValue, v, labels)
}

func (c out) bit(d *prometheus.Desc, yes bool, labels ...string) {
	v := 0.0
	if yes {
		v = 1
	}
	c.gauge(d, v, labels...)
}

func (c out) counter(d *prometheus.Desc, v uint64, labels ...string) {
	c.send(d, prometheus.CounterValue, float64(v), labels)
}

// send passes a metric on. A label that is not UTF-8 fails the scrape with an error that names it, not the program.
func (c out) send(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	m, err := prometheus.NewConstMetric(d, kind, v, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	c <- m
}
