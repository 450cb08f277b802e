package ui

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fyne.io/fyne/v2/theme"

	"fyne.io/fyne/v2/test"
	"gatewatch/app/api"

	"gatewatch/app/settings"
)

// anySettings draws settings that are in order.
func anySettings(t *rapid.T) settings.Settings {
	s := settings.Default()
	s.Schema = rapid.SampledFrom([]string{"", settings.SchemaRef, "file:///<a> & \"b\""}).Draw(t, "schema")
	s.Gateway.Host = rapid.SampledFrom([]string{"127.0.0.1", "localhost", "::1", "gateway.example.com"}).Draw(t, "host")
	s.Gateway.Port = rapid.IntRange(0, 65535).Draw(t, "port")
	s.Gateway.ClientID = rapid.IntRange(0, 2147483647).Draw(t, "client id")
	s.Gateway.Mode = rapid.SampledFrom([]string{"paper", "live", "any"}).Draw(t, "mode")
	s.Gateway.ConnectTimeoutSeconds = rapid.Float64Range(0.001, 120).Draw(t, "timeout")
	s.Watchdog.SoftSeconds = rapid.Float64Range(0.001, 600).Draw(t, "soft")
	s.Watchdog.HardSeconds = rapid.Float64Range(600.001, 3600).Draw(t, "hard")
	s.Reconnect.DelaysSeconds = rapid.SliceOfN(rapid.Float64Range(0.001, 3600), 1, 20).Draw(t, "delays")
	s.Reconnect.Jitter = rapid.Float64Range(0, 0.5).Draw(t, "jitter")
	s.Reconnect.WatchLocalPort = rapid.Bool().Draw(t, "watch")
	s.ResetMinutes = rapid.IntRange(0, 720).Draw(t, "minutes")
	s.Trading.ArmAtStart = rapid.Bool().Draw(t, "arm")
	s.Trading.MaxTickAgeSeconds = rapid.Float64Range(1, 3600).Draw(t, "tick age")
	s.Trading.CloseBeforeRestartSeconds = rapid.IntRange(0, 300).Draw(t, "close before restart")
	s.Trading.ProofOfLifeMS = rapid.IntRange(50, 3000).Draw(t, "proof of life")
	s.Trading.OrdersPerMinute = rapid.IntRange(0, 10000).Draw(t, "orders per minute")
	s.Trading.OrdersPerDay = rapid.IntRange(0, 100000).Draw(t, "orders per day")
	s.Trading.MaxQuantity = rapid.Float64Range(0, 99999999999).Draw(t, "quantity")
	s.Trading.MaxNotional = rapid.Float64Range(0, 1e12).Draw(t, "notional")
	s.Trading.Instruments = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"AAPL", "EUR", "ES", "BRK.B", "A'B"}), 0,
		5, func(s string) string { return s }).Draw(t, "instruments")
	s.Log.Level = rapid.SampledFrom([]string{"debug", "info", "warn", "error"}).Draw(t, "level")
	s.ResetWindows = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) settings.ResetWindow {
		if rapid.Bool().Draw(t, "preset") {
			return settings.ResetWindow{Preset: rapid.SampledFrom(settings.Presets()).Draw(t, "name")}
		}
		w := settings.ResetWindow{Start: "23:45", Minutes: rapid.IntRange(1, 2880).Draw(t, "length")}
		w.Timezone = rapid.SampledFrom([]string{"", "Local", "Europe/Zurich"}).Draw(t, "zone")
		for _, d := range weekdays {
			if rapid.Bool().Draw(t, d) {
				w.Days = append(w.Days, d)
			}
		}
		return w
	}), 0, 5).Draw(t, "windows")
	return s
}

func TestFormKeepsSettings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySettings(t)
		back, problems := draftOf(s).settings()
		if len(problems) > 0 {
			t.Fatalf("refused: %v", problems)
		}
		if diff := settings.Diff(s, back); len(diff) > 0 || s.Schema != back.Schema {
			t.Fatalf("changed on the way: %v", diff)
		}
	})
}

