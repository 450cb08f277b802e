// Package ui is the content of the window: widgets that show what the resident program says, without any of their own
// knowledge of it. It can be built without cgo and painted without a display; the program that opens it does that.
//
// A View belongs to the goroutine of the toolkit.
package ui

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

// MinSize is the least size of the content, in which nothing is cut off.
var MinSize = fyne.NewSize(420, 480)

// View is all that the window shows.
type View struct {
	actions Actions
	content fyne.CanvasObject
	above   fyne.CanvasObject // what is above the page
	height  float32           // of that
	keys    *keys
	head    *head
	status  *statusPage
	history *historyPage
	rules   *rulesPage
	orders  *ordersPage
	alerts  *alertsPage
	others  *programsPage
	form    *settingsPage
	tabs    [pageCount]*button
	pages   [pageCount]fyne.CanvasObject
	veil    *themed       // over what may be out of date
	stale   *widget.Label // says so
	page    int
	asking  time.Time // when the present page's data was asked for last; zero if never
	waiting bool      // rules or orders were asked for and are not there yet
	hidden  bool      // no one can see the window

	now     time.Time
	st      *api.Status
	lost    absence
	pic     picture
	title   string
	busy    bool // a command is under way
	failure string
	arming  bool      // an answer to arming is awaited
	unarmed string    // why the last arming or stopping failed
	sent    draft     // the form as it was sent to be saved
	unsaved *question // asks before changes are lost
}

const (
	pageStatus = iota
	pageHistory
	pageRules
	pageOrders
	pagePrograms
	pageAlerts
	pageSettings
	pageCount
)

// askEvery is the time after which an open page asks for its data again; tradeEvery is it for rules and orders, with
// which prices go by.
const (
	askEvery   = time.Minute
	tradeEvery = 3 * time.Second
)

// New returns a view that knows nothing yet.
func New(a Actions, now time.Time) *View {
	v := &View{actions: a, now: now}
	v.keys = &keys{escape: v.escape, shortcut: v.shortcut, reveal: v.reveal, now: func() time.Time { return v.now }}
	v.head = newHead()
	v.status = newStatusPage(v.keys, v)
	v.history = newHistoryPage(v.keys)
	v.rules = newRulesPage(v.keys, v)
	v.orders = newOrdersPage(v.keys, &v.actions)
	v.alerts = newAlertsPage(v.keys, &v.actions)
	v.others = newProgramsPage(v.keys, &v.actions)
	for i, name := range []string{"Status", "History", "Rules", "Orders", "Programs", "Alerts", "Settings"} {
		v.tabs[i] = newButton(v.keys, name, func() { v.open(i) })
	}
	tab := func(page string) *button {
		return v.tabs[slices.IndexFunc(v.tabs[:], func(b *button) bool { return b.Text == page })]
	}
	v.form = newSettingsPage(v.keys, v.save, a.SetLogin, tab)
	v.pages = [pageCount]fyne.CanvasObject{
		v.status.content, v.history.content, v.rules.content, v.orders.content,
		v.others.content, v.alerts.content, v.form.content,
	}
	tabs, pages := container.New(tabRows{}), container.NewStack()
	for i := range pageCount {
		tabs.Add(v.tabs[i])
		pages.Add(v.pages[i])
	}
	v.veil = newThemed(colorVeil, "", 0)
	pages.Add(v.veil)
	v.unsaved, v.stale = newQuestion(v.keys), wrapped("")
	v.stale.Importance = widget.WarningImportance
	v.stale.Hide()
	v.above = container.New(stacked{4}, v.head.content, padded(0, 10, tabs),
		padded(0, 10, container.New(stacked{0}, v.unsaved.content, v.stale)))
	minimum := newThemed("", "", 0)
	body := framed(v.above, pages, nil)
	v.content = container.New(atLeast{MinSize}, minimum, body)
	show(v.tabs[pagePrograms], false) // until there is a guarded port
	v.open(pageStatus)
	v.render()
	return v
}

// Content is what the window has to show.
func (v *View) Content() fyne.CanvasObject { return v.content }

// Close closes the window. While there are unsaved changes it asks first, each time.
func (v *View) Close() {
	page := v.unsavedPage()
	if page < 0 {
		v.actions.Close()
		return
	}
	if v.page != page {
		v.open(page)
	}
	v.unsaved.ask(notSaved, keepEditing, "Close without saving", v.actions.Close)
}

