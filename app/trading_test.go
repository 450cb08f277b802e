package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// TestOrders: an order of a rule leaves when trading is on and nothing else is in its way, and what is in its way is
// said; that limits in settings.json apply at once; and orders are known over stop and crash.
func TestOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf(ruleText("buy", buyMarket), ruleText("low", buyLow)))
	r.awaitOpen()
	r.activate("buy")
	r.cross("buy")
	r.blockedBy(1, engine.BlockedDisarmed)
	r.says(0, `Blocked orders:\n.*\n.*buy +BUY 10 AAPL MKT +trading is off; turn it on`, "orders")
	if n := r.metric(`gatewatch_orders_blocked_total{reason="disarmed"}`); n != 1 {
		t.Errorf("%v orders blocked in the metrics", n)
	}
	if why := r.rule("buy").Why; !strings.Contains(why, "Its order was blocked at") ||
		!strings.Contains(why, "trading is off") {
		t.Errorf("the rule says %q", why)
	}

	r.says(0, "^Trading is on: ", "arm")
	r.awaitRule("buy", rules.Active)
	r.cross("buy")
	r.awaitStates(ledger.Filled)
	if o := r.orders().Orders[0]; o.Filled != 10 || o.Rule != "buy" || o.Open {
		t.Errorf("filled: %+v", o)
	}
	r.says(0, `buy +BUY 10 AAPL MKT +10 of 10 +filled`, "orders")
	if n := r.metric(`gatewatch_orders{state="filled"}`); n != 1 || r.metric("gatewatch_trading_armed") != 1 {
		t.Errorf("%v filled orders in the metrics", n)
	}

	// Armed, then down: no order, not then and not later.
	r.awaitRule("buy", rules.Active)
	r.show("buy", "230")
	r.fault("refuse")
	r.fault("drop")
	r.await("down", func(st api.Status) bool { return !st.Connected })
	r.price("231")
	r.fault("accept")
	r.awaitOpen()
	r.show("buy", "231.02")
	r.show("buy", "231.03")
	r.awaitStates(ledger.Filled)
	r.cross("buy")
	r.awaitStates(ledger.Filled, ledger.Filled)

	// Limits apply at once.
	blocked := uint64(1)
	for _, c := range []struct{ key, value, reason string }{
		{"max_quantity", "9", engine.BlockedQuantity},
		{"max_notional", "2000", engine.BlockedNotional},
		{"orders_per_minute", "2", engine.BlockedPerMinute},
		{"orders_per_day", "0", engine.BlockedPerDay},
		{"instruments", `["MSFT"]`, engine.BlockedInstrument},
	} {
		r.configure(fmt.Sprintf(`, "trading": {%q: %s}`, c.key, c.value), fmt.Sprintf(`"%s": %s`, c.key, c.value))
		blocked++
		r.awaitRule("buy", rules.Active)
		r.cross("buy")
		r.blockedBy(blocked, c.reason)
	}
	r.configure(`, "trading": {"max_quantity": 8}`, `"max_quantity": 8`)
	r.activate("low")
	r.cross("low")
	r.awaitStates(ledger.Working, ledger.Filled, ledger.Filled)
	if st, _, err := r.client.Status(t.Context()); err != nil || st.Trading.OrdersOpen != 1 || !st.Trading.Armed {
		t.Errorf("%+v, %v", st.Trading, err)
	}
	r.fault("discard-cancels") // it is asked for once more
	r.says(0, `^Gateway has confirmed 0 of 1 cancellation\.\nGateway has confirmed the cancellation\.\n$`, "orders",
		"cancel", "--all")
	r.says(exit.Failed, "no open order of Gatewatch has the number 999", "orders", "cancel", "999")
	r.awaitStates(ledger.Cancelled, ledger.Filled, ledger.Filled)
	r.says(0, "^Trading is off: ", "disarm")
	r.awaitRule("low", rules.Active)
	r.cross("low")
	r.blockedBy(blocked+3, engine.BlockedDisarmed) // twice before, each time that of buy alone
	r.arm()
	r.awaitRule("low", rules.Active)
	r.cross("low")
	r.awaitStates(ledger.Working, ledger.Cancelled, ledger.Filled, ledger.Filled)

	// A stop and a crash disarm. The open order is known.
	for _, s := range []os.Signal{os.Interrupt, os.Kill} {
		r.end(s)
		r.start()
		r.awaitOpen()
		if st, _, err := r.client.Status(t.Context()); err != nil || st.Trading.Armed || st.Trading.OrdersOpen != 1 ||
			st.Trading.ReasonID != engine.BlockedDisarmed {
			t.Errorf("after %v: %+v, %v", s, st.Trading, err)
		}
		r.awaitStates(ledger.Working, ledger.Cancelled, ledger.Filled, ledger.Filled)
	}

	// A gateway that knows nothing of the order.
	r.end(os.Kill)
	address := r.gateway.Addr()
	r.gateway.Close()
	r.open(address, "DU1234567")
	r.start()
	r.awaitStates(ledger.Unknown, ledger.Cancelled, ledger.Filled, ledger.Filled)
	r.says(0, `low +BUY 7 AAPL LMT 200 +0 of 7 +unknown: look in TWS whether it is there`, "orders")
	if st, _, err := r.client.Status(t.Context()); err != nil || st.Trading.OrdersUnknown != 1 {
		t.Errorf("%+v, %v", st.Trading, err)
	}
	if n := len(r.gateway.State().Orders); n != 0 {
		t.Errorf("%d orders were sent again", n)
	}
}

