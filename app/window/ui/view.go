// Package ui is the content of the window: widgets that show what the resident program says, without any of their own
// knowledge of it. It can be built without cgo and painted without a display; whoever opens a window does that.
//
// A View belongs to the goroutine of the toolkit.
package ui

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/engine/rules"
)

// MinSize is the least size of the content, in which nothing is cut off.
var MinSize = fyne.NewSize(420, 480)

// Actions are what the user can want. They return at once; the outcome comes back by a method of the view.
type Actions struct {
	Start      func()               // the resident program; answered by View.Commanded
	Restart    func()               // the same, after ending one that hangs; answered by View.Commanded
	Connect    func()               // answered by View.Commanded
	Disconnect func()               // answered by View.Commanded
	Save       func(body []byte)    // a settings file; answered by View.Saved
	Uptime     func()               // of the last 90 days; answered by View.Uptime
	Log        func()               // of the connection; answered by View.Log
	Latency    func()               // of the last 24 hours; answered by View.Latency
	Messages   func()               // from Gateway; answered by View.Messages
	Alerts     func()               // how they fare; answered by View.Alerts
	Test       func(channel string) // of alerts; answered by View.Tested
	// adds, changes or removes a channel for alerts; answered by View.AlertsChanged
	ChangeAlerts func(AlertChange)
	Mute         func(until time.Time) // of desktop notifications, the zero time ends it; answered by View.Muted
	Diagnostics  func()                // for the clipboard; answered by View.Diagnostics
	Login        func()                // whether the program is launched at login; answered by View.Login
	SetLogin     func(on bool)         // changes that; answered by View.Login
	Trade
	Close func()
	Title func(string) // the window's title has changed
}

// Trade is what the user can want of rules and orders.
type Trade struct {
	// lets orders leave, with true where the user has confirmed it for a live account; answered by View.Armed
	Arm    func(live bool)
	Disarm func() // ends that; answered by View.Armed

	Rules func() // answered by View.Rules
	// in place of the one with the name, or as a new one; answered by View.RuleSaved
	SaveRule   func(name string, rule rules.Rule)
	Activate   func(name string)            // answered by View.RuleDone
	Deactivate func(name string)            // answered by View.RuleDone
	Delete     func(name string)            // answered by View.RuleDone
	Resolve    func(in rules.Instrument)    // answered by View.Resolved
	Preview    func(api.RulePreviewRequest) // answered by View.Previewed

	Orders       func()                // answered by View.Orders
	Positions    func()                // answered by View.Positions
	CancelOrder  func(id int64)        // answered by View.OrderDone
	CancelOrders func()                // all of them; answered by View.OrderDone with 0
	ChangeOrder  func(api.OrderChange) // answered by View.OrderDone

	Programs      func()          // and their orders; answered by View.Programs
	StopTrading   func()          // of rules and programs; answered by View.ProgramsDone
	AllowPrograms func(live bool) // ends that for programs, as Arm does; answered by View.ProgramsDone
	// has programs with a client id place no orders; answered by View.ProgramsDone
	SetReadOnly func(client int, on bool)
}

// View is all that the window shows.
type View struct {
	actions Actions
	content fyne.CanvasObject
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
	veil    *themed // over what may be out of date
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
	v.keys = &keys{escape: v.Close, shortcut: v.shortcut, reveal: v.reveal, now: func() time.Time { return v.now }}
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
	v.unsaved = newQuestion(v.keys, v.tabs[pageStatus])
	top := container.NewVBox(v.head.content, padded(0, 10, tabs), padded(0, 10, v.unsaved.content))
	minimum := newThemed("", "", 0)
	body := framed(top, pages, nil)
	v.content = container.New(atLeast{MinSize}, minimum, body)
	show(v.tabs[pagePrograms], false) // until there is a guarded port
	v.open(pageStatus)
	v.render()
	return v
}

// tabRows lays tabs out in a row, and in two if there are more than fit into the smallest window.
type tabRows struct{}

// tabsInRow is how many tabs fit into a row of the smallest window.
const tabsInRow = 6

func (tabRows) rows(objects []fyne.CanvasObject) (rows [][]fyne.CanvasObject) {
	var visible []fyne.CanvasObject
	for _, o := range objects {
		if o.Visible() {
			visible = append(visible, o)
		}
	}
	if len(visible) <= tabsInRow {
		return [][]fyne.CanvasObject{visible}
	}
	half := (len(visible) + 1) / 2
	return [][]fyne.CanvasObject{visible[:half], visible[half:]}
}

func (l tabRows) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, row := range l.rows(objects) {
		width, height := float32(0), float32(0)
		for _, o := range row {
			m := o.MinSize()
			width, height = width+m.Width+tabGap, max(height, m.Height)
		}
		size.Width, size.Height = max(size.Width, width-tabGap), size.Height+height
	}
	return size
}

