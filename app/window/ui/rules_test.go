package ui

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

func TestRuleDraftKeepsRules(t *testing.T) {
	trail := rules.Rule{
		Name: "Trail", Instrument: rules.Instrument{ConID: 265598, Exchange: "SMART"}, AllowDelayed: true,
		Only:       &rules.Only{MarketHours: true},
		Conditions: []rules.Condition{{Price: "bid", Is: "crosses_up", Value: 0}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "SELL", Quantity: 0.5, Type: "TRAIL",
			TrailPercent: new(2.0), OutsideHours: true, Account: "DU1",
		}},
	}
	stop := rules.Rule{
		Name: "Stop", Instrument: rules.Instrument{Symbol: "ES", Type: "FUT", Local: "ESZ6"},
		Conditions: []rules.Condition{{Price: "ask", Is: "at_or_above", Value: -1.5}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "BUY", Quantity: 1, Type: "STP LMT",
			StopPrice: new(0.0), LimitPrice: new(1.0),
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

// TestRuleDraftLeavesOutWhatDoesNotApply: what is hidden is not sent.
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
	if !e.save.Disabled() || e.message.Text != "Save is off: Gateway is not connected." ||
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
			Price: new(1.5), PriceAt: new(noon.Add(-ago)), Delayed: delayed,
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

// ruleAt chooses a listed rule and returns its details.
func ruleAt(v *View, i int) *ruleRow {
	v.rules.list.pick(v.rules.listed[i].Rule.Name)
	return v.rules.detail
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
