package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// onSettings returns a view with the page of settings open.
func onSettings(t *testing.T) (*View, fyne.Window, *acts) {
	t.Helper()
	v, w, a := acting(t)
	form(inForce(), func(*settingsPage) {})(v)
	settle(w)
	return v, w, a
}

// shownPaths returns the paths of the fields that can be seen.
func shownPaths(p *settingsPage) (list []string) {
	for _, s := range p.sections {
		for _, e := range s.rows {
			if s.content.Visible() && s.body.Visible() && e.content.Visible() {
				list = append(list, e.field.path)
			}
		}
	}
	return list
}

func TestSearchOfSettings(t *testing.T) {
	v, _, _ := onSettings(t)
	p := v.form
	if list := shownPaths(p); len(list) > 0 {
		t.Errorf("all sections are closed, and %q can be seen", list)
	}
	for words, want := range map[string]string{
		"client id":          "gateway.client_id",                               // a label
		"orders_per_minute":  "trading.orders_per_minute",                       // a key
		"wherever paper any": "",                                                // never all of them in one field
		"quiet alerts":       "alerts.quiet_from alerts.quiet_until",            // words of the section as well
		"next start":         "tray.monochrome",                                 // an effect
		"refuse":             "guarded_port.mode guarded_port.proof_of_life_ms", // an option, and an explanation
	} {
		p.search.SetText(words)
		if got := strings.Join(shownPaths(p), " "); got != want {
			t.Errorf("%q finds %q, want %q", words, got, want)
		}
		if p.nothing.Visible() != (want == "") {
			t.Errorf("%q: it is said that nothing is found: %v", words, p.nothing.Visible())
		}
	}
	p.search.SetText("read_only") // of programs, which have a page of their own
	at := slices.IndexFunc(p.sections, func(s *sectionCard) bool { return s.title == "Guarded port" })
	link := p.sections[at].links[0]
	p.search.SetText("guarded_port.programs")
	if !link.content.Visible() || !link.open.Disabled() {
		t.Errorf("a key of another page: shown %v, disabled while there is no such page: %v", link.content.Visible(),
			link.open.Disabled())
	}
	v.Status(withPrograms(), noon)
	if test.Tap(link.open); v.page != pagePrograms {
		t.Errorf("the link leads to page %d", v.page)
	}
	p.search.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if p.search.Text != "" || len(shownPaths(p)) > 0 {
		t.Errorf("Esc leaves %q, and %q", p.search.Text, shownPaths(p))
	}
}

// TestChangedFromTheDefault: what is not the default is marked, and one button puts the default back.
func TestChangedFromTheDefault(t *testing.T) {
	v, w, _ := acting(t)
	form(view(func(s *settings.Settings) { s.Gateway.Mode = "paper" }), func(p *settingsPage) { opened(p) })(v)
	p := v.form
	mode, port := p.editors["gateway.mode"], p.editors["gateway.port"]
	if !mode.changed.Visible() || mode.was.Text != "Changed; the default is Paper or live" || port.changed.Visible() {
		t.Errorf("marked: %v %q, and what is the default: %v", mode.changed.Visible(), mode.was.Text,
			port.changed.Visible())
	}
	port.set("4001")
	if note := p.sections[0].note.Text; !port.changed.Visible() || note != "2 changed" {
		t.Errorf("after a change: marked %v, the section says %q", port.changed.Visible(), note)
	}
	if p.message.Text != "There are unsaved changes. Saving reconnects to Gateway." {
		t.Errorf("said %q", p.message.Text)
	}
	test.Tap(port.undo)
	if port.get() != "0" || p.desk.dirty() || w.Canvas().Focused() != port.focus() {
		t.Errorf("undone: %q, edited %v", port.get(), p.desk.dirty())
	}
	p.editors["reset_windows"].windows.add.OnTapped()
	if e := p.editors["reset_windows"]; !e.changed.Visible() || e.was.Text != "Changed; the default is none" {
		t.Errorf("a window more: %q", e.was.Text)
	}
	test.Tap(p.editors["reset_windows"].undo)
	if p.desk.dirty() {
		t.Error("the window is still there")
	}
}

