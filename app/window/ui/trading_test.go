package ui

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

func TestHowTradingStands(t *testing.T) {
	held := armed()
	held.Trading.MayTrade, held.Trading.Reason = false, "orders are compared"
	off, live, unknown := unarmed(), unarmed(), unarmed()
	off.Connected = false
	live.Trading.Confirm, unknown.Trading.Confirm = "This is a LIVE account", "It is not known"
	ok, bare, ready := armed(), armed(), unarmed()
	bare.Trading.OrdersUnprotected = 1
	for name, c := range map[string]struct {
		st    *api.Status
		lost  absence
		shape Shape
		word  string
		may   bool
		says  string // part of the reason
		asks  string // part of what is asked before arming
	}{
		"armed": {&ok, absence{}, Up, "Trading is on", true, "Since 10:00 · 2 rules active · 1 order open", ""},
		"no stop": {
			&bare,
			absence{},
			Impaired, "Trading is on", true,
			"1 open position without its stop, look in TWS", "",
		},
		"held": {
			&held,
			absence{},
			Impaired, "Trading is on, but orders are blocked", true,
			"Orders are compared.\nSince", "",
		},
		"off": {
			&ready,
			absence{},
			Off, "Trading is off", true,
			"cannot place orders.\n1 rule failed · 2 rules active", "",
		},
		"not connected": {&off, absence{}, Off, "Trading is off", false, "once Gateway is connected", ""},
		"live":          {&live, absence{}, Off, "Trading is off", true, "", "This is a LIVE account"},
		"not known": {
			&unknown,
			absence{},
			Off, "Trading is off", true, "",
			"It is not known",
		},
		"gone": {&ok, absence{since: noon}, Unknown, "Trading: not known", false, "not running", ""},
		"hangs": {
			&ok,
			absence{noon, true},
			Unknown, "Trading: not known", false,
			"Gatewatch is not responding.", "",
		},
		"nobody yet": {nil, absence{}, Unknown, "Trading: not known", false, "Looking", ""},
	} {
		got := tradingOf(c.st, c.lost, noon)
		if got.shape != c.shape || got.word != c.word || got.may != c.may || !strings.Contains(got.reason, c.says) ||
			!strings.Contains(got.confirm, c.asks) || (c.asks == "") != (got.confirm == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestArming(t *testing.T) {
	v, _, a := acting(t)
	v.Status(unarmed(), noon)
	bar := v.status.arm
	test.Tap(bar.button)
	test.Tap(bar.button)
	if !reflect.DeepEqual(a.asked, []string{"arm"}) {
		t.Fatalf("asked %v", a.asked)
	}
	v.Armed(&api.Conflict{Reason: "no\nway"})
	if bar.failed.Text != "That did not work: no way" || bar.button.Disabled() {
		t.Errorf("said %q", bar.failed.Text)
	}
	v.Status(armed(), noon)
	a.asked = slices.DeleteFunc(a.asked, func(what string) bool { return what == "orders" }) // in case of an absence
	v.arming = true                                                                          // an answer is awaited
	v.render()
	test.Tap(bar.button)
	if a.asked[len(a.asked)-1] != "disarm" {
		t.Errorf("stopping waits: %v", a.asked)
	}
	v.Armed(nil)
	live := unarmed()
	live.Gateway.Mode, live.Trading.Confirm = "unknown", "It is not known"
	v.Status(live, noon)
	if bar.button.Text != "Turn on trading…" {
		t.Errorf("on an unknown account: %q", bar.button.Text)
	}
	live.Gateway.Mode, live.Trading.Confirm = "live", "This is a LIVE account"
	v.Status(live, noon)
	if bar.button.Text != "Turn on LIVE trading…" {
		t.Errorf("on a LIVE account: %q", bar.button.Text)
	}
	test.Tap(bar.button)
	if len(a.asked) != 2 || !bar.question.open() {
		t.Fatalf("a LIVE account is armed by one press: %v", a.asked)
	}
	test.Tap(bar.question.yes)
	if len(a.asked) != 3 || a.asked[2] != "arm live" || bar.question.open() {
		t.Errorf("asked %v", a.asked)
	}
	v.Armed(nil)
	test.Tap(bar.button)
	live.Connected = false
	v.Status(live, noon)
	if bar.question.open() || !bar.button.Disabled() {
		t.Error("it can be armed while not connected")
	}
}

func TestRuleDraftKeepsRules(t *testing.T) {
	trail := rules.Rule{
		Name: "Trail", Instrument: rules.Instrument{ConID: 265598, Exchange: "SMART"}, AllowDelayed: true,
		Only:       &rules.Only{MarketHours: true},
		Conditions: []rules.Condition{{Price: "bid", Is: "crosses_up", Value: 0}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "SELL", Quantity: 0.5, Type: "TRAIL",
			TrailPercent: pointer(2), OutsideHours: true, Account: "DU1",
		}},
	}
	stop := rules.Rule{
		Name: "Stop", Instrument: rules.Instrument{Symbol: "ES", Type: "FUT", Local: "ESZ6"},
		Conditions: []rules.Condition{{Price: "ask", Is: "at_or_above", Value: -1.5}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "BUY", Quantity: 1, Type: "STP LMT",
			StopPrice: pointer(0), LimitPrice: pointer(1),
		}},
	}
	tell := rules.Rule{
		Name: "Tell", Instrument: rules.Instrument{Symbol: "EUR", Type: "CASH"},
		Conditions: []rules.Condition{{Price: "mid", Is: "at_or_below", Value: 1}}, Action: rules.Action{Do: "notify"},
	}
	v, _, _ := acting(t)
	for _, r := range []rules.Rule{dip(), trail, stop, tell} {
		back, problems := ruleDraftOf(r).rule()
		if len(problems) > 0 || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: became %+v, %v", r.Name, back, problems)
		}
		v.rules.editor.open(&api.RuleView{Rule: r}) // and through the widgets
		back, problems = v.rules.editor.form.rule()
		if len(problems) > 0 || !reflect.DeepEqual(back, r) || v.rules.editor.dirty() {
			t.Errorf("%s: widgets made %+v of it, %v", r.Name, back, problems)
		}
	}
}