// escape withdraws a question, or leaves a form in which nothing was typed, or else the window.
func (v *View) escape() {
	switch q := v.keys.asks; {
	case q != nil && shown(q.content, v.content):
		q.drop()
	case v.page == pageOrders && !v.orders.dirty() && v.orders.leave():
	case v.page == pageRules && v.rules.editor.isOpen && !v.rules.editor.dirty():
		v.rules.editor.end()
	case v.page == pageAlerts && v.alerts.form != nil && !v.alerts.dirty():
		v.alerts.shut()
	default:
		v.Close()
	}
}

// unsavedPage returns the page on which something was typed that is not saved, -1 if there is none.
func (v *View) unsavedPage() int {
	switch {
	case v.rules.editor.dirty():
		return pageRules
	case v.orders.dirty():
		return pageOrders
	case v.alerts.dirty():
		return pageAlerts
	case v.form.desk.dirty():
		return pageSettings
	}
	return -1
}

func (v *View) open(page int) {
	v.page = page
	for i, t := range v.tabs {
		mark(t, i == page)
		show(v.pages[i], i == page)
	}
	v.asking, v.waiting, v.others.opened = time.Time{}, false, true
	v.render()
	v.ask()
}

// ask asks for the data of the page that is open, if it has been a while.
func (v *View) ask() {
	every := askEvery
	if v.page == pageRules || v.page == pageOrders || v.page == pagePrograms {
		every = tradeEvery
	}
	if v.hidden || v.waiting || !v.asking.IsZero() && v.now.Sub(v.asking).Abs() < every {
		return
	}
	switch v.page {
	case pageRules:
		v.waiting = true
		v.actions.Rules()
	case pageOrders:
		v.waiting = true
		v.actions.Orders()
		if !v.orders.asked { // Gateway may take a while
			v.orders.asked = true
			v.actions.Positions()
		}
	case pageHistory:
		v.actions.Uptime()
		v.actions.Log()
		v.actions.Latency()
		v.actions.Messages()
	case pagePrograms:
		v.waiting = true
		v.actions.Programs()
	case pageAlerts:
		v.actions.Alerts()
	case pageSettings:
		v.actions.Login()
	default:
		return
	}
	v.asking = v.now
}

func (v *View) arm(live bool) {
	if !v.arming {
		v.arming, v.unarmed = true, ""
		v.render()
		v.actions.Arm(live)
	}
}

func (v *View) disarm() {
	v.unarmed = ""
	v.render()
	v.actions.Disarm()
}

// Status takes in the status of the resident program.
func (v *View) Status(st api.Status, now time.Time) {
	v.now = now
	v.lost = absence{}
	if st.Trading.OrdersOpen > 0 && (v.st == nil || !reflect.DeepEqual(v.st.Trading, st.Trading)) {
		v.actions.Orders() // to know them if the resident program ends or hangs
	}
	trade := v.page == pageRules || v.page == pageOrders
	if v.st == nil || v.st.State != st.State || trade && !reflect.DeepEqual(v.st.Trading, st.Trading) {
		v.asking = time.Time{} // there is something new to see
	}
	if v.page == pagePrograms && (v.st == nil || v.st.Programs != st.Programs) {
		v.asking = time.Time{}
	}
	v.st = &st
	v.others.asks = st.Programs.Confirm
	show(v.tabs[pagePrograms], st.Programs.Port != 0)
	if v.page == pagePrograms && st.Programs.Port == 0 {
		v.open(pageStatus)
	}
	v.form.link(true)
	v.alerts.link(true)
	v.render()
	v.ask()
}

// Lost takes in that the resident program is not there, or with [api.ErrNotResponding] that it hangs.
func (v *View) Lost(err error, now time.Time) {
	v.now = now
	if !v.lost.is() {
		v.lost.since = now
	}
	v.lost.hangs = errors.Is(err, api.ErrNotResponding)
	v.form.link(false)
	v.alerts.link(false)
	v.waiting = false
	v.render()
}

