package metrics

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// up is a snapshot of a connection with everything in order, and as many farms as an account has.
func up() *conn.Snapshot {
	return &conn.Snapshot{
		State: conn.Connected, Session: 7, Probe: 12500 * time.Microsecond, Lost: 2,
		Layers: conn.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
			"usfarm": conn.FarmOK, "usfarm.nj": conn.FarmOK, "eufarm": conn.FarmDormant, "ushmds": conn.FarmBroken,
		}},
		Gateway: ib.Gateway{Host: "gateway.example", Port: 4002, Mode: ib.Paper, Accounts: 3},
	}
}

// full is a source that has everything.
func full(s *conn.Snapshot) Source {
	return Source{
		Snapshot: func() *conn.Snapshot { return s },
		Ticks:    func() (evaluated, skipped uint64) { return 41, 5 },
		Trading: func() Trading {
			return Trading{
				Armed:     true,
				Rules:     map[rules.State]int{rules.Active: 4, rules.Failed: 1},
				Orders:    map[ledger.OrderState]int{ledger.Working: 2, ledger.Unknown: 1, ledger.Filled: 30},
				Blocked:   map[string]uint64{"guard_shut": 3, "disarmed": 2, "made up": 5, "made up, too": 6},
				Conflated: 77,
			}
		},
		Programs: func() Programs {
			return Programs{Connected: 2, Sent: 9, Unknown: 1, Refused: map[string]uint64{
				"no_proof_of_life": 4,
				"probe":            1, "made up": 3,
			}}
		},
		Queued:  func() map[string]int { return map[string]int{"email": 2, "keyring:telegram": 0} },
		Faults:  func() map[string]uint64 { return map[string]uint64{"alerts": 2, "tray": 0} },
		Version: "v1.2.3",
	}
}

// TestPanic: a scrape which fails inside is an error and no more: the library calls us on goroutines of its own.
func TestPanic(t *testing.T) {
	s := full(up())
	broken := true
	s.Trading = func() Trading {
		if broken {
			panic("injected")
		}
		return Trading{}
	}
	var told []any
	s.Panicked = func(what any, stack []byte) {
		told = append(told, what, strings.Contains(string(stack), "TestPanic"))
	}
	m := New(s)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if body := w.Body.String(); w.Code != 500 || !strings.Contains(body, "failed inside") || len(told) != 2 ||
		told[0] != "injected" || told[1] != true {
		t.Errorf("%d %s, told %v", w.Code, body, told)
	}
	broken = false
	text(t, m)
}

// text returns what a scrape answers.
func text(t testing.TB, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("scrape answers %d %s %v", w.Code, body, err)
	}
	return string(body)
}

