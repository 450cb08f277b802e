package resident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/metrics"
	"gatewatch/app/rulebook"
	"gatewatch/app/strict"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// The methods below are the part of the backend that is about trading.

// conflict says why there is no trading at all.
func (r *resident) conflict() error {
	return &api.Conflict{Reason: "no orders can be placed: " + r.noTrading}
}

// Trading says in short how rules and orders fare.
func (r *resident) Trading() api.Trading {
	t := r.trade
	if t == nil {
		return api.Trading{Reason: wording.OneLine(r.conflict().Error()), ReasonID: engine.BlockedDisk}
	}
	st := api.Trading{}
	var since time.Time
	if st.Armed, since = t.desk.Armed(); st.Armed {
		st.ArmedSince = moment(since)
	}
	err := t.desk.Check(r.sup.Session())
	st.MayTrade = err == nil
	if blocked := (*engine.BlockedError)(nil); errors.As(err, &blocked) {
		st.Reason, st.ReasonID = wording.Blocked(blocked.Reason, blocked.Detail), blocked.Reason
	}
	count := t.set.Count()
	st.RulesNoData, st.RulesFailed = t.set.WithoutData(), count[rules.Failed]
	st.RulesActive = max(0, count[rules.Active]+count[rules.Triggered]-st.RulesNoData)
	st.RulesProblem, _ = t.trouble()
	for _, i := range t.ledger.Pending() {
		st.OrdersOpen++
		if i.Fate == engine.Unknown {
			st.OrdersUnknown++
		}
	}
	for _, i := range t.ledger.Intents() {
		if needsStop(&i) {
			st.OrdersUnprotected++
		}
	}
	_, blocked := t.desk.Blocked()
	for _, n := range blocked {
		st.OrdersBlocked += n
	}
	return st
}

// needsStop reports whether an order is a stop that does not work while its position is open. After a day a person has seen to it.
func needsStop(i *engine.Intent) bool { return i.Unprotected && time.Since(i.Changed) < 24*time.Hour }

// Arm lets orders leave, for a live account only if that is confirmed.
func (r *resident) Arm(_ context.Context, live bool) error {
	if r.trade == nil {
		return r.conflict()
	}
	s := r.sup.Session()
	if blocked := (*engine.BlockedError)(nil); errors.As(r.trade.desk.Check(s), &blocked) && blocked.Reason != engine.BlockedDisarmed {
		return &api.Conflict{Reason: wording.Blocked(blocked.Reason, blocked.Detail)}
	}
	if g := s.Gateway(); !live && g.Mode != conn.Paper {
		return &api.Unconfirmed{Reason: wording.LiveTrading(g) + ` To turn trading on, confirm it: {"live": true} here, or gatewatch arm --live.`}
	}
	r.trade.desk.Arm()
	r.hub.nudge()
	return nil
}

// Disarm lets no order leave any more.
func (r *resident) Disarm(context.Context) error {
	if r.trade == nil {
		return r.conflict()
	}
	r.trade.desk.Disarm()
	r.hub.nudge()
	return nil
}

// mayEdit says why rules cannot be saved and activated now; empty if they can.
func (r *resident) mayEdit() string {
	s := r.sup.Snapshot()
	if s.Connected() {
		return ""
	}
	return "not connected: " + wording.Headline(s, time.Now())
}

// Rules returns what GET /rules answers.
func (r *resident) Rules() api.Rules {
	t := r.trade
	if t == nil {
		return api.Rules{Path: r.home.Rules, Reason: r.conflict().Error()}
	}
	list := api.Rules{Path: t.path, Reason: r.mayEdit()}
	text, problems := t.trouble()
	for _, p := range problems {
		list.Problems = append(list.Problems, api.Problem{Key: p.Key, Line: p.Line, Column: p.Column, Text: p.Text})
	}
	if text != "" && len(problems) == 0 {
		list.Problems = []api.Problem{{Text: text}}
	}
	list.MayEdit = list.Reason == ""
	maxAge := r.settings.Load().Trading.MaxTickAge()
	for _, v := range t.set.Views() {
		one := api.RuleView{
			Rule: v.Rule, Text: rulebook.Text(v.Rule), State: v.State, Since: v.Since.Local().Round(time.Millisecond), Why: wording.RuleWhy(v, maxAge),
			WhyID: string(v.Waiting), WhyCode: v.Code,
			Delayed: v.Delayed, Fired: v.Fired, LastFired: moment(v.FiredAt), Candidates: candidatesOf(v.Choices),
		}
		if !v.PriceAt.IsZero() {
			one.Price, one.PriceAt = &v.Price, moment(v.PriceAt)
		}
		if v.Contract != (conn.Contract{}) {
			one.Contract = wording.Contract(v.Contract)
		}
		list.Rules = append(list.Rules, one)
	}
	return list
}

func candidatesOf(list []conn.Details) (out []api.Candidate) {
	for _, d := range list {
		text := wording.Contract(d.Contract)
		if d.Expiry != "" {
			text += " " + wording.OneLine(d.Expiry)
		}
		out = append(out, api.Candidate{Instrument: rules.InstrumentOf(d.Contract), Name: wording.OneLine(d.Name), Text: text})
	}
	return out
}

