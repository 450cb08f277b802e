package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/autostart"
	"gatewatch/app/settings"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// fakeBackend notes what it is asked to do.
type fakeBackend struct {
	Backend
	status                    api.Status
	err                       error
	saved                     error
	trade                     error    // what all that is about rules and orders ends with
	asked                     []string // of that, in its order
	connects, disconnects     atomic.Int32
	shows, saves, subscribers atomic.Int32
	quits                     atomic.Int32
	on                        bool   // it is started at login
	tag                       string // that settings were to have
	hangs                     atomic.Bool
}

// Answers hangs while the supervisor does.
func (b *fakeBackend) Answers(ctx context.Context) error {
	if b.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (b *fakeBackend) Status() api.Status { return b.status }

func (b *fakeBackend) Connect(context.Context) error    { b.connects.Add(1); return b.err }
func (b *fakeBackend) Disconnect(context.Context) error { b.disconnects.Add(1); return b.err }
func (b *fakeBackend) Show(context.Context) error       { b.shows.Add(1); return b.err }

func (b *fakeBackend) Quit() { b.quits.Add(1) }

func (b *fakeBackend) Autostart(context.Context) (api.Autostart, error) {
	return api.Autostart{On: b.on, State: autostart.On, Program: "/usr/bin/gatewatch"}, b.err
}

func (b *fakeBackend) SetAutostart(_ context.Context, on bool) error {
	b.on = on
	return b.note("autostart %v", on)
}

func (b *fakeBackend) Mute(until time.Time) {
	b.asked = append(b.asked, "mute "+until.UTC().Format(time.RFC3339))
}

func (b *fakeBackend) Settings() api.SettingsView {
	return api.SettingsView{Settings: settings.Default(), Defaults: settings.Default()}
}

func (b *fakeBackend) Diagnostics(_ context.Context, goroutines bool) (string, error) {
	return fmt.Sprintf("goroutines %v", goroutines), b.err
}

func (b *fakeBackend) SettingsText() (api.FileText, string, error) {
	return api.FileText{Path: "/x/settings.json", Text: "{}\n"}, "s1", b.saved
}

func (b *fakeBackend) SaveSettings(_ context.Context, _ []byte, tag string) error {
	b.saves.Add(1)
	b.tag = tag
	return b.saved
}

func (b *fakeBackend) RulesText() (api.FileText, string, error) {
	return api.FileText{Path: "/x/rules.json", Found: true, Text: "{}", Problems: settings.Problems{
		{Line: 1, Column: 2, Text: "x"},
	}}, "r1", b.trade
}

func (b *fakeBackend) SaveRules(_ context.Context, body []byte, tag string) error {
	return b.note("save all %q: %s", tag, body)
}

func (b *fakeBackend) Subscribe() (<-chan struct{}, func()) {
	b.subscribers.Add(1)
	c := make(chan struct{}, 1)
	c <- struct{}{}
	return c, func() { b.subscribers.Add(-1) }
}

// commands returns how many commands have reached the backend.
func (b *fakeBackend) commands() int32 {
	return b.connects.Load() + b.disconnects.Load() + b.shows.Load() + b.saves.Load() + b.quits.Load() + int32(
		len(b.asked))
}

// note notes what the backend is asked to do with rules and orders.
func (b *fakeBackend) note(format string, args ...any) error {
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return b.trade
}

func (b *fakeBackend) Arm(_ context.Context, live bool) error {
	if live {
		return b.note("arm live")
	}
	return b.note("arm")
}

func (b *fakeBackend) AllowPrograms(_ context.Context, live bool) error {
	return b.note("allow programs, live %v", live)
}

func (b *fakeBackend) StopTrading(context.Context) error { return b.note("stop trading") }

func (b *fakeBackend) SetReadOnly(_ context.Context, clientID int, on bool) error {
	return b.note("client id %d read-only %v", clientID, on)
}

func (b *fakeBackend) Programs() api.Programs {
	return api.Programs{
		State: api.ProgramState{Port: 4100, Listening: true, Connected: 1, Unknown: 1, Text: "1 program connected"},
		Mode:  string(port.Guard),
		Sent:  3, Refused: map[string]uint64{string(port.NoProof): 1}, Observed: map[string]uint64{},
		Programs: []api.Program{{
			Number: 1, ClientID: 7, Name: "bot.py", PID: 123, Text: "bot.py (client id 7)", Since: now,
			LastMessage: now, Sent: 3, Refused: 1,
		}},
	}
}

func (b *fakeBackend) ProgramOrders() api.ProgramOrders {
	return api.ProgramOrders{Orders: []api.ProgramOrder{{
		Number: 1, At: now, ClientID: 7, OrderID: 12, State: string(record.Refused),
		Reason: "no", ReasonID: string(port.NoProof),
	}}}
}

func (b *fakeBackend) Latency() api.Latency {
	return api.Latency{Minutes: []api.LatencyMinute{{At: now, MedianMillis: 1.5, MaxMillis: 20}}}
}

func (b *fakeBackend) Messages() api.Messages {
	return api.Messages{Messages: []api.Message{
		{Code: 2172, Text: "desupported on 20261215", First: now, Last: now, Count: 2},
	}}
}

func (b *fakeBackend) Disarm(context.Context) error       { return b.note("disarm") }
func (b *fakeBackend) CancelOrders(context.Context) error { return b.note("cancel all") }

func (b *fakeBackend) SaveRule(_ context.Context, name string, rule []byte) error {
	return b.note("save %q: %s", name, rule)
}

func (b *fakeBackend) ActivateRule(_ context.Context, name string) error {
	return b.note("activate %q", name)
}

func (b *fakeBackend) PreviewRule(_ context.Context, rule []byte) (api.RulePreview, error) {
	price := 230.5
	return api.RulePreview{
		Text: "Buy AAPL", Currency: "USD", Price: &price, PriceAt: &now, Would: rules.WouldNot, OrderValue: &price,
	}, b.note("preview %s", rule)
}

func (b *fakeBackend) PreviewInstrument(_ context.Context, in rules.Instrument) (api.RulePreview, error) {
	return api.RulePreview{Would: rules.WouldUnknown}, b.note("price of %s", in.Symbol)
}

func (b *fakeBackend) DeactivateRule(_ context.Context, name string) error {
	return b.note("deactivate %q", name)
}

func (b *fakeBackend) DeleteRule(_ context.Context, name string) error {
	return b.note("delete %q", name)
}

func (b *fakeBackend) CancelOrder(_ context.Context, id int64) error { return b.note("cancel %d", id) }

func (b *fakeBackend) ChangeOrder(_ context.Context, c api.OrderChange) error {
	body, err := json.Marshal(c)
	return errors.Join(b.note("change %s", body), err)
}

// spelled is an instrument that prints as it is.
type spelled rules.Instrument

func (b *fakeBackend) Resolve(_ context.Context, in rules.Instrument) ([]api.Candidate, error) {
	if err := b.note("resolve %+v", spelled(in)); err != nil || in.Symbol == "NONE" {
		return nil, err
	}
	return []api.Candidate{{
		Instrument: rules.Instrument{ConID: 265598, Exchange: "SMART"}, Name: "APPLE INC",
		Text: "AAPL, NASDAQ, USD",
	}}, nil
}

// Rules and Orders have every field set in one entry, and as few as can be in another.
func (b *fakeBackend) Rules() api.Rules {
	price := 230.5
	return api.Rules{
		Path: "/x/rules.json", Problems: settings.Problems{{Key: "rules[2]", Line: 3, Column: 7, Text: "is odd"}},
		Reason: "not connected", Rules: []api.RuleView{
			{
				Rule: sampleRule(), Text: "Buy AAPL", State: rules.Done, Since: now, Price: &price, PriceAt: &now,
				Delayed: true, TriggerCount: 2, LastTriggered: &now, Contract: "AAPL", Candidates: []api.Candidate{{}},
			},
			{Rule: rules.Rule{
				Name: "bare", Conditions: []rules.Condition{{Price: "last", Is: "at_or_above"}},
				Action: rules.Action{Do: "notify"},
			}, State: rules.Draft, Since: now},
		},
	}
}

func (b *fakeBackend) Positions(context.Context) api.Positions {
	quantity, price := -100.0, 230.5
	return api.Positions{At: &now, Reason: "not connected", Positions: []api.Position{
		{
			Account: "DU1", ConID: 1, Symbol: "AAPL", Contract: "AAPL STK", Currency: "USD", Quantity: &quantity,
			AverageCost: &price, MarketValue: &price, Unrealised: &price, ValuedAt: &now,
		},
		{Symbol: "X"},
	}}
}

func (b *fakeBackend) Orders() api.Orders {
	return api.Orders{Orders: []api.OrderView{
		{
			ID: 7, At: now, Rule: "dip", Symbol: "AAPL", Side: "BUY", Type: "LMT", Quantity: 100, LimitPrice: 230.5,
			TIF: "DAY", State: ledger.Working, Changed: now, Open: true,
		},
		{ID: 8, At: now, State: ledger.Rejected, Changed: now, Code: 201, Detail: "no", Parent: 7},
	}, Blocked: []api.Blocked{{At: now, Rule: "dip", Text: "BUY 100 AAPL", Reason: "not armed", ReasonID: "disarmed"}}}
}

// sampleRule has a value in every group of a rule.
func sampleRule() rules.Rule {
	price := 230.5
	return rules.Rule{
		Name: "dip", Instrument: rules.Instrument{Symbol: "AAPL", Currency: "USD"}, Match: "any",
		Conditions: []rules.Condition{{
			Instrument: &rules.Instrument{ConID: 1}, Price: "last", Is: "at_or_below",
			Value: 231, ForSeconds: 5,
		}},
		Only: &rules.Only{From: "09:30", Until: "16:00", Days: []string{"mon"}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "BUY", Quantity: 100, Type: "LMT", LimitPrice: &price, TIF: "DAY", TakeProfit: &rules.Exit{
				Price: &price,
			},
		}},
	}
}
