package ui

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/engine/rules"
)

// acts counts what the view asked for.
type acts struct {
	connect, disconnect, closed int
	previews                    []api.RulePreviewRequest
	uptimes, alerts             int
	tests                       []string
	saved                       [][]byte
	title                       string
	logins                      []string // asked or changed
	asked                       []string // of rules, orders and trading
	rules                       []rules.Rule
	changes                     []api.OrderChange
}

func (a *acts) actions() Actions {
	return Actions{
		Start: func() { a.asked = append(a.asked, "start") }, Restart: func() { a.asked = append(a.asked, "restart") },
		Connect: func() { a.connect++ }, Disconnect: func() { a.disconnect++ }, Close: func() { a.closed++ },
		Uptime: func() {
			a.uptimes++
		}, Messages: func() {}, Latency: func() {},
		Alerts: func() { a.alerts++ }, Test: func(c string) { a.tests = append(a.tests, c) },
		Save: func(b []byte) { a.saved = append(a.saved, b) }, Title: func(s string) { a.title = s },
		Login:    func() { a.logins = append(a.logins, "?") },
		SetLogin: func(on bool) { a.logins = append(a.logins, fmt.Sprint(on)) },
		Trade:    a.trade(),
	}
}

func (a *acts) trade() Trade {
	note := func(words string) func() { return func() { a.asked = append(a.asked, words) } }
	of := func(words string) func(string) { return func(name string) { note(words + " " + name)() } }
	return Trade{
		Arm: func(live bool) {
			note(map[bool]string{false: "arm", true: "arm live"}[live])()
		}, Disarm: note("disarm"), Rules: note("rules"), Orders: note("orders"),
		Positions: func() {}, CancelOrders: note("cancel 0"),
		Activate: of("activate"), Deactivate: of("deactivate"), Delete: of("delete"),
		SaveRule: func(name string, r rules.Rule) {
			a.rules = append(a.rules, r)
			note("save " + name)()
		},
		Preview:  func(req api.RulePreviewRequest) { a.previews = append(a.previews, req) },
		Resolve:  func(in rules.Instrument) { note("resolve " + in.Symbol)() },
		Programs: note("programs"), StopTrading: note("stop trading"),
		AllowPrograms: func(live bool) { note(fmt.Sprint("allow programs, live ", live))() },
		SetReadOnly:   func(client int, on bool) { note(fmt.Sprint("read-only ", client, " ", on))() },
		CancelOrder:   func(id int64) { note(fmt.Sprint("cancel ", id))() },
		ChangeOrder:   func(c api.OrderChange) { a.changes = append(a.changes, c) },
	}
}

func acting(t *testing.T) (*View, fyne.Window, *acts) {
	t.Helper()
	a := &acts{}
	v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 680), a.actions())
	return v, w, a
}

func TestConnectNow(t *testing.T) {
	v, _, a := acting(t)
	v.Status(reconnecting(), noon)
	if a.title != "Gatewatch: No connection" {
		t.Errorf("title %q", a.title)
	}
	test.Tap(v.status.alarm.button)
	if a.connect != 1 || !v.status.alarm.button.Disabled() {
		t.Errorf("asked %d times, disabled %v", a.connect, v.status.alarm.button.Disabled())
	}
	v.command(connectNow) // by the keyboard, while one is under way
	if a.connect != 1 {
		t.Errorf("asked %d times", a.connect)
	}
	v.Commanded(errors.New("boom\nboom"))
	if got := v.status.alarm.failed.Text; got != "That did not work: boom boom" || v.status.alarm.button.Disabled() {
		t.Errorf("said %q, disabled %v", got, v.status.alarm.button.Disabled())
	}
	v.Status(connected(), noon)
	if v.status.alarm.content.Visible() || !v.status.leave.Visible() {
		t.Error("connected, but the banner is there or Disconnect is not")
	}
	v.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault})
	if a.connect != 1 {
		t.Error("Connect was asked for while it does not apply")
	}
	test.Tap(v.status.leave)
	if a.disconnect != 1 {
		t.Errorf("disconnect asked %d times", a.disconnect)
	}
}

