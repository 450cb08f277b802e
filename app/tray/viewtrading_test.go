package tray

import (
	"slices"
	"testing"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestTradingEntries(t *testing.T) {
	const arm, disarm, cancel = "Turn on trading", "Turn off trading", "Cancel all open orders…"
	for _, c := range []struct {
		x     Trading
		mode  ib.Mode
		shown []string
	}{
		{Trading{}, ib.Paper, nil},
		{Trading{MayArm: true}, ib.Paper, []string{arm}},
		{Trading{MayArm: true}, ib.Live, []string{"Turn on LIVE trading…"}},
		{Trading{MayArm: true}, ib.AnyMode, []string{"Turn on trading…"}},
		{Trading{}, ib.Live, nil},
		{Trading{Armed: true}, ib.Paper, []string{disarm}},
		{Trading{Armed: true, MayArm: true}, ib.Live, []string{disarm}},
		{Trading{Armed: true, MayArm: true}, ib.Paper, []string{disarm}},
		{Trading{Open: 1}, ib.Paper, []string{"Cancel 1 open order…"}},
		{Trading{Armed: true, Open: 3}, ib.Paper, []string{disarm, "Cancel 3 open orders…"}},
	} {
		s := &conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: ib.Gateway{Mode: c.mode}}
		v := viewOf(s, start, Extra{Trading: c.x})
		var shown []string
		for e := Arm; e <= CancelAll; e++ {
			if v.Menu[e].Title == "" || v.Menu[e].Disabled != (e == Connected) {
				t.Errorf("%+v: %v is %+v", c.x, e, v.Menu[e])
			}
			if !v.Menu[e].Hidden {
				shown = append(shown, v.Menu[e].Title)
			}
		}
		if !slices.Equal(shown, c.shown) {
			t.Errorf("%+v: %q, want %q", c.x, shown, c.shown)
		}
	}
	if got := viewOf(&conn.Snapshot{}, start, Extra{}).Menu[CancelAll].Title; got != cancel {
		t.Errorf("with nothing to cancel: %q", got)
	}
}

func TestProgramEntries(t *testing.T) {
	s := &conn.Snapshot{State: conn.Connected, Since: start, Layers: full}
	for _, c := range []struct {
		x     Programs
		shown []string
	}{
		{Programs{}, nil},
		{Programs{Stopped: true, Text: "3 programs connected"}, nil}, // the port was turned off
		{Programs{On: true, Text: "1 program connected"}, []string{"Stop all trading", "1 program connected"}},
		{
			Programs{On: true, Stopped: true, Text: "Trading of programs stopped"},
			[]string{"Let programs trade again", "Trading of programs stopped"},
		},
	} {
		v := viewOf(s, start, Extra{Programs: c.x})
		var shown []string
		for e := StopTrading; e <= Connected; e++ {
			if !v.Menu[e].Hidden {
				shown = append(shown, v.Menu[e].Title)
			}
		}
		if !slices.Equal(shown, c.shown) {
			t.Errorf("%+v: %q, want %q", c.x, shown, c.shown)
		}
	}
	for mode, want := range map[ib.Mode]string{
		ib.Paper: "", ib.Live: "Confirm: let programs trade LIVE", ib.AnyMode: "Confirm: let programs trade",
	} {
		s.Gateway.Mode = mode
		x := Extra{Programs: Programs{Confirm: want != ""}}
		if asks := viewOf(s, start, x).Menu[AllowPrograms].Confirm; asks != want {
			t.Errorf("%v: it asks %q, want %q", mode, asks, want)
		}
	}
}