// edit changes the rules in rules.json.
func (r *resident) edit(change func([]rules.Rule) ([]rules.Rule, error)) error {
	t := r.trade
	if t == nil {
		return r.conflict()
	}
	t.editing.Lock()
	defer t.editing.Unlock()
	// What stands in the file counts: it may have been changed a moment ago.
	book, found, err := rulebook.Load(t.path)
	if err != nil {
		return err
	}
	if !found {
		book.Rules = t.set.Rules() // which stay in force while there is no file
	}
	if len(book.Problems) > 0 { // writing it anew would lose what is not in order
		return &api.Conflict{Reason: "mend rules.json first: " + book.Problems[0].String()}
	}
	list, err := change(book.Rules)
	if err != nil {
		return err
	}
	if err := rulebook.Save(t.path, list); err != nil {
		return err
	}
	r.takeRules(rulebook.Book{Rules: list})
	return nil
}

func find(list []rules.Rule, name string) int {
	return slices.IndexFunc(list, func(one rules.Rule) bool { return one.Name == name })
}

// SaveRule writes a rule into rules.json.
func (r *resident) SaveRule(_ context.Context, name string, text []byte) error {
	if reason := r.mayEdit(); reason != "" {
		return &api.Conflict{Reason: reason}
	}
	rule, err := rulebook.ParseRule("rule", text)
	if err != nil {
		return err
	}
	return r.edit(func(list []rules.Rule) ([]rules.Rule, error) {
		at := find(list, name)
		if name != "" && at < 0 {
			return nil, api.ErrNoRule
		}
		if other := find(list, rule.Name); other >= 0 && other != at {
			return nil, strict.Problems{{File: "rule", Line: 1, Column: 1, Key: "name", Text: fmt.Sprintf("%q is the name of another rule; choose another", rule.Name)}}
		}
		if at < 0 {
			return append(list, rule), nil
		}
		list[at] = rule
		return list, nil
	})
}

// DeleteRule takes a rule out of rules.json.
func (r *resident) DeleteRule(_ context.Context, name string) error {
	return r.edit(func(list []rules.Rule) ([]rules.Rule, error) {
		at := find(list, name)
		if at < 0 {
			return nil, api.ErrNoRule
		}
		return slices.Delete(list, at, at+1), nil
	})
}

// ActivateRule has a rule watch prices.
func (r *resident) ActivateRule(ctx context.Context, name string) error {
	if r.trade == nil {
		return r.conflict()
	}
	if reason := r.mayEdit(); reason != "" {
		return &api.Conflict{Reason: reason}
	}
	err := r.trade.set.Activate(ctx, name)
	var unclear *rules.NotResolvedError
	switch {
	case errors.Is(err, rules.ErrNoRule):
		return api.ErrNoRule
	case errors.As(err, new(*conn.UnansweredError)):
		return answered(err)
	case errors.As(err, &unclear), errors.As(err, new(*conn.RequestError)), errors.Is(err, rules.ErrChanged),
		errors.Is(err, conn.ErrSessionOver), errors.Is(err, context.DeadlineExceeded):
		return &api.Conflict{Reason: wording.OneLine(err.Error())}
	}
	return err
}

// DeactivateRule makes a rule a draft.
func (r *resident) DeactivateRule(_ context.Context, name string) error {
	if r.trade == nil {
		return r.conflict()
	}
	if err := r.trade.set.Deactivate(name); !errors.Is(err, rules.ErrNoRule) {
		return err
	}
	return api.ErrNoRule
}

// Orders returns what GET /orders answers.
func (r *resident) Orders() api.Orders {
	t := r.trade
	if t == nil {
		return api.Orders{}
	}
	state := t.desk.Cancelling()
	cancels := map[int64]engine.Cancellation{}
	for _, c := range state.Open {
		cancels[c.Order.ID] = c
	}
	list := api.Orders{Cancelling: cancelling(state)}
	for _, i := range slices.Backward(t.ledger.Intents()) {
		o := &i.Order
		c, asked := cancels[i.ID]
		list.Orders = append(list.Orders, api.OrderView{
			CancelText: wording.Cancellation(c, asked), CancelFailed: c.Refused, CancelCode: c.Code,
			ID: i.ID, At: i.At.Local().Round(time.Millisecond), Rule: i.Rule, Text: wording.Order(o), Symbol: o.Contract.Symbol,
			Side: string(o.Side), Type: string(o.Type), Quantity: o.Quantity, LimitPrice: o.LimitPrice, StopPrice: o.StopPrice, TIF: o.TIF,
			Filled: i.Filled, Fate: i.Fate, FateText: wording.OrderState(&i), Status: wording.OneLine(i.Status), WhyHeld: wording.OneLine(i.WhyHeld),
			ChangeText: wording.Change(&i), Unprotected: i.Unprotected, Changed: i.Changed.Local().Round(time.Millisecond),
			Code: i.Code, Detail: wording.OneLine(i.Detail), Parent: o.Parent, Open: !i.Done(),
		})
		if a := i.Asked; a != nil && !i.Done() {
			v := &list.Orders[len(list.Orders)-1]
			v.AskedQuantity, v.AskedLimitPrice, v.AskedStopPrice = &a.Quantity, &a.LimitPrice, &a.StopPrice
		}
	}
	blocked, _ := t.desk.Blocked()
	for _, b := range slices.Backward(blocked) {
		list.Blocked = append(list.Blocked, api.Blocked{
			At: b.At.Local().Round(time.Millisecond), Rule: b.Rule, Text: wording.Order(&b.Order), Reason: wording.Blocked(b.Reason, b.Detail), ReasonID: b.Reason,
		})
	}
	return list
}