// TestWidgetsKeepSettings sends settings through the widgets themselves.
func TestWidgetsKeepSettings(t *testing.T) {
	v, _ := stage(t, theme.VariantLight, MinSize, Actions{})
	rapid.Check(t, func(t *rapid.T) {
		s := anySettings(t)
		view := inForce()
		view.Settings = s
		v.Settings(view)
		v.form.changed() // read back what is in the widgets
		if v.form.desk.dirty() {
			for path, text := range v.form.desk.form {
				if v.form.desk.edited(path) {
					t.Errorf("%s was %q and is %q", path, v.form.desk.base[path], text)
				}
			}
			t.Fatal("the form says that something was edited")
		}
		back, problems := v.form.desk.form.settings()
		if len(problems) > 0 {
			t.Fatalf("refused: %v", problems)
		}
		if diff := settings.Diff(s, back); len(diff) > 0 || s.Schema != back.Schema {
			t.Fatalf("changed on the way: %v", diff)
		}
	})
}

func TestEveryKeyHasAField(t *testing.T) {
	var paths []string
	for f := range fields {
		if f.doc == "" || f.label == "" {
			t.Errorf("%s has no label or no hint", f.path)
		}
		if f.kind == kept && f.page == "" {
			t.Errorf("%s is not in the form; give its kind an editor", f.path)
		}
		paths = append(paths, f.path)
	}
	for _, want := range []string{
		"gateway.port", "watchdog.hard_seconds", "reconnect.delays_seconds", "reset_windows",
		"timezone", "api.port", "log.level", "trading.arm_at_start", "trading.max_notional", "trading.instruments",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s has no field", want)
		}
	}
	// What is different from the defaults in every key comes back in every key.
	if all := settings.Diff(settings.Settings{}, settings.Default()); len(all) == 0 {
		t.Error("nothing compared")
	} else {
		for _, key := range all {
			if !slices.Contains(paths, key) {
				t.Errorf("%s has no field", key)
			}
		}
	}
}

func TestFormNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		path, text string
		want       string // key of the problem
	}{
		{"gateway.port", "70000", "gateway.port"},
		{"gateway.port", "4002.5", "gateway.port"},
		{"gateway.port", "", "gateway.port"},
		{"gateway.port", "0x10", "gateway.port"},
		{"gateway.port", "1_000", "gateway.port"},
		{"gateway.port", "1e999", "gateway.port"},
		{"gateway.port", "NaN", "gateway.port"},
		{"gateway.host", "a b", "gateway.host"},
		{"gateway.host", `","port":1,"x":"`, "gateway.host"},
		{"gateway.mode", "demo", "gateway.mode"},
		{"reconnect.delays_seconds", "1, two", "reconnect.delays_seconds"},
		{"reconnect.delays_seconds", "", "reconnect.delays_seconds"},
		{"reconnect.delays_seconds", "1, 0", "reconnect.delays_seconds[1]"},
		{"watchdog.hard_seconds", "1", "watchdog.hard_seconds"},
		{"timezone", "Mars/Olympus", "timezone"},
		{"trading.max_tick_age_seconds", "0", "trading.max_tick_age_seconds"},
		{"trading.orders_per_minute", "1.5", "trading.orders_per_minute"},
		{"trading.orders_per_day", "-1", "trading.orders_per_day"},
		{"trading.max_quantity", "a lot", "trading.max_quantity"},
		{"trading.max_notional", "1e13", "trading.max_notional"},
		{"trading.instruments", "AAPL, ÄÖ", "trading.instruments[1]"},
		{"trading.instruments", "AAPL, MSFT, AAPL", "trading.instruments[2]"},
		{"trading.instruments", "AAPL, BRK B", "trading.instruments[1]"}, // not BRK and B
	} {
		d := draftOf(settings.Default())
		d[c.path] = c.text
		_, problems := d.settings()
		if len(problems) != 1 || problems[0].Key != c.want {
			t.Errorf("%s = %q: problems %v, want one of %s", c.path, c.text, problems, c.want)
			continue
		}
		if path, _ := fieldFor(problems[0].Key); path != c.path {
			t.Errorf("%s is shown at %q, want %q", problems[0].Key, path, c.path)
		}
	}
	d := draftOf(settings.Default())
	d["reset_windows"] = windowsText([]windowDraft{{Preset: "ibkr-europe"}, {Start: "9", Minutes: "x"}})
	_, problems := d.settings()
	for _, p := range problems {
		if path, entry := fieldFor(p.Key); path != "reset_windows" || entry != 1 {
			t.Errorf("%s is shown at %s, entry %d", p.Key, path, entry)
		}
	}
	if len(problems) != 2 {
		t.Errorf("problems %v, want two", problems)
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	d := draftOf(settings.Default())
	d["gateway.port"], d["gateway.connect_timeout_seconds"], d["log.level"] = "x", "0", "loud"
	_, problems := d.settings()
	if len(problems) != 3 {
		t.Errorf("problems %v, want three", problems)
	}
}

