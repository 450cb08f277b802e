package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

func TestFirstRun(t *testing.T) {
	s := inForce()
	s.Found = false
	v, _, a := acting(t)
	v.Settings(s)
	st := lookingForTheFirst()
	v.Status(st, noon)
	const ports = "Port 4002 (usually PAPER): nothing listens\nPort 7497 (usually PAPER): nothing listens\n" +
		"Port 4001 (usually LIVE): nothing listens\nPort 7496 (usually LIVE): nothing listens\n\n"
	if got := v.status.alarm.hint.Text; got != ports+wording.Checklist || v.status.first.content.Visible() {
		t.Errorf("nothing answers: %q", got)
	}
	if got := v.status.alarm.cause.Text; got != "Welcome. Looking for IB Gateway or TWS…" ||
		v.pic.headline != wording.Looking {
		t.Errorf("nothing answers: %q, %q", got, v.pic.headline)
	}
	if all := v.pic.plainText(noon); strings.Contains(strings.ToLower(all), "reconnecting") ||
		!strings.Contains(all, "\n"+wording.Looking+"\n") {
		t.Errorf("before the first connection: %s", all)
	}
	st.CauseID, st.Cause = "disclaimer_unsettled", "The disclaimer."
	v.Status(st, noon)
	if got := v.status.alarm.cause.Text; got != "The disclaimer." {
		t.Errorf("a Gateway that wants something: %q", got)
	}
	v.Status(connected(), noon)
	if got := v.status.first.title.Text; got != "Welcome. 127.0.0.1:4002 has answered with a PAPER account." ||
		!v.status.first.content.Visible() {
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

// TestFirstRunReset: one click saves the reset window that fits, alone or with the port that has answered.
func TestFirstRunReset(t *testing.T) {
	s := inForce()
	s.Found = false
	s.Suggestion = api.SuggestReset(s.Settings, region.Found{Zone: "Europe/Berlin", Computer: region.Europe}, noon)
	v, _, a := acting(t)
	v.Settings(s)
	st := reconnecting()
	for _, c := range []struct {
		st            api.Status
		title, button string
		port          int
	}{
		{st, "Welcome.", "Save this reset window", 0},
		{
			connected(), "Welcome. 127.0.0.1:4002 has answered with a PAPER account.",
			"Save this port and reset window", 4002,
		},
	} {
		v.Status(c.st, noon)
		first := v.status.first
		if !first.content.Visible() || first.title.Text != c.title || first.button.Text != c.button {
			t.Errorf("%q, %q", first.title.Text, first.button.Text)
		}
		if first.reset.Text != s.Suggestion.Text {
			t.Error(first.reset.Text)
		}
		a.saved = nil
		test.Tap(first.button)
		want := settings.For(region.Europe)
		want.Gateway.Port = c.port
		if len(a.saved) != 1 {
			t.Fatalf("saved %d times", len(a.saved))
		}
		if got, err := settings.Parse("", a.saved[0]); err != nil || len(settings.Diff(got, want)) > 0 {
			t.Errorf("sent %s, %v", a.saved[0], err)
		}
		v.Saved(s, nil)
	}
	s.Suggestion = api.SuggestReset(s.Settings, region.Found{Zone: "UTC"}, noon)
	v.Settings(s)
	v.Status(st, noon)
	if v.status.first.content.Visible() {
		t.Error("something is offered where no region is known")
	}
}
