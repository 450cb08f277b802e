package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/engine/ledger"
)

func (b *tab) expect(p *past, want string) {
	b.t.Helper()
	got := ""
	until(b.t, "the page asks: "+want, func() bool { got += p.took(); return got != "" })
	if got != want {
		b.t.Fatalf("the page asks\n%s\nwant\n%s", got, want)
	}
}

// press presses the button with the given label in the keyboard's way.
func (b *tab) press(label string) {
	b.t.Helper()
	button := fmt.Sprintf(`[...document.querySelectorAll("button")].find(e => e.offsetParent && (e.ariaLabel || e.textContent) === %q)`, label)
	b.until(`(e => Boolean(e) && !e.disabled && e.ariaDisabled !== "true")(`+button+`)`, "true")
	b.run(chromedp.Evaluate(button+`.focus()`, nil), chromedp.KeyEvent(kb.Enter))
}

const (
	wordShown  = `document.getElementById("trading-state").textContent`
	asksShown  = `document.getElementById("ask").open + " " + document.getElementById("ask-title").textContent`
	ruleShown  = `document.querySelectorAll("#rules-rows > li")`
	orderShown = `document.querySelectorAll("#orders-rows > li")`
)

func TestPageArmsTrading(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(wordShown, "Trading is off")
	b.until(`document.getElementById("trading-counts").textContent`,
		"1 order unknown, look in TWS · 1 rule failed · 2 rules active · 3 orders open")
	b.until(`document.getElementById("trading-counts").className`, "error")
	b.press("Turn on trading") // on paper at once
	b.expect(p, "arm")
	b.until(wordShown, "Trading is on")
	b.until(`document.getElementById("trading-sign").getAttribute("href")`, "#up")
	p.change(func() { p.status.Trading.MayTrade, p.status.Trading.Reason = false, "orders are being reconciled" })
	b.until(wordShown, "Trading is on, but orders are blocked")
	b.until(`document.getElementById("trading-reason").textContent`, "Orders are being reconciled.")
	b.press("Turn off trading")
	b.expect(p, "disarm")
	b.until(wordShown, "Trading is off")

	// Live and unknown accounts are asked about, and nothing happens unless it is confirmed.
	p.change(func() { p.status.Gateway.Mode = "live" })
	b.until(`document.getElementById("badge").textContent`, "LIVE")
	b.press("Turn on LIVE trading…")
	b.until(asksShown, "true Turn on LIVE trading?")
	b.until(`document.activeElement.id`, "ask-no")
	b.keep("page-trading-live")
	b.run(chromedp.KeyEvent(kb.Escape))
	b.until(`document.getElementById("ask").open`, "false")
	b.press("Turn on LIVE trading…")
	b.press("No")
	b.until(`document.getElementById("ask").open`, "false")
	if asked := p.took(); asked != "" {
		t.Errorf("asked %s without a confirmation", asked)
	}
	p.locked(func() { p.desk.refuses = &api.Conflict{Reason: "connect first"} })
	b.press("Turn on LIVE trading…")
	b.press("Turn on LIVE trading")
	b.expect(p, "arm live")
	b.until(`document.getElementById("trading-result").textContent`, "That did not work: connect first")
	p.change(func() { p.status.Gateway.Mode = "unknown" })
	b.until(`document.getElementById("badge").textContent`, "")
	b.press("Turn on trading…")
	b.until(asksShown, "true Turn on trading?")
	b.press("No")
	p.change(func() { p.status.Connected = false })
	b.until(`document.getElementById("arm").disabled`, "true")
	b.until(`document.getElementById("trading-reason").textContent`,
		"Trading can be turned on once Gateway is connected.")
}