// TestRuleDraftLeavesOutWhatDoesNotApply holds that what is hidden is not sent.
func TestRuleDraftLeavesOutWhatDoesNotApply(t *testing.T) {
	d := ruleDraftOf(dip())
	d.texts["action.order.type"], d.texts["only"], d.texts["action.order.stop_loss"] = "MKT", "false", "false"
	d.conditions = d.conditions[:1]
	d.conditions[0]["is"] = "crosses_up"
	r, problems := d.rule()
	o := r.Action.Order
	if len(problems) > 0 || o.LimitOffset != nil || o.StopLoss != nil || o.TakeProfit == nil || r.Only != nil ||
		r.Match != "" || r.Conditions[0].ForSeconds != 0 {
		t.Errorf("%+v, %+v, %v", r, o, problems)
	}
	d.texts["action.do"] = "notify"
	if r, _ = d.rule(); r.Action.Order != nil {
		t.Errorf("an order is left: %+v", r.Action.Order)
	}
}

func TestRuleDraftNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ path, text, key string }{
		{"name", " ", "name"},
		{"instrument.symbol", "", "instrument.symbol"},
		{"instrument.con_id", "1.5", "instrument.con_id"},
		{"cooldown_seconds", "soon", "cooldown_seconds"},
		{"cooldown_seconds", "1e999", "cooldown_seconds"},
		{"action.order.quantity", "", "action.order.quantity"},
		{"action.order.quantity", "0", "action.order.quantity"},
		{"action.order.limit_offset", "", "action.order.limit_price"},
		{"action.order.stop_loss.offset", "x", "action.order.stop_loss.offset"},
		{"conditions[0].value", "", "conditions[0].value"},
		{"conditions[1].instrument.symbol", "", "conditions[1].instrument.symbol"},
	} {
		d := ruleDraftOf(dip())
		if i, path := ruleKey(c.path); i >= 0 {
			d.conditions[i][path] = c.text
		} else {
			d.texts[path] = c.text
		}
		_, problems := d.rule()
		if len(problems) != 1 || problems[0].Key != c.key {
			t.Errorf("%s = %q: %v", c.path, c.text, problems)
		}
	}
}