// TestSaveGoesToWhatIsWrong: Save opens, scrolls to and focuses the first field that is wrong, here or in the answer of
// the resident program, and nothing of the form is lost.
func TestSaveGoesToWhatIsWrong(t *testing.T) {
	v, w, a := onSettings(t)
	p := v.form
	p.editors["log.level"].set("debug")
	p.editors["trading.max_notional"].set("50.000")
	p.editors["guarded_port.port"].set("100000")
	p.search.SetText("client id")
	test.Tap(p.button)
	settle(w)
	field := p.editors["trading.max_notional"]
	if len(a.saved) > 0 || w.Canvas().Focused() != field.focus() || p.search.Text != "" {
		t.Fatalf("saved %q, the focus is at %s, the search says %q", a.saved, called(w.Canvas().Focused()),
			p.search.Text)
	}
	if want := `"50.000" can mean 50.000 or 50000: write 50.0000 or 50000`; field.wrong.words.Text != want {
		t.Errorf("said %q, want %q", field.wrong.words.Text, want)
	}
	d := fyne.CurrentApp().Driver()
	top := d.AbsolutePositionForObject(field.focus().(fyne.CanvasObject)).Y
	if from := d.AbsolutePositionForObject(p.scroll).Y; top < from || top > from+p.scroll.Size().Height {
		t.Errorf("it stands at %v, what can be seen begins at %v and is %v high", top, from, p.scroll.Size().Height)
	}
	field.set("50000")
	p.editors["guarded_port.port"].set("4100")
	test.Tap(p.button)
	if len(a.saved) != 1 {
		t.Fatalf("not saved: %q", p.message.Text)
	}
	v.Saved(inForce(), settings.Problems{{Key: "reset_windows", Text: "overlap, see gateway.mode"}})
	if w.Canvas().Focused() != p.editors["reset_windows"].focus() ||
		p.editors["reset_windows"].wrong.words.Text != "overlap, see “Accounts”" {
		t.Errorf("refused: %q", p.editors["reset_windows"].wrong.words.Text)
	}
	if p.editors["log.level"].get() != "debug" || p.editors["guarded_port.port"].get() != "4100" || !p.desk.dirty() {
		t.Error("what was typed is lost")
	}
}

// TestZonesAreChosen finds a zone by the keyboard, and shows the computer's first.
func TestZonesAreChosen(t *testing.T) {
	if list := zonesLike(""); len(list) < 400 || list[0] != "Local" || list[1] != "Europe/Zurich" ||
		list[2] != "Africa/Abidjan" {
		t.Errorf("%d zones, first %q", len(list), list[:3])
	}
	if got := zonesLike("new york"); !slices.Equal(got, []string{"America/New_York"}) {
		t.Errorf("found %q", got)
	}
	for _, z := range zonesLike("") {
		if _, err := time.LoadLocation(z); err != nil {
			t.Error(err)
		}
	}
	v, w, _ := onSettings(t)
	p := v.form
	opened(p, "Reset windows")
	settle(w)
	c := w.Canvas()
	zone := p.editors["timezone"].focus().(*entry)
	c.Focus(zone)
	key := func(name fyne.KeyName) { c.Focused().TypedKey(&fyne.KeyEvent{Name: name}) }
	zone.SetText("indian")
	list := zonesLike("indian")
	key(fyne.KeyDown)
	if _, ok := c.Focused().(*zoneList); !ok {
		t.Fatalf("the focus is at %T", c.Focused())
	}
	key(fyne.KeyDown)
	key(fyne.KeyReturn)
	if zone.Text != list[1] || c.Focused() != zone || p.desk.form["timezone"] != list[1] {
		t.Errorf("chosen %q, want %q of %q", zone.Text, list[1], list)
	}
	key(fyne.KeyDown)
	key(fyne.KeyEscape)
	if c.Focused() != zone || zone.Text != list[1] {
		t.Errorf("Esc in the list: %q, the focus is at %T", zone.Text, c.Focused())
	}
	// From the button: all zones with the chosen one in view, a letter begins a search, and a blank chooses.
	before := p.scroll.Offset.Y
	press(firstButton(p.editors["timezone"].content))
	zones := c.Focused().(*zoneList)
	if len(zones.zones) < 400 || zones.zones[zones.at] != list[1] || p.scroll.Offset.Y < before {
		t.Errorf("%d zones, at %s; scrolled from %v to %v", len(zones.zones), zones.zones[zones.at], before,
			p.scroll.Offset.Y)
	}
	for _, r := range "toky" {
		c.Focused().TypedRune(r)
	}
	key(fyne.KeyDown)
	press(c.Focused())
	if zone.Text != "Asia/Tokyo" || c.Focused() != zone {
		t.Errorf("chosen %q, the focus is at %T", zone.Text, c.Focused())
	}
}

// press types a blank, which the toolkit hands out as a key and then as a letter to what has the focus by then.
func press(o fyne.Focusable) {
	c := fyne.CurrentApp().Driver().CanvasForObject(o.(fyne.CanvasObject))
	c.Focus(o)
	o.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	c.Focused().TypedRune(' ')
}