// Hidden takes in whether the window is minimised. Until it is seen again only its title changes, and it asks for no
// page's data.
func (v *View) Hidden(yes bool) {
	if v.hidden != yes {
		v.hidden = yes
		v.render()
		v.ask()
	}
}

// Tick takes in that time goes by.
func (v *View) Tick(now time.Time) {
	v.now = now
	v.render()
	v.ask()
}

// Settings takes in the settings in effect.
func (v *View) Settings(s api.SettingsView) {
	v.alerts.settings(s)
	if known := v.form.desk.view; known != nil && reflect.DeepEqual(*known, s) {
		return
	}
	v.form.read(s)
	v.render()
}

func (v *View) save(body []byte) {
	v.sent = maps.Clone(v.form.desk.form)
	v.actions.Save(body)
}

// saveOffer saves what a first run has found, and nothing of what is in the form.
func (v *View) saveOffer() {
	o := api.OfferOf(v.form.desk.view, v.st)
	if o == nil || v.form.saving {
		return
	}
	body, err := settings.Marshal(o.Settings)
	if err != nil {
		v.Commanded(err)
		return
	}
	v.form.saving = true
	v.form.refresh()
	v.sent = maps.Clone(v.form.desk.form)
	v.actions.Save(body)
}

func (v *View) command(c command) {
	if v.busy || v.pic.command != c {
		return
	}
	v.busy, v.failure = true, ""
	v.render()
	switch c {
	case startProgram:
		v.actions.Start()
	case restartProgram:
		v.actions.Restart()
	case connectNow:
		v.actions.Connect()
	case disconnect:
		v.actions.Disconnect()
	}
}

// render shows the picture of this moment; what has not changed is left as it is.
func (v *View) render() {
	v.pic = pictureOf(v.st, v.lost, v.now)
	if v.renderTitle(); v.hidden {
		return
	}
	st := v.st
	if v.lost.is() {
		st = nil
		v.pic.unwatched(v.st, v.orders)
		if v.busy {
			v.pic.banner.attempt = "Starting…"
		}
	}
	v.renderVeil()
	if v.unsaved.open() && v.unsavedPage() < 0 {
		v.unsaved.drop()
	}
	v.head.render(&v.pic)
	if h := v.above.MinSize().Height; h != v.height { // the toolkit leaves the page where it is
		v.height = h
		v.content.Refresh()
	}
	v.status.render(&v.pic, v.form.desk.view, st, v.busy || v.form.saving, v.failure)
	v.status.tools.render(st, v.now)
	t := tradingOf(v.st, v.lost, v.now)
	v.status.arm.render(t, v.arming, v.unarmed)
	if v.page == pageRules {
		v.rules.arm.render(t, v.arming, v.unarmed)
		v.rules.render(v.st, v.lost, v.now)
		v.rules.askPreview()
	}
	if v.page == pageOrders {
		v.orders.render(v.st, v.lost, v.now)
	}
	v.keepFocus()
}

// renderVeil lays a veil over what may be out of date, and says so beside it.
func (v *View) renderVeil() {
	words := v.outdated()
	show(v.veil, words != "")
	if v.stale.Text != words {
		v.stale.SetText(words)
		show(v.stale, words != "")
	}
}

// outdated says what is to be known of the open page while the resident program does not answer. The head says why. The
// status page shows nothing that may be out of date, and another one nothing at all until something was read for it.
func (v *View) outdated() string {
	known := [pageCount]bool{
		pageHistory: v.history.report != nil, pageRules: v.rules.known != nil, pageOrders: v.orders.known != nil,
		pagePrograms: v.others.intro.Text != "", pageAlerts: len(v.alerts.rows) > 0,
		pageSettings: v.form.desk.view != nil,
	}
	switch {
	case !v.lost.is() || !known[v.page]:
		return ""
	case v.page == pageOrders:
		return wording.OrdersUnwatched
	}
	return wording.OutOfDate
}

// renderTitle shows the state in the window's title, which can also be seen where the window cannot.
func (v *View) renderTitle() {
	title := v.pic.headline
	if !strings.Contains(title, "Gatewatch") {
		title = "Gatewatch: " + title
	}
	if v.st != nil && v.st.Demo {
		title = wording.Demo + " " + title
	}
	if title != v.title {
		v.title = title
		if v.actions.Title != nil {
			v.actions.Title(title)
		}
	}
}