// cancelling is what the API says of the orders that were to be cancelled.
func cancelling(c engine.Cancelling) api.Cancelling {
	return api.Cancelling{Asked: c.Asked, Confirmed: c.Confirmed, Failed: c.Refused, Text: wording.Cancelling(c)}
}

// answered turns an error of the desk into one of the API.
func answered(err error) error {
	var blocked *engine.BlockedError
	var other *engine.OtherClientError
	switch {
	case errors.Is(err, engine.ErrNotOpen):
		return api.ErrNoOrder
	case errors.As(err, &other):
		return &api.Conflict{Reason: wording.OtherClient(other)}
	case errors.Is(err, engine.ErrIDReused):
		return &api.Conflict{Reason: err.Error() + "; cancel it in TWS"}
	case errors.Is(err, engine.ErrNotChanged):
		return &api.Conflict{Reason: err.Error()}
	case errors.As(err, &blocked):
		return &api.Conflict{Reason: wording.Blocked(blocked.Reason, blocked.Detail)}
	case errors.Is(err, conn.ErrSessionOver):
		return &api.Conflict{Reason: wording.GuardReason(conn.GuardSocket)}
	}
	if silent, ok := errors.AsType[*conn.UnansweredError](err); ok {
		return &api.Unanswered{Reason: wording.Unanswered(silent)}
	}
	return err
}

// CancelOrder asks for one of our orders to be cancelled.
func (r *resident) CancelOrder(_ context.Context, id int64) error {
	if r.trade == nil {
		return r.conflict()
	}
	return answered(r.trade.desk.Cancel(r.sup.Session(), id))
}

// CancelOrders asks for all our open orders to be cancelled.
func (r *resident) CancelOrders(context.Context) error {
	if r.trade == nil {
		return r.conflict()
	}
	defer r.hub.nudge()
	asked, err := r.trade.desk.CancelAll(r.sup.Session())
	if err = answered(err); err != nil && asked > 0 {
		return &api.Remark{Text: err.Error()}
	}
	return err
}

// ChangeOrder changes an open order.
func (r *resident) ChangeOrder(_ context.Context, c api.OrderChange) error {
	if r.trade == nil {
		return r.conflict()
	}
	_, err := r.trade.desk.Change(r.sup.Session(), c.ID, engine.Change{Quantity: c.Quantity, LimitPrice: c.LimitPrice, StopPrice: c.StopPrice})
	return answered(err)
}

// Resolve looks for the contracts that an instrument can mean.
func (r *resident) Resolve(ctx context.Context, in rules.Instrument) ([]api.Candidate, error) {
	if reason := r.mayEdit(); reason != "" {
		return nil, &api.Conflict{Reason: reason}
	}
	list, err := r.details(ctx, in.Contract())
	if refused := (*conn.RequestError)(nil); errors.As(err, &refused) && refused.Code == 200 {
		return nil, api.ErrNoContract
	}
	return candidatesOf(list), answered(err)
}

// tradingMetrics is what GET /metrics answers of trading.
func (r *resident) tradingMetrics() metrics.Trading {
	t := r.trade
	if t == nil {
		return metrics.Trading{}
	}
	m := metrics.Trading{Rules: t.set.Count(), Orders: map[engine.Fate]int{}, Conflated: t.engine.Counts().Conflated}
	m.Armed, _ = t.desk.Armed()
	_, m.Blocked = t.desk.Blocked()
	for _, i := range t.ledger.Intents() {
		m.Orders[i.Fate]++
	}
	return m
}

// Counts returns what the engine has done.
func (r *resident) Counts() engine.Counts { return r.trade.engine.Counts() }

// trayTrading is what the tray shows of trading.
func (r *resident) trayTrading() tray.Trading {
	st := r.Trading()
	return tray.Trading{
		Live: r.sup.Snapshot().Gateway.Mode != conn.Paper, Armed: st.Armed, MayArm: st.MayTrade || st.ReasonID == engine.BlockedDisarmed, Open: st.OrdersOpen, Unknown: st.OrdersUnknown,
		Unprotected: st.OrdersUnprotected, NoData: st.RulesNoData,
		Stopped: slices.ContainsFunc(r.failing(), func(f api.Failing) bool { return f.Step == wording.FailingOrders }),
	}
}
