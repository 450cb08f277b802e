package resident

import (
	"errors"
	"io"
	"log/slog"
	"testing"

	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// TestFailingStepsAreListed holds each step in the background that can fail to what the status says of it.
func TestFailingStepsAreListed(t *testing.T) {
	r := newResident(home.At(t.TempDir()), nil, io.Discard)
	r.keeper = &history.Keeper{}
	steps := func() (list []string) {
		for _, f := range r.failing() {
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
	for step, fail := range map[string]func(text string){
		wording.FailingOrders:        func(text string) { r.noTrading = text },
		wording.FailingFiles:         func(text string) { r.noFiles = text },
		wording.FailingAlerts:        func(text string) { r.alertsFail(map[bool]error{true: errors.New(text)}[text != ""]) },
		wording.FailingSettings:      r.setProblem,
		wording.FailingNotifications: func(text string) { r.noticesFail(map[bool]error{true: errors.New(text)}[text != ""]) },
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
	r.parts.Log = slog.New(slog.DiscardHandler)
	r.parts.Gone("tray")
	if list := steps(); len(list) != 1 || list[0] != wording.FailingPart+": tray" {
		t.Errorf("%q", list)
	}
}
