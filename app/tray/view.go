package tray

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"gatewatch/app/wording"
	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

// Entry names an entry of the menu, in the order in which they stand.
type Entry uint8

// The entries. The three of [Mute] stand in its submenu.
const (
	Status Entry = iota // the state in words, not to be clicked
	OpenWindow
	Connect // this or Disconnect, whichever applies
	Disconnect
	Arm     // this, ArmLive or Disarm, whichever applies
	ArmLive // for an account that is not known to be a paper account
	Disarm
	StopTrading   // of rules and of programs at the guarded port
	AllowPrograms // after that
	Connected     // programs, not to be clicked
	CancelAll
	Today // the day's account, not to be clicked
	Mute
	MuteHour
	MuteTomorrow
	Unmute
	Diagnostics
	OpenLogs
	LaunchAtLogin
	Settings
	Quit

	entries = iota
)

var entryNames = [entries]string{
	"status", "open_window", "connect", "disconnect", "arm", "arm_live", "disarm", "stop_trading", "allow_programs",
	"programs", "cancel_all", "today", "mute", "mute_hour", "mute_tomorrow", "unmute",
	"copy_diagnostics", "open_logs", "launch_at_login", "settings", "quit",
}

// String returns the entry's name, such as "open_window".
func (e Entry) String() string {
	if int(e) < len(entryNames) {
		return entryNames[e]
	}
	return fmt.Sprintf("entry %d", uint8(e))
}

// Item is how an entry of the menu looks.
type Item struct {
	Title    string
	Hidden   bool
	Disabled bool
	Checked  bool   // of LaunchAtLogin alone
	Confirm  string // title after a first click, which does nothing else; empty: one click is enough
}

// Menu is how the whole menu looks.
type Menu [entries]Item

// View is everything the tray shows. Two views that are equal look the same.
type View struct {
	Icon    assets.Icon
	Tooltip string // at most 127 UTF-16 units, one line
	Menu    Menu
	Ticking bool // it changes with the clock alone: look again after a second
}

// Extra is what a view shows beside the snapshot.
type Extra struct {
	Today    history.Account // account of the day up to now; the zero value says nothing
	Muted    time.Time       // desktop notifications are silent until then; zero if they are not
	Trading  Trading
	Programs Programs
	AtLogin  AtLogin
	Demo     bool // Gateway is a simulated one
}

// AtLogin is what the system will do at the next login.
type AtLogin struct {
	Known bool // else nothing is shown
	On    bool // this program is started
	Other bool // another copy of it is
}

// Trading is the state of orders.
type Trading struct {
	Armed       bool   // orders may leave
	MayArm      bool   // arming would be accepted now
	Open        int    // orders of which something is still expected
	Unknown     int    // orders that a person has to look after
	Unprotected int    // open positions whose stop does not work
	NoData      int    // active rules without market data
	Stopped     string // why no order can leave, whatever the connection does; empty if orders can
}

// Programs is the state of other programs at the guarded port.
type Programs struct {
	On      bool   // there is a guarded port
	Stopped bool   // their orders are refused until someone allows them
	Confirm bool   // to allow them takes two clicks: orders can be for another account than a paper account
	Unknown int    // their orders that a person has to look after
	Text    string // how the port is, for people
}

// tooltipLimit is what Windows shows of a tooltip, in UTF-16 units.
const tooltipLimit = 127

