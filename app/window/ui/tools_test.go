package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"gatewatch/assets"
	"gatewatch/conn"
)

// TestMute mutes notifications, sees until when, and ends it.
func TestMute(t *testing.T) {
	var asked []time.Time
	v, _ := stage(t, theme.VariantLight, MinSize, Actions{Mute: func(until time.Time) { asked = append(asked, until) }})
	c := v.status.tools
	if v.Lost(nil, noon); !c.hour.Disabled() || !c.report.Disabled() {
		t.Error("it can be pressed while Gatewatch is not there")
	}
	st := connected()
	v.Status(st, noon)
	test.Tap(c.hour)
	test.Tap(c.tomorrow)
	st.Muted = new(noon.Add(time.Hour))
	v.Status(st, noon)
	if c.muted.Text != "Notifications muted until 13:00" || !c.tomorrow.Visible() || !c.unmute.Visible() {
		t.Errorf("muted: %q", c.muted.Text)
	}
	test.Tap(c.unmute)
	want := []time.Time{noon.Add(time.Hour), time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), {}}
	for i := range want {
		if len(asked) != len(want) || !asked[i].Equal(want[i]) {
			t.Fatalf("asked for %v, want %v", asked, want)
		}
	}
	if v.Tick(noon.Add(time.Hour)); c.unmute.Visible() {
		t.Error("it is shown as muted after its end")
	}
}

func TestCopy(t *testing.T) {
	v, _ := stage(t, theme.VariantLight, MinSize, Actions{})
	v.Status(reconnecting(), noon)
	test.Tap(v.status.alarm.copy)
	clip := fyne.CurrentApp().Clipboard().Content()
	if !strings.HasPrefix(clip, "No connection\nConnection refused: nothing listens on 127.0.0.1:4002.\nSince ") ||
		!strings.Contains(clip, "Start IB Gateway") {
		t.Errorf("of the banner %q", clip)
	}
	test.Tap(v.status.tools.status)
	clip = fyne.CurrentApp().Clipboard().Content()
	for _, want := range []string{
		"Gatewatch, 4 Mar 2026 12:00:00 UTC\nNo connection, since ", "Socket: down",
		"Orders: blocked: not connected to Gateway", "Reset window: next 18:00",
	} {
		if !strings.Contains(clip, want) {
			t.Errorf("the status misses %q:\n%s", want, clip)
		}
	}
	if v.Diagnostics("a report", nil); fyne.CurrentApp().Clipboard().Content() != "a report" {
		t.Error("the diagnostics are not on the clipboard")
	}
}

// TestShapesMeanOneThing holds each shape to one meaning: two bars are for a connection that the user has paused.
func TestShapesMeanOneThing(t *testing.T) {
	for _, mode := range []string{"paper", "live"} {
		st := connected()
		st.Gateway.Mode = mode
		if got := tradingOf(&st, absence{}, noon).shape; got != Off {
			t.Errorf("trading off is shown as %v", got)
		}
	}
	seen := map[string]Shape{}
	for s, d := range shapes {
		svg := assets.Shapes[d.name]
		if other, twice := seen[svg]; twice || svg == "" {
			t.Errorf("%v and %v look alike", s, other)
		}
		seen[svg] = s
	}
	st := reconnecting()
	if p := pictureOf(&st, absence{}, noon); p.headline != "No connection" || p.shape != Down {
		t.Errorf("after 74 s without a connection: %q, %v", p.headline, p.shape)
	}
	st.Since = noon.Add(-59 * time.Second)
	if p := pictureOf(&st, absence{}, noon); p.headline != "Reconnecting" || p.shape != Working {
		t.Errorf("after 59 s: %q, %v", p.headline, p.shape)
	}
	st.LostAt = new(noon.Add(-time.Hour))
	if p := pictureOf(&st, absence{}, noon); p.since != "since 11:00 · 1 h" {
		t.Errorf("since %q", p.since)
	}
	if st = connected(); pictureOf(&st, absence{}, noon).shape != Up || st.State != conn.Connected {
		t.Error("connected is not shown as such")
	}
}

// TestDangerLooksAlike looks at every button that asks before it acts.
func TestDangerLooksAlike(t *testing.T) {
	v, _ := stage(t, theme.VariantLight, MinSize, Actions{})
	st := connected()
	st.Trading.Confirm = "This is a LIVE account"
	v.Status(st, noon)
	for _, b := range []*button{
		v.status.arm.button, v.status.arm.question.yes, v.orders.all, v.orders.question.yes,
		newRuleRow(v.rules).remove, v.alerts.newRow("email").remove,
	} {
		if b.Importance != widget.DangerImportance {
			t.Errorf("%q does not look dangerous", b.Text)
		}
	}
}