func (l tabRows) Layout(objects []fyne.CanvasObject, _ fyne.Size) {
	y := float32(0)
	for _, row := range l.rows(objects) {
		x, height := float32(0), float32(0)
		for _, o := range row {
			m := o.MinSize()
			o.Move(fyne.NewPos(x, y))
			o.Resize(m)
			x, height = x+m.Width+tabGap, max(height, m.Height)
		}
		y += height
	}
}

// tabGap is between two tabs.
const tabGap = 4

// atLeast gives everything all the space, and asks for no less than a size.
type atLeast struct{ fyne.Size }

func (a atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

func (a atLeast) MinSize(objects []fyne.CanvasObject) fyne.Size {
	min := a.Size
	for _, o := range objects {
		min = min.Max(o.MinSize())
	}
	return min
}

// Content is what the window has to show.
func (v *View) Content() fyne.CanvasObject { return v.content }

// Attach binds the keys that work wherever the focus is.
func (v *View) Attach(c fyne.Canvas) {
	v.keys.canvas = c
	for _, s := range v.shortcuts() {
		c.AddShortcut(s, v.shortcut)
	}
	c.SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			v.Close()
		}
	})
}

func (v *View) shortcuts() []*desktop.CustomShortcut {
	var list []*desktop.CustomShortcut
	for _, k := range []fyne.KeyName{fyne.KeyR, fyne.KeyW, fyne.KeyF, fyne.KeyComma} {
		list = append(list, &desktop.CustomShortcut{KeyName: k, Modifier: fyne.KeyModifierShortcutDefault})
	}
	return list
}

func (v *View) shortcut(s fyne.Shortcut) {
	custom, ok := s.(*desktop.CustomShortcut)
	if !ok || custom.Modifier != fyne.KeyModifierShortcutDefault {
		return
	}
	switch custom.KeyName {
	case fyne.KeyR:
		v.command(connectNow)
	case fyne.KeyW:
		v.Close()
	case fyne.KeyF:
		switch v.page {
		case pageRules:
			v.keys.focus(v.rules.search)
		case pageOrders:
			v.keys.focus(v.orders.search)
		case pageSettings:
			v.keys.focus(v.form.search)
		}
	case fyne.KeyComma:
		v.open(pageSettings)
	}
}

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
	v.unsaved.ask("There are changes that are not saved.", "Keep editing", "Close without saving", v.actions.Close)
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
	v.asking, v.waiting = time.Time{}, false
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

// Uptime takes in how time was spent.
func (v *View) Uptime(u api.Uptime, err error) { v.history.take(u, err) }

// Log takes in the records of the connection log.
func (v *View) Log(l api.Log, err error) { v.history.log(l, err) }

// Latency takes in how long Gateway took to answer.
func (v *View) Latency(l api.Latency, err error) {
	if err == nil { // else what was known stays: [View.Uptime] says that the resident program does not answer
		v.history.latency.take(l, v.now)
		v.history.render()
	}
}

// Rules takes in the rules.
func (v *View) Rules(r api.Rules, err error) {
	v.waiting = false
	v.rules.take(r, err)
	v.render()
}

// RuleDone takes in what came of activating, deactivating or deleting a rule.
func (v *View) RuleDone(r api.Rules, err error) {
	v.rules.answered(r, err)
	v.render()
}

// RuleSaved takes in what came of saving a rule. The error is settings.Problems if the rule is at fault.
func (v *View) RuleSaved(r api.Rules, err error) {
	v.rules.saved(r, err)
	v.render()
}

// Resolved takes in which contracts an instrument can mean.
func (v *View) Resolved(in rules.Instrument, list []api.Candidate, err error) {
	v.rules.editor.resolved(in, list, err)
}

// Previewed takes in how a rule would stand now.
func (v *View) Previewed(req api.RulePreviewRequest, p api.RulePreview, err error) {
	v.rules.preview.take(req, p, err)
	v.render()
}

// Orders takes in the orders.
func (v *View) Orders(o api.Orders, err error) {
	v.waiting = false
	v.orders.take(o, err)
}

// Positions takes in the positions.
func (v *View) Positions(p api.Positions, err error) { v.orders.takePositions(p, err) }

// OrderDone takes in what came of cancelling or changing an order, 0 for all of them.
func (v *View) OrderDone(id int64, err error) {
	v.orders.answered(id, err)
	v.asking = time.Time{}
	v.ask()
}