func TestCountdownGoesOnByItself(t *testing.T) {
	v, _, _ := acting(t)
	v.Status(reconnecting(), noon)
	for after, want := range map[time.Duration]string{
		0: "Attempt 4 in 12 s", time.Second: "Attempt 4 in 11 s",
		12 * time.Second: "Attempt 4 in 0 s",
	} {
		v.Tick(noon.Add(after))
		if got := v.status.alarm.attempt.Text; got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
}

// TestKeysWorkWhereverTheFocusIs goes through everything that takes the focus.
func TestKeysWorkWhereverTheFocusIs(t *testing.T) {
	s := inForce()
	s.Settings.ResetWindows = []settings.ResetWindow{{Start: "18:00", Minutes: 5}, {Preset: "ibkr-asia"}}
	for page, least := range [pageCount]int{
		pageStatus: 7, pageHistory: 10, pageRules: 15, pageOrders: 6,
		pagePrograms: 8, pageAlerts: 8, pageSettings: 60,
	} {
		v, w, a := acting(t)
		v.Settings(s)
		v.Status(reconnecting(), noon)
		v.open(page)
		v.Uptime(report(), nil)
		v.Rules(someRules(), nil)
		ruleAt(v, 0)
		v.Orders(someOrders(), nil)
		v.Alerts(api.Alerts{Channels: []api.Channel{
			{Name: "email", Service: "Email"},
			{Name: "slack", Service: "Slack"},
		}}, nil)
		opened(v.form)
		settle(w)
		seen := map[fyne.Focusable]bool{}
		for range 200 {
			w.Canvas().(interface{ FocusNext() }).FocusNext()
			f := w.Canvas().Focused()
			if f == nil || seen[f] {
				break
			}
			seen[f] = true
			before := a.closed
			f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
			if a.closed != before+1 {
				t.Errorf("page %d: Esc does not close while %T has the focus", page, f)
			}
			if typed, ok := f.(fyne.Shortcutable); ok {
				before := a.connect
				typed.TypedShortcut(&desktop.CustomShortcut{
					KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault,
				})
				if a.connect != before+1 {
					t.Errorf("page %d: Ctrl+R does not connect while %T has the focus", page, f)
				}
				v.Commanded(nil)
			}
		}
		if len(seen) < least {
			t.Errorf("page %d: Tab reaches %d things, want %d at least", page, len(seen), least)
		}
	}
}

func TestFocusIsScrolledIntoSight(t *testing.T) {
	v, w, _ := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	v.open(pageSettings)
	opened(v.form)
	settle(w)
	last := v.form.editors["log.level"].focus().(*choice)
	w.Canvas().Focus(last)
	d := fyne.CurrentApp().Driver()
	top, foot := d.AbsolutePositionForObject(last).Y, d.AbsolutePositionForObject(v.form.button).Y
	if top < 0 || top+last.Size().Height > foot {
		t.Errorf("it stands at %v, the foot at %v", top, foot)
	}
	first := v.form.editors["gateway.host"].focus().(*entry)
	w.Canvas().Focus(first)
	if top := d.AbsolutePositionForObject(first).Y; top < d.AbsolutePositionForObject(v.form.scroll).Y {
		t.Errorf("going back it stands at %v", top)
	}
}

func TestUnsavedChangesAreNotLostByOneKey(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	v.form.editors["gateway.port"].set("1")
	v.Close()
	if a.closed != 0 || v.page != pageSettings {
		t.Errorf("closed %d times, page %d", a.closed, v.page)
	}
	if v.Close(); a.closed != 0 || !v.unsaved.open() {
		t.Errorf("closed %d times by the second key", a.closed)
	}
	test.Tap(v.unsaved.no)
	v.Close()
	if test.Tap(v.unsaved.yes); a.closed != 1 {
		t.Errorf("closed %d times", a.closed)
	}
}

// closable is a window whose button of the desktop a test can press.
type closable struct {
	fyne.Window
	press func()
}

func (c *closable) SetCloseIntercept(f func()) { c.press = f }

// TestUnsavedChangesAreNotLostByTheDesktop: the button in the title bar asks as the keys do.
func TestUnsavedChangesAreNotLostByTheDesktop(t *testing.T) {
	v, w, a := acting(t)
	c := &closable{Window: w}
	v.Attach(c)
	v.Settings(inForce())
	v.Status(connected(), noon)
	v.form.editors["gateway.port"].set("1")
	if c.press(); a.closed != 0 || !v.unsaved.open() {
		t.Errorf("closed %d times", a.closed)
	}
	test.Tap(v.unsaved.no)
	test.Tap(v.form.discard)
	if c.press(); a.closed != 1 {
		t.Errorf("with nothing to lose: closed %d times", a.closed)
	}
}

// TestPageMovesBack: the page is where it was when a question above it is gone.
func TestPageMovesBack(t *testing.T) {
	v, w, _ := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	v.open(pageSettings)
	settle(w)
	top := func() float32 {
		v.Tick(noon)
		return fyne.CurrentApp().Driver().AbsolutePositionForObject(v.form.search).Y
	}
	before := top()
	v.form.editors["gateway.port"].set("1")
	if v.Close(); top() <= before {
		t.Error("the question is over the page")
	}
	if v.escape(); top() != before {
		t.Errorf("the page is at %v, was at %v", top(), before)
	}
}

func TestDemo(t *testing.T) {
	v, _, a := acting(t)
	st := connected()
	st.Demo = true
	v.Status(st, noon)
	if a.title != "DEMO Gatewatch: Connected" || v.head.badge.label.Text != "DEMO" {
		t.Errorf("title %q, badge %q", a.title, v.head.badge.label.Text)
	}
}

func TestComesBackAfterARestart(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	v.Lost(api.ErrNotRunning, noon.Add(time.Second))
	v.Lost(api.ErrNotRunning, noon.Add(5*time.Second))
	if got := v.head.since.Text; got != "since 12:00:01 · 4 s" {
		t.Errorf("lost: %q", got)
	}
	v.Status(connected(), noon.Add(8*time.Second))
	if a.title != "Gatewatch: Connected" || v.status.alarm.content.Visible() {
		t.Errorf("back: title %q", a.title)
	}
	if got := v.status.layers["Data farms"].since.Text; got != "since 11:18:00" {
		t.Errorf("what was not seen is claimed: %q", got)
	}
}

// TestPagesAskWhileTheyAreOpen: the history and the alerts are asked for when they are looked at, once a minute and
// when the state changes, and never else.
func TestPagesAskWhileTheyAreOpen(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	v.Tick(noon.Add(time.Hour))
	if a.uptimes != 0 || a.alerts != 0 {
		t.Fatalf("asked %d and %d times with neither page open", a.uptimes, a.alerts)
	}
	v.open(pageHistory)
	v.Tick(noon.Add(time.Hour + 59*time.Second))
	if a.uptimes != 1 {
		t.Errorf("asked %d times on opening", a.uptimes)
	}
	v.Tick(noon.Add(time.Hour + time.Minute))
	v.Status(connected(), noon.Add(time.Hour+61*time.Second)) // nothing new
	if a.uptimes != 2 {
		t.Errorf("asked %d times after a minute", a.uptimes)
	}
	v.Status(reconnecting(), noon.Add(time.Hour+62*time.Second))
	if a.uptimes != 3 {
		t.Errorf("asked %d times after a change", a.uptimes)
	}
	v.open(pageAlerts)
	v.Tick(noon.Add(time.Hour + 70*time.Second))
	if a.uptimes != 3 || a.alerts != 1 {
		t.Errorf("on the next page asked %d and %d times", a.uptimes, a.alerts)
	}
}

func TestAlertsAreTestedOneAtATime(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	v.open(pageAlerts)
	v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "email", Service: "Email"}, {Name: "slack", Service: "Slack"}}},
		nil)
	test.Tap(v.alerts.rows[1].test)
	test.Tap(v.alerts.rows[0].test)
	if !slices.Equal(a.tests, []string{"slack"}) || !v.alerts.rows[0].test.Disabled() {
		t.Fatalf("tested %v, the other button disabled %v", a.tests, v.alerts.rows[0].test.Disabled())
	}
	v.Tested("slack", api.AlertTest{Results: []api.AlertResult{{Channel: "slack", Error: "no\nway"}}}, nil)
	if got := v.alerts.rows[1].outcome.Text; got != "The test failed: no way" || v.alerts.rows[0].test.Disabled() {
		t.Errorf("said %q", got)
	}
	v.alerts.start("email")
	v.Tested("email", api.AlertTest{Results: []api.AlertResult{{Channel: "email", OK: true}}}, nil)
	if got := v.alerts.rows[0].outcome.Text; got != "The test was sent." {
		t.Errorf("said %q", got)
	}
	v.Alerts(api.Alerts{}, errors.New("gone"))
	if !v.alerts.note.Visible() || len(v.alerts.rows) != 2 {
		t.Error("an error hides what was known, or is not shown")
	}
}

