package tray

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

var (
	start = time.Date(2026, 3, 4, 9, 31, 2, 0, time.Local)
	full  = conn.Layers{Socket: true, API: true, Upstream: true}
	paper = ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}
)

// day returns an account with so much time connected and down, in so many outages.
func day(up, down time.Duration, outages int) history.Account {
	a := history.Account{Outages: outages}
	a.Terms[history.Connected], a.Terms[history.Down] = up, down
	return a
}

func TestViewOf(t *testing.T) {
	at := func(d time.Duration) time.Time { return start.Add(d) }
	good := day(992*time.Second, 8*time.Second, 2)
	for _, c := range []struct {
		name    string
		s       conn.Snapshot
		now     time.Time
		x       Extra
		icon    assets.Icon
		tooltip string
		status  string
		ticking bool
	}{
		{
			name: "connected", s: conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: paper},
			now: at(time.Hour), x: Extra{Today: good}, icon: assets.Connected,
			tooltip: "Connected · PAPER 4002 · since 09:31 · today 99.2 %", status: "Connected · PAPER 4002",
		},
		{
			name: "demo", s: conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: paper},
			now: at(time.Hour), x: Extra{Demo: true, Trading: Trading{Armed: true}}, icon: assets.Connected,
			tooltip: "Connected · DEMO 4002 · trading on · since 09:31", status: "Connected · DEMO 4002",
		},
		{
			name: "connected for days", s: conn.Snapshot{
				State: conn.Connected, Since: start.UTC(), Layers: full,
				Gateway: paper,
			},
			now: at(25 * time.Hour), icon: assets.Connected,
			tooltip: "Connected · PAPER 4002 · since Wed 09:31", status: "Connected · PAPER 4002",
		},
		{
			name: "connected for weeks, live and muted", s: conn.Snapshot{
				State: conn.Connected, Since: start,
				Layers: full, Gateway: ib.Gateway{Port: 4001, Mode: ib.Live},
			},
			now: at(240 * time.Hour), x: Extra{Muted: at(241 * time.Hour)}, icon: assets.Connected.Live(),
			tooltip: "Connected · LIVE 4001 · since 4 Mar 09:31 · notifications muted", status: "Connected · LIVE 4001",
		},
		{
			name: "guard closed for a moment", s: conn.Snapshot{
				State: conn.Connected, Since: start, Layers: full,
				Gateway: paper, Guard: ib.GuardReconciling, GuardSince: start,
			},
			now: at(999 * time.Millisecond), icon: assets.Connected, ticking: true,
			tooltip: "Connected · PAPER 4002 · since 09:31", status: "Connected · PAPER 4002",
		},
		{
			name: "guard closed", s: conn.Snapshot{
				State: conn.Connected, Since: start.Add(-time.Hour), Layers: full, Gateway: paper,
				Guard: ib.GuardReconciling, GuardSince: start,
			},
			now: at(time.Second), icon: assets.Blocked,
			tooltip: "Orders blocked: waiting for Gateway to confirm open orders · PAPER 4002 · since 09:31",
			status:  "Orders blocked: waiting for Gateway to confirm open orders · PAPER 4002",
		},
		{
			name: "guard closed and a farm down", s: conn.Snapshot{
				State: conn.Degraded, Cause: ib.CauseFarm,
				Detail: "usfarm", Since: start, Layers: full, Gateway: paper, Guard: ib.GuardReconciling,
				GuardSince: start,
			},
			now: at(time.Second), icon: assets.Degraded,
			tooltip: "Orders blocked: waiting for Gateway to confirm open orders · PAPER 4002 · since 09:31",
			status:  "Orders blocked: waiting for Gateway to confirm open orders · PAPER 4002",
		},
		{
			name: "orders cannot be written down", s: conn.Snapshot{
				State: conn.Connected, Since: start, Layers: full,
				Gateway: paper,
			},
			now: at(time.Hour), x: Extra{Trading: Trading{Armed: true, Stopped: "they cannot be written to disk"}},
			icon:    assets.Blocked,
			tooltip: "Orders blocked: they cannot be written to disk · PAPER 4002 · trading on",
			status:  "Orders blocked: they cannot be written to disk · PAPER 4002",
		},
		{
			name: "read-only", s: conn.Snapshot{
				State: conn.Degraded, Cause: ib.CauseReadOnly, Since: start,
				Layers: full, Gateway: paper, Guard: ib.GuardReadOnly, GuardSince: start,
			},
			now: at(0), icon: assets.Degraded, ticking: true,
			tooltip: "Orders blocked: Gateway's API is read-only · untick “Read-Only API” in Gateway · PAPER 4002 · " +
				"since 09:31",
			status: "Orders blocked: Gateway's API is read-only · untick “Read-Only API” in Gateway · PAPER 4002",
		},
		{
			name: "farm", s: conn.Snapshot{
				State: conn.Degraded, Cause: ib.CauseFarm, Detail: "usfarm\nx",
				Since: start, Layers: full, Gateway: paper,
			},
			now: at(0), icon: assets.Degraded,
			tooltip: "Connected, data farm usfarm x down · PAPER 4002 · since 09:31",
			status:  "Connected, data farm usfarm x down · PAPER 4002",
		},
		{
			name: "upstream lost", s: conn.Snapshot{State: conn.UpstreamLost, Since: start.UTC(), Layers: conn.Layers{
				Socket: true, API: true,
			}, Gateway: paper},
			now: at(time.Minute), icon: assets.Disconnected,
			tooltip: "IBKR unreachable since 09:31 · PAPER 4002", status: "IBKR unreachable since 09:31 · PAPER 4002",
		},
		{
			name: "waiting", s: conn.Snapshot{State: conn.Reconnecting, Since: start, Attempt: conn.Attempt{
				Number: 4, NextAt: at(20 * time.Second),
			}, Gateway: ib.Gateway{Port: 4002, Mode: ib.AnyMode}},
			now: at(8*time.Second + time.Millisecond), x: Extra{Today: good}, icon: assets.Connecting,
			tooltip: "Reconnecting, attempt 4 in 12 s · 4002 · since 09:31 · today 99.2 %",
			status:  "Reconnecting, attempt 4 at 09:31:22 · 4002", ticking: true,
		},
		{
			name: "attempt under way", s: conn.Snapshot{State: conn.Reconnecting, Since: start, Attempt: conn.Attempt{
				Number: 4, Running: true,
			}},
			now: at(59 * time.Second), icon: assets.Connecting,
			tooltip: "Reconnecting, attempt 4 · since 09:31", status: "Reconnecting, attempt 4", ticking: true,
		},
		{
			name: "no connection", s: conn.Snapshot{State: conn.Reconnecting, Since: start, Attempt: conn.Attempt{
				Number: 9, NextAt: at(90 * time.Second),
			}, Gateway: paper},
			now: at(time.Minute), icon: assets.Disconnected,
			tooltip: "No connection since 09:31, attempt 9 in 30 s · PAPER 4002",
			status:  "No connection since 09:31 · PAPER 4002", ticking: true,
		},
		{
			name: "no connection, attempt under way", s: conn.Snapshot{
				State: conn.Reconnecting, Since: start,
				LostAt: at(-time.Hour), Attempt: conn.Attempt{Number: 9, Running: true},
			},
			now: at(time.Hour), icon: assets.Disconnected,
			tooltip: "No connection since 08:31, attempt 9", status: "No connection since 08:31",
		},
		{
			name: "patience starts over after a window", s: conn.Snapshot{
				State: conn.Reconnecting, Since: start,
				LostAt: at(-time.Hour), Attempt: conn.Attempt{Number: 9, Running: true},
			},
			now: at(time.Second), icon: assets.Connecting,
			tooltip: "Reconnecting, attempt 9 · since 08:31", status: "Reconnecting, attempt 9", ticking: true,
		},
		{
			name: "reset window", s: conn.Snapshot{State: conn.ResetWindow, Since: start, Window: calendar.Span{
				Active: true, Ends: at(time.Hour).UTC(),
			}, Attempt: conn.Attempt{Number: 2, NextAt: at(time.Hour)}, Gateway: paper},
			now: at(time.Minute), icon: assets.ResetWindow,
			tooltip: "Gateway reset until 10:31 · PAPER 4002", status: "Gateway reset until 10:31 · PAPER 4002",
		},
		{
			name: "paused", s: conn.Snapshot{State: conn.Paused, Since: start}, now: at(time.Minute),
			icon:    assets.Paused,
			tooltip: "Paused · since 09:31", status: "Paused",
		},
		{
			name: "armed", s: conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: paper},
			now: at(time.Hour), x: Extra{Today: good, Trading: Trading{Armed: true, Open: 2}}, icon: assets.Connected,
			tooltip: "Connected · PAPER 4002 · trading on · since 09:31 · today 99.2 %",
			status:  "Connected · PAPER 4002",
		},
		{
			name: "an order is unknown", s: conn.Snapshot{
				State: conn.Connected, Since: start, Layers: full,
				Gateway: paper,
			},
			now: at(time.Hour), x: Extra{Trading: Trading{Open: 3, Unknown: 2}}, icon: assets.Connected,
			tooltip: "Connected · PAPER 4002 · since 09:31",
			status:  "2 orders unknown, look in TWS · Connected · PAPER 4002",
		},
		{
			name: "orders of programs are unknown", s: conn.Snapshot{
				State: conn.Connected, Since: start, Layers: full,
				Gateway: paper,
			},
			now: at(time.Hour), x: Extra{Trading: Trading{Unknown: 2}, Programs: Programs{On: true, Unknown: 1}},
			icon: assets.Connected, tooltip: "Connected · PAPER 4002 · since 09:31",
			status: "3 orders unknown, look in TWS · Connected · PAPER 4002",
		},
		{
			name: "before the first connection", now: at(2 * time.Hour), icon: assets.Connecting,
			s: conn.Snapshot{
				State: conn.Connecting, First: true, Since: start, Cause: ib.CauseRefused,
				Attempt: conn.Attempt{Number: 90, NextAt: at(2*time.Hour + time.Second)},
			},
			tooltip: "Looking for IB Gateway or TWS…", status: "Looking for IB Gateway or TWS…",
		},
		{
			name: "first attempt", s: conn.Snapshot{State: conn.Connecting, Since: start, Attempt: conn.Attempt{
				Number: 1, Running: true,
			}},
			now: at(2 * time.Minute), icon: assets.Connecting,
			tooltip: "Connecting, attempt 1", status: "Connecting, attempt 1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := viewOf(&c.s, c.now, c.x)
			if v.Icon != c.icon || v.Tooltip != c.tooltip || v.Ticking != c.ticking {
				t.Errorf("got %v, %q, ticking %v\nwant %v, %q, ticking %v", v.Icon, v.Tooltip, v.Ticking, c.icon,
					c.tooltip, c.ticking)
			}
			if got := v.Menu[Status]; got != (Item{Title: c.status, Disabled: true}) {
				t.Errorf("status %+v, want %q", got, c.status)
			}
			if v.Menu[Connect].Hidden == v.Menu[Disconnect].Hidden || v.Menu[Connect].Hidden != c.s.Layers.API {
				t.Errorf("connect hidden %v, disconnect hidden %v", v.Menu[Connect].Hidden, v.Menu[Disconnect].Hidden)
			}
			if muted := !c.x.Muted.IsZero(); v.Menu[Unmute].Hidden == muted {
				t.Errorf("unmute hidden %v while muted is %v", v.Menu[Unmute].Hidden, muted)
			}
			if v != viewOf(&c.s, c.now, c.x) {
				t.Error("the same input gives another view")
			}
		})
	}
}

