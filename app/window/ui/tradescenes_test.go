package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// armed is a status in which orders may leave.
func armed() api.Status {
	st := connected()
	st.Trading = api.Trading{
		Armed: true, ArmedSince: new(noon.Add(-2 * time.Hour)), MayTrade: true, RulesActive: 2,
		OrdersOpen: 1,
	}
	return st
}

// unarmed is a status in which they may not, though all else is well.
func unarmed() api.Status {
	st := connected()
	st.Trading = api.Trading{
		Reason:   "trading is off; turn it on to let rules place orders",
		ReasonID: engine.BlockedDisarmed, RulesActive: 2, RulesFailed: 1,
	}
	return st
}

// dip buys when a price falls, with a profit to take and a loss to stop.
func dip() rules.Rule {
	return rules.Rule{
		Name: "Buy the dip", Instrument: rules.Instrument{Symbol: "AAPL", Currency: "USD", Primary: "NASDAQ"},
		Match: "any",
		Conditions: []rules.Condition{
			{Price: "last", Is: "at_or_below", Value: 225, ForSeconds: 30},
			{Price: "mid", Is: "crosses_down", Value: 480, Instrument: &rules.Instrument{
				Symbol: "QQQ", Currency: "USD",
			}},
		},
		Only: &rules.Only{
			From: "09:30", Until: "16:00", Days: []string{"mon", "fri"},
			Timezone: "America/New_York",
		},
		CooldownSeconds: 3600,
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "BUY", Quantity: 100, Type: "LMT", LimitOffset: new(-0.05), TIF: "GTC",
			TakeProfit: &rules.Exit{Price: new(240.0)}, StopLoss: &rules.Exit{Offset: new(-7.5)},
		}},
	}
}

func someRules() api.Rules {
	return api.Rules{
		Path: "/home/trader/.config/gatewatch/rules.json", MayEdit: true,
		Rules: []api.RuleView{
			{
				Rule: dip(), Text: "When AAPL last is at or below 225 for 30 s or QQQ mid crosses down 480, only " +
					"from 09:30 to 16:00 America/New_York on mon, fri: BUY 100 AAPL LMT 0.05 below GTC, take " +
					"profit 240, stop 7.5 below; again after at least 3600 s.",
				State: rules.Active, Since: noon.Add(-2 * time.Hour), Price: new(230.41),
				PriceAt:  new(noon.Add(-3 * time.Second)),
				Contract: "AAPL STK NASDAQ USD", Why: "Condition not met.",
			},
			{
				Rule: rules.Rule{Name: "Euro alarm", Conditions: []rules.Condition{
					{Price: "bid", Is: "crosses_up", Value: 1.1},
				}, Action: rules.Action{Do: "notify"}},
				Text:  "When EUR.USD bid crosses up 1.1: notify; again after at least 3600 s.",
				State: rules.Triggered, Since: noon.Add(-10 * time.Minute), Price: new(1.10105),
				PriceAt: new(noon.Add(-95 * time.Second)), Delayed: true,
				Contract: "EUR.USD CASH IDEALPRO USD", TriggerCount: 2, LastTriggered: new(noon.Add(-10 * time.Minute)),
				Why: "Triggered; it can trigger again in 50 min.",
			},
			{
				Rule: rules.Rule{Name: "Sell the peak"}, Text: "When AAPL last is at or above 250: SELL 10 MKT; once.",
				State: rules.Failed,
				Since: noon.Add(-26 * time.Hour), Candidates: candidates(),
				Why: "Its order was rejected: no shares to sell short (IB code 201). Activate it again to resume.",
			},
			{
				Rule: rules.Rule{Name: "An idea"}, Text: "When ESZ6 last is at or above 7000: notify; once.",
				State: rules.Draft, Since: noon.Add(-50 * 24 * time.Hour),
			},
		},
	}
}

// manyRules are more than fit into the window.
func manyRules() api.Rules {
	r := someRules()
	for i := range 20 {
		one := r.Rules[3]
		one.Rule.Name = fmt.Sprintf("Idea %d", i+1)
		r.Rules = append(r.Rules, one)
	}
	return r
}

func candidates() []api.Candidate {
	return []api.Candidate{
		{Instrument: rules.Instrument{
			ConID: 265598, Symbol: "AAPL", Exchange: "SMART", Primary: "NASDAQ",
			Currency: "USD",
		}, Name: "APPLE INC", Text: "AAPL STK NASDAQ USD"},
		{Instrument: rules.Instrument{
			ConID: 38708077, Symbol: "AAPL", Exchange: "SMART", Primary: "MEXI",
			Currency: "MXN",
		}, Name: "APPLE INC", Text: "AAPL STK MEXI MXN"},
	}
}

