package e2e

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

// long ago, so that every time is shown with its whole date, and on the day after the clocks went forward.
func noon(t *testing.T) time.Time {
	t.Helper()
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2020, 3, 9, 12, 0, 0, 0, york)
}

// visit opens the page that shows p, in the zone of its time and with the token if so asked.
func visit(t *testing.T, p *past, token, dark bool) *tab {
	t.Helper()
	return visitOf(t, p, p, token, dark)
}

// visitOf is visit where p is only a part of the backend.
func visitOf(t *testing.T, backend server.Backend, p *past, token, dark bool) *tab {
	t.Helper()
	need(t, shell)
	s, err := server.Listen(0, backend, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		s.Close(ctx)
	})
	t.Cleanup(p.stop)
	b := &tab{t: t, ctx: browser(t, dark)}
	b.run(emulation.SetTimezoneOverride(p.uptime.At.Location().String()))
	address := s.URL() + "/"
	if token {
		address = s.PageURL() // its code is valid for seconds, which a browser may need to start
	}
	b.run(chromedp.Navigate(address))
	return b
}

const (
	kindsShown = `[...document.querySelectorAll("#graph .strip > *")].map(e => e.dataset.kind).join()`
	cellsShown = `[...document.querySelectorAll("#history tr")].map(r => [...r.cells].map(c => c.textContent).join("|")).join("\n")`
)

func TestPageHistory(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	b := visit(t, p, true, false)
	b.until(kindsShown,
		"connected,planned,connected,asleep,connected,down,connected,paused,not_observed,down,connected")
	lines := strings.Split(b.text(cellsShown), "\n")
	if len(lines) != 1+4+81 || !strings.HasPrefix(lines[85], "Fri 20 Dec 2019|") { // none before the first record
		t.Fatalf("table\n%s", strings.Join(lines, "\n"))
	}
	for i, want := range map[int]string{
		0: "Time|Uptime|Outages|Longest|In market hours|Mean to recover|Mean between|Connected|Down|Planned|" +
			"Paused|Asleep|Not observed",
		// Connected 18 h 14 min 40 s, down 1 h 0 min 20 s; in market hours 30 minutes and an hour.
		1: "Last 24 h|94.7 %|2|1 h|33.3 %|30 min 10 s|9 h 7 min|18 h 14 min|1 h|15 min|1 h|3 h|30 min",
		// today so far, and the day of 23 hours before it
		5: "Mon 9 Mar 2020|86.5 %|2|1 h|33.3 %|30 min 10 s|3 h 14 min|6 h 29 min|1 h|–|1 h|3 h|30 min",
		6: "Sun 8 Mar 2020|100 %|0|–|–|–|–|22 h 45 min|–|15 min|–|–|–",
	} {
		if lines[i] != want {
			t.Errorf("line %d %s\nwant %s", i, lines[i], want)
		}
	}
	if !strings.HasPrefix(lines[2], "Last 7 days|") || !strings.HasPrefix(lines[4], "Last 90 days|") {
		t.Errorf("periods %s", lines[2:5])
	}
	note := b.text(`document.getElementById("history-note").textContent`)
	if !strings.HasPrefix(note, "Uptime = connected ÷ (observed − planned − paused). Market hours: Mon–Fri "+
		"09:30–16:00") || !strings.HasSuffix(note, " As of 9 Mar 12:00, America/New_York. Observed since 20 Dec "+
		"2019 12:00:00.") {
		t.Errorf("note %q", note)
	}
	// To scale: 4 of 24 hours, and 20 seconds, which would be too small to be seen.
	b.until(`(e => Math.abs(e.offsetWidth / e.parentNode.offsetWidth - 4 / 24) < .01)(document.querySelector(".strip").firstChild)`, "true")
	b.until(`document.querySelectorAll(".strip [data-kind=down]")[0].offsetWidth`, "3")
	b.until(`[...document.querySelectorAll(".axis span")].map(e => e.textContent).join()`,
		"15:00,18:00,21:00,Mon,03:00,06:00,09:00")
	b.until(`document.querySelectorAll(".axis i").length`, "16")
	b.until(`[...document.querySelectorAll("#legend li")].map(e => e.textContent).join()`,
		"Connected,Down, marked above,Planned,Paused,Asleep,Not observed")
	b.until(`document.getElementById("graph").getAttribute("aria-label")`, "Timeline of the last 24 hours: uptime "+
		"94.7 %, outages 2. The log below says when.")
}