// TestNeedsALook shows what a person has to look after, although the connection is fine.
func TestNeedsALook(t *testing.T) {
	s := &conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: paper}
	for _, c := range []struct {
		x             Trading
		icon          assets.Icon
		tooltip, line string
	}{
		{
			Trading{Unprotected: 1, Unknown: 1},
			assets.Degraded, "1 open position without its stop, look in TWS · Connected",
			"1 open position without its stop, look in TWS · 1 order unknown, look in TWS · Connected · PAPER 4002",
		},
		{
			Trading{Unprotected: 2},
			assets.Degraded, "2 open positions without their stops, look in TWS · Connected",
			"2 open positions without their stops, look in TWS · Connected · PAPER 4002",
		},
		{Trading{NoData: 1}, assets.Connected, "Connected", "1 rule without market data · Connected · PAPER 4002"},
		{Trading{NoData: 3}, assets.Connected, "Connected", "3 rules without market data · Connected · PAPER 4002"},
	} {
		v := viewOf(s, start.Add(time.Hour), Extra{Trading: c.x})
		if line := v.Menu[Status].Title; v.Icon != c.icon || !strings.HasPrefix(v.Tooltip, c.tooltip) ||
			line != c.line {
			t.Errorf("%+v: %v, %q, %q", c.x, v.Icon, v.Tooltip, line)
		}
	}
}

