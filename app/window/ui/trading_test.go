package ui

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
)

func TestHowTradingStands(t *testing.T) {
	held := armed()
	held.Trading.MayTrade, held.Trading.Reason = false, "orders are compared"
	off, live, unknown := unarmed(), unarmed(), unarmed()
	off.Connected = false
	live.Trading.Confirm, unknown.Trading.Confirm = "This is a LIVE account", "It is not known"
	ok, bare, ready := armed(), armed(), unarmed()
	bare.Trading.OrdersUnprotected = 1
	for name, c := range map[string]struct {
		st    *api.Status
		lost  absence
		shape Shape
		word  string
		may   bool
		says  string // part of the reason
		asks  string // part of what is asked before arming
	}{
		"armed": {&ok, absence{}, Up, "Trading is on", true, "Since 10:00 · 2 rules active · 1 order open", ""},
		"no stop": {
			&bare,
			absence{},
			Impaired, "Trading is on", true,
			"1 open position without its stop, look in TWS", "",
		},
		"held": {
			&held,
			absence{},
			Impaired, "Trading is on, but orders are blocked", true,
			"Orders are compared.\nSince", "",
		},
		"off": {
			&ready,
			absence{},
			Off, "Trading is off", true,
			"cannot place orders.\n1 rule failed · 2 rules active", "",
		},
		"not connected": {&off, absence{}, Off, "Trading is off", false, "once Gateway is connected", ""},
		"live":          {&live, absence{}, Off, "Trading is off", true, "", "This is a LIVE account"},
		"not known": {
			&unknown,
			absence{},
			Off, "Trading is off", true, "",
			"It is not known",
		},
		"gone": {&ok, absence{since: noon}, Unknown, "Trading: not known", false, "once Gatewatch runs again.", ""},
		"hangs": {
			&ok,
			absence{noon, true},
			Unknown, "Trading: not known", false,
			"once Gatewatch responds again.", "",
		},
		"nobody yet": {nil, absence{}, Unknown, "Trading: not known", false, "Looking", ""},
	} {
		got := tradingOf(c.st, c.lost, noon)
		if got.shape != c.shape || got.word != c.word || got.may != c.may || !strings.Contains(got.reason, c.says) ||
			!strings.Contains(got.confirm, c.asks) || (c.asks == "") != (got.confirm == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestArming(t *testing.T) {
	v, _, a := acting(t)
	v.Status(unarmed(), noon)
	bar := v.status.arm
	test.Tap(bar.button)
	test.Tap(bar.button)
	if !reflect.DeepEqual(a.asked, []string{"arm"}) {
		t.Fatalf("asked %v", a.asked)
	}
	v.Armed(&api.Conflict{Reason: "no\nway"})
	if bar.failed.Text != "That did not work: no way" || bar.button.Disabled() {
		t.Errorf("said %q", bar.failed.Text)
	}
	v.Status(armed(), noon)
	a.asked = slices.DeleteFunc(a.asked, func(what string) bool { return what == "orders" }) // in case of an absence
	v.arming = true                                                                          // an answer is awaited
	v.render()
	test.Tap(bar.button)
	if a.asked[len(a.asked)-1] != "disarm" {
		t.Errorf("stopping waits: %v", a.asked)
	}
	v.Armed(nil)
	live := unarmed()
	live.Gateway.Mode, live.Trading.Confirm = "unknown", "It is not known"
	v.Status(live, noon)
	if bar.button.Text != "Turn on trading…" {
		t.Errorf("on an unknown account: %q", bar.button.Text)
	}
	live.Gateway.Mode, live.Trading.Confirm = "live", "This is a LIVE account"
	v.Status(live, noon)
	if bar.button.Text != "Turn on LIVE trading…" {
		t.Errorf("on a LIVE account: %q", bar.button.Text)
	}
	test.Tap(bar.button)
	if len(a.asked) != 2 || !bar.question.open() {
		t.Fatalf("a LIVE account is armed by one press: %v", a.asked)
	}
	test.Tap(bar.question.yes)
	if len(a.asked) != 3 || a.asked[2] != "arm live" || bar.question.open() {
		t.Errorf("asked %v", a.asked)
	}
	v.Armed(nil)
	test.Tap(bar.button)
	live.Connected = false
	v.Status(live, noon)
	if bar.question.open() || !bar.button.Disabled() {
		t.Error("it can be armed while not connected")
	}
}

// TestTradingPagesAskOften: rules and orders are asked for every few seconds and at each change, one at a time.
func TestTradingPagesAskOften(t *testing.T) {
	v, _, a := acting(t)
	v.Status(armed(), noon)
	a.asked = nil
	v.open(pageRules)
	v.Tick(noon.Add(time.Minute)) // the first is not answered yet
	if len(a.asked) != 1 {
		t.Fatalf("asked %v", a.asked)
	}
	v.Rules(someRules(), nil)
	v.Tick(noon.Add(time.Minute + time.Second))
	v.Rules(someRules(), nil)
	v.Tick(noon.Add(time.Minute + 3*time.Second))
	if len(a.asked) != 2 {
		t.Errorf("asked %v", a.asked)
	}
	v.Rules(someRules(), nil)
	v.Status(armed(), noon.Add(time.Minute+3*time.Second)) // nothing new
	v.Status(unarmed(), noon.Add(time.Minute+3*time.Second))
	if len(a.asked) != 3 {
		t.Errorf("asked %v", a.asked)
	}
}