// TestOtherChangesAreMerged: what changes elsewhere is taken over while something else is edited, such as an alert
// channel that was added on its page.
func TestOtherChangesAreMerged(t *testing.T) {
	var d desk
	d.read(inForce())
	d.form["gateway.port"] = "7"
	other := view(func(s *settings.Settings) {
		s.Email.User, s.Log.Level = "me", "debug"
		s.GuardedPort.Programs = []settings.Program{{ClientID: 7, ReadOnly: true}}
	})
	if !d.read(other) || d.both != nil || d.form["log.level"] != "debug" || d.form["gateway.port"] != "7" {
		t.Fatalf("both %v, form %v", d.both, d.form)
	}
	s, problems := d.form.settings()
	want := other.Settings
	want.Gateway.Port = 7
	if diff := settings.Diff(s, want); len(problems) > 0 || len(diff) > 0 {
		t.Errorf("saves %v, %v", diff, problems)
	}
	d.view = &other
	d.defaults()
	if s, _ := d.form.settings(); len(s.GuardedPort.Programs) != 1 || s.Email.User != "me" || s.Log.Level != "info" {
		t.Errorf("the defaults have lost what the form does not show: %+v", s.GuardedPort)
	}
}

func TestLaunchAtLogin(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	v.Settings(inForce())
	v.open(pageSettings)
	login := v.form.login
	if login.content.Visible() {
		t.Error("it is shown before anything is known")
	}
	v.Login(api.Autostart{}, api.ErrNotRunning)
	if login.content.Visible() {
		t.Error("it is shown, and nothing is known")
	}
	v.Login(api.Autostart{Text: "Off."}, nil)
	if !login.content.Visible() || login.check.Checked || login.words.Text != "Off." {
		t.Errorf("shown %v, marked %v, %q", login.content.Visible(), login.check.Checked, login.words.Text)
	}
	test.Tap(login.check)
	if !login.check.Disabled() {
		t.Error("it can be changed again before there is an answer")
	}
	// What was asked for did not come true, and that is what is shown.
	v.Login(api.Autostart{}, errors.New("disk full"))
	if login.check.Checked || login.check.Disabled() || !login.wrong.content.Visible() {
		t.Errorf("marked %v, disabled %v, told %v", login.check.Checked, login.check.Disabled(),
			login.wrong.content.Visible())
	}
	test.Tap(login.check)
	v.Login(api.Autostart{On: true, Text: "On."}, nil)
	if !login.check.Checked || login.wrong.content.Visible() || login.words.Text != "On." {
		t.Errorf("marked %v, told %v, %q", login.check.Checked, login.wrong.content.Visible(), login.words.Text)
	}
	if want := []string{"?", "true", "true"}; !slices.Equal(a.logins, want) {
		t.Errorf("asked %q, want %q", a.logins, want)
	}
	if v.form.desk.dirty() {
		t.Error("it is taken for an unsaved setting")
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
	if test.Tap(f.button); !strings.Contains(f.editors["gateway.port"].wrong.words.Text, "out of range") ||
		len(a.saved) > 0 {
		t.Errorf("a bad value: saved %q, said %q", a.saved, f.editors["gateway.port"].wrong.words.Text)
	}
	f.editors["gateway.port"].set("4001")
	if f.button.Disabled() || f.editors["gateway.port"].wrong.content.Visible() {
		t.Error("a good value cannot be saved, or the mistake still stands")
	}
	v.Lost(api.ErrNotRunning, noon)
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
	if f.desk.dirty() || !f.button.Disabled() || f.message.Text != "Saved and in effect." {
		t.Errorf("dirty %v, message %q", f.desk.dirty(), f.message.Text)
	}
}

func TestResetToDefaultsIsOnlyADraft(t *testing.T) {
	v, _, a := acting(t)
	v.Settings(port(4001))
	v.Status(connected(), noon)
	test.Tap(v.form.defaults)
	if len(a.saved) != 0 || v.form.editors["gateway.port"].get() != "0" || v.form.button.Disabled() {
		t.Errorf("saved %d, port %s, Save disabled %v", len(a.saved), v.form.editors["gateway.port"].get(),
			v.form.button.Disabled())
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
	test.Tap(v.form.editors["reset_windows"].windows.add)
	row := v.form.editors["reset_windows"].windows.rows[0]
	row.preset.SetSelected(ownWindow)
	if test.Tap(v.form.button); len(a.saved) > 0 {
		t.Error("a window without a start can be saved")
	}
	row.start.SetText("23:30")
	row.minutes.SetText("45")
	row.days.boxes[2].SetChecked(true)
	test.Tap(v.form.button)
	if len(a.saved) != 1 {
		t.Fatalf("not saved: %q", v.form.message.Text)
	}
	s, err := settings.Parse("", a.saved[0])
	if err != nil || len(s.ResetWindows) != 1 || s.ResetWindows[0].Start != "23:30" ||
		s.ResetWindows[0].Days[0] != "wed" {
		t.Errorf("sent %+v, %v", s.ResetWindows, err)
	}
}