// holds fails unless these metrics are exactly as written, without looking at what they say of themselves.
func holds(t *testing.T, m *Metrics, want string) {
	t.Helper()
	got := map[string]bool{}
	for line := range strings.Lines(text(t, m)) {
		got[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" && !got[line] {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		t.Log(text(t, m))
	}
}

func TestConnected(t *testing.T) {
	err := testutil.GatherAndCompare(New(full(up())).registry, strings.NewReader(`
# HELP gatewatch_state 1 for the state that the connection is in, 0 for the others.
# TYPE gatewatch_state gauge
gatewatch_state{state="connected"} 1
gatewatch_state{state="connecting"} 0
gatewatch_state{state="degraded"} 0
gatewatch_state{state="paused"} 0
gatewatch_state{state="reconnecting"} 0
gatewatch_state{state="reset_window"} 0
gatewatch_state{state="upstream_lost"} 0
# HELP gatewatch_farms Data farms that Gateway has reported in this session, by their state.
# TYPE gatewatch_farms gauge
gatewatch_farms{state="broken"} 1
gatewatch_farms{state="connecting"} 0
gatewatch_farms{state="dormant"} 1
gatewatch_farms{state="ok"} 2
# HELP gatewatch_guard_shut 1 for the reason why the guard is closed, 0 for the others.
# TYPE gatewatch_guard_shut gauge
gatewatch_guard_shut{reason="api_down"} 0
gatewatch_guard_shut{reason="orders_unconfirmed"} 0
gatewatch_guard_shut{reason="probe_overdue"} 0
gatewatch_guard_shut{reason="read_only"} 0
gatewatch_guard_shut{reason="reconciling"} 0
gatewatch_guard_shut{reason="restart_soon"} 0
gatewatch_guard_shut{reason="socket_down"} 0
gatewatch_guard_shut{reason="upstream_lost"} 0
gatewatch_guard_shut{reason="woke"} 0
gatewatch_guard_shut{reason="wrong_mode"} 0
`), "gatewatch_state", "gatewatch_farms", "gatewatch_guard_shut")
	if err != nil {
		t.Error(err)
	}
	holds(t, New(full(up())), `
		gatewatch_connected 1
		gatewatch_layer_up{layer="socket"} 1
		gatewatch_layer_up{layer="api"} 1
		gatewatch_layer_up{layer="upstream"} 1
		gatewatch_guard_open 1
		gatewatch_reset_window_active 0
		gatewatch_paused 0
		gatewatch_probe_round_trip_seconds 0.0125
		gatewatch_ticks_total{outcome="evaluated"} 41
		gatewatch_ticks_total{outcome="skipped"} 5
		gatewatch_ticks_conflated_total 77
		gatewatch_trading_armed 1
		gatewatch_rules{state="draft"} 0
		gatewatch_rules{state="active"} 4
		gatewatch_rules{state="failed"} 1
		gatewatch_orders{state="working"} 2
		gatewatch_orders{state="unknown"} 1
		gatewatch_orders{state="filled"} 30
		gatewatch_orders{state="rejected"} 0
		gatewatch_orders_blocked_total{reason="guard_shut"} 3
		gatewatch_orders_blocked_total{reason="disarmed"} 2
		gatewatch_orders_blocked_total{reason="disk"} 0
		gatewatch_orders_blocked_total{reason="other"} 11
		gatewatch_faults_total{part="alerts"} 2
		gatewatch_faults_total{part="tray"} 0
		gatewatch_alerts_queued{channel="email"} 2
		gatewatch_alerts_queued{channel="keyring:telegram"} 0
		gatewatch_build_info{version="v1.2.3"} 1
	`)
}

func TestNotConnected(t *testing.T) {
	for _, c := range []struct {
		name string
		s    conn.Snapshot
		want string
	}{
		{"upstream lost", conn.Snapshot{
			State: conn.UpstreamLost, Guard: ib.GuardUpstream, Layers: conn.Layers{Socket: true, API: true},
			Session: 4,
		}, `
			gatewatch_state{state="upstream_lost"} 1
			gatewatch_state{state="connected"} 0
			gatewatch_connected 0
			gatewatch_layer_up{layer="socket"} 1
			gatewatch_layer_up{layer="api"} 1
			gatewatch_layer_up{layer="upstream"} 0
			gatewatch_guard_open 0
			gatewatch_guard_shut{reason="upstream_lost"} 1
			gatewatch_guard_shut{reason="socket_down"} 0
		`},
		{"logging in", conn.Snapshot{State: conn.Connecting, Guard: ib.GuardAPI, Layers: conn.Layers{Socket: true}}, `
			gatewatch_state{state="connecting"} 1
			gatewatch_connected 0
			gatewatch_layer_up{layer="socket"} 1
			gatewatch_layer_up{layer="api"} 0
			gatewatch_layer_up{layer="upstream"} 0
			gatewatch_guard_shut{reason="api_down"} 1
		`},
		{"degraded is connected", conn.Snapshot{
			State: conn.Degraded, Guard: ib.GuardProbe, Layers: conn.Layers{Socket: true, API: true, Upstream: true},
		}, `
			gatewatch_state{state="degraded"} 1
			gatewatch_connected 1
			gatewatch_guard_open 0
			gatewatch_guard_shut{reason="probe_overdue"} 1
		`},
		{"reset window", conn.Snapshot{State: conn.ResetWindow, Guard: ib.GuardSocket, Window: calendar.Span{
			Active: true,
		}}, `
			gatewatch_state{state="reset_window"} 1
			gatewatch_connected 0
			gatewatch_layer_up{layer="socket"} 0
			gatewatch_layer_up{layer="api"} 0
			gatewatch_reset_window_active 1
			gatewatch_paused 0
		`},
		{"paused", conn.Snapshot{State: conn.Paused, Guard: ib.GuardSocket}, `
			gatewatch_state{state="paused"} 1
			gatewatch_connected 0
			gatewatch_reset_window_active 0
			gatewatch_paused 1
			gatewatch_farms{state="broken"} 0
			gatewatch_session_age_seconds 0
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(full(&c.s))
			holds(t, m, c.want)
			if got := text(t, m); strings.Contains(got, "gatewatch_probe_round_trip_seconds") {
				t.Error("there is a round trip without a probe")
			}
		})
	}
}

// TestNoTradingYet: the zeros are there before the first rule and order.
func TestNoTradingYet(t *testing.T) {
	s := full(up())
	s.Trading = func() Trading { return Trading{} }
	m := New(s)
	holds(t, m, "gatewatch_trading_armed 0\ngatewatch_ticks_conflated_total "+
		"0\ngatewatch_orders_blocked_total{reason=\"other\"} 0")
	for _, state := range standings {
		holds(t, m, `gatewatch_rules{state="`+string(state)+`"} 0`)
	}
	for _, state := range orderStates {
		holds(t, m, `gatewatch_orders{state="`+string(state)+`"} 0`)
	}
	for _, reason := range reasons {
		holds(t, m, `gatewatch_orders_blocked_total{reason="`+reason+`"} 0`)
	}
}

// TestFirst: each counter is there at zero before it first increases, so that increase() sees it.
func TestFirst(t *testing.T) {
	m := New(full(up()))
	got := text(t, m)
	for _, cause := range append([]ib.Cause{otherCause}, causes...) {
		for _, name := range []string{"gatewatch_sessions_lost_total", "gatewatch_attempts_failed_total"} {
			if line := name + `{cause="` + string(cause) + `"} 0` + "\n"; !strings.Contains(got, line) {
				t.Errorf("missing: %s", line)
			}
		}
	}
	holds(t, m, `
		gatewatch_upstream_outages_total 0
		gatewatch_probes_overdue_total 0
		gatewatch_recovery_seconds_count{layer="api"} 0
		gatewatch_recovery_seconds_count{layer="upstream"} 0
	`)
}

func TestTake(t *testing.T) {
	m := New(full(up()))
	for _, e := range []conn.Event{
		{Kind: conn.EventStarted},
		{Kind: conn.EventAttemptFailed, Cause: ib.CauseRefused},
		{Kind: conn.EventAttemptFailed, Cause: ib.CauseRefused},
		{Kind: conn.EventAttemptFailed, Cause: ib.CauseClientIDInUse, Detail: "326 from outside"},
		{Kind: conn.EventConnected, Session: 1},
		{Kind: conn.EventSuspected, Cause: ib.CauseSilent},
		{Kind: conn.EventAnswered},
		{Kind: conn.EventUpstreamLost, Cause: ib.CauseUpstream, Code: 1100},
		{Kind: conn.EventUpstreamRestored, Code: 1102, Duration: 90 * time.Second},
		{Kind: conn.EventLost, Cause: ib.CauseClosed, Duration: time.Hour},
		{Kind: conn.EventConnected, Session: 2, Duration: 1500 * time.Millisecond},
		{Kind: conn.EventLost, Cause: "made up"},
		{Kind: conn.EventConnected, Session: 3, Duration: 2 * time.Hour},
		{Kind: conn.EventDisconnected, Cause: ib.CauseUser, Duration: time.Minute},
		{Kind: conn.EventConnected, Session: 4},
		{Kind: conn.EventFarm, Cause: ib.CauseFarm},
		{Kind: conn.EventStopped},
	} {
		m.Take(e)
	}
	holds(t, m, `
		gatewatch_attempts_failed_total{cause="refused"} 2
		gatewatch_attempts_failed_total{cause="client_id_in_use"} 1
		gatewatch_attempts_failed_total{cause="closed"} 0
		gatewatch_sessions_lost_total{cause="closed"} 1
		gatewatch_sessions_lost_total{cause="other"} 1
		gatewatch_sessions_lost_total{cause="silent"} 0
		gatewatch_upstream_outages_total 1
		gatewatch_probes_overdue_total 1
		gatewatch_recovery_seconds_bucket{layer="api",le="1"} 0
		gatewatch_recovery_seconds_bucket{layer="api",le="2"} 1
		gatewatch_recovery_seconds_bucket{layer="api",le="3600"} 1
		gatewatch_recovery_seconds_bucket{layer="api",le="+Inf"} 2
		gatewatch_recovery_seconds_sum{layer="api"} 7201.5
		gatewatch_recovery_seconds_count{layer="api"} 2
		gatewatch_recovery_seconds_bucket{layer="upstream",le="60"} 0
		gatewatch_recovery_seconds_bucket{layer="upstream",le="120"} 1
		gatewatch_recovery_seconds_count{layer="upstream"} 1
	`)
	if got := text(t, m); strings.Contains(got, "made up") {
		t.Error("a cause that nobody knows has become a label")
	}
}

func TestSessionAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := up()
		m := New(full(s))
		age := func(want string) {
			t.Helper()
			holds(t, m, "gatewatch_session_age_seconds "+want)
		}
		s.Layers.Since.API = time.Now()
		time.Sleep(90 * time.Second)
		age("90")
		s.State, s.Layers.Upstream = conn.UpstreamLost, false // the session goes on
		time.Sleep(10 * time.Second)
		age("100")
		s.Session = 0
		age("0")
		s.Session, s.Layers.Since.API = 8, time.Now().Add(time.Minute)
		age("0") // the clock was set back, and the supervisor is about to notice
	})
}

// TestNothing: a source without functions, or without a snapshot yet, is no reason to fail.
func TestNothing(t *testing.T) {
	for _, s := range []Source{{}, {Snapshot: func() *conn.Snapshot { return nil }}} {
		got := text(t, New(s))
		for _, name := range []string{
			"gatewatch_state", "gatewatch_connected", "gatewatch_ticks", "gatewatch_orders",
			"gatewatch_rules", "gatewatch_trading", "gatewatch_alerts",
		} {
			if strings.Contains(got, name) {
				t.Errorf("%s comes out of nothing", name)
			}
		}
		if !strings.Contains(got, `gatewatch_build_info{version=""} 1`) ||
			!strings.Contains(got, `gatewatch_sessions_lost_total{cause="closed"} 0`) {
			t.Errorf("incomplete: %s", got)
		}
	}
}

// TestBadLabel: a label which is not UTF-8 fails a scrape and nothing else.
func TestBadLabel(t *testing.T) {
	s := full(up())
	s.Queued = func() map[string]int { return map[string]int{"\xff": 1} }
	w := httptest.NewRecorder()
	New(s).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "gatewatch_alerts_queued") {
		t.Errorf("answers %d %.200s", w.Code, w.Body)
	}
}

// TestNothingPrivate: nothing private of the snapshot is exported.
func TestNothingPrivate(t *testing.T) {
	s := up()
	s.Detail = "private detail"
	var got string
	for line := range strings.Lines(text(t, New(full(s)))) {
		if strings.HasPrefix(line, "gatewatch_") { // those of the process are numbers that may be any
			got += line
		}
	}
	if got == "" {
		t.Error("nothing is told")
	}
	for _, word := range []string{"gateway.example", "4002", "usfarm", "private"} {
		if strings.Contains(got, word) {
			t.Errorf("%q is told", word)
		}
	}
}

// TestConcurrent is for the race detector: events are counted while someone scrapes.
func TestConcurrent(t *testing.T) {
	m := New(full(up()))
	const rounds = 100
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range rounds {
			m.Take(conn.Event{Kind: conn.EventConnected, Session: uint64(i), Duration: time.Second})
			m.Take(conn.Event{Kind: conn.EventLost, Cause: ib.CauseBroken})
		}
	}()
	for range 10 {
		text(t, m)
	}
	<-done
	holds(t, m, `
		gatewatch_sessions_lost_total{cause="broken"} 100
		gatewatch_recovery_seconds_count{layer="api"} 100
	`)
}

func BenchmarkScrape(b *testing.B) {
	m := New(full(up()))
	r := httptest.NewRequest("GET", "/metrics", nil)
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, r)
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}

func BenchmarkTake(b *testing.B) {
	m := New(full(up()))
	e := conn.Event{Kind: conn.EventLost, Cause: ib.CauseSilent}
	b.ReportAllocs()
	for b.Loop() {
		m.Take(e)
	}
}
