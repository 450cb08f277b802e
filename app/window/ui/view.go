// Package ui is the content of the window: widgets that show what the resident program says, without any of their own
// knowledge of it. It can be built without cgo and painted without a display; whoever opens a window does that.
//
// A View belongs to the goroutine of the toolkit.
package ui

import (
	"errors"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

// MinSize is the least size of the content, in which nothing is cut off.
var MinSize = fyne.NewSize(420, 480)

// Actions are what the user can want. They return at once; the outcome comes back by a method of the view.
type Actions struct {
	Connect    func()            // answered by View.Commanded
	Disconnect func()            // answered by View.Commanded
	Save       func(body []byte) // a settings file; answered by View.Saved
	Close      func()
	Title      func(string) // the window's title has changed
}

// View is all that the window shows.
type View struct {
	actions Actions
	content fyne.CanvasObject
	keys    *keys
	head    *head
	status  *statusPage
	form    *settingsPage
	tabs    [2]*button
	pages   [2]fyne.CanvasObject
	page    int
	leave   *button // Disconnect

	now     time.Time
	st      *api.Status
	lost    time.Time // since when the resident program is not there; zero while it is
	seen    ages
	pic     picture
	title   string
	busy    bool // a command is under way
	failure string
	sent    draft // the form as it was sent to be saved
	asked   bool  // closing was asked for while there were unsaved changes
}

const (
	pageStatus = iota
	pageSettings
)

// New returns a view that knows nothing yet.
func New(a Actions, now time.Time) *View {
	v := &View{actions: a, now: now}
	v.keys = &keys{escape: v.Close, shortcut: v.shortcut, reveal: v.reveal}
	v.head = newHead()
	v.status = newStatusPage(v.keys, func() { v.command(connectNow) }, v.savePort)
	v.form = newSettingsPage(v.keys, v.save)
	for i, name := range []string{"Status", "Settings"} {
		v.tabs[i] = newButton(v.keys, name, func() { v.open(i) })
	}
	v.leave = newButton(v.keys, "Disconnect", func() { v.command(disconnect) })
	v.pages = [2]fyne.CanvasObject{v.status.content, v.form.content}
	bar := padded(0, 10, container.NewHBox(v.tabs[0], v.tabs[1], layout.NewSpacer(), v.leave))
	top := container.NewVBox(v.head.content, bar)
	minimum := newThemed("", "", 0)
	body := framed(top, container.NewStack(v.pages[0], v.pages[1]), nil)
	v.content = container.New(atLeast{MinSize}, minimum, body)
	v.open(pageStatus)
	v.render()
	return v
}

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
	for _, k := range []fyne.KeyName{fyne.KeyR, fyne.KeyW, fyne.KeyComma} {
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
	case fyne.KeyComma:
		v.open(pageSettings)
	}
}

// Close closes the window; with unsaved changes only when it is asked for twice.
func (v *View) Close() {
	if v.form.desk.dirty() && !v.asked {
		v.open(pageSettings)
		v.asked = true
		v.form.say("There are unsaved changes. Close again to drop them.")
		return
	}
	v.actions.Close()
}

func (v *View) open(page int) {
	v.page = page
	v.asked = false
	for i, t := range v.tabs {
		importance := widget.LowImportance
		if i == page {
			importance = widget.MediumImportance
		}
		if t.Importance != importance {
			t.Importance = importance
			t.Refresh()
		}
		show(v.pages[i], i == page)
	}
}

// reveal scrolls to what has got the focus.
func (v *View) reveal(o fyne.CanvasObject) {
	for _, s := range []*container.Scroll{v.status.scroll, v.form.scroll} {
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

// Status takes in the status as the resident program tells it.
func (v *View) Status(st api.Status, now time.Time) {
	v.now = now
	if !v.lost.IsZero() {
		v.lost = time.Time{}
		v.seen.forget()
	}
	v.st = &st
	v.form.link(true)
	v.render()
}

// Lost takes in that the resident program is gone.
func (v *View) Lost(now time.Time) {
	v.now = now
	if v.lost.IsZero() {
		v.lost = now
	}
	v.form.link(false)
	v.render()
}

// Tick takes in that time goes by.
func (v *View) Tick(now time.Time) {
	v.now = now
	v.render()
}

// Settings takes in the settings in force.
func (v *View) Settings(s api.SettingsView) {
	v.form.read(s)
	v.render()
}

// Commanded takes in the answer to a command.
func (v *View) Commanded(err error) {
	v.busy, v.failure = false, ""
	switch {
	case errors.Is(err, api.ErrNotRunning):
		v.failure = "That did not work: Gatewatch is not running."
	case err != nil:
		v.failure = "That did not work: " + wording.OneLine(err.Error())
	}
	v.render()
}

// Saved takes in the answer to saving.
func (v *View) Saved(s api.SettingsView, err error) {
	v.form.saved(s, v.sent, err)
	v.render()
}

func (v *View) save(body []byte) {
	v.sent = v.form.desk.form
	v.actions.Save(body)
}

// savePort saves the port that has answered, and nothing else that stands in the form.
func (v *View) savePort() {
	if v.st == nil || v.form.desk.view == nil || v.form.saving {
		return
	}
	s := v.form.desk.view.Settings
	s.Gateway.Port = v.st.Gateway.Port
	body, err := settings.Marshal(s)
	if err != nil {
		v.Commanded(err)
		return
	}
	v.form.saving = true
	v.form.refresh()
	v.sent = v.form.desk.form
	v.actions.Save(body)
}

func (v *View) command(c command) {
	if v.busy || v.pic.command != c {
		return
	}
	v.busy, v.failure = true, ""
	v.render()
	if c == connectNow {
		v.actions.Connect()
	} else {
		v.actions.Disconnect()
	}
}

// render shows the picture of this moment; what has not changed is left as it is.
func (v *View) render() {
	v.pic = pictureOf(v.st, v.lost, &v.seen, v.now)
	st := v.st
	if !v.lost.IsZero() {
		st = nil
	}
	if view := v.form.desk.view; st != nil && v.pic.banner != nil && view != nil && !view.Found {
		v.pic.welcome(st)
	}
	v.head.render(&v.pic)
	v.status.render(&v.pic, v.form.desk.view, st, v.busy || v.form.saving, v.failure)
	show(v.leave, v.pic.command == disconnect)
	enable(v.leave, !v.busy)
	if title := "Gatewatch: " + v.pic.headline; title != v.title {
		v.title = title
		if v.actions.Title != nil {
			v.actions.Title(title)
		}
	}
}