func someOrders() api.Orders {
	order := func(id int64, ago time.Duration, state ledger.OrderState, word, text string) api.OrderView {
		return api.OrderView{
			ID: id, At: noon.Add(-ago), Changed: noon.Add(-ago), Text: text, State: state,
			StateText: word, Quantity: 100, Type: "LMT", LimitPrice: 224.95, Rule: "Buy the dip",
		}
	}
	working := order(17, 10*time.Minute, ledger.Working, "working", "BUY 100 AAPL LMT 224.95 GTC")
	working.Open, working.Filled, working.Changed = true, 40, noon.Add(-time.Minute)
	loss := order(18, 10*time.Minute, ledger.Working, "working", "SELL 100 AAPL STP 217.45 GTC")
	loss.Open, loss.Parent, loss.LimitPrice, loss.StopPrice = true, 17, 0, 217.45
	lost := order(12, 3*time.Hour, ledger.Unknown, "unknown: look in TWS whether it is there", "SELL 10 MSFT MKT")
	lost.Open, lost.Quantity, lost.Rule = true, 10, "Sell the peak"
	rejected := order(15, 30*time.Minute, ledger.Rejected, "rejected", "BUY 100000 AAPL LMT 230")
	rejected.Quantity, rejected.Code = 100000, 201
	rejected.Detail = "Order rejected - reason: we are unable to accept your order. Your " +
		"available funds are insufficient."
	filled := order(11, 26*time.Hour, ledger.Filled, "filled", "BUY 100 AAPL LMT 231")
	filled.Filled, filled.AveragePrice, filled.CostText = 100, 230.4512,
		"average 230.451, commission 1.00 USD, realised P&L 47.90 USD"
	return api.Orders{
		Orders: []api.OrderView{
			loss, working, lost, rejected, filled,
			order(10, 27*time.Hour, ledger.Cancelled, "cancelled", "BUY 100 AAPL LMT 220"),
			order(9, 28*time.Hour, ledger.NotSent, "not sent", "BUY 100 AAPL LMT 221"),
		},
		Blocked: []api.Blocked{{
			At: noon.Add(-4 * time.Hour), Rule: "Buy the dip", Text: "BUY 100 AAPL LMT 224.95",
			Reason: "trading is off; turn it on to let rules place orders", ReasonID: "disarmed",
		}},
	}
}

func somePositions() api.Positions {
	return api.Positions{At: new(noon), Current: true, Positions: []api.Position{
		{
			Account: "DU1234567", ConID: 265598, Symbol: "AAPL", Contract: "AAPL STK NASDAQ USD", Currency: "USD",
			Quantity: new(140.0), AverageCost: new(226.518), MarketValue: new(32257.4),
			Unrealised: new(544.88), ValuedAt: new(noon.Add(-2 * time.Minute)),
		},
		{
			Account: "DU1234567", ConID: 495512557, Symbol: "ES", Contract: "ESZ6 FUT CME USD", Currency: "USD",
			Quantity: new(-2.0), AverageCost: new(345012.25),
		},
	}}
}

