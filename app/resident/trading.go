package resident

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/app/strict"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// trading is the part of the program that watches prices and places orders.
type trading struct {
	path   string // of rules.json
	ledger *engine.Ledger
	desk   *engine.Desk
	set    *rules.Set
	engine *engine.Engine

	editing sync.Mutex // one change of rules.json at a time

	mu       sync.Mutex
	problems strict.Problems // what is wrong in rules.json
	problem  string          // the same, where the file as a whole is meant
}

// limitsOf turns settings into the limits of the desk.
func limitsOf(s settings.Settings) engine.Limits {
	t := s.Trading
	return engine.Limits{
		Mode: conn.Mode(s.Gateway.Mode), PerMinute: t.OrdersPerMinute, PerDay: t.OrdersPerDay, Quantity: t.MaxQuantity, Notional: t.MaxNotional,
		Symbols: t.Instruments,
	}
}

// openLedger opens what is remembered of orders. Without that the program runs on, and places none: the connection matters
// more.
func (r *resident) openLedger() {
	ledger, err := engine.OpenLedger(r.home.Orders, r.log)
	if err != nil {
		r.log.Error("no orders can be placed and no rules can run", "err", err)
		r.noTrading = err.Error()
		return
	}
	r.trade = &trading{path: r.home.Rules, ledger: ledger}
}

// reconcile is the supervisor's, before it opens the guard. Where nothing is remembered of orders, Gateway has to answer about them
// all the same: the guard also speaks to other programs.
func (r *resident) reconcile() func(context.Context, *conn.Session) error {
	if r.trade == nil {
		return func(ctx context.Context, s *conn.Session) error {
			_, err := s.OpenOrders(ctx)
			return err
		}
	}
	return r.trade.ledger.Reconcile
}

func (r *resident) closeLedger() {
	if r.trade == nil {
		return
	}
	if err := r.trade.ledger.Close(); err != nil {
		r.log.Warn("what is remembered of orders could not be closed", "err", err)
	}
}

// openTrading makes desk, rules and engine. The supervisor is there and does not run yet.
func (r *resident) openTrading(s settings.Settings) error {
	t := r.trade
	if t == nil {
		return nil
	}
	t.desk = engine.NewDesk(t.ledger, limitsOf(r.inForce(s)), r.news.Put, r.log)
	var err error
	t.set, err = rules.NewSet(rules.Config{
		Ledger: t.ledger, Desk: t.desk, Clock: r.sup.Clock, Resolve: r.details, PriceSteps: r.priceSteps,
		MaxTickAge:  func() time.Duration { return r.settings.Load().Trading.MaxTickAge() },
		MarketHours: func(at time.Time) bool { return r.hours.Load().Open(at) },
		Report:      r.news.Put, Changed: r.hub.nudge, Refresh: func() { t.engine.Refresh() }, Log: r.log,
	})
	if err != nil {
		return err
	}
	t.engine = engine.New(engine.Config{
		Supervisor: r.sup, Desk: t.desk, Strategy: t.set, Log: r.log,
		MaxTickAge: func() time.Duration { return r.settings.Load().Trading.MaxTickAge() },
	})
	if err := rulebook.WriteSchema(filepath.Dir(t.path)); err != nil {
		r.log.Warn("the rules schema could not be written", "err", err)
	}
	if book, _, err := rulebook.Load(t.path); err != nil {
		r.log.Error("rules cannot be read", "err", err)
		t.setProblem(err.Error(), nil)
	} else {
		r.takeRules(book)
	}
	if s.Trading.ArmAtStart {
		t.desk.Arm()
	}
	return nil
}

// details asks Gateway what an instrument can mean.
func (r *resident) details(ctx context.Context, c conn.Contract) ([]conn.Details, error) {
	s := r.sup.Session()
	if s == nil {
		return nil, conn.ErrSessionOver
	}
	return s.Details(ctx, c)
}

// priceSteps asks Gateway for the price steps of a market rule.
func (r *resident) priceSteps(ctx context.Context, rule int64) ([]conn.PriceStep, error) {
	s := r.sup.Session()
	if s == nil {
		return nil, conn.ErrSessionOver
	}
	return s.PriceSteps(ctx, rule)
}

func (t *trading) setProblem(text string, problems strict.Problems) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problem, t.problems = text, problems
}

func (t *trading) trouble() (text string, problems strict.Problems) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem, t.problems
}

// takeRules puts what stands in rules.json in force. What is no list of rules at all changes nothing, and how rules stand
// stays written down until it is mended.
func (r *resident) takeRules(b rulebook.Book) {
	t := r.trade
	text := ""
	if len(b.Problems) > 0 {
		text = b.Problems.Error()
		if before, _ := t.trouble(); text != before { // the watcher begins with what was read at the start
			r.log.Error("rules refused, the others are in effect", "err", text)
			r.screen.say("RULES", "Refused: "+b.Problems[0].String())
		}
	}
	t.setProblem(text, b.Problems)
	if b.Broken {
		return
	}
	if err := t.set.Put(b.Rules); err != nil {
		r.log.Error("rules", "err", err)
	}
}

// watchRules follows rules.json until ctx ends.
func (r *resident) watchRules(ctx context.Context) {
	t := r.trade
	changed := func() {
		t.editing.Lock()
		defer t.editing.Unlock()
		// Since the watcher has read the file, edit may have written it: to take back what it wrote makes drafts of rules.
		if book, found, err := rulebook.Load(t.path); found && err == nil {
			r.takeRules(book)
		}
	}
	failed := func(err error) {
		text := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			text = t.path + " is missing; the rules that were read last stay in effect"
		}
		t.setProblem(text, nil)
		r.log.Error("rules", "err", text)
		r.hub.nudge()
	}
	rulebook.Watch(ctx, t.path, changed, failed)
}

// tellReports says on the screen and in the log what reports say, until ctx ends.
func (r *resident) tellReports(ctx context.Context, stream *engine.ReportStream) {
	for {
		report, ok := stream.Next(ctx)
		if !ok {
			return
		}
		level := slog.LevelWarn
		if report.Kind == engine.ReportFired {
			level = slog.LevelInfo
		}
		r.log.Log(ctx, level, string(report.Kind), "rule", report.Rule, "text", report.Text, "reason", report.Reason, "code", report.Code, "detail", report.Detail)
		r.screen.say("orders", wording.ReportTitle(report)+": "+wording.Report(report))
		r.hub.nudge()
	}
}

// configureTrading puts changed settings in force.
func (r *resident) configureTrading(s settings.Settings) {
	if r.trade != nil && r.trade.desk != nil { // which is made with those of the start
		r.trade.desk.Configure(limitsOf(r.inForce(s)))
	}
}
