// Package wording turns what conn knows into words for people: one place for the window, the tray, notices, the HTTP
// API and the command line, so that they never disagree.
package wording

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// causes are those of which there is always the same to say.
var causes = map[ib.Cause]string{
	ib.CauseClientIDInUse: "The client id is already in use (IB code 326).",
	ib.CauseDisclaimer:    "The paper-trading disclaimer has not been accepted (IB code 10141).",
	ib.CauseNotReady:      "Gateway answered, but its login messages did not arrive in time.",
	ib.CauseClosedLogin:   "Gateway closed the connection during the login.",
	ib.CauseClosed:        "Gateway closed the connection.",
	ib.CauseCompeting: "There are no prices: another session of the same user has taken the market data " +
		"(IB code 10197).",
	ib.CauseReadOnly:     "Gateway's API is read-only: it takes no orders (IB code 321).",
	ib.CausePortChanged:  "Gateway's API port has been changed (IB code 1300).",
	ib.CauseUser:         DisconnectedByYou + ".",
	ib.CauseReconfigured: "The settings have changed; reconnecting.",
	ib.CauseStopping:     "Gatewatch is stopping.",
}

// Cause returns in one sentence why the connection is not, or not wholly, up; empty if there is nothing to say.
func Cause(s *conn.Snapshot) string {
	at := Address(s)
	switch s.Cause {
	case ib.CauseNone:
		return ""
	case ib.CauseRefused:
		if looking(s) {
			return fmt.Sprintf("No IB Gateway or TWS has answered yet: nothing listens on %s.", at)
		}
		return fmt.Sprintf("Connection refused: nothing listens on %s.", at)
	case ib.CauseClosedEarly:
		return fmt.Sprintf("%s accepted the connection and closed it before saying its version.", at)
	case ib.CauseNoAnswer:
		return fmt.Sprintf("%s accepted the connection and then stayed silent.", at)
	case ib.CauseUnreachable:
		return fmt.Sprintf("%s cannot be reached%s.", at, inBrackets(s.Detail))
	case ib.CauseUnsupported:
		return fmt.Sprintf("This version of IB Gateway or TWS is not supported%s.", inBrackets(s.Detail))
	case ib.CauseTooNew:
		return fmt.Sprintf("This version of IB Gateway or TWS is newer than Gatewatch knows%s.", inBrackets(s.Detail))
	case ib.CauseGarbage:
		return fmt.Sprintf("What %s sends is not the TWS protocol (garbage)%s.", at, inBrackets(s.Detail))
	case ib.CauseBroken:
		return fmt.Sprintf("The connection to Gateway broke%s.", inBrackets(s.Detail))
	case ib.CauseSilent:
		switch {
		case s.Guard == ib.GuardWoke:
			return Sentence(Guard(s))
		case s.State == conn.Degraded || s.State == conn.UpstreamLost: // not the next attempt
			return "Gateway has not answered the last probe."
		}
		return "Gateway stopped answering and was given up (frozen)."
	case ib.CauseUpstream:
		return fmt.Sprintf("Gateway has lost its connection to IBKR's servers (IB code %d).", s.Code)
	case ib.CauseFarm:
		return NamedFarm(s.Detail) + " is not available: IBKR's data farm is down."
	case ib.CauseUnconfirmed:
		return unconfirmed(s.Detail)
	case ib.CauseWrongMode:
		return fmt.Sprintf("This is a %s account, but settings.json asks for the other kind (gateway.mode).",
			strings.ToUpper(string(s.Gateway.Mode)))
	case ib.CauseClient:
		return fmt.Sprintf("Gateway reported the API connection as broken%s.", inBrackets(s.Detail))
	}
	return cmp.Or(causes[s.Cause], string(s.Cause))
}

// Hint returns what to do about it; empty if there is nothing to do.
func Hint(s *conn.Snapshot, clientID int) string {
	resting := ""
	if s.Window.Active && !s.Connected() && s.State != conn.Paused && !s.First {
		if s.Window.Name == conn.ExitWindow {
			if s.Exit.Kind == ib.ExitRestart && slices.Contains(whileItRestarts, s.Cause) {
				return strings.TrimSpace(exitResting(s)) // nobody has to start it
			}
			return exitResting(s) + hint(s, clientID)
		}
		resting = fmt.Sprintf("This is the reset window, until %s: outages are expected and pass by themselves. ",
			Clock(s.Window.Ends, s.At))
	}
	return strings.TrimSpace(resting + hint(s, clientID))
}