func TestKeysOfProblemsFindTheirPlace(t *testing.T) {
	for key, want := range map[string]struct {
		i    int
		path string
	}{
		"name": {-1, "name"}, "rules[3].name": {-1, "name"}, "conditions[2].value": {2, "value"},
		"rules[0].conditions[1]": {1, ""},
		"conditions":             {-1, "conditions"}, "conditions[x].is": {-1, "conditions[x].is"}, "": {-1, ""},
	} {
		if i, path := ruleKey(key); i != want.i || path != want.path {
			t.Errorf("%q: %d, %q", key, i, path)
		}
	}
}

// editing opens the editor on the dip.
func editing(t *testing.T) (*View, *ruleEditor, *acts) {
	t.Helper()
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	v.Rules(someRules(), nil)
	test.Tap(ruleAt(v, 0).edit)
	return v, v.rules.editor, a
}

func TestSavingARule(t *testing.T) {
	v, e, a := editing(t)
	if !e.save.Disabled() {
		t.Error("there is nothing to save")
	}
	e.conditions[0].in.fill(map[string]string{"value": "x", "price": "last", "is": "at_or_below"})
	if !e.save.Disabled() || !e.conditions[0].in.wrong["value"].content.Visible() {
		t.Error("a bad value can be saved, or is not told of")
	}
	e.conditions[0].in.fill(map[string]string{"value": "226", "price": "last", "is": "at_or_below"})
	v.Status(reconnecting(), noon)
	if !e.save.Disabled() || e.message.Text != "Save is off: Gatewatch is not connected." ||
		e.form.conditions[0]["value"] != "226" {
		t.Errorf("not connected: disabled %v, said %q, value %q", e.save.Disabled(), e.message.Text,
			e.form.conditions[0]["value"])
	}
	v.Status(armed(), noon)
	test.Tap(e.save)
	if len(a.rules) != 1 || a.rules[0].Conditions[0].Value != 226 || a.asked[len(a.asked)-1] != "save Buy the dip" {
		t.Fatalf("sent %+v, asked %v", a.rules, a.asked)
	}
	v.RuleSaved(api.Rules{}, settings.Problems{
		{Key: "conditions[0].value", Text: "is off"},
		{Key: "action.order.limit_offset", Text: "too"},
		{Key: "of.tomorrow", Text: "what"},
	})
	if got := e.conditions[0].in.wrong["value"].words.Text; got != "Is off" ||
		e.in.wrong["action.order.limit_price"].words.Text != "Too" || e.message.Text != "of.tomorrow: What" {
		t.Errorf("refused: %q, %q", got, e.message.Text)
	}
	v.Close()
	v.Close() // however often
	if a.closed != 0 || !v.unsaved.open() {
		t.Errorf("closed %d times, asked %v", a.closed, v.unsaved.open())
	}
	test.Tap(v.unsaved.no)
	test.Tap(e.leave)
	if !e.isOpen || !e.question.open() {
		t.Error("changes are lost by one press")
	}
	test.Tap(e.question.no)
	v.RuleSaved(someRules(), nil)
	if e.isOpen || !v.rules.overview.Visible() {
		t.Error("saved, and still open")
	}
}

func TestAnotherSymbolDropsTheContractNumber(t *testing.T) {
	v, e, a := editing(t)
	test.Tap(e.instrument.button)
	in, _ := instrumentAt(e.form.texts, "instrument")
	v.Resolved(rules.Instrument{Symbol: "OLD"}, candidates(), nil) // an answer to something else
	if e.instrument.list.Visible() {
		t.Error("an answer to another question is shown")
	}
	v.Resolved(in, candidates(), nil)
	if a.asked[len(a.asked)-1] != "resolve AAPL" || len(e.instrument.list.Objects) != 2 {
		t.Fatalf("asked %v, %d shown", a.asked, len(e.instrument.list.Objects))
	}
	choose := firstButton(e.instrument.list.Objects[1])
	test.Tap(choose)
	if e.form.texts["instrument.con_id"] != "38708077" || e.form.texts["instrument.currency"] != "MXN" {
		t.Errorf("chosen: %v", e.form.texts)
	}
	e.instrument.symbol.SetText("MSFT")
	if got := e.form.texts["instrument.con_id"]; got != "" {
		t.Errorf("MSFT still means contract %s", got)
	}
	test.Tap(e.instrument.button)
	in, _ = instrumentAt(e.form.texts, "instrument")
	v.Resolved(in, nil, errors.New("boom"))
	if e.instrument.outcome.Text != "It cannot be looked up: boom" {
		t.Errorf("said %q", e.instrument.outcome.Text)
	}
	test.Tap(e.instrument.button)
	v.Resolved(in, nil, api.ErrNoContract)
	if e.instrument.outcome.Text != found(0) {
		t.Errorf("said %q", e.instrument.outcome.Text)
	}
}