func tradeScenes() map[string]func(*View) {
	onRules := func(st api.Status, r api.Rules) func(*View) {
		return func(v *View) {
			v.Settings(inForce())
			v.Status(st, noon)
			v.open(pageRules)
			v.Rules(r, nil)
		}
	}
	onOrders := func(st api.Status, o api.Orders) func(*View) {
		return func(v *View) {
			v.Settings(inForce())
			v.Status(st, noon)
			v.open(pageOrders)
			v.Orders(o, nil)
		}
	}
	off := someRules()
	off.MayEdit, off.Reason = false, "Gateway is not connected."
	list := map[string]func(*View){
		"armed": func(v *View) {
			v.Settings(inForce())
			v.Status(armed(), noon)
		},
		"arm_live": func(v *View) {
			st := unarmed()
			st.Gateway.Mode, st.Gateway.Port = "live", 4001
			st.Trading.Confirm = wording.LiveTrading(ib.Gateway{Mode: ib.Live, Port: 4001})
			v.Settings(inForce())
			v.Status(st, noon)
			v.status.arm.press()
		},
		"rules": func(v *View) {
			onRules(armed(), manyRules())(v)
			ruleAt(v, 1)
		},
		"rules_list": func(v *View) {
			onRules(armed(), manyRules())(v)
			v.rules.search.SetText("idea")
			v.rules.several.OnTapped()
		},
		"rules_activate": func(v *View) {
			list := someRules()
			one := list.Rules[0]
			one.State = rules.Draft
			other, unknown := one, one
			other.Rule.Name, unknown.Rule.Name = "Buy more", "Buy at night"
			list.Rules = append([]api.RuleView{one, other, unknown}, list.Rules[1:]...)
			onRules(armed(), list)(v)
			v.rules.several.OnTapped()
			v.Previewed(api.RulePreviewRequest{Rule: &one.Rule}, dipPreview(), nil)
			v.Previewed(api.RulePreviewRequest{Rule: &unknown.Rule}, api.RulePreview{},
				&api.Conflict{Reason: "no price"})
		},
		"rules_none": onRules(unarmed(), api.Rules{MayEdit: true}),
		"rules_off":  onRules(reconnecting(), off),
		"rules_problems": func(v *View) {
			r := someRules()
			r.Rules = r.Rules[:1]
			r.Problems = []settings.Problem{
				{
					Key: "rules[1].conditions[0].is", Line: 24, Column: 15,
					Text: `is not one of at_or_above, at_or_below, crosses_up, crosses_down; did you mean "crosses_up"?`,
				},
				{Key: "rules[2].nmae", Line: 31, Column: 7, Text: `unknown key; did you mean "name"?`},
			}
			onRules(unarmed(), r)(v)
			ruleAt(v, 0).remove.OnTapped()
		},
		"rule_new": func(v *View) {
			onRules(unarmed(), someRules())(v)
			v.rules.create.OnTapped()
		},
		"rule_order": func(v *View) {
			onRules(armed(), someRules())(v)
			ruleAt(v, 0).edit.OnTapped()
			e := v.rules.editor
			e.instrument.symbol.SetText("APPL")
			e.instrument.symbol.SetText("AAPL")
			e.lookUp(e.instrument)
			in, _ := instrumentAt(e.form.texts, "instrument")
			v.Resolved(in, candidates(), nil)
			req := v.rules.previewed()
			v.rules.preview.want(req, noon)
			v.Previewed(req, dipPreview(), nil)
		},
		"rule_activate": func(v *View) {
			r := someRules()
			r.Rules[0].State = rules.Draft
			onRules(armed(), r)(v)
			ruleAt(v, 0).toggle.OnTapped()
			v.Previewed(v.rules.previewed(), dipPreview(), nil)
		},
		"rule_refused": func(v *View) {
			onRules(armed(), someRules())(v)
			ruleAt(v, 0).edit.OnTapped()
			e := v.rules.editor
			e.form.texts["name"] = "Buy the dips"
			e.in.fill(e.form.texts)
			e.refused = settings.Problems{
				{Key: "rules[0].name", Text: "is the name of another rule already"},
				{Key: "conditions[0].for_seconds", Text: "90000 is out of range 0 to 86400"},
				{Key: "action.order.limit_offset", Text: "is more than the price itself"},
			}
			e.refresh()
		},
		"rule_off": func(v *View) {
			onRules(armed(), someRules())(v)
			ruleAt(v, 0).edit.OnTapped()
			e := v.rules.editor
			e.form.texts["name"] = "Buy the dips"
			e.in.fill(e.form.texts)
			v.Status(reconnecting(), noon)
		},
		"orders": func(v *View) {
			onOrders(armed(), someOrders())(v)
			v.Positions(somePositions(), nil)
			v.orders.list.pick(orderKey(11))
		},
		"orders_positions": func(v *View) {
			onOrders(armed(), someOrders())(v)
			held := somePositions()
			held.Current, held.Reason = false, "Gateway did not answer about positions within 10 s"
			held.At = new(noon.Add(-time.Hour))
			v.Positions(held, nil)
			v.orders.parts.SetSelected(orderParts[4])
			v.orders.list.pick(positionKey(&held.Positions[0]))
		},
		"focus": func(v *View) { // on one line of several, of which another one is chosen
			onRules(armed(), someRules())(v)
			v.rules.list.pick(someRules().Rules[1].Rule.Name)
			v.keys.focus(v.rules.list)
			v.rules.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
		},
		"focus_button": func(v *View) {
			onRules(armed(), someRules())(v)
			ruleAt(v, 1)
			v.keys.focus(v.rules.detail.remove)
		},
		"orders_none": onOrders(unarmed(), api.Orders{}),
		"orders_off":  onOrders(reconnecting(), someOrders()),
		"orders_change": func(v *View) {
			onOrders(armed(), someOrders())(v)
			orderAt(v, 1).edit()
			orderAt(v, 1).quantity.SetText("30")
		},
		"orders_cancel": func(v *View) {
			onOrders(armed(), someOrders())(v)
			v.orders.all.OnTapped()
			v.OrderDone(0, &api.Conflict{Reason: "Gateway is not connected."})
		},
	}
	held := armed()
	held.Trading.MayTrade, held.Trading.Reason = false,
		"orders of the last session are still being compared with Gateway's"
	held.Guard = closedGuard("orders are not reconciled yet", ib.GuardReason("not_reconciled"))
	list["armed_held"] = func(v *View) {
		v.Settings(inForce())
		v.Status(held, noon)
	}
	return list
}

// firstButton returns the first button in o.
func firstButton(o fyne.CanvasObject) *button {
	switch o := o.(type) {
	case *button:
		return o
	case *fyne.Container:
		for _, child := range o.Objects {
			if b := firstButton(child); b != nil {
				return b
			}
		}
	}
	return nil
}