func TestPageRules(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(ruleShown+`.length`, "5")
	b.until(`[...`+ruleShown+`].map(e => e.querySelector(".word").textContent + e.querySelector("use").getAttribute("href")).join()`, "Active#up,Triggered#working,Failed#down,Done#over,Draft#unknown")
	b.until(ruleShown+`[0].innerText.split("\n").filter(Boolean).slice(0, 8).join("|")`, "Buy the dip <img src=x "+
		"onerror=alert(1)>[U+202E]<b>bold</b>|Active|since 9 Mar 11:00|When AAPL bid is at or below 230.125 for 2.5 "+
		"s, or ES mid crosses up −0.0000001: SELL 0.5 AAPL STP LMT, with take profit and stop loss|The bid is "+
		"231.42, which is 1.295 above 230.125.|AAPL CFD USD (Apple Inc)|231.42|9 Mar 11:59")
	b.until(ruleShown+`[1].querySelector(".price").innerText.replace(/\n+/g, "|")`, "385.1|9 Mar 11:59 delayed")
	b.until(ruleShown+`[2].querySelector("p:last-child").textContent`, "The instrument can mean 2 contracts. Write "+
		"one of these into rules.json:\n"+
		`"instrument": {"con_id":12087792,"exchange":"IDEALPRO"}  EUR.USD CASH IDEALPRO · European Monetary Union Euro`+
		"\n"+
		`"instrument": {"con_id":14433401,"exchange":"SMART"}  EUR STK IBIS EUR · Example AG`)
	b.until(`document.querySelectorAll("img, b").length`, "0")
	b.looks("page-trading")

	// A rule is read back before it watches prices, with what is known of it then.
	const reading = `document.getElementById("ask-text").textContent + "|" + ` +
		`document.getElementById("ask-reading").textContent`
	b.press("Activate Draft")
	b.until(asksShown, "true Activate the rule “Draft”?")
	b.until(`document.activeElement.id`, "ask-no")
	p.locked(func() {
		p.desk.preview.Shown = "Its order would be worth about 20.00 USD.\nIt would trigger\u202e now."
	})
	b.until(reading, "When TSLA last is at or below 230: tell me|Its order would be worth about 20.00 USD.\n"+
		"It would trigger[U+202E] now.")
	p.locked(func() {
		if !strings.Contains(p.desk.previewed, `"name":"Draft"`) {
			t.Errorf("asked for a preview of %s", p.desk.previewed)
		}
		p.desk.refuses = &api.Conflict{Reason: "TSLA can mean 2 contracts"}
	})
	b.until(reading, "When TSLA last is at or below 230: tell me|Gateway cannot be asked about it: TSLA can mean 2 "+
		"contracts.")
	b.keep("page-activate")
	p.locked(func() { p.desk.refuses = nil })
	b.press("No")
	b.until(`document.activeElement.ariaLabel`, "Activate Draft")
	if asked := p.took(); asked != "" {
		t.Errorf("asked %s without a confirmation", asked)
	}
	b.press("Activate Draft")
	b.press("Activate")
	b.expect(p, `activate "Draft"`)
	b.until(ruleShown+`[4].querySelector(".word").textContent`, "Active")
	b.until(`document.getElementById("rules-result").textContent`, "“Draft” watches prices.")
	// the focus stays
	b.until(`document.activeElement.ariaLabel + document.activeElement.ariaDisabled`, "Activate Drafttrue")
	b.press("Deactivate Draft")
	b.expect(p, `deactivate "Draft"`)
	b.until(ruleShown+`[4].querySelector(".word").textContent`, "Draft")
	b.press("Delete Draft")
	b.until(asksShown, "true Delete the rule “Draft”?")
	b.press("Delete")
	b.expect(p, `delete "Draft"`)
	b.until(ruleShown+`.length`, "4")

	// The price comes by itself while the rules can be seen, without anything else having changed.
	b.run(chromedp.Evaluate(`$("rules").scrollIntoView()`, nil))
	p.locked(func() { p.desk.rules.Rules[0].Price = new(229.5) })
	b.until(ruleShown+`[0].querySelector(".price strong").textContent`, "229.5")
	// Out of sight they are read when trading has changed.
	b.look(1280, "light")
	b.run(chromedp.Evaluate(`document.querySelector("footer").scrollIntoView()`, nil))
	b.until(`inView.size`, "0")
	p.change(func() { p.desk.rules.Rules[0].Price = new(229.25); p.status.Trading.OrdersBlocked++ })
	b.until(ruleShown+`[0].querySelector(".price strong").textContent`, "229.25")
	b.run(chromedp.Evaluate(`$("rules").scrollIntoView()`, nil))
	p.locked(func() {
		p.desk.rules.Problems = []settings.Problem{{Key: "rules[7].name", Line: 31, Column: 5, Text: "is missing"}}
	})
	b.until(`document.getElementById("rules-problems").textContent`,
		"rules.json, line 31, column 5: rules[7].name: is missing")

	// While not connected nothing can be saved or activated, and it is said why.
	p.change(func() {
		p.status.Connected, p.desk.rules.MayEdit, p.desk.rules.Reason = false, false, "not connected to Gateway"
	})
	b.until(`document.getElementById("rules-reason").textContent`,
		"Rules cannot be saved or activated. Not connected to Gateway.")
	b.until(`[...document.querySelectorAll("#rules-rows button")].filter(e => e.textContent === "Activate" && e.disabled && e.getAttribute("aria-describedby") === "rules-reason").length`, "4")
	b.press("Deactivate Gold breaks out")
	b.expect(p, `deactivate "Gold breaks out"`)
	p.change(func() { p.desk.rules.Rules, p.desk.rules.Problems, p.status.Trading.RulesActive = nil, nil, 0 })
	b.until(`document.getElementById("rules-note").textContent`, "There are no rules yet. Add one below.")
}