// TestLiveNeedsMode: no order leaves for a live account that no one has asked for.
func TestLiveNeedsMode(t *testing.T) {
	t.Parallel()
	r := newRig(t, "U1234567", `, "trading": {"arm_at_start": true}`, rulesOf(ruleText("buy", buyMarket)))
	r.awaitOpen()
	r.activate("buy")
	r.cross("buy")
	r.blockedBy(1, engine.BlockedPaperOnly)
	r.says(0, "this is not a paper account", "orders")
	r.says(exit.Failed, "this is not a paper account", "arm")
	if n := len(r.gateway.State().Orders); n != 0 {
		t.Errorf("%d orders left", n)
	}
	// With the mode they may leave, once armed again.
	before := r.status().Session
	r.write("settings.json", strings.Replace(r.settings(`, "trading": {"arm_at_start": true}`),
		`"port": `+strconv.Itoa(r.gateway.Port()), fmt.Sprintf(`"port": %d, "mode": "live"`, r.gateway.Port()), 1))
	r.await("disarmed by the change of the mode", func(st api.Status) bool {
		return st.Guard.Open && !st.Trading.Armed && st.Session > before // not still the one that is about to end
	})
	if _, err := r.client.Arm(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	r.awaitRule("buy", rules.Active)
	r.cross("buy")
	r.awaitStates(ledger.Filled)
}

// stream is a client of GET /guard/events as a bot may have one: a socket and lines of text.
type stream chan api.Guarded

func (r *rig) follow() stream {
	r.t.Helper()
	told, lines := make(stream, 1000), r.events("/guard/events")
	go func() {
		defer close(told)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			var g api.Guarded
			if !ok {
				continue
			}
			if err := json.Unmarshal([]byte(data), &g); err != nil {
				r.t.Errorf("%s: %v", data, err)
			}
			told <- g
		}
	}()
	return told
}

// events follows a stream of events: it returns its lines.
func (r *rig) events(path string) *bufio.Scanner {
	r.t.Helper()
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		r.t.Fatal(err)
	}
	host := strings.TrimPrefix(card.URL, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host); err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, 1<<20)
	return lines
}

// expect reads events until it is as wanted, and fails if anything in between says that the guard is open.
func (s stream) expect(t *testing.T, what string, ok func(api.Guarded) bool) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case g, more := <-s:
			if !more {
				t.Fatalf("the stream ended before it told: %s", what)
			}
			if ok(g) {
				return
			}
			if g.Open {
				t.Errorf("told instead of %s: %+v", what, g)
			}
		case <-late:
			t.Fatalf("never told: %s", what)
		}
	}
}

