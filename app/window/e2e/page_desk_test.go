package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// desk is what a made-up backend knows of trading.
type desk struct {
	rules   api.Rules
	orders  api.Orders
	found   []api.Candidate
	preview api.RulePreview
	refuses error    // whatever is asked for
	asked   []string // of what changes something
	listed  int      // how often the rules were asked for

	previewed string // the rule of which a preview was asked for last
}

// ask notes what was asked for, and lets then happen unless everything is refused.
func (p *past) ask(then func(), format string, values ...any) (err error) {
	p.change(func() {
		p.desk.asked = append(p.desk.asked, fmt.Sprintf(format, values...))
		if err = p.desk.refuses; err == nil {
			then()
		}
	})
	return err
}

func (p *past) Arm(_ context.Context, live bool) error {
	words := "arm"
	if live {
		words = "arm live"
	}
	return p.ask(func() { p.status.Trading.Armed, p.status.Trading.MayTrade = true, true }, "%s", words)
}

func (p *past) Disarm(context.Context) error {
	return p.ask(func() { p.status.Trading.Armed, p.status.Trading.MayTrade = false, false }, "disarm")
}

func (p *past) Rules() (r api.Rules) {
	p.locked(func() {
		p.desk.listed++
		r = p.desk.rules
		r.Rules = append([]api.RuleView(nil), r.Rules...)
	})
	return r
}

func (p *past) SaveRule(_ context.Context, name string, rule []byte) error {
	return p.ask(func() {
		v := api.RuleView{State: rules.Draft, Text: "as it was saved"}
		_ = json.Unmarshal(rule, &v.Rule)
		p.desk.rules.Rules = append(p.desk.rules.Rules, v)
	}, "save %q %s", name, rule)
}

func (p *past) stand(name string, state rules.State) func() {
	return func() {
		for i := range p.desk.rules.Rules {
			if v := &p.desk.rules.Rules[i]; v.Rule.Name == name {
				v.State = state
			}
		}
	}
}

func (p *past) ActivateRule(_ context.Context, name string) error {
	return p.ask(p.stand(name, rules.Active), "activate %q", name)
}

func (p *past) PreviewRule(_ context.Context, rule []byte) (v api.RulePreview, err error) {
	p.locked(func() { p.desk.previewed, v, err = string(rule), p.desk.preview, p.desk.refuses })
	return v, err
}

func (p *past) PreviewInstrument(context.Context, rules.Instrument) (v api.RulePreview, err error) {
	return v, err
}

func (p *past) DeactivateRule(_ context.Context, name string) error {
	return p.ask(p.stand(name, rules.Draft), "deactivate %q", name)
}

func (p *past) DeleteRule(_ context.Context, name string) error {
	return p.ask(func() {
		var kept []api.RuleView
		for _, v := range p.desk.rules.Rules {
			if v.Rule.Name != name {
				kept = append(kept, v)
			}
		}
		p.desk.rules.Rules = kept
	}, "delete %q", name)
}

func (p *past) Orders() (o api.Orders) { p.locked(func() { o = p.desk.orders }); return o }

func (p *past) Positions(context.Context) api.Positions { return api.Positions{} }

func (p *past) CancelOrder(_ context.Context, id int64) error {
	return p.ask(func() {}, "cancel %d", id)
}

func (p *past) CancelOrders(context.Context) error { return p.ask(func() {}, "cancel all") }

func (p *past) ChangeOrder(_ context.Context, c api.OrderChange) error {
	text, _ := json.Marshal(c)
	return p.ask(func() {}, "change %s", text)
}

func (p *past) Resolve(_ context.Context, in rules.Instrument) (list []api.Candidate, err error) {
	text, _ := json.Marshal(in)
	return p.desk.found, p.ask(func() {}, "resolve %s", text)
}

// full is a rule that has every key that a rule can have together.
func full() rules.Rule {
	return rules.Rule{
		Name: "Buy the dip " + hostile, Instrument: rules.Instrument{
			Symbol: "AAPL", Type: "CFD", Exchange: "SMART",
			Primary: "NASDAQ", Currency: "USD", Local: "AAPL X", ConID: 265598,
		},
		Match: "any", Conditions: []rules.Condition{
			{Price: "bid", Is: "at_or_below", Value: 230.125, ForSeconds: 2.5},
			{
				Instrument: &rules.Instrument{Symbol: "ES", Type: "FUT", Local: "ESZ6"}, Price: "mid", Is: "crosses_up",
				Value: -1e-7,
			},
		},
		Only: &rules.Only{
			MarketHours: true, From: "09:30", Until: "16:00", Days: []string{"mon", "fri"},
			Timezone: "America/New_York",
		},
		AllowDelayed: true, CooldownSeconds: 60,
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "SELL", Quantity: 0.5, Type: "STP LMT", LimitOffset: new(-0.05), StopPrice: new(0.0), TIF: "GTC",
			OutsideHours: true,
			Account:      "DU123", TakeProfit: &rules.Exit{Offset: new(2.0)}, StopLoss: &rules.Exit{Price: new(225.0)},
		}},
	}
}