// looks keeps the page in all widths and colour schemes.
func (b *tab) looks(name string) {
	b.t.Helper()
	for _, width := range []int64{1280, 360} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			b.keep(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
}

// look gives the page a width and a colour scheme.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.run(emulation.SetDeviceMetricsOverride(width, 900, 1, false), colours(scheme))
	b.until(`document.documentElement.scrollWidth <= innerWidth`, "true")
}

func TestPageOrders(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(`[...`+orderShown+`].map(e => e.querySelector(".word").textContent + e.querySelector("use").getAttribute("href") + " " + e.querySelector("strong").textContent + (e.querySelector(".keys").hidden ? "" : " open")).join()`,
		"Working#working 40 of 100 open,Sent#working 0 of 100 open,Unknown#impaired 0 of 50 open,Rejected#down 0 of "+
			"5000,Filled#up 10 of 10,Cancelled or expired#over 3 of 10,Not sent#unknown 0 of 1")
	b.until(orderShown+`[2].querySelector(".error").textContent.includes("Look in TWS")`, "true")
	b.until(orderShown+`[3].innerText.split("\n").filter(Boolean).join("|")`, "SELL 5000 MSFT MKT|Rejected|IB code "+
		"201: Order rejected - reason: <img src=x onerror=alert(1)>[U+202E]<b>bold</b>|9 Mar 2020 11:55:00, changed "+
		"9 Mar 2020 11:55:02 · order 1035|0 of 5000|filled")
	b.until(`[...document.querySelectorAll("#unsent-rows tr")].map(r => [...r.cells].map(c => c.textContent).join("|")).join("\n")`,
		"9 Mar 2020 09:00:00|BUY 20000 EUR.USD MKT|Euro alarm|IBKR's servers were not reachable\n9 Mar 2020 "+
			"08:00:00|BUY 1 ESZ6 MKT|–|<img src=x onerror=alert(1)>[U+202E]<b>bold</b>")
	b.until(`document.querySelectorAll("img, b").length`, "0")
	b.press("Cancel order 1036")
	b.expect(p, "cancel 1036")
	b.until(`document.getElementById("orders-result").textContent`, "IBKR was asked to cancel: BUY 50 GLD LMT 385.05.")
	b.press("Cancel all open orders")
	b.until(asksShown, "true Cancel all 3 open orders?")
	b.press("No")
	b.press("Cancel all open orders")
	b.press("Cancel them all")
	b.expect(p, "cancel all")

	// A change says only what differs; a refusal stays in the question, with what was typed.
	const asked, typed = `document.getElementById("ask-wrong").textContent`,
		`document.activeElement.name + document.activeElement.value`
	b.press("Change order 1038")
	b.until(typed, "quantity100")
	b.press("Change the order")
	b.until(asked, "Nothing differs from the order as it is.")
	enterAs := func(name, text string) {
		t.Helper()
		b.run(chromedp.Evaluate(`$("ask").querySelector("[name=`+name+`]").select()`, nil), chromedp.KeyEvent(text),
			chromedp.KeyEvent(kb.Enter))
	}
	enterAs("quantity", "40")
	b.until(asked, "Quantity has to be more than the 40 that are filled; cancel the order instead")
	enterAs("quantity", "100")
	b.until(asked, "Nothing differs from the order as it is.")
	enter := func(text string) { enterAs("limit_price", text) }
	enter("230,05")
	b.until(asked, "Limit price is not a number; write it with a point, such as 230.50")
	b.look(360, "dark")
	b.keep("page-change-360")
	enter("230.12345678901234")
	b.until(asked, "Limit price has too many digits; write at most 15")
	enter("230.500")
	b.until(asked, "Limit price can mean 230.5000 or 230500; write one of these")
	p.locked(func() { p.desk.refuses = &api.Conflict{Reason: "trading is off"} })
	enter("230.05")
	b.until(`document.getElementById("ask-reading").textContent`,
		"Becomes: buy 100 AAPL, limit price 230.05, worth 23,005.00 USD.")
	b.expect(p, `change {"id":1038,"limit_price":230.05}`)
	b.until(asked, "That did not work: trading is off")
	b.until(typed, "limit_price230.05")
	p.locked(func() { p.desk.refuses = nil })
	b.press("Change the order")
	b.expect(p, `change {"id":1038,"limit_price":230.05}`)
	b.until(`document.getElementById("ask").open`, "false")
	b.until(`document.activeElement.ariaLabel`, "Change order 1038")

	// A new order above them takes the focus from nothing.
	p.change(func() {
		p.status.Trading.OrdersOpen++
		p.desk.orders.Orders = append([]api.OrderView{
			{ID: 1039, Text: "BUY 1 SPY MKT", State: ledger.Planned, Quantity: 1, Open: true, Type: "MKT"},
		}, p.desk.orders.Orders...)
	})
	b.until(orderShown+`[0].querySelector("h3").textContent`, "BUY 1 SPY MKT")
	b.until(`document.activeElement.ariaLabel`, "Change order 1038")

	p.change(func() {
		p.status.Trading.OrdersOpen--
		p.desk.orders.Cancelling = api.Cancelling{
			Asked: 3, Confirmed: 1, Failed: 1,
			Text: "Gateway has confirmed 1 of 3 cancellations and refused 1.",
		}
		refused := slices.Clone(p.desk.orders.Orders)
		refused[1].CancelText, refused[1].CancelFailed = "Gateway refuses to cancel it.", true
		p.desk.orders.Orders = refused
	})
	b.until(`document.getElementById("orders-cancelling").textContent`,
		"Gateway has confirmed 1 of 3 cancellations and refused 1.")
	b.until(orderShown+`[1].querySelector(".error").textContent`, "Gateway refuses to cancel it.")
	p.change(func() { p.status.Connected = false })
	b.until(`document.getElementById("orders-reason").textContent.startsWith("Not connected: what is shown here may be out of date")`, "true")
	b.until(`[...document.querySelectorAll("#orders button")].filter(e => e.offsetParent && !e.disabled).length`, "0")
	b.until(orderShown+`[1].querySelector(".word").textContent + `+orderShown+`[1].querySelector("use").getAttribute("href")`,
		"Was working#unknown")
}

func TestPageTradingWithoutAToken(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, false, true)
	b.until(`document.getElementById("rules-note").textContent.startsWith("Shown only to you")`, "true")
	b.until(ruleShown+`.length + `+orderShown+`.length`, "0")
	b.until(`[...document.querySelectorAll("main button")].filter(e => e.offsetParent && !(e.disabled && e.getAttribute("aria-describedby") === "notoken")).length`, "0")
	b.keep("page-trading-no-token-dark")
}