func view(change func(*settings.Settings)) api.SettingsView {
	v := inForce()
	change(&v.Settings)
	return v
}

func port(p int) api.SettingsView { return view(func(s *settings.Settings) { s.Gateway.Port = p }) }

func TestDesk(t *testing.T) {
	edit := func(d *desk, p string) {
		d.form = draftOf(settings.Default())
		d.form["gateway.port"] = p
	}
	t.Run("changes elsewhere fill an untouched form", func(t *testing.T) {
		var d desk
		if !d.read(port(1)) || !d.read(port(2)) || d.form["gateway.port"] != "2" || d.both != nil {
			t.Errorf("form %v, both %v", d.form, d.both)
		}
		if d.read(port(2)) {
			t.Error("filled again with the same")
		}
	})
	t.Run("changes elsewhere do not touch an edited form", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "7")
		if d.read(port(8)) || d.both == nil || d.form["gateway.port"] != "7" {
			t.Errorf("form %v, both %v", d.form["gateway.port"], d.both)
		}
		if !slices.Equal(d.both, []string{"gateway.port"}) {
			t.Errorf("changed elsewhere: %v", d.both)
		}
	})
	t.Run("keep mine", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "7")
		d.read(port(8))
		d.keepMine()
		if d.read(port(8)) || d.both != nil || !d.dirty() || d.form["gateway.port"] != "7" {
			t.Errorf("form %v, both %v", d.form["gateway.port"], d.both)
		}
	})
	t.Run("reload", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "7")
		d.read(port(8))
		d.reload()
		if d.dirty() || d.both != nil || d.form["gateway.port"] != "8" {
			t.Errorf("form %v, both %v", d.form["gateway.port"], d.both)
		}
	})
	t.Run("a change elsewhere taken back is none", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "7")
		d.read(port(8))
		d.read(inForce())
		if d.both != nil || !d.dirty() {
			t.Errorf("both %v, dirty %v", d.both, d.dirty())
		}
	})
	t.Run("the same change elsewhere is no conflict", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "8")
		if d.read(port(8)); d.both != nil || d.dirty() {
			t.Errorf("both %v, dirty %v", d.both, d.dirty())
		}
	})
	t.Run("what is typed while saving stays", func(t *testing.T) {
		var d desk
		d.read(inForce())
		edit(&d, "7")
		sent := d.form
		edit(&d, "77")
		if d.saved(port(7), sent) || d.form["gateway.port"] != "77" || !d.dirty() {
			t.Errorf("form %v, dirty %v", d.form["gateway.port"], d.dirty())
		}
	})
}

// TestProgramsAreKept saves another setting: the options of programs, which have no field, stay as they are.
func TestProgramsAreKept(t *testing.T) {
	v, _, a := acting(t)
	in := inForce()
	in.Settings.GuardedPort.Programs = []settings.Program{
		{ClientID: 7, MaxOrdersPerMinute: 30, CancelOnDisconnect: true},
	}
	v.Status(connected(), noon)
	v.Settings(in)
	v.open(pageSettings)
	v.form.editors["gateway.client_id"].set("21")
	test.Tap(v.form.button)
	if len(a.saved) != 1 {
		t.Fatalf("saved %q", a.saved)
	}
	s, err := settings.Parse("settings.json", a.saved[0])
	if err != nil || s.Gateway.ClientID != 21 ||
		!slices.Equal(s.GuardedPort.Programs, in.Settings.GuardedPort.Programs) {
		t.Errorf("%+v, %v", s.GuardedPort, err)
	}
}
