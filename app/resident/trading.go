package resident

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/metrics"
	"gatewatch/app/rulebook"
	"gatewatch/app/rulefile"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// trading watches prices and places orders. If the record of orders cannot be opened, there is none: ledger, desk,
// set and engine are nil then.
type trading struct {
	conn    *connection
	file    *rulefile.File
	reports *engine.Reports
	changes *nudge.Subscribers
	logs

	ledger *ledger.Ledger
	desk   *engine.Desk
	set    *rules.Set
	engine *engine.Engine
	why    string // why there is no trading

	maxTickAge  atomic.Int64 // a time.Duration
	marketHours atomic.Pointer[history.Hours]
}

// openLedger opens the record of orders. Without it the program runs on and places none: the connection matters more.
func (t *trading) openLedger(path string) {
	var err error
	if t.ledger, err = ledger.Open(path, t.events); err != nil {
		t.log.Error("no orders can be placed and no rules can run", "err", err)
		t.why = err.Error()
	}
}

// closeLedger closes the record of orders.
func (t *trading) closeLedger() {
	if t.ledger == nil {
		return
	}
	if err := t.ledger.Close(); err != nil {
		t.log.Warn("what is remembered of orders could not be closed", "err", err)
	}
}

// reconcile compares orders with Gateway before the guard opens. Without a record of orders, Gateway has to answer
// about them all the same: the guard also speaks to other programs.
func (t *trading) reconcile(ctx context.Context, s *ib.Session) error {
	if t.ledger == nil {
		_, err := s.OpenOrders(ctx)
		return err
	}
	return t.ledger.Reconcile(ctx, s)
}

// open makes desk, rules and engine. The supervisor is there and does not run yet.
func (t *trading) open(s settings.Settings) error {
	if t.ledger == nil {
		return nil
	}
	t.desk = engine.NewDesk(t.ledger, limitsOf(s), t.reports.Put, t.events)
	t.configure(s)
	maxTickAge := func() time.Duration { return time.Duration(t.maxTickAge.Load()) }
	var err error
	t.set, err = rules.NewSet(rules.Config{
		Ledger: t.ledger, Desk: t.desk, Clock: t.conn.Clock(), Resolve: t.conn.details, PriceSteps: t.conn.priceSteps,
		MaxTickAge:  maxTickAge,
		MarketHours: func(at time.Time) bool { return t.marketHours.Load().Open(at) },
		Report:      t.reports.Put, Changed: t.changes.Nudge, Refresh: func() { t.engine.Refresh() }, Log: t.events,
	})
	if err != nil {
		return err
	}
	t.engine = engine.New(engine.Config{
		Supervisor: t.conn.Supervisor, Desk: t.desk, Strategy: t.set, Log: t.events, MaxTickAge: maxTickAge,
	})
	if err := rulebook.WriteSchema(filepath.Dir(t.file.Path)); err != nil {
		t.log.Warn("the rules schema could not be written", "err", err)
	}
	t.file.Load(t.set)
	if s.Trading.ArmAtStart {
		t.desk.Arm()
	}
	return nil
}

// configure puts limits in effect.
func (t *trading) configure(s settings.Settings) {
	t.maxTickAge.Store(int64(s.Trading.MaxTickAge()))
	if t.desk != nil {
		t.desk.Configure(limitsOf(s))
	}
}

// limitsOf returns the limits of orders that settings have.
func limitsOf(s settings.Settings) engine.Limits {
	t := s.Trading
	return engine.Limits{
		Mode: ib.Mode(s.Gateway.Mode), PerMinute: t.OrdersPerMinute, PerDay: t.OrdersPerDay, Quantity: t.MaxQuantity,
		Notional: t.MaxNotional,
		Symbols:  t.Instruments,
	}
}

// off turns trading off, if there is any.
func (t *trading) off() {
	if t.desk != nil {
		t.desk.Disarm()
	}
}

// moved reports whether the record of orders was deleted or moved.
func (t *trading) moved() bool {
	return t.ledger != nil && errors.Is(t.ledger.InPlace(), ledger.ErrMoved)
}

// stop turns trading off and reports why.
func (t *trading) stop(why engine.Report) {
	t.off()
	why.At = time.Now().UTC()
	t.reports.Put(why)
	t.changes.Nudge()
}