// viewOf returns what the tray shows at now. Times are shown in the zone of this machine.
func viewOf(s *conn.Snapshot, now time.Time, x Extra) View {
	v := View{Icon: icon(s, now, x)}
	waiting := !s.Attempt.Running && !s.Attempt.NextAt.IsZero()
	trying := s.State == conn.Connecting && !s.First || s.State == conn.Reconnecting
	v.Ticking = trying && waiting || wording.ChangesIn(s, now) > 0 || wording.ExitIn(s.Exit, now) != ""

	parts := []string{
		wording.Unprotected(x.Trading.Unprotected), headline(s, now, x), box(s), wording.ExitIn(s.Exit, now),
		gateway(s, x),
	}
	if x.Trading.Armed {
		parts = append(parts, "trading on")
	}
	if at := since(s, now, x); !at.IsZero() {
		parts = append(parts, "since "+wording.Clock(at, now))
	}
	if share := percent(x.Today); share != nil {
		parts = append(parts, "today "+wording.Share(*share))
	}
	if x.Muted.After(now) {
		parts = append(parts, "notifications muted")
	}
	v.Tooltip = cut(join(parts...), tooltipLimit)

	paper, live := s.Gateway.Mode == ib.Paper, wording.IfLive(s.Gateway.Mode)
	v.Menu = Menu{
		Status:     {Title: cut(statusLine(s, now, x), tooltipLimit), Disabled: true},
		OpenWindow: {Title: wording.OpenWindow},
		Connect:    {Title: wording.ConnectNow, Hidden: s.Layers.API},
		Disconnect: {Title: "Disconnect", Hidden: !s.Layers.API},
		Arm:        {Title: wording.TurnOnTrading, Hidden: x.Trading.Armed || !x.Trading.MayArm || !paper},
		ArmLive: {
			Title: "Turn on " + live + "trading…", Confirm: "Confirm: turn on " + live + "trading",
			Hidden: x.Trading.Armed || !x.Trading.MayArm || paper,
		},
		Disarm:        {Title: wording.TurnOffTrading, Hidden: !x.Trading.Armed},
		StopTrading:   {Title: wording.StopAllTrading, Hidden: !x.Programs.On || x.Programs.Stopped},
		AllowPrograms: {Title: wording.AllowPrograms, Hidden: !x.Programs.On || !x.Programs.Stopped},
		Connected: {
			Title: cmp.Or(wording.OneLine(x.Programs.Text), "Programs"), Disabled: true, Hidden: !x.Programs.On,
		},
		CancelAll: {
			Title: wording.Upper(cancelAll(x.Trading.Open)) + "…", Confirm: "Confirm: " + cancelAll(x.Trading.Open),
			Hidden: x.Trading.Open <= 0,
		},
		Today:         {Title: wording.Today(percent(x.Today), x.Today.Outages), Disabled: true},
		Mute:          {Title: "Mute notifications"},
		MuteHour:      {Title: "For 1 hour"},
		MuteTomorrow:  {Title: wording.UntilTomorrow},
		Unmute:        {Title: wording.Unmute, Hidden: true},
		Diagnostics:   {Title: wording.CopyDiagnostics},
		OpenLogs:      {Title: "Open log folder"},
		LaunchAtLogin: {Title: wording.LaunchAtLogin, Hidden: !x.AtLogin.Known, Checked: x.AtLogin.On},
		Settings:      {Title: "Settings…"},
		Quit:          {Title: "Quit"},
	}
	if x.Programs.Confirm {
		v.Menu[AllowPrograms].Confirm = strings.TrimSpace("Confirm: let programs trade " + live)
	}
	if x.AtLogin.Other {
		v.Menu[LaunchAtLogin].Title = wording.LaunchAtLogin + " (another copy does)"
	}
	if x.Muted.After(now) {
		v.Menu[Mute].Title = wording.MutedUntil(x.Muted, now)
		v.Menu[Unmute].Hidden = false
	}
	return v
}

// icon is that of the state; LIVE has a mark of its own on it.
func icon(s *conn.Snapshot, now time.Time, x Extra) assets.Icon {
	if s.Gateway.Mode == ib.Live {
		return stateIcon(s, now, x).Live()
	}
	return stateIcon(s, now, x)
}