// newDesk makes up a backend in which every state of rules and orders is to be seen.
func newDesk(at time.Time) *past {
	p := newPast(at)
	ago := func(d time.Duration) time.Time { return at.Add(-d) }
	rule := func(name, symbol string) rules.Rule {
		return rules.Rule{
			Name: name, Instrument: rules.Instrument{Symbol: symbol, Currency: "USD"},
			Conditions: []rules.Condition{{Price: "last", Is: "at_or_below", Value: 230}}, Action: rules.Action{
				Do: "notify",
			},
		}
	}
	p.desk.rules = api.Rules{Path: "/home/me/.config/gatewatch/rules.json", MayEdit: true, Rules: []api.RuleView{
		{
			Rule: full(), State: rules.Active, Since: ago(time.Hour), Text: "When AAPL bid is at or below 230.125 " +
				"for 2.5 s, or ES mid crosses up −0.0000001: SELL 0.5 AAPL STP LMT, with take profit and stop loss",
			Price: new(231.42), PriceAt: new(ago(time.Second)), Why: "The bid is 231.42, which is 1.295 above 230.125.",
			Contract: "AAPL CFD USD (Apple Inc)",
		},
		{
			Rule: rule("Gold breaks out", "GLD"), State: rules.Triggered, Since: ago(2 * time.Minute),
			Text:  "When GLD last crosses up 385: BUY 50 GLD LMT at the price − 0.05",
			Price: new(385.1), PriceAt: new(ago(3 * time.Second)), Delayed: true, TriggerCount: 2,
			LastTriggered: new(ago(2 * time.Minute)), Why: "Its order is working; it may trigger again in 58 s.",
			Contract: "GLD STK SMART/ARCA USD",
		},
		{
			Rule: rule("Euro alarm", "EUR"), State: rules.Failed, Since: ago(20 * time.Minute),
			Text: "When EUR.USD last is at or above 1.2: tell me",
			Why:  "EUR can mean two contracts; choose one and activate the rule again.", Candidates: []api.Candidate{
				{
					Instrument: rules.Instrument{ConID: 12087792, Exchange: "IDEALPRO"},
					Name:       "European Monetary Union Euro", Text: "EUR.USD CASH IDEALPRO",
				},
				{
					Instrument: rules.Instrument{ConID: 14433401, Exchange: "SMART"}, Name: "Example AG",
					Text: "EUR STK IBIS EUR",
				},
			},
		},
		{
			Rule: rule("Sold in June", "MSFT"), State: rules.Done, Since: ago(50 * time.Hour),
			Text: "When MSFT last is at or above 480: SELL 10 MSFT MKT", Why: "Its order is filled.",
			TriggerCount: 1, LastTriggered: new(ago(50 * time.Hour)), Contract: "MSFT STK SMART USD",
		},
		{
			Rule: rule("Draft", "TSLA"), State: rules.Draft, Since: ago(3 * time.Hour),
			Text: "When TSLA last is at or below 230: tell me", Why: "It is a draft; activate it.",
		},
	}}
	order := func(id int64, state ledger.OrderState, word, text string, o api.OrderView) api.OrderView {
		o.ID, o.State, o.StateText, o.Text, o.At, o.Changed = id, state, word, text,
			ago(time.Duration(1040-id)*time.Minute), ago(time.Duration(1040-id)*time.Minute-2*time.Second)
		if o.Type == "" {
			o.Type = "MKT"
		}
		return o
	}
	p.desk.orders = api.Orders{Orders: []api.OrderView{
		order(1038, ledger.Working, "working", "BUY 100 AAPL LMT 229.95",
			api.OrderView{
				Rule: "Buy the dip", Side: "BUY", Symbol: "AAPL", Type: "LMT", Quantity: 100, LimitPrice: 229.95,
				Multiplier: 1, Currency: "USD", Filled: 40, Open: true,
			}),
		order(1037, ledger.Sent, "sent", "SELL 100 AAPL STP LMT 225 224.5",
			api.OrderView{
				Rule: "Buy the dip", Type: "STP LMT", Quantity: 100, StopPrice: 225, LimitPrice: 224.5,
				Parent: 1038, Open: true,
			}),
		order(1036, ledger.Unknown, "unknown", "BUY 50 GLD LMT 385.05", api.OrderView{
			Rule: "Gold breaks out",
			Type: "LMT", Quantity: 50, LimitPrice: 385.05, Open: true,
		}),
		order(1035, ledger.Rejected, "rejected", "SELL 5000 MSFT MKT", api.OrderView{
			Quantity: 5000, Code: 201,
			Detail: "Order rejected - reason: " + hostile,
		}),
		order(1034, ledger.Filled, "filled", "SELL 10 MSFT MKT", api.OrderView{
			Rule: "Sold in June", Quantity: 10,
			Filled: 10,
		}),
		order(1033, ledger.Cancelled, "cancelled or expired", "BUY 10 TSLA LMT 200",
			api.OrderView{Type: "LMT", Quantity: 10, LimitPrice: 200, Filled: 3}),
		order(1032, ledger.NotSent, "not sent", "BUY 1 ESZ6 MKT", api.OrderView{Quantity: 1}),
	}, Blocked: []api.Blocked{
		{
			At: ago(3 * time.Hour), Rule: "Euro alarm", Text: "BUY 20000 EUR.USD MKT",
			Reason: "IBKR's servers were not reachable", ReasonID: "upstream_lost",
		},
		{At: ago(4 * time.Hour), Text: "BUY 1 ESZ6 MKT", Reason: hostile, ReasonID: "disarmed"},
	}}
	p.desk.found = p.desk.rules.Rules[2].Candidates
	p.status.Trading = api.Trading{
		Reason: "trading is off", ReasonID: "disarmed", RulesActive: 2, RulesFailed: 1,
		OrdersOpen: 3, OrdersUnknown: 1, OrdersBlocked: 2,
	}
	return p
}

// took returns what was asked for since it was last called.
func (p *past) took() (asked string) {
	p.locked(func() { asked, p.desk.asked = strings.Join(p.desk.asked, ", "), nil })
	return asked
}