// finish turns trading off and returns when no order is being sent any more, or after orderLimit: a socket that takes
// nothing is no reason to stay, and an order that was cut off is known as unknown.
func (t *trading) finish() {
	if t.desk == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.desk.Disarm()
		t.desk.Finish()
	}()
	select {
	case <-done:
	case <-time.After(orderLimit):
		t.log.Warn("ending in the middle of an order, which cannot be sent to its end")
	}
}

// runEngine runs the engine until ctx ends. A panic has turned trading off by the time it comes here; it is reported
// and goes on.
func (t *trading) runEngine(ctx context.Context, run func(context.Context)) {
	over := false
	defer func() {
		if !over {
			t.reports.Put(engine.Report{Kind: engine.ReportHalted, At: time.Now().UTC(), Text: "trading was disarmed"})
		}
	}()
	run(ctx)
	over = true
}

// Counts returns what the engine has done with ticks.
func (t *trading) Counts() engine.Counts {
	if t.engine == nil {
		return engine.Counts{}
	}
	return t.engine.Counts()
}

// metrics returns what GET /metrics answers about trading.
func (t *trading) metrics() metrics.Trading {
	if t.ledger == nil {
		return metrics.Trading{}
	}
	m := metrics.Trading{
		Rules: t.set.Count(), Orders: map[ledger.OrderState]int{}, Conflated: t.engine.Counts().Conflated,
	}
	m.Armed, _ = t.desk.Armed()
	_, m.Blocked = t.desk.Blocked()
	for _, i := range t.ledger.Intents() {
		m.Orders[i.State]++
	}
	return m
}

// tray returns what the tray shows of trading.
func (t *trading) tray(stopped string) tray.Trading {
	st := t.Trading()
	return tray.Trading{
		Armed:  st.Armed,
		MayArm: st.MayTrade || st.ReasonID == engine.BlockedDisarmed, Open: st.OrdersOpen, Unknown: st.OrdersUnknown,
		Unprotected: st.OrdersUnprotected, NoData: st.RulesNoData, Stopped: stopped,
	}
}

// conflict says why there is no trading at all.
func (t *trading) conflict() error { return &api.Conflict{Reason: "no orders can be placed: " + t.why} }

// Trading returns the part of GET /status about rules and orders.
func (t *trading) Trading() api.Trading {
	if t.ledger == nil {
		return api.Trading{Reason: wording.RecordUnusable, ReasonID: engine.BlockedDisk}
	}
	st := api.Trading{}
	var since time.Time
	if st.Armed, since = t.desk.Armed(); st.Armed {
		st.ArmedSince = api.Moment(since)
	}
	err := t.desk.Check(t.conn.Session())
	st.MayTrade = err == nil
	if blocked, ok := errors.AsType[*engine.BlockedError](err); ok {
		st.Reason, st.ReasonID = wording.Blocked(blocked.Reason, blocked.Detail), blocked.Reason
	}
	count := t.set.Count()
	st.RulesNoData, st.RulesFailed = t.set.WithoutData(), count[rules.Failed]
	st.RulesActive = max(0, count[rules.Active]+count[rules.Triggered]-st.RulesNoData)
	st.RulesProblem, _ = t.file.Trouble()
	for _, i := range t.ledger.Pending() {
		st.OrdersOpen++
		if i.State == ledger.Unknown {
			st.OrdersUnknown++
		}
	}
	st.OrdersUnprotected = len(t.unprotected())
	_, counts := t.desk.Blocked()
	for _, n := range counts {
		st.OrdersBlocked += n
	}
	return st
}

// Arm turns trading on, for a live account only if that is confirmed.
func (t *trading) Arm(_ context.Context, live bool) error {
	if t.ledger == nil {
		return t.conflict()
	}
	s := t.conn.Session()
	if blocked, ok := errors.AsType[*engine.BlockedError](t.desk.Check(s)); ok &&
		blocked.Reason != engine.BlockedDisarmed {
		return &api.Conflict{Reason: wording.Blocked(blocked.Reason, blocked.Detail)}
	}
	if g := s.Gateway(); !live && g.Mode != ib.Paper {
		return &api.Unconfirmed{Reason: wording.LiveTrading(
			g) + ` To turn trading on, confirm it: gatewatch arm --live, or {"live": true} in the API.`}
	}
	t.desk.Arm()
	t.changes.Nudge()
	return nil
}

// Disarm turns trading off.
func (t *trading) Disarm(context.Context) error {
	if t.ledger == nil {
		return t.conflict()
	}
	t.desk.Disarm()
	t.changes.Nudge()
	return nil
}