// TestOutages takes the connection away in three ways while a rule waits for a crossing: the guard is shut, bots are
// told, ticks are skipped, what crosses during the outage triggers nothing, and what crosses after it does.
func TestOutages(t *testing.T) {
	t.Parallel()
	// The simulated gateway runs in this process, and answers late on a busy computer. That is not the outage meant
	// here.
	patient := `, "watchdog": {"soft_seconds": 60, "hard_seconds": 90}`
	r := newRig(t, "DU1234567", patient, rulesOf(ruleText("buy", buyMarket)))
	r.awaitOpen()
	r.activate("buy")
	r.arm()
	told := r.follow()
	told.expect(t, "open, at once", func(g api.Guarded) bool {
		return g.Open && g.Armed && g.Session == 1 && g.Mode == "paper"
	})
	var states []ledger.OrderState
	for _, c := range []struct {
		name       string
		begin, end func()
		reason     ib.GuardReason
		another    bool // session, afterwards
		ticksGoOn  bool
	}{
		// As an error for no one the code does not stop the ticks of the simulated gateway.
		{"1100 and 1102 while ticks come", func() {
			r.fault("error", "code", "1100")
		}, func() { r.fault("error", "code", "1102") }, ib.GuardUpstream, false, true},
		{"1100 and 1101", func() { r.fault("1100") }, func() { r.fault("1101") }, ib.GuardUpstream, false, false},
		{"1100 and 1102", func() { r.fault("1100") }, func() { r.fault("1102") }, ib.GuardUpstream, false, false},
		{"drop", func() {
			r.fault("refuse")
			r.fault("drop")
		}, func() { r.fault("accept") }, ib.GuardSocket, true, false},
	} {
		r.awaitRule("buy", rules.Active)
		r.show("buy", "230")
		skipped := r.metric(`gatewatch_ticks_total{outcome="skipped"}`)
		c.begin()
		told.expect(t, c.name+": shut", func(g api.Guarded) bool {
			return !g.Open && g.ReasonID == c.reason && g.Reason != ""
		})
		var g api.Guarded
		if err := json.Unmarshal([]byte(r.get("/guard")), &g); err != nil || g.Open || g.ReasonID != c.reason &&
			g.ReasonID != ib.GuardAPI {
			t.Errorf("%s: GET /guard says %+v, %v", c.name, g, err)
		}
		r.says(exit.Failed, "closed: ", "guard")
		r.price("231")
		if c.ticksGoOn {
			r.until("ticks are skipped", func() bool {
				return r.metric(`gatewatch_ticks_total{outcome="skipped"}`) > skipped+10
			})
		}
		c.end()
		told.expect(t, c.name+": open", func(g api.Guarded) bool {
			return g.Open && (g.Session > 1) == c.another && g.ReasonID == ""
		})
		r.says(0, "open: session .*, PAPER, trading on", "guard")
		r.show("buy", "231.02")
		r.show("buy", "231.03")
		r.awaitStates(states...)
		r.cross("buy")
		states = append(states, ledger.Filled)
		r.awaitStates(states...)
	}
	if list := r.orders(); len(list.Blocked) != 0 {
		t.Errorf("blocked: %+v", list.Blocked)
	}
	var g api.Guarded
	if err := json.Unmarshal([]byte(r.get("/guard")), &g); err != nil || g.Opened != 5 {
		t.Errorf("opened at the start and after four outages: %+v, %v", g, err)
	}
	r.end(os.Kill)
	for range told { // it ends, which means shut
	}
}