func TestRulesAreStartedAndStopped(t *testing.T) {
	v, _, a := acting(t)
	v.Status(armed(), noon)
	a.asked = nil
	v.open(pageRules)
	v.Rules(someRules(), nil)
	test.Tap(ruleAt(v, 3).toggle)
	test.Tap(v.rules.detail.activate.yes)
	test.Tap(ruleAt(v, 0).toggle) // while the answer is awaited
	v.RuleDone(api.Rules{}, errors.New("boom"))
	if v.rules.failed.Text != "That did not work: boom" || len(v.rules.listed) != 4 {
		t.Errorf("said %q", v.rules.failed.Text)
	}
	test.Tap(ruleAt(v, 0).toggle)
	v.RuleDone(someRules(), nil)
	test.Tap(ruleAt(v, 1).remove)
	if !v.rules.detail.question.open() {
		t.Error("nothing is asked before deleting")
	}
	test.Tap(v.rules.detail.question.yes)
	if want := []string{"rules", "activate An idea", "deactivate Buy the dip", "delete Euro alarm"}; !reflect.DeepEqual(
		a.asked, want) {
		t.Errorf("asked %v, want %v", a.asked, want)
	}
	v.RuleDone(someRules(), nil)
	v.Status(reconnecting(), noon)
	if !ruleAt(v, 3).toggle.Disabled() || ruleAt(v, 0).toggle.Disabled() ||
		!strings.Contains(v.rules.note.Text, "not connected") {
		t.Errorf("not connected: said %q", v.rules.note.Text)
	}
}

func TestPriceLine(t *testing.T) {
	seen := func(ago time.Duration, delayed bool) api.RuleView {
		return api.RuleView{
			State: rules.Active, Rule: rules.Rule{Conditions: []rules.Condition{{Price: "mid"}}},
			Price: pointer(1.5), PriceAt: at(noon.Add(-ago)), Delayed: delayed,
		}
	}
	for _, c := range []struct {
		rule api.RuleView
		line string
		old  bool
	}{
		{api.RuleView{State: rules.Active}, "No price yet", true},
		{api.RuleView{State: rules.Draft}, "", false},
		{api.RuleView{State: rules.Triggered}, "", false}, // it watches nothing while its order works
		{seen(time.Second, false), "Middle 1.5 · now", false},
		{seen(59*time.Second, false), "Middle 1.5 · 59 s ago", false},
		{seen(time.Minute, false), "Middle 1.5 · old: 1 min ago", true},
		{seen(3*time.Second, true), "Middle 1.5 · 3 s ago · delayed", true},
	} {
		if line, old := priceLine(&c.rule, noon); line != c.line || old != c.old {
			t.Errorf("%q, %v; want %q, %v", line, old, c.line, c.old)
		}
	}
}

func TestOrderStates(t *testing.T) {
	want := map[engine.OrderState]Shape{
		engine.Planned: Working, engine.Sent: Working, engine.Working: Working, engine.Filled: Up,
		engine.Cancelled: Over,
		engine.Rejected:  Down, engine.Unknown: Impaired, engine.Inactive: Impaired, engine.NotSent: Unknown,
	}
	for state, shape := range want {
		if got := stateShape(state); got != shape {
			t.Errorf("%s is shown as %v, want %v", state, got, shape)
		}
	}
	lost := api.OrderView{State: engine.Unknown, Code: 201, Detail: "a\x1bb"}
	if got := orderWrong(&lost); !strings.Contains(got, "Look in TWS") || !strings.HasSuffix(got, "IB code 201: a b") {
		t.Errorf("said %q", got)
	}
	naked := api.OrderView{State: engine.Cancelled, Unprotected: true, ChangeText: "change asked for", Code: 202}
	if got := orderWrong(&naked); !strings.Contains(got, "place a stop in TWS") ||
		!strings.Contains(got, "Change asked for.") {
		t.Errorf("said %q", got)
	}
	if open, done := sorted([]api.OrderView{naked}); len(open) != 1 || len(done) != 0 {
		t.Errorf("a stop that does not work is among those that are done")
	}
	if got := stateWord(&api.OrderView{State: engine.NotSent}); got != "Not sent" {
		t.Errorf("word %q", got)
	}
}

