package resident

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"gatewatch/app/crash"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
	"gatewatch/conn/nudge"
)

// TestFailingStepsAreListed holds each step in the background that can fail to what the status says of it.
func TestFailingStepsAreListed(t *testing.T) {
	f := &failures{changes: &nudge.Subscribers{}}
	p := &crash.Parts{Log: slog.New(slog.DiscardHandler)}
	st := &status{
		trading: &trading{}, history: &connectionLog{keeper: &history.Keeper{}}, failures: f, parts: p,
		settings: &configuration{},
	}
	steps := func() (list []string) {
		for _, f := range st.failing() {
			if f.Text == "" || f.Hint == "" || f.Text == f.Step {
				t.Errorf("%+v has no words", f)
			}
			list = append(list, f.Step+": "+f.Detail)
		}
		return list
	}
	if list := steps(); len(list) != 0 {
		t.Errorf("nothing fails, and it says %q", list)
	}
	set := func(step string) func(text string) {
		return func(text string) { f.set(step, map[bool]error{true: errors.New(text)}[text != ""]) }
	}
	for step, fail := range map[string]func(text string){
		wording.FailingRecord:        func(text string) { st.trading.why = text },
		wording.FailingFiles:         set(wording.FailingFiles),
		wording.FailingLostOrders:    set(wording.FailingLostOrders),
		wording.FailingAlerts:        set(wording.FailingAlerts),
		wording.FailingWaiting:       set(wording.FailingWaiting),
		wording.FailingSettings:      set(wording.FailingSettings),
		wording.FailingNotifications: set(wording.FailingNotifications),
		wording.FailingZone:          set(wording.FailingZone),
	} {
		fail("no space left")
		if list := steps(); len(list) != 1 || list[0] != step+": no space left" {
			t.Errorf("%s fails: %q", step, list)
		}
		fail("")
		if list := steps(); len(list) != 0 {
			t.Errorf("%s does not fail any more: %q", step, list)
		}
	}
	// What an error says last, behind a long path, is why.
	st.trading.why = "open " + strings.Repeat("/long", 60) + ": no space left on device"
	if why := wording.FailingLine("", st.failing()[0].Detail); !strings.Contains(why, st.trading.why) {
		t.Errorf("cut: %q", why)
	}
	st.trading.why = ""
	p.Gone("tray")
	if list := steps(); len(list) != 1 || list[0] != wording.FailingPart+": tray" {
		t.Errorf("%q", list)
	}
}

// TestFailuresAreNews: a step says when it begins and ends to fail, and each new reason is shown.
func TestFailuresAreNews(t *testing.T) {
	f := &failures{changes: &nudge.Subscribers{}}
	shown, end := f.changes.Subscribe()
	defer end()
	<-shown
	for i, c := range []struct {
		err         error
		news, shown bool
	}{
		{nil, false, false},
		{io.EOF, true, true},
		{io.EOF, false, false},
		{io.ErrUnexpectedEOF, false, true},
		{nil, true, true},
	} {
		if news := f.set("step", c.err); news != c.news {
			t.Errorf("%d: news %v", i, news)
		}
		nudged := false
		select {
		case <-shown:
			nudged = true
		default:
		}
		if nudged != c.shown {
			t.Errorf("%d: shown %v", i, nudged)
		}
	}
}
