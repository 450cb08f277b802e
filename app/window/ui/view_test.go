package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// acts counts what the view asked for.
type acts struct {
	connect, disconnect, closed int
	saved                       [][]byte
	title                       string
}

func (a *acts) actions() Actions {
	return Actions{
		Connect: func() { a.connect++ }, Disconnect: func() { a.disconnect++ }, Close: func() { a.closed++ },
		Save: func(b []byte) { a.saved = append(a.saved, b) }, Title: func(s string) { a.title = s },
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
	if a.title != "Gatewatch: Reconnecting" {
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
	if v.status.alarm.content.Visible() || !v.leave.Visible() {
		t.Error("connected, but the banner is there or Disconnect is not")
	}
	v.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault})
	if a.connect != 1 {
		t.Error("Connect was asked for while it does not apply")
	}
	test.Tap(v.leave)
	if a.disconnect != 1 {
		t.Errorf("disconnect asked %d times", a.disconnect)
	}
}

func TestCountdownGoesOnByItself(t *testing.T) {
	v, _, _ := acting(t)
	v.Status(reconnecting(), noon)
	for after, want := range map[time.Duration]string{0: "Attempt 4 in 12 s", time.Second: "Attempt 4 in 11 s", 12 * time.Second: "Attempt 4 in 0 s"} {
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
	for page := range 2 {
		v, w, a := acting(t)
		v.Settings(s)
		v.Status(reconnecting(), noon)
		v.open(page)
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
				typed.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault})
				if a.connect != before+1 {
					t.Errorf("page %d: Ctrl+R does not connect while %T has the focus", page, f)
				}
				v.Commanded(nil)
			}
		}
		if least := []int{3, 25}[page]; len(seen) < least {
			t.Errorf("page %d: Tab reaches %d things, want %d at least", page, len(seen), least)
		}
	}
}

func TestFocusIsScrolledIntoSight(t *testing.T) {
	v, w, _ := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	v.open(pageSettings)
	settle(w)
	last := v.form.editors["log.level"].widget.(*choice)
	w.Canvas().Focus(last)
	d := fyne.CurrentApp().Driver()
	top, foot := d.AbsolutePositionForObject(last).Y, d.AbsolutePositionForObject(v.form.button).Y
	if top < 0 || top+last.Size().Height > foot {
		t.Errorf("it stands at %v, the foot at %v", top, foot)
	}
	first := v.form.editors["gateway.host"].widget.(*entry)
	w.Canvas().Focus(first)
	if top := d.AbsolutePositionForObject(first).Y; top < d.AbsolutePositionForObject(v.form.scroll).Y {
		t.Errorf("going back it stands at %v", top)
	}
}

func TestSaving(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	f := v.form
	if !f.button.Disabled() {
		t.Error("nothing to save, but Save can be pressed")
	}
	f.editors["gateway.port"].set("70000")
	if !f.button.Disabled() || !strings.Contains(f.editors["gateway.port"].wrong.words.Text, "out of range") {
		t.Errorf("a bad value: disabled %v, said %q", f.button.Disabled(), f.editors["gateway.port"].wrong.words.Text)
	}
	f.editors["gateway.port"].set("4001")
	if f.button.Disabled() || f.editors["gateway.port"].wrong.content.Visible() {
		t.Error("a good value cannot be saved, or the mistake still stands")
	}
	v.Lost(noon)
	if !f.button.Disabled() {
		t.Error("nobody there, but Save can be pressed")
	}
	v.Status(reconnecting(), noon)
	test.Tap(f.button)
	if len(a.saved) != 1 {
		t.Fatalf("saved %d times", len(a.saved))
	}
	if s, err := settings.Parse("", a.saved[0]); err != nil || s.Gateway.Port != 4001 {
		t.Errorf("sent port %d, %v", s.Gateway.Port, err)
	}
	v.Saved(api.SettingsView{}, settings.Problems{{Key: "gateway.port", Text: "is reserved"}})
	if got := f.editors["gateway.port"].wrong.words.Text; got != "is reserved" {
		t.Errorf("refused: %q", got)
	}
	test.Tap(f.button)
	v.Saved(port(4001), nil)
	if f.desk.dirty() || !f.button.Disabled() || f.message.Text != "Saved and in force." {
		t.Errorf("dirty %v, message %q", f.desk.dirty(), f.message.Text)
	}
}