func TestPageHistoryOfAFlappingDay(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	p.uptime.Spans = nil
	from := p.uptime.At.Add(-24 * time.Hour)
	for i := range 24 * 60 * 6 { // ten seconds down, ten up, the whole day
		p.uptime.Spans = append(p.uptime.Spans, api.Span{
			From:  from.Add(time.Duration(i) * 10 * time.Second),
			Until: from.Add(time.Duration(i+1) * 10 * time.Second), Kind: []history.Kind{
				history.Down, history.Connected,
			}[i%2],
		})
	}
	b := visit(t, p, true, false)
	b.until(kindsShown, "down,connected") // the last one is how things are now
}

func TestPageLog(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	b := visit(t, p, true, false)
	const records = `[...document.querySelectorAll("#log-rows tr")].map(r => [...r.cells].map(c => c.textContent).join("|"))`
	b.until(records+".length", "50")
	want := []string{
		"9 Mar 2020 11:30:00|Connected again after 1 h|",
		"9 Mar 2020 10:30:00|Attempt failed: nothing listens|dial 127.0.0.1:4002",
		"9 Mar 2020 10:00:00|Resumed by you after 1 h|",
		"9 Mar 2020 09:00:00|Paused by you|",
		"9 Mar 2020 07:00:20|Connected again after 20 s|",
		// Text from outside is text, and cannot turn the direction of writing.
		"9 Mar 2020 07:00:00|Connection lost after 4 h: no connection to IBKR (IB code 1100)|<img src=x " +
			"onerror=alert(1)>[U+202E]<b>bold</b>",
	}
	if got := b.text(records + `.slice(0, 6).join("\n")`); got != strings.Join(want, "\n") {
		t.Errorf("log\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	b.until(`document.getElementById("log-note").textContent`, "The newest 50; “gatewatch log” shows more.")
	b.until(`document.querySelectorAll("img, b").length`, "0")
	b.until(`document.querySelectorAll("#alerts-rows tr")[1].cells[4].textContent`,
		"<img src=x onerror=alert(1)>[U+202E]<b>bold</b> (9 Mar 2020 11:50:00)")

	// A change of the connection brings the log up to date by itself, and nothing jumps.
	b.until(`Object.values(parts).every(p => p.at && !p.reading)`, "true")
	b.run(chromedp.Evaluate(`(async () => {
		for (const frame of [1, 2]) await new Promise(requestAnimationFrame); // what is there has been painted
		window.jumps = 0;
		new PerformanceObserver(l => l.getEntries().forEach(e => window.jumps += e.value)).observe({ type: "layout-shift" });
	})()`, nil, awaited))
	p.change(func() {
		at := p.uptime.At
		p.log.Records = append(p.log.Records, history.Record{
			Time: at, Local: at, What: history.Lost,
			Counts: history.Down, Cause: ib.CauseSilent, Seconds: 1800,
		})
		p.status.Since, p.status.Session = at, 83
	})
	b.until(records+`[0]`, "9 Mar 2020 12:00:00|Connection lost after 30 min: Gateway stopped answering|")
	if jumps := b.text(`window.jumps`); jumps != "0" {
		t.Errorf("the page jumps by %s when it is brought up to date", jumps)
	}
}

func TestPageAlerts(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	b := visit(t, p, true, false)
	const rows = `[...document.querySelectorAll("#alerts-rows tr")].map(r => [...r.cells].map(c => c.textContent).join("|")).join("\n")`
	b.until(rows+`.split("\n")[0]`, "emailEmail by smtp.example.com|Test|0|9 Mar 2020 11:50:00|–")
	const result = `document.getElementById("alerts-result").textContent`
	b.run(chromedp.Focus(`#alerts-rows button`, chromedp.ByQuery))
	p.locked(func() {
		p.alerts.Channels = append([]api.Channel(nil), p.alerts.Channels...)
		p.alerts.Channels[0].Queued = 7
	})
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until(result, "email: the test was sent.")
	b.until(`document.querySelector("#alerts-rows tr").cells[2].textContent`, "7")
	// Brought up to date the row is still the same: the button keeps the focus.
	b.until(`document.activeElement.getAttribute("aria-label")`, "Test email")
	b.run(chromedp.Click(`[aria-label="Test webhook"]`, chromedp.ByQuery))
	b.until(result, "webhook: the server says no")
	b.until(`document.getElementById("alerts-result").className`, "error")
	p.locked(func() {
		if got := strings.Join(p.tested, ","); got != "email,webhook" {
			t.Errorf("tested %s", got)
		}
	})
	p.change(func() { p.alerts.Channels = nil; p.status.Alerts.Channels = 0 })
	b.until(`document.getElementById("alerts-note").textContent`, "No channel is set up. See the keys email, slack, "+
		"webhook, alerts and heartbeat in settings.json.")
	b.until(`document.getElementById("alerts-shown").hidden`, "true")
}

// TestPageAlertsWithoutAToken shows nothing of alerts and says how to open the page so that it does.
func TestPageAlertsWithoutAToken(t *testing.T) {
	t.Parallel()
	need(t, shell)
	b := visit(t, newPast(noon(t)), false, true)
	b.until(`document.getElementById("alerts-note").textContent`, "Shown only to you: open this page from the tray, "+
		"or with “gatewatch open”.")
	b.until(`document.getElementById("alerts-shown").hidden + " " + document.querySelectorAll("#alerts-rows button").length`, "true 0")
	b.until(`document.getElementById("notoken").hidden`, "false")
}

// TestPageWithoutItsHistory lets the history fail in every way: the rest of the page stays, and so does what was shown.
func TestPageWithoutItsHistory(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	p.fails = errors.New("the log cannot be read.")
	p.status.Today.UptimePercent = nil
	b := visit(t, p, true, false)
	const note = `document.getElementById("history-note").textContent`
	b.until(note, "This cannot be brought up to date: the log cannot be read.")
	b.until(`document.getElementById("log-note").textContent`,
		"This cannot be brought up to date: the log cannot be read.")
	b.until(`document.getElementById("history-shown").hidden`, "true")
	b.until(`document.getElementById("headline").textContent`, "Connected")
	b.until(`document.querySelectorAll("#alerts-rows tr").length`, "2")

	p.locked(func() { p.fails = nil })
	b.run(chromedp.Evaluate(`readAll()`, nil))
	b.until(`document.querySelectorAll("#history-rows tr").length`, "85")
	for name, breaks := range map[string]string{
		"no answer": `() => Promise.reject(new TypeError("x"))`,
		"not JSON":  `() => Promise.resolve(new Response("<html>"))`,
		"null":      `() => Promise.resolve(new Response("null"))`,
		"empty":     `() => Promise.resolve(new Response("{}"))`,
		"strange":   `() => Promise.resolve(new Response('{"periods": [{"name": "7d"}], "days": [null, 7], "spans": "no", "records": [null], "channels": [3, null]}'))`,
	} {
		b.run(chromedp.Evaluate(`window.fetched ??= fetch; fetch = `+breaks+`; readAll()`, nil))
		b.until(`/^This cannot be brought up to date: .* What is shown is of [\d:]+\.$/.test(`+note+`)`, "true")
		for _, part := range []string{"history", "log", "alerts"} {
			b.until(`document.getElementById("`+part+`-note").className`, "fine error")
		}
		if got := b.text(`document.querySelectorAll("#history-rows tr").length + " " + document.querySelectorAll("#log-rows tr").length + " " + document.querySelectorAll("#alerts-rows tr").length`); got != "85 50 2" {
			t.Errorf("%s: what was shown is gone: %s", name, got)
		}
		b.run(chromedp.Evaluate(`fetch = fetched; readAll()`, nil))
		b.until(`document.querySelectorAll(".error:not([hidden], td, :empty)").length`, "0")
	}
	// A page that no one sees asks nothing. What it began to ask before is not counted.
	const reading = `Object.values(parts).some(p => p.reading)`
	b.until(reading+` || timer ? "reading" : (Object.defineProperty(document, "hidden", { value: true, configurable: true }), readAll(), `+
		reading+`)`, "false")
	asked := 0
	p.locked(func() { asked = p.asked })
	b.run(chromedp.Evaluate(`delete document.hidden; document.dispatchEvent(new Event("visibilitychange"))`, nil))
	until(t, "the page asks again", func() (again bool) { p.locked(func() { again = p.asked > asked }); return again })
	b.until(reading, "false")
	p.locked(func() {
		if p.asked != asked+1 {
			t.Errorf("asked %d times, want once", p.asked-asked)
		}
	})
}

// TestPageFits looks at the page on a telephone and at 200 %, and keeps pictures if SHOTS names a folder.
func TestPageFits(t *testing.T) {
	t.Parallel()
	need(t, shell)
	for _, dark := range []bool{false, true} {
		theme := map[bool]string{false: "light", true: "dark"}[dark]
		b := visit(t, newPast(time.Now().In(noon(t).Location())), true, dark)
		b.until(`document.querySelectorAll("#alerts-rows tr").length`, "2")
		for _, size := range []struct {
			name string
			wide int64
		}{{"wide", 1280}, {"zoomed", 640}, {"narrow", 360}} {
			b.run(chromedp.EmulateViewport(size.wide, 800))
			if over := b.text(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over != "0" {
				t.Errorf("%s: the page is %s px too wide", size.name, over)
			}
			// The names of data farms have more than half of the width.
			if share := b.text(`(e => e.offsetWidth / e.closest("table").offsetWidth > .5)([...document.querySelectorAll("#layers .fine")].find(e => e.textContent))`); share != "true" {
				t.Errorf("%s: the names of data farms have too little room", size.name)
			}
			// Labels of the axis do not touch each other.
			if touch := b.text(`[...document.querySelectorAll(".axis span")].map(e => e.getBoundingClientRect()).filter(r => r.width).some((r, i, all) => i && all[i - 1].right + 2 > r.left)`); touch != "false" {
				t.Errorf("%s: labels of the axis touch", size.name)
			}
			b.keep("memory-" + theme + "-" + size.name)
		}
	}
}

// TestPageShowsWhatGatewaySays shows messages, whose text comes from outside, and the end of support.
func TestPageShowsWhatGatewaySays(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newPast(noon(t))
	b := visit(t, p, true, false)
	b.until(`document.getElementById("messages-note").textContent`,
		"Gateway has sent no message since Gatewatch started.")
	b.until(`document.getElementById("support").hidden`, "true")
	p.change(func() {
		p.status.Gateway.Unsupported = "IBKR ends its support for this version of Gateway tomorrow."
		p.said.Messages = []api.Message{{
			Code: 2172, Text: "<b>on</b> 20261215\x1b[31m", First: noon(t), Last: noon(t),
			Count: 3,
		}}
	})
	b.until(`document.getElementById("support").hidden + " " + document.getElementById("support-text").textContent`,
		"false IBKR ends its support for this version of Gateway tomorrow.")
	b.until(`[...document.querySelector("#messages-rows tr")?.cells ?? []].map(c => c.textContent).slice(1).join("|")`,
		"3|2172|<b>on</b> 20261215 [31m")
	b.keep("page-messages")
	p.change(func() { p.status.Gateway.Unsupported = "" })
	b.until(`document.getElementById("support").hidden`, "true")
}
