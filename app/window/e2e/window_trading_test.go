package e2e

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// keys presses a key so many times.
func (d *display) keys(key string, times int) {
	d.t.Helper()
	args := []string{"key", "--delay", "60"}
	for range times {
		args = append(args, key)
	}
	d.do(args...)
}

func (d *display) write(text string) {
	d.t.Helper()
	d.do("type", "--delay", "40", text)
}

// still waits until the screen has stopped changing for a while.
func (d *display) still() {
	d.t.Helper()
	until(d.t, "the window is still", func() bool {
		before, _ := d.pixels()
		time.Sleep(400 * time.Millisecond)
		now, _ := d.pixels()
		return bytes.Equal(now, before)
	})
}

// until waits until ok is true, and keeps a picture if that is in vain.
func (d *display) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			d.keep("failed")
			d.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// blue reports whether there is a blue button.
func (d *display) blue() bool {
	_, _, ok := d.button()
	return ok
}

// warns reports whether there is text in the reddish colour of errors.
func (d *display) warns() bool {
	m, n := d.picture(), 0
	for y := range m.Bounds().Max.Y {
		for x := range m.Bounds().Max.X {
			if c := m.RGBAAt(x, y); int(c.R)-int(c.G) > 30 && int(c.G)-int(c.B) > 10 {
				n++
			}
		}
	}
	return n > 50
}

// rule returns the rule with the name; ok is false if there is none.
func (s *stage) rule(name string) (v api.RuleView, ok bool) {
	s.t.Helper()
	list, err := s.client().Rules(context.Background())
	if err != nil {
		s.t.Log(err) // a busy computer may be too slow for the server's limits; who waits asks again
	}
	for _, v = range list.Rules {
		if v.Rule.Name == name {
			return v, true
		}
	}
	return api.RuleView{}, false
}

func (s *stage) untilRule(name string, state rules.State) {
	s.t.Helper()
	until(s.t, "the rule "+name+" is "+string(state), func() bool {
		v, _ := s.rule(name)
		return v.State == state
	})
}