// TestStartAndRestart presses the button that ends an absence, of either kind, and reads what is said of open orders.
func TestStartAndRestart(t *testing.T) {
	v, _, a := acting(t)
	st := connected()
	st.Trading.OrdersOpen = 3
	v.Status(st, noon)
	if !slices.Contains(a.asked, "orders") {
		t.Error("open orders are not read while they can be")
	}
	v.Orders(someOrders(), nil)
	for _, c := range []struct {
		err                        error
		headline, label, wants, no string
	}{
		{api.ErrNotResponding, "Gatewatch is not responding", "Restart Gatewatch", "restart", "start"},
		{api.ErrNotRunning, "Gatewatch is not running", "Start Gatewatch", "start", "restart"},
	} {
		a.asked = nil
		v.Lost(c.err, noon.Add(time.Second))
		bar := v.status.alarm
		if v.head.headline.Text != c.headline || bar.button.Text != c.label || !bar.button.Visible() {
			t.Errorf("%q, button %q", v.head.headline.Text, bar.button.Text)
		}
		if a.title != c.headline {
			t.Errorf("titled %q", a.title)
		}
		for _, want := range []string{
			"3 orders were open at IBKR, and nothing watches them now",
			"BUY 100 AAPL LMT 224.95", "SELL 10 MSFT",
		} {
			if !strings.Contains(bar.hint.Text, want) {
				t.Errorf("the hint lacks %q: %s", want, bar.hint.Text)
			}
		}
		if strings.Contains(bar.hint.Text, "AAPL LMT 231") {
			t.Error("a filled order is listed as open")
		}
		test.Tap(bar.button)
		test.Tap(bar.button) // while the answer is awaited
		if !slices.Equal(a.asked, []string{c.wants}) || bar.attempt.Text != "Starting…" {
			t.Errorf("asked %v, %q", a.asked, bar.attempt.Text)
		}
		v.Commanded(errors.New("no such program"))
		if bar.failed.Text != "That did not work: no such program" || bar.button.Disabled() {
			t.Errorf("said %q", bar.failed.Text)
		}
		v.Commanded(nil)
		v.open(pageOrders)
		if !v.veil.Visible() || v.stale.Text != wording.OrdersUnwatched {
			t.Errorf("stale orders are shown as if they were not: veil %v, %q", v.veil.Visible(), v.stale.Text)
		}
		v.open(pageStatus)
	}
	v.Status(st, noon.Add(time.Minute))
	v.open(pageOrders)
	if v.veil.Visible() || v.head.headline.Text != "Connected" {
		t.Errorf("it is back: veil %v, %q", v.veil.Visible(), v.head.headline.Text)
	}
}