// TestPlannedExit counts down to a restart of Gateway in the tooltip, in its last hour; the menu names its time.
func TestPlannedExit(t *testing.T) {
	at := start.Add(24 * time.Hour)
	for _, c := range []struct {
		kind    ib.ExitKind
		left    time.Duration
		tooltip string
		menu    string
	}{
		{ib.ExitRestart, 23 * time.Hour, "", " · Gateway restarts at 09:31"},
		{ib.ExitRestart, time.Hour + time.Second, "", " · Gateway restarts at 09:31"},
		{ib.ExitRestart, time.Hour, " · Gateway restarts in 60 min", " · Gateway restarts at 09:31"},
		{
			ib.ExitLogOff, 11*time.Minute + time.Second, " · Gateway logs off in 12 min",
			" · Gateway logs off at 09:31",
		},
		{ib.ExitRestart, 2 * time.Minute, " · Gateway restarts in 120 s", " · Gateway restarts at 09:31"},
		{ib.ExitLogOff, 400 * time.Millisecond, " · Gateway logs off in 1 s", " · Gateway logs off at 09:31"},
		{ib.ExitRestart, 0, "", ""},
		{ib.ExitUnknown, time.Minute, "", ""},
	} {
		s := &conn.Snapshot{
			State: conn.Connected, Since: start, Layers: full, Gateway: paper, Exit: ib.PlannedExit{
				Kind: c.kind, At: at,
			},
		}
		v := viewOf(s, at.Add(-c.left), Extra{})
		if !strings.HasPrefix(v.Tooltip, "Connected"+c.tooltip+" · PAPER 4002 · since") {
			t.Errorf("%s in %v: %q", c.kind, c.left, v.Tooltip)
		}
		if want := "Connected · PAPER 4002" + c.menu; v.Menu[Status].Title != want || v.Ticking != (c.tooltip != "") {
			t.Errorf("%s in %v: menu %q, ticking %v", c.kind, c.left, v.Menu[Status].Title, v.Ticking)
		}
	}
}