// hints are those that are always the same.
var hints = map[ib.Cause]string{
	ib.CauseClosedEarly: "Gateway may not trust this address: use 127.0.0.1, or add this computer's address to its " +
		"trusted IPs. It may also still be starting, or a proxy with nothing behind it answers.",
	ib.CauseNoAnswer: "Look at the Gateway window: a dialog “accept incoming connection” may wait for an answer, " +
		"or it shows its login screen or hangs.",
	ib.CauseNotReady:    lookAtLogin,
	ib.CauseClosedLogin: lookAtLogin,
	ib.CauseDisclaimer:  "Accept the paper-trading disclaimer in the Gateway window.",
	ib.CauseUnreachable: "Check gateway.host and gateway.port in settings.json, the network, and any firewall " +
		"between here and Gateway.",
	ib.CauseUnsupported: "Update IB Gateway or TWS to 10.50 or newer; IBKR ends support for older versions on " +
		"15 December 2026.",
	ib.CauseTooNew: "Update Gatewatch to its newest version.",
	ib.CauseGarbage: "Another program may own this port: check gateway.port in settings.json. If it is Gateway, " +
		"restart it.",
	ib.CauseClosed: mayRestart,
	ib.CauseBroken: mayRestart,
	ib.CauseSilent: "Gateway may be frozen: look at its window. If it does not react, end and restart it.",
	ib.CauseUpstream: "Gateway restores this by itself. If it lasts, check the internet connection and IBKR's " +
		"system status page.",
	ib.CauseFarm: "IBKR restores data farms by itself; data that comes from this farm is missing until then.",
	ib.CauseCompeting: "Log out of the other session (TWS, mobile, client portal) to get the market data back " +
		"here.",
	ib.CauseReadOnly: ReadOnlyHint,
	ib.CauseWrongMode: "Log Gateway in to the other kind of account, or change gateway.mode. No order is placed " +
		"until then.",
	ib.CauseClient: "Gatewatch reconnects by itself.",
	ib.CauseUser:   "Choose " + ConnectNow + " in the window or the tray, or run `gatewatch connect`.",
}

const (
	lookAtLogin = "Look at the Gateway window: it may wait for a login, a confirmation or an update. If it stays so, " +
		"restart Gateway."
	mayRestart = "Gateway may be restarting, as it does every day: it is back in about a minute. If not, start it " +
		"and log in."
)

func hint(s *conn.Snapshot, clientID int) string {
	switch s.Cause {
	case ib.CauseRefused:
		ports := "the port in settings.json (gateway.port)"
		if s.Gateway.Port == 0 {
			ports = "its socket port"
		}
		return "Start IB Gateway or TWS and log in. In its API settings enable “ActiveX and Socket Clients” and " +
			"compare " + ports + ". `gatewatch doctor` shows which ports are open."
	case ib.CauseClientIDInUse:
		return fmt.Sprintf("Wait: Gatewatch tries again with the same client id (%d). After a restart Gateway often "+
			"holds the stale session for a while. If another program uses this id, close it or give it another; "+
			"with another id here you would lose control of open orders.", clientID)
	case ib.CauseUnconfirmed:
		return unconfirmedHint(s.Detail)
	case ib.CauseSilent:
		if s.Guard == ib.GuardWoke {
			return "" // Gateway is not late
		}
	case ib.CausePortChanged:
		if s.Gateway.Port != 0 && s.Detail != "" {
			return fmt.Sprintf("Set gateway.port in settings.json to the new port. Gateway said: %s", OneLine(s.Detail))
		}
		return "Set gateway.port in settings.json to the port shown in Gateway's API settings."
	}
	return hints[s.Cause]
}

// Headline returns the state in one line, as a tooltip or a log line begins.
func Headline(s *conn.Snapshot, now time.Time) string {
	if IsHeld(s, now) && s.Guard != ib.GuardMode {
		return OrdersBlocked(Guard(s))
	}
	switch s.State {
	case conn.Connected:
		return "Connected"
	case conn.Degraded:
		switch s.Cause {
		case ib.CauseFarm:
			return "Connected, " + Farm(s.Detail) + " down"
		case ib.CauseCompeting:
			return "Connected, no prices"
		case ib.CauseSilent:
			if s.Guard == ib.GuardWoke {
				return Upper(Guard(s))
			}
			return guardReasons[ib.GuardProbe]
		case ib.CauseReadOnly, ib.CauseUnconfirmed:
			return OrdersBlocked(Guard(s))
		case ib.CauseWrongMode:
			return "Connected to a " + strings.ToUpper(string(s.Gateway.Mode)) + " account, orders blocked"
		}
		return "Connected, degraded"
	case conn.UpstreamLost:
		return "IBKR unreachable since " + Clock(s.Since, now)
	case conn.ResetWindow:
		return "Gateway reset until " + Clock(s.Window.Ends, now)
	case conn.Paused:
		return "Paused"
	case conn.Connecting:
		if s.First {
			return Looking
		}
	}
	verb := "Reconnecting"
	switch {
	case s.State == conn.Connecting:
		verb = "Connecting"
	case Lasting(s.State, s.Since, now):
		verb = NoConnection + " since " + Clock(DownSince(s), now)
	}
	if s.Attempt.Running || s.Attempt.NextAt.IsZero() {
		return fmt.Sprintf("%s, attempt %d", verb, s.Attempt.Number)
	}
	return fmt.Sprintf("%s, attempt %d in %d s", verb, s.Attempt.Number, Seconds(s.Attempt.NextAt.Sub(now)))
}