func (s *stage) orders() []api.OrderView {
	s.t.Helper()
	list, err := s.client().Orders(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return list.Orders
}

// connect starts a gateway at a port of its own, and has the resident program find it.
func (s *stage) connect() *process {
	s.t.Helper()
	sim := s.sim("0")
	s.configure()
	s.untilConnected()
	return sim
}

// writeRule fills in a new rule for a last price that is at or above 1, from its name on.
func (d *display) writeRule(name, symbol string) {
	d.t.Helper()
	d.write(name)
	d.keys("Tab", 1)
	d.write(symbol)
	// Type, currency.
	d.keys("Tab", 2)
	d.write("USD")
	// Exchange, primary exchange, local symbol, number, Look up, price, is: one to the left is at or above.
	d.keys("Tab", 7)
	d.keys("Left", 1)
	d.keys("Tab", 1)
	d.write("1")
}

// TestWindowTrades goes the way of a person who has never had a rule: by the keyboard, and by the mouse for what is
// blue.
func TestWindowTrades(t *testing.T) {
	t.Parallel()
	d := newDisplay(t)
	s := newStage(t, d.env)
	sim := s.connect()
	d.open(s)
	d.untilTitle("Gatewatch: Connected")
	d.see("Turn on trading", bold)

	// Status, History, Rules; then Orders, Alerts, Settings, Turn on trading, the search, New rule.
	d.keys("Tab", 3)
	d.keys("Return", 1)
	d.see("New rule", bold)
	d.keys("Tab", 6)
	d.keys("Return", 1)
	d.see("Save", bold)
	d.writeRule("Notify me", "AAPL")
	d.until("it can be saved", d.blue)
	d.keep("rule-new")
	d.press() // Save
	s.untilRule("Notify me", rules.Draft)
	v, _ := s.rule("Notify me")
	want := rules.Rule{
		Name: "Notify me", Instrument: rules.Instrument{Symbol: "AAPL", Currency: "USD"},
		Conditions: []rules.Condition{{Price: "last", Is: "at_or_above", Value: 1}}, Action: rules.Action{Do: "notify"},
	}
	if !reflect.DeepEqual(v.Rule, want) {
		t.Errorf("saved %+v, want %+v", v.Rule, want)
	}

	// The focus is at Edit of the rule, Activate comes before it. The rule is read back first: Not now, Activate.
	d.still()
	d.keys("shift+Tab", 1)
	d.keys("Return", 1)
	d.see("Not now", bold)
	d.keep("rule-read-back")
	d.keys("Tab", 1)
	d.keys("Return", 1)
	s.untilRule("Notify me", rules.Done)
	d.still()
	d.keep("rule-done")

	// Back over the list, the sort, the filter, New rule and the search to Turn on trading.
	d.keys("shift+Tab", 6)
	d.keys("Return", 1)
	until(t, "trading is on", func() bool { return s.status().Trading.Armed })

	// A rule that buys: one more, now with what comes after the value.
	d.keys("Tab", 2)
	d.keys("Return", 1)
	d.see("Save", bold)
	d.writeRule("Buy one", "MSFT")
	// For seconds, another instrument, Add a condition, certain times, delayed prices, again after, what to do: an
	// order.
	d.keys("Tab", 7)
	d.keys("Right", 1)
	// Side, quantity, order type: one to the left is at the market.
	d.keys("Tab", 2)
	d.write("3")
	d.keys("Tab", 1)
	d.keys("Left", 1)
	d.until("it can be saved", d.blue)
	d.keep("rule-buy")
	d.press()
	s.untilRule("Buy one", rules.Draft)
	d.still()
	d.keys("shift+Tab", 1)
	d.keys("Return", 1)
	d.see("Not now", bold)
	d.keep("order-read-back")
	d.keys("Tab", 1)
	d.keys("Return", 1)
	s.untilRule("Buy one", rules.Done)
	list := s.orders()
	if len(list) != 1 || list[0].State != ledger.Filled || list[0].Filled != 3 || list[0].Side != "BUY" ||
		list[0].Symbol != "MSFT" {
		t.Fatalf("orders %+v, want 3 MSFT bought", list)
	}
	// Turn off trading is the blue button now.
	d.press()
	until(t, "trading is off", func() bool { return !s.status().Trading.Armed })

	// Back to the tabs: Settings, Alerts, Orders.
	d.keys("shift+Tab", 3)
	d.keys("Return", 1)
	d.still()
	d.keep("orders-filled")

	// Without a connection nothing can be saved or activated, and what was typed stays.
	d.keys("shift+Tab", 1)
	d.keys("Return", 1)
	d.see("New rule", bold)
	d.keys("Tab", 6)
	d.keys("Return", 1)
	d.see("Save", bold)
	d.write("Typed before")
	d.keys("Tab", 1)
	d.write("SPY")
	d.keys("Tab", 9) // to is
	d.keys("Tab", 1)
	d.write("1")
	sim.kill()
	until(t, "the connection is gone", func() bool { return !s.status().Connected })
	d.until("it is said why nothing can be saved", d.warns)
	d.keep("rule-off")
	if d.blue() {
		t.Error("not connected, but a rule can be saved")
	}
	s.connect()
	d.press()
	s.untilRule("Typed before", rules.Draft)
	if v, _ := s.rule("Typed before"); v.Rule.Instrument.Symbol != "SPY" || v.Rule.Conditions[0].Value != 1 {
		t.Errorf("what was typed became %+v", v.Rule)
	}
}

// TestPageTrades does the same on the page.
func TestPageTrades(t *testing.T) {
	t.Parallel()
	s := newPageStage(t)
	sim := s.connect()
	card, err := home.ReadCard(filepath.Join(s.home, "api.json"))
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, ctx: browser(t, false)}
	b.look(1280, "light")
	b.run(signedIn(card.Token), chromedp.Navigate(card.URL))
	b.until(`document.getElementById("rules-note").textContent.startsWith("There are no rules yet.")`, "true")
	b.open("rules")
	var list []string
	add := func(name, symbol, action string) {
		t.Helper()
		list = append(list, fmt.Sprintf(`{"name": %q, "instrument": {"symbol": %q, "currency": "USD"},
			"conditions": [{"price": "last", "is": "at_or_above", "value": 1}], "action": %s}`, name, symbol, action))
		b.put("rules", `{"rules": [`+strings.Join(list, ",\n")+`]}`)
	}
	word := func(name string) string {
		return `[...` + ruleShown + `].find(e => e.querySelector("h3").textContent === "` + name +
			`")?.querySelector(".word").textContent`
	}
	add("Notify me", "AAPL", `{"do": "notify"}`)
	b.press("Save rules.json")
	b.until(word("Notify me"), "Draft")
	b.press("Activate Notify me")
	b.press("Activate")
	b.until(word("Notify me"), "Done")
	b.press("Turn on trading")
	b.until(wordShown, "Trading is on")
	add("Buy one", "MSFT", `{"do": "order", "order": {"side": "BUY", "quantity": 3, "type": "MKT"}}`)
	b.press("Save rules.json")
	b.until(word("Buy one"), "Draft")
	b.press("Activate Buy one")
	b.until(`document.getElementById("ask-reading").textContent.endsWith("It would trigger now.")`, "true")
	b.press("Activate")
	b.until(word("Buy one"), "Done")
	b.until(orderShown+`.length`, "1")
	b.until(`[...`+orderShown+`].map(e => e.querySelector(".word").textContent + " " + e.querySelector(".price strong").textContent).join()`, "Filled 3 of 3")
	b.keep("page-trades")
	b.press("Turn off trading")
	b.until(wordShown, "Trading is off")

	add("Typed before", "SPY", `{"do": "notify"}`)
	sim.kill()
	b.until(`document.getElementById("headline").textContent`, "Reconnecting")
	b.until(in("rules", ".save")+`.disabled`, "true")
	if reason := b.text(in("rules", ".reason") + `.textContent`); !strings.HasPrefix(reason,
		"Rules cannot be saved or activated. Not connected") {
		t.Errorf("reason %q", reason)
	}
	b.until(`[...document.querySelectorAll("#rules-rows button")].filter(e => e.textContent === "Activate" && e.disabled).length`, "2")
	until(t, "the program is not connected", func() bool { return s.status().State == conn.Reconnecting })
	s.connect()
	b.press("Save rules.json")
	b.until(word("Typed before"), "Draft")
	if v, _ := s.rule("Typed before"); v.Rule.Instrument.Symbol != "SPY" {
		t.Errorf("what was typed became %+v", v.Rule)
	}
}