func TestMuteEnds(t *testing.T) {
	s := &conn.Snapshot{State: conn.Connected, Since: start, Layers: full}
	until := start.Add(14*time.Hour + 28*time.Minute + 58*time.Second) // midnight
	v := viewOf(s, start, Extra{Muted: until})
	if got, want := v.Menu[Mute].Title, "Notifications muted until Thu 00:00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if v := viewOf(s, until, Extra{Muted: until}); !v.Menu[Unmute].Hidden || strings.Contains(v.Tooltip, "muted") {
		t.Errorf("still muted at the end: %+v", v)
	}
}

func TestToday(t *testing.T) {
	for _, c := range []struct {
		day  history.Account
		want string
	}{
		{history.Account{}, "Today not observed yet"},
		{day(time.Hour, 0, 0), "Today 100 %, no outage"},
		{day(23*time.Hour, time.Second, 1), "Today 99.9 %, 1 outage"},
		{day(992*time.Second, 8*time.Second, 2), "Today 99.2 %, 2 outages"},
		{day(9929*time.Second, 71*time.Second, 3), "Today 99.2 %, 3 outages"},
		{day(9999*time.Hour, time.Nanosecond, 1), "Today 99.9 %, 1 outage"},
		{day(0, time.Hour, 1), "Today 0.0 %, 1 outage"},
	} {
		if got := viewOf(&conn.Snapshot{}, start, Extra{Today: c.day}).Menu[Today].Title; got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"a · b · c", 7, "a · b…"},
		{"a😀b", 4, "a😀b"},
		{"ab😀c", 4, "ab…"},
		{"😀😀", 3, "😀…"},
		{"😀😀", 2, "…"},
	} {
		if got := cut(c.text, c.limit); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "runes") {
			text = rapid.String().Draw(t, "text")
		}
		limit := rapid.IntRange(1, 200).Draw(t, "limit")
		got := cut(text, limit)
		if units(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("cut(%q, %d) = %q of %d units", text, limit, got, units(got))
		}
		if utf8.ValidString(text) && units(text) <= limit && got != text {
			t.Fatalf("cut(%q, %d) = %q although it fits", text, limit, got)
		}
	})
}

func TestTooltipAlwaysFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &conn.Snapshot{
			State: rapid.SampledFrom([]conn.State{
				conn.Connected, conn.Connecting, conn.Degraded, conn.Paused, conn.Reconnecting, conn.ResetWindow,
				conn.UpstreamLost,
			}).Draw(t, "state"),
			Cause: rapid.SampledFrom([]ib.Cause{ib.CauseNone, ib.CauseFarm, ib.CauseWrongMode}).Draw(t,
				"cause"),
			Detail:  string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "detail")),
			Since:   start.Add(-time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "since"))),
			Attempt: conn.Attempt{Number: rapid.Int().Draw(t, "attempt")},
			Gateway: ib.Gateway{
				Port: rapid.IntRange(0, 65535).Draw(t, "port"),
				Mode: ib.Mode(rapid.SampledFrom([]string{"paper", "live", "any", ""}).Draw(t, "mode")),
			},
		}
		if rapid.Bool().Draw(t, "waiting") {
			s.Attempt.NextAt = start.Add(time.Duration(rapid.Int64().Draw(t, "next")))
		}
		v := viewOf(s, start, Extra{
			Today: day(time.Hour, time.Second, 1), Muted: start.Add(time.Hour),
			Trading: Trading{
				Armed: true, Open: rapid.Int().Draw(t, "open"), Unknown: rapid.Int().Draw(t, "unknown"),
				NoData: rapid.Int().Draw(t, "no data"),
			},
		})
		for _, text := range []string{v.Tooltip, v.Menu[Status].Title} {
			if n := units(text); n == 0 || n > tooltipLimit || !utf8.ValidString(text) ||
				strings.ContainsAny(text, "\x00\n\r\t") || text == v.Tooltip && !strings.Contains(text, "trading on") {
				t.Fatalf("%q has %d units", text, n)
			}
		}
	})
}