// TestSaysOnceThatNothingAnswers opens every page while the resident program does not answer. It says so once, and that
// something may be out of date where something is shown.
func TestSaysOnceThatNothingAnswers(t *testing.T) {
	for _, err := range []error{api.ErrNotResponding, api.ErrNotRunning} {
		for _, known := range []bool{false, true} {
			v, w, _ := acting(t)
			v.Status(withPrograms(), noon)
			if known {
				v.Settings(inForce())
				v.Uptime(report(), nil)
				v.Rules(someRules(), nil)
				v.Orders(someOrders(), nil)
				v.Programs(programsAtPort(), programOrders(), nil)
				v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "email"}}}, nil)
			}
			v.Lost(err, noon)
			v.Uptime(api.Uptime{}, err)
			v.Messages(api.Messages{}, err)
			v.Rules(api.Rules{}, err)
			v.Orders(api.Orders{}, err)
			v.Programs(api.Programs{}, api.ProgramOrders{}, err)
			v.Alerts(api.Alerts{}, err)
			for page := range pageCount {
				v.open(page)
				settle(w)
				var said strings.Builder
				everything := image.Rect(-1e4, -1e4, 1e4, 1e4)
				eachText(v.content, fyne.Position{}, everything, func(text *canvas.Text, _ fyne.Position) {
					said.WriteString(text.Text + " ")
				})
				name := v.tabs[page].Text
				if n := strings.Count(said.String(), v.lost.text()); n != 1 {
					t.Errorf("%s, known %v: %q is said %d times in %s", name, known, v.lost.text(), n, &said)
				}
				old := strings.Contains(said.String(), "may be out of date")
				if old != (known && page != pageStatus) || old != v.veil.Visible() {
					t.Errorf("%s, known %v: out of date %v, veil %v", name, known, old, v.veil.Visible())
				}
			}
		}
	}
}