// NoConnection is what is said of an outage that [Lasting] reports.
const NoConnection = "No connection"

// patience is how long a lost connection counts as just being restored.
const patience = time.Minute

// Lasting reports whether reconnecting has taken so long that having no connection is the news. It counts from when
// reconnecting began: after a reset window, which may have been long, patience starts over.
func Lasting(state conn.State, since, now time.Time) bool {
	return state == conn.Reconnecting && now.Sub(since) >= patience
}

// DownSince returns when an outage began, which may be before the state was entered that the snapshot shows.
func DownSince(s *conn.Snapshot) time.Time {
	if !s.LostAt.IsZero() && s.LostAt.Before(s.Since) {
		return s.LostAt
	}
	return s.Since
}

// Clock returns the local time of day, with the day if that is not the day of now.
func Clock(t, now time.Time) string { return t.Local().Format(WithDay("15:04", t, now)) }

// WithDay returns a layout for the local time of day of t, with the day if that is not the day of now.
func WithDay(layout string, t, now time.Time) string {
	t, now = t.Local(), now.Local()
	y, m, d := t.Date()
	ny, nm, nd := now.Date()
	switch {
	case y == ny && m == nm && d == nd:
		return layout
	case now.Sub(t).Abs() < 6*24*time.Hour:
		return "Mon " + layout
	}
	return "2 Jan " + layout
}

// Tomorrow returns the first moment of the next local day.
func Tomorrow(now time.Time) time.Time {
	y, m, d := now.Date()
	return calendar.Date(y, m, d+1, 0, 0, now.Location())
}

// Address returns host and port, or the ports that are tried.
func Address(s *conn.Snapshot) string {
	if s.Gateway.Port == 0 {
		var ports []string
		for _, p := range s.Tried {
			ports = append(ports, strconv.Itoa(p.Port))
		}
		return s.Gateway.Host + " (ports " + cmp.Or(strings.Join(ports, ", "), "4002, 7497, 4001, 7496") + ")"
	}
	return fmt.Sprintf("%s:%d", s.Gateway.Host, s.Gateway.Port)
}

// Mode returns PAPER, LIVE or nothing.
func Mode(m ib.Mode) string {
	if m == ib.Paper || m == ib.Live {
		return strings.ToUpper(string(m))
	}
	return ""
}

// Demo is what is in the place of PAPER while a simulated gateway is all that Gatewatch connects to.
const Demo = "DEMO"

// Account returns DEMO, PAPER, LIVE or nothing.
func Account(m ib.Mode, demo bool) string {
	if demo {
		return Demo
	}
	return Mode(m)
}

// Seconds returns d in whole seconds, rounded up, never below 0.
func Seconds(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int((d + time.Second - 1) / time.Second)
}

// Duration returns d as people say it: "4 min 12 s", "2 h 5 min", "15 min", "350 ms".
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return inUnits(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return inUnits(d, time.Hour, "h", time.Minute, "min")
	}
	return inUnits(d, 24*time.Hour, "d", time.Hour, "h")
}

// inUnits returns d in whole numbers of a large unit and, if there is a rest, of a small one.
func inUnits(d, large time.Duration, name string, small time.Duration, rest string) string {
	text := fmt.Sprintf("%d %s", d/large, name)
	if n := d % large / small; n > 0 {
		text += fmt.Sprintf(" %d %s", n, rest)
	}
	return text
}

// visible names the characters that turn the direction of a text round: with them a name can look like another one.
var visible = func() *strings.Replacer {
	var pairs []string
	for _, r := range "\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069" {
		pairs = append(pairs, string(r), fmt.Sprintf("[U+%04X]", r))
	}
	return strings.NewReplacer(pairs...)
}()

// OneLine returns text from outside in one line of at most 200 characters, without what cannot be seen.
func OneLine(text string) string { return Line(text, 200) }

// Paragraph is OneLine for what may be as long as advice, or names long paths.
func Paragraph(text string) string { return Line(text, 1000) }

// Line is OneLine with another limit.
func Line(text string, limit int) string {
	out := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, visible.Replace(text)))
	if len(out) > limit {
		out = append(out[:limit-1], '…')
	}
	return strings.TrimSpace(string(out))
}

// Upper returns words with a capital at their start.
func Upper(words string) string {
	for i := range words {
		if i > 0 {
			return strings.ToUpper(words[:i]) + words[i:]
		}
	}
	return strings.ToUpper(words)
}

// Sentence returns words with a capital at their start and a stop at their end.
func Sentence(words string) string {
	if last, _ := utf8.DecodeLastRuneInString(words); words == "" || strings.ContainsRune(".!?…", last) {
		return Upper(words)
	}
	return Upper(words) + "."
}

func inBrackets(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + OneLine(detail) + ")"
}