func TestResetToDefaultsIsOnlyADraft(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(port(4001))
	v.Status(connected(), noon)
	test.Tap(v.form.defaults)
	if len(a.saved) != 0 || v.form.editors["gateway.port"].get() != "0" || v.form.button.Disabled() {
		t.Errorf("saved %d, port %s, Save disabled %v", len(a.saved), v.form.editors["gateway.port"].get(), v.form.button.Disabled())
	}
	test.Tap(v.form.discard)
	if v.form.editors["gateway.port"].get() != "4001" {
		t.Errorf("discarded: port %s", v.form.editors["gateway.port"].get())
	}
}

func TestWindowsAreEdited(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(inForce())
	v.Status(connected(), noon)
	test.Tap(v.form.windows.add)
	row := v.form.windows.rows[0]
	row.preset.SetSelected(ownWindow)
	if !v.form.button.Disabled() {
		t.Error("a window without a start can be saved")
	}
	row.start.SetText("23:30")
	row.minutes.SetText("45")
	row.days[2].SetChecked(true)
	test.Tap(v.form.button)
	if len(a.saved) != 1 {
		t.Fatalf("not saved: %q", v.form.message.Text)
	}
	s, err := settings.Parse("", a.saved[0])
	if err != nil || len(s.ResetWindows) != 1 || s.ResetWindows[0].Start != "23:30" || s.ResetWindows[0].Days[0] != "wed" {
		t.Errorf("sent %+v, %v", s.ResetWindows, err)
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
	v.Close()
	if a.closed != 1 {
		t.Errorf("closed %d times", a.closed)
	}
}

func TestFirstRun(t *testing.T) {
	s := inForce()
	s.Found = false
	v, _, a := acting(t)
	v.Settings(s)
	st := reconnecting()
	v.Status(st, noon)
	if got := v.status.alarm.hint.Text; got != checklist || v.status.first.content.Visible() {
		t.Errorf("nothing answers: %q", got)
	}
	st.CauseID, st.Cause = "disclaimer_unsettled", "The disclaimer."
	v.Status(st, noon)
	if got := v.status.alarm.cause.Text; got != "The disclaimer." {
		t.Errorf("a Gateway that wants something: %q", got)
	}
	v.Status(connected(), noon)
	if got := v.status.first.title.Text; got != "Welcome. 127.0.0.1:4002 has answered with a PAPER account." || !v.status.first.content.Visible() {
		t.Errorf("answered: %q", got)
	}
	test.Tap(v.status.first.button)
	if len(a.saved) != 1 {
		t.Fatalf("saved %d times", len(a.saved))
	}
	want := settings.Default()
	want.Gateway.Port = 4002
	if got, err := settings.Parse("", a.saved[0]); err != nil || len(settings.Diff(got, want)) > 0 {
		t.Errorf("sent %s, %v", a.saved[0], err)
	}
	v.Saved(port(4002), nil)
	if v.status.first.content.Visible() || v.form.editors["gateway.port"].get() != "4002" {
		t.Errorf("saved: card %v, port %s", v.status.first.content.Visible(), v.form.editors["gateway.port"].get())
	}
}

func TestComesBackAfterARestart(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	v.Lost(noon.Add(time.Second))
	v.Lost(noon.Add(5 * time.Second))
	if got := v.status.alarm.cause.Text; got != "Gatewatch is not running (since 12:00:01). Waiting for it." {
		t.Errorf("lost: %q", got)
	}
	v.Status(connected(), noon.Add(8*time.Second))
	if a.title != "Gatewatch: Connected" || v.status.alarm.content.Visible() {
		t.Errorf("back: title %q", a.title)
	}
	if got := v.status.layers[layerFarms].since.Text; got != "at least since 12:00:08" {
		t.Errorf("what was not seen is claimed: %q", got)
	}
}