// TestEscapeLeavesWhatIsOpen steps back from a question and from forms in which nothing was typed.
func TestEscapeLeavesWhatIsOpen(t *testing.T) {
	v, w, a := acting(t)
	c := w.Canvas()
	escape := func() { c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape}) }
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	list := someRules()
	list.Rules[0].State, list.Rules[1].State = rules.Draft, rules.Draft
	v.Rules(list, nil)
	press(ruleAt(v, 0).remove)
	if escape(); ruleAt(v, 0).question.open() || a.closed > 0 {
		t.Error("a question stays open, or the window closes")
	}
	press(ruleAt(v, 0).remove)
	c.Focus(v.rules.search) // as Tab and the mouse do
	v.rules.search.SetText("a")
	if escape(); v.rules.search.Text != "" || !ruleAt(v, 0).question.open() {
		t.Errorf("the search for %q stays", v.rules.search.Text)
	}
	if escape(); ruleAt(v, 0).question.open() || c.Focused() != v.rules.search || a.closed > 0 {
		t.Error("a question without the focus stays open, or the focus is lost, or the window closes")
	}
	press(ruleAt(v, 0).remove)
	if press(v.rules.several); ruleAt(v, 0).question.open() || !v.rules.severalQ.open() {
		t.Error("two questions are asked at once, or none")
	}
	escape()
	press(v.rules.create)
	if v.rules.editor.dirty() {
		t.Error("the blank that has pressed a button stands in a field")
	}
	v.rules.editor.first.TypedRune('a')
	if escape(); !v.unsaved.open() || a.closed > 0 {
		t.Error("what was typed is lost")
	}
	if press(v.unsaved.no); v.unsaved.open() || c.Focused() != v.rules.editor.first {
		t.Error("what was being typed in has not got the focus back")
	}
	v.rules.editor.first.SetText("")
	if escape(); v.rules.editor.isOpen || a.closed > 0 {
		t.Error("the form of a rule stays open, or the window closes")
	}
	v.open(pageOrders)
	v.Orders(someOrders(), nil)
	row := orderAt(v, 1)
	press(row.change)
	if escape(); row.editing || c.Focused() != row.change || a.closed > 0 {
		t.Error("the fields of an order stay open, or the window closes")
	}
	v.open(pageAlerts)
	v.Alerts(api.Alerts{}, nil)
	press(v.alerts.add)
	if escape(); v.alerts.form != nil || a.closed > 0 {
		t.Error("the form of a channel stays open, or the window closes")
	}
	if escape(); a.closed != 1 {
		t.Error("the window does not close")
	}
}