func TestChangeOfAnOrder(t *testing.T) {
	o := api.OrderView{ID: 7, Quantity: 100, Filled: 40, LimitPrice: 9.5}
	for _, c := range []struct {
		quantity, limit string
		want            *api.OrderChange
		bad             bool
	}{
		{"100", "9.5", nil, false},
		{"60", "9.5", &api.OrderChange{ID: 7, Quantity: pointer(60)}, false},
		{"100", "9.4", &api.OrderChange{ID: 7, LimitPrice: pointer(9.4)}, false},
		{"40", "9.5", nil, true},
		{"", "9.5", nil, true},
		{"100", "cheap", nil, true},
		{"1e999", "9.5", nil, true},
	} {
		got, err := changeOf(&o, c.quantity, c.limit, "0")
		if !reflect.DeepEqual(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%s at %s: %+v, %v", c.quantity, c.limit, got, err)
		}
	}
}

func TestOrdersAreCancelledAndChanged(t *testing.T) {
	v, _, a := acting(t)
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	if len(v.orders.open) != 3 || v.orders.open[0].ID != 18 || len(v.orders.done) != 4 ||
		len(v.orders.list.entries) != 3+1+4+1+1 {
		t.Fatalf("%d open, %d done, %d lines", len(v.orders.open), len(v.orders.done), len(v.orders.list.entries))
	}
	rows := []*orderRow{orderAt(v, 0), orderAt(v, 1)}
	v.orders.list.pick(orderKey(18))
	before := len(a.asked)
	test.Tap(rows[0].cancel)
	test.Tap(rows[0].cancel)
	if len(a.asked) != before+1 {
		t.Errorf("it can be cancelled twice at once: %v", a.asked)
	}
	v.OrderDone(18, errors.New("boom"))
	if rows[0].outcome.Text != "That did not work: boom" || rows[0].cancel.Disabled() {
		t.Errorf("said %q", rows[0].outcome.Text)
	}
	test.Tap(rows[1].change)
	rows[1].limit.SetText("225")
	v.Orders(someOrders(), nil) // prices go by, and what is typed stays
	if rows[1].limit.Text != "225" {
		t.Errorf("typed 225, and it became %q", rows[1].limit.Text)
	}
	test.Tap(rows[1].send)
	v.OrderDone(17, nil)
	if len(a.changes) != 1 || *a.changes[0].LimitPrice != 225 || rows[1].editing {
		t.Errorf("sent %+v, still editing %v", a.changes, rows[1].editing)
	}
	test.Tap(v.orders.all)
	test.Tap(v.orders.question.yes)
	if got := a.asked[len(a.asked)-1]; got != "cancel 0" {
		t.Errorf("asked %v", a.asked)
	}
	v.Status(reconnecting(), noon)
	if !rows[0].cancel.Disabled() || !v.orders.all.Disabled() || v.orders.note.Text == "" ||
		rows[0].sign.shape != Unknown {
		t.Error("not connected, and it looks as if something could be done")
	}
}