// TestTradingAlerts: a webhook gets what becomes of an order once, also if the webhook was down.
func TestTradingAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for deliveries to be tried again")
	}
	t.Parallel()
	server := newCatcher(t)
	r := newRig(t, "DU1234567", `, "webhook": {"url": "env:TEST_HOOK"}`, rulesOf(ruleText("buy", buyMarket),
		ruleText("off", buyOff)), "TEST_HOOK=http://"+server.addr+"/hook")
	r.awaitOpen()
	r.activate("buy", "off")
	type alert struct {
		ID    string `json:"id"`
		Kind  string `json:"kind"`
		Title string `json:"title"`
	}
	read := func() (list []alert) {
		for _, c := range server.caught("/hook") {
			var a alert
			if err := json.Unmarshal([]byte(c.body), &a); err != nil {
				t.Fatal(err)
			}
			list = append(list, a)
		}
		return list
	}
	// No one is there at first.
	r.cross("buy")
	r.await("a blocked order waits to be told", func(st api.Status) bool {
		return st.Alerts.Queued > 0 && len(st.Alerts.Failing) == 1
	})
	server.open()
	r.await("told", func(st api.Status) bool { return st.Alerts.Queued == 0 && len(st.Alerts.Failing) == 0 })
	for _, a := range read() {
		if a.Kind != string(engine.ReportBlocked) {
			t.Errorf("told: %+v", a)
		}
	}
	before := len(read())
	// Now at once.
	if _, err := r.client.ChangeRule(t.Context(), api.DeactivateRule, "buy"); err != nil {
		t.Fatal(err)
	}
	r.arm()
	r.cross("off")
	r.awaitStates(ledger.Rejected)
	if o := r.orders().Orders[0]; o.Code != 110 {
		t.Errorf("rejected: %+v", o)
	}
	r.awaitRule("off", rules.Failed)
	count := map[string]int{}
	r.until("a rejected order is told", func() bool {
		clear(count)
		for _, a := range read()[before:] {
			count[a.Kind]++
		}
		return count[string(engine.ReportRejected)] > 0 && count[string(engine.ReportFailed)] > 0 &&
			count[string(engine.ReportTriggered)] > 0
	})
	r.end(os.Interrupt)
	clear(count)
	ids := map[string]bool{}
	for _, a := range read() {
		count[a.Kind]++
		if ids[a.ID] {
			t.Errorf("told twice: %+v", a)
		}
		ids[a.ID] = true
	}
	for _, kind := range []engine.ReportKind{engine.ReportRejected, engine.ReportFailed, engine.ReportTriggered} {
		if count[string(kind)] != 1 {
			t.Errorf("%s came %d times", kind, count[string(kind)])
		}
	}
}

// TestKillTrading kills the program at every step at which a rule that triggers once does so: what became of its order
// is known or said to be unknown at the next start, and no crossing, before or after, has triggered it twice.
func TestKillTrading(t *testing.T) {
	kills := 8
	if testing.Short() {
		kills = 4
	}
	t.Parallel()
	once := strings.Replace(ruleText("once", buyMarket), `"cooldown_seconds": 0.01,`, "", 1)
	r := newRig(t, "DU1234567", `, "trading": {"orders_per_minute": 1000}`, rulesOf(once))
	filled := func() (n int) {
		for _, o := range r.orders().Orders {
			if o.State == ledger.Filled {
				n++
			}
		}
		return n
	}
	steps := []struct {
		name    string
		reached func(sent, filled int) bool
	}{
		{"the price has left", func(int, int) bool { return true }},
		{"the order has arrived", func(sent, _ int) bool { return len(r.gateway.State().Orders) > sent }},
		{"the rule has triggered", func(int, int) bool { return r.rule("once").State != rules.Active }},
		{"the program knows that it is filled", func(_, n int) bool { return filled() > n }},
	}
	triggered := 0
	for round := range kills {
		step := steps[round%len(steps)]
		r.awaitOpen()
		r.activate("once")
		r.arm()
		r.show("once", "230")
		sent, before := len(r.gateway.State().Orders), filled()
		r.price("231")
		for end := time.Now().Add(patience); !step.reached(sent, before); time.Sleep(100 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: not within %v: %s", round, patience, step.name)
			}
		}
		r.end(os.Kill)
		r.start()
		r.awaitOpen()
		if r.rule("once").State == rules.Active { // it had not triggered yet
			if round%len(steps) > 0 {
				t.Fatalf("round %d: killed when %s, and the next start does not know that the rule triggered", round,
					step.name)
			}
			r.arm()
			r.show("once", "230")
			r.price("231")
		} else {
			triggered++
		}
		r.until("an order of this round", func() bool {
			list := r.orders().Orders
			for _, o := range list {
				if o.State != ledger.Filled && o.State != ledger.Unknown {
					return false
				}
			}
			return len(list) > round && r.rule("once").State != rules.Active
		})
		if list, sent := r.orders().Orders, len(r.gateway.State().Orders); len(list) != round+1 || sent != filled() {
			t.Fatalf("round %d: Gateway has %d orders, %d of ours are filled: %+v", round, sent, filled(), list)
		}
	}
	t.Logf("%d of %d kills came after the rule had triggered", triggered, kills)
}