func stateIcon(s *conn.Snapshot, now time.Time, x Extra) assets.Icon {
	switch s.State {
	case conn.Connected:
		if wording.Held(s, now) != "" || x.Trading.Stopped != "" {
			return assets.Blocked
		}
		if x.Trading.Unprotected > 0 {
			return assets.Degraded
		}
		return assets.Connected
	case conn.Degraded:
		return assets.Degraded
	case conn.UpstreamLost:
		return assets.Disconnected
	case conn.ResetWindow:
		return assets.ResetWindow
	case conn.Paused:
		return assets.Paused
	case conn.Reconnecting:
		if wording.Lasting(s.State, s.Since, now) {
			return assets.Disconnected
		}
	}
	return assets.Connecting
}

// headline is how the tooltip begins.
func headline(s *conn.Snapshot, now time.Time, x Extra) string {
	if x.Trading.Stopped != "" && s.Connected() {
		return wording.OrdersBlocked(x.Trading.Stopped)
	}
	return wording.Headline(s, now)
}

// since is when that began; the zero time if it is not known, or said already.
func since(s *conn.Snapshot, now time.Time, x Extra) time.Time {
	switch {
	case wording.IsHeld(s, now):
		return s.GuardSince
	case x.Trading.Stopped != "" && s.Connected():
		return time.Time{}
	}
	switch s.State {
	case conn.Connected, conn.Degraded, conn.Paused:
		return s.Since
	case conn.Reconnecting:
		if !wording.Lasting(s.State, s.Since, now) {
			return wording.DownSince(s)
		}
	}
	return time.Time{}
}

// statusLine is the menu's first line.
func statusLine(s *conn.Snapshot, now time.Time, x Extra) string {
	return join(
		wording.Unprotected(x.Trading.Unprotected), wording.UnknownOrders(x.Trading.Unknown+x.Programs.Unknown),
		wording.NoData(x.Trading.NoData), status(s, now, x), box(s), gateway(s, x), wording.ExitAt(s.Exit, now),
	)
}

// status is the state in the menu's first line. It names the time of the next attempt instead of counting down: each
// change of the menu makes the desktop read all of it again.
func status(s *conn.Snapshot, now time.Time, x Extra) string {
	if wording.Lasting(s.State, s.Since, now) {
		return wording.NoConnection + " since " + wording.Clock(wording.DownSince(s), now)
	}
	if !s.Attempt.Running && !s.Attempt.NextAt.IsZero() && !s.First {
		switch s.State {
		case conn.Connecting, conn.Reconnecting:
			still := *s
			still.Attempt.NextAt = time.Time{}
			return wording.Headline(&still, now) + " at " + s.Attempt.NextAt.Local().Format("15:04:05")
		}
	}
	return headline(s, now, x)
}

// box says which box in Gateway's settings blocks orders.
func box(s *conn.Snapshot) string {
	if s.Guard == ib.GuardReadOnly {
		return wording.ReadOnlyBox
	}
	return ""
}

// gateway is the account's kind and the port, as far as they are known.
func gateway(s *conn.Snapshot, x Extra) string {
	port := ""
	if s.Gateway.Port != 0 {
		port = fmt.Sprint(s.Gateway.Port)
	}
	return strings.TrimSpace(wording.Account(s.Gateway.Mode, x.Demo) + " " + port)
}

// percent returns the day's uptime in percent, nil if nothing was observed; 100 only without any outage.
func percent(d history.Account) *float64 {
	share, ok := d.Uptime()
	if !ok {
		return nil
	}
	if share *= 100; d.Terms[history.Down] > 0 {
		share = min(share, 99.9)
	}
	return &share
}

func cancelAll(open int) string {
	switch {
	case open <= 0:
		return "cancel all open orders"
	case open == 1:
		return "cancel 1 open order"
	}
	return fmt.Sprintf("cancel %d open orders", open)
}

func join(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p = wording.OneLine(p); p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, " · ")
}

// cut shortens text to at most limit UTF-16 units, an ellipsis included.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	units, end := 0, 0 // end is where an ellipsis still fits
	for i, r := range text {
		n := utf16.RuneLen(r)
		if units+n > limit {
			return strings.TrimRight(text[:end], " ·,") + "…"
		}
		units += n
		if units <= limit-1 {
			end = i + len(string(r))
		}
	}
	return text
}