// Armed takes in what came of arming, or of stopping trading.
func (v *View) Armed(err error) {
	v.arming, v.unarmed = false, ""
	switch {
	case err != nil:
		v.unarmed = "That did not work: " + reasonOf(err)
	}
	v.render()
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

// Messages takes in what Gateway has said.
func (v *View) Messages(m api.Messages, err error) {
	v.history.said.take(m, err, v.now)
	v.history.scroll.Refresh()
}

// Programs takes in the programs at the guarded port, and their orders.
func (v *View) Programs(p api.Programs, o api.ProgramOrders, err error) {
	v.waiting = false
	v.others.take(p, o, err, v.now)
}

// ProgramsDone takes in what came of stopping or allowing the trading of programs.
func (v *View) ProgramsDone(err error) {
	if v.asking = (time.Time{}); err == nil {
		v.ask()
		return
	}
	v.others.fail("That did not work: " + reasonOf(err))
}

// Alerts takes in how alerts fare.
func (v *View) Alerts(a api.Alerts, err error) { v.alerts.take(a, err) }

// AlertsChanged takes in what became of a change of channels: the one to test, empty for none, and what to say of where
// secrets are stored. The error is settings.Problems if the settings are at fault.
func (v *View) AlertsChanged(channel string, stored []string, err error) {
	v.alerts.saved(channel, stored, err)
	v.asking = time.Time{}
	v.ask()
}

// Login takes in whether the program is launched at login.
func (v *View) Login(a api.Autostart, err error) {
	v.form.login.take(a, err)
	v.form.arrange()
}

// Tested takes in the outcome of a test of alerts.
func (v *View) Tested(channel string, t api.AlertTest, err error) {
	v.alerts.tested(channel, t, err)
	v.asking = time.Time{}
	v.ask()
}

// reveal scrolls to what has got the focus.
func (v *View) reveal(o fyne.CanvasObject) {
	for _, s := range []*container.Scroll{
		v.status.scroll, v.history.scroll, v.rules.scroll, v.rules.editor.scroll,
		v.orders.scroll, v.others.scroll, v.alerts.scroll, v.form.scroll,
	} {
		if !inside(o, s.Content) || !s.Visible() {
			continue
		}
		d := fyne.CurrentApp().Driver()
		top := d.AbsolutePositionForObject(o).Y - d.AbsolutePositionForObject(s.Content).Y
		const margin = 24 // for the name and a first line of the hint
		switch bottom := top + o.Size().Height + margin; {
		case top-margin < s.Offset.Y:
			s.ScrollToOffset(fyne.NewPos(0, max(0, top-margin)))
		case bottom > s.Offset.Y+s.Size().Height:
			s.ScrollToOffset(fyne.NewPos(0, bottom-s.Size().Height))
		}
	}
}

// inside reports whether o is part of root, as far as root is made of containers.
func inside(o, root fyne.CanvasObject) bool {
	if o == root {
		return true
	}
	c, ok := root.(*fyne.Container)
	return ok && slices.ContainsFunc(c.Objects, func(child fyne.CanvasObject) bool { return inside(o, child) })
}

// keepFocus gives the focus to the tab of the page when what had it is gone, so that the Tab key goes on from there.
func (v *View) keepFocus() {
	if v.keys.canvas == nil || v.keys.canvas.Overlays().Top() != nil {
		return
	}
	if o, ok := v.keys.canvas.Focused().(fyne.CanvasObject); ok && !shown(o, v.content) {
		v.keys.canvas.Focus(v.tabs[v.page])
	}
}

// shown reports whether o is a part of root that is not hidden, as far as root is made of containers and what scrolls.
func shown(o, root fyne.CanvasObject) bool {
	if o == root || !root.Visible() {
		return root.Visible()
	}
	switch root := root.(type) {
	case *fyne.Container:
		return slices.ContainsFunc(root.Objects, func(child fyne.CanvasObject) bool { return shown(o, child) })
	case *container.Scroll:
		return shown(o, root.Content)
	}
	return false
}

// Status takes in the status as the resident program tells it.
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
	v.others.live = st.Gateway.Mode != "paper"
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

// Settings takes in the settings in force.
func (v *View) Settings(s api.SettingsView) {
	v.alerts.settings(s)
	if known := v.form.desk.view; known != nil && reflect.DeepEqual(*known, s) {
		return
	}
	v.form.read(s)
	v.render()
}

// Commanded takes in the answer to a command.
func (v *View) Commanded(err error) {
	v.busy, v.failure = false, ""
	if err != nil {
		v.failure = "That did not work: " + reasonOf(err)
	}
	v.render()
}

// Saved takes in the answer to saving.
func (v *View) Saved(s api.SettingsView, err error) {
	v.form.saved(s, v.sent, err)
	v.render()
}

func (v *View) save(body []byte) {
	v.sent = maps.Clone(v.form.desk.form)
	v.actions.Save(body)
}

// saveOffer saves what a first run has found, and nothing of what is in the form.
func (v *View) saveOffer() {
	if v.st == nil || v.form.desk.view == nil || v.form.saving {
		return
	}
	body, err := settings.Marshal(toSave(v.form.desk.view, v.st))
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
	show(v.veil, v.lost.is() && v.page != pageStatus)
	if st != nil && v.pic.banner != nil {
		v.pic.welcome(st)
	}
	if v.unsaved.open() && v.unsavedPage() < 0 {
		v.unsaved.drop()
	}
	v.head.render(&v.pic)
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

// renderTitle shows the state in the window's title, which can also be seen where the window cannot.
func (v *View) renderTitle() {
	title := "Gatewatch: " + v.pic.headline
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