// TestCancellationsAreShown has orders be cancelled: the page says how far that is, and what Gateway refuses.
func TestCancellationsAreShown(t *testing.T) {
	v, _, _ := acting(t)
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	if v.orders.cancels.Visible() {
		t.Errorf("nothing is to be cancelled: %q", v.orders.cancels.Text)
	}
	some := someOrders()
	some.Cancelling = api.Cancelling{Asked: 3, Confirmed: 1, Failed: 1, Text: "Gateway has confirmed 1 of 3."}
	for i := range some.Orders {
		if some.Orders[i].ID == 18 {
			some.Orders[i].CancelText, some.Orders[i].CancelFailed = "Gateway refuses to cancel it.", true
		}
	}
	v.Orders(some, nil)
	row := orderAt(v, 0)
	if v.orders.cancels.Text != some.Cancelling.Text || !v.orders.cancels.Visible() {
		t.Errorf("%q", v.orders.cancels.Text)
	}
	if !strings.Contains(row.wrong.Text, "Gateway refuses to cancel it.") ||
		row.wrong.Importance != widget.DangerImportance || !row.wrong.Visible() {
		t.Errorf("%q", row.wrong.Text)
	}
	v.OrderDone(0, &api.Remark{Text: "2 orders belong to another client id"})
	if v.orders.failed.Text != "2 orders belong to another client id" {
		t.Errorf("%q", v.orders.failed.Text)
	}
}

// TestTradingPagesAskOften holds that rules and orders are asked for every few seconds and at each change, one at a
// time.
func TestTradingPagesAskOften(t *testing.T) {
	v, _, a := acting(t)
	v.Status(armed(), noon)
	a.asked = nil
	v.open(pageRules)
	v.Tick(noon.Add(time.Minute)) // the first is not answered yet
	if len(a.asked) != 1 {
		t.Fatalf("asked %v", a.asked)
	}
	v.Rules(someRules(), nil)
	v.Tick(noon.Add(time.Minute + time.Second))
	v.Rules(someRules(), nil)
	v.Tick(noon.Add(time.Minute + 3*time.Second))
	if len(a.asked) != 2 {
		t.Errorf("asked %v", a.asked)
	}
	v.Rules(someRules(), nil)
	v.Status(armed(), noon.Add(time.Minute+3*time.Second)) // nothing new
	v.Status(unarmed(), noon.Add(time.Minute+3*time.Second))
	if len(a.asked) != 3 {
		t.Errorf("asked %v", a.asked)
	}
}

// ruleAt chooses a listed rule and returns its details.
func ruleAt(v *View, i int) *ruleRow {
	v.rules.list.pick(v.rules.listed[i].Rule.Name)
	return v.rules.detail
}

// orderAt chooses an open order and returns its details.
func orderAt(v *View, i int) *orderRow {
	v.orders.list.pick(orderKey(v.orders.open[i].ID))
	return v.orders.row(v.orders.open[i].ID)
}

// TestOnlyTouchedFieldsAreMarked begins a rule: what is left to fill in is named, and nothing is marked as wrong that
// was not typed.
func TestOnlyTouchedFieldsAreMarked(t *testing.T) {
	v, _, _ := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	v.Rules(someRules(), nil)
	test.Tap(v.rules.create)
	e := v.rules.editor
	marked := func() (n int) {
		for _, m := range e.in.wrong {
			if m.content.Visible() {
				n++
			}
		}
		return n
	}
	e.first.SetText("An alarm")
	if marked() != 0 || e.message.Importance == widget.DangerImportance ||
		e.message.Text != "Still to fill in: value, symbol" || !e.save.Disabled() {
		t.Errorf("%d marked, said %q", marked(), e.message.Text)
	}
	e.in.fill(map[string]string{"name": "An alarm", "cooldown_seconds": "soon"})
	if m := e.in.wrong["cooldown_seconds"]; marked() != 1 || !m.content.Visible() {
		t.Errorf("%d marked", marked())
	}
}

// TestTypedChangesOfOrdersAreKept chooses another order while one is being changed, and presses Escape.
func TestTypedChangesOfOrdersAreKept(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	row := orderAt(v, 1)
	test.Tap(row.change)
	if v.Close(); a.closed != 1 {
		t.Error("nothing was typed, and it does not close")
	}
	row.limit.SetText("225")
	orderAt(v, 0)
	if v.Close(); a.closed != 1 || !v.unsaved.open() || v.page != pageOrders {
		t.Error("what was typed is lost")
	}
	if again := orderAt(v, 1); again.limit.Text != "225" || !again.editing {
		t.Errorf("%q", again.limit.Text)
	}
	test.Tap(v.unsaved.yes)
	if a.closed != 2 {
		t.Error("it does not close")
	}
}
