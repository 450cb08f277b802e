package ib

import (
	"strings"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/nudge"
	"gatewatch/conn/wire"
)

// Switch is a setting of Gateway's that is on or off. Its text is stable.
type Switch string

// The values of a [Switch]. Gateway leaves out what it does not want to say.
const (
	SwitchUnknown Switch = ""
	SwitchOn      Switch = "on"
	SwitchOff     Switch = "off"
)

// GatewaySettings is what Gateway says of its own settings. Each part may be missing.
type GatewaySettings struct {
	Exit     Exit
	ReadOnly Switch // the API takes no orders
	// Resubmit: Gateway keeps orders while IBKR is not connected, and sends them afterwards.
	Resubmit    Switch
	LocalOnly   Switch   // the API takes connections only from Gateway's computer
	Port        int      // of the API; 0 if it is missing
	Trusted     []string // addresses from which the API takes connections; some of them if there are many
	TrustedMore int      // how many there are beside those
}

// ExitKind says what Gateway does at its daily exit. Its text is stable.
type ExitKind string

// The kinds of exit.
const (
	ExitUnknown ExitKind = ""        // Gateway does not say that there is one
	ExitRestart ExitKind = "restart" // it comes back by itself
	ExitLogOff  ExitKind = "logoff"  // a person has to log in again
)

// Exit is the daily exit that Gateway's user has set.
type Exit struct {
	Kind         ExitKind
	Hour, Minute int
	Location     *time.Location
}

// PlannedExit is the next exit of Gateway, or the one that is going on.
type PlannedExit struct {
	Kind ExitKind
	At   time.Time
}

// Next returns the first exit after t.
func (e Exit) Next(t time.Time) PlannedExit {
	at := calendar.Window{Hour: e.Hour, Minute: e.Minute, Location: e.Location}.Next(t)
	return PlannedExit{Kind: e.Kind, At: at}
}

var readSettings, _ = wire.Frame(wire.ReadConfig(configRequest))

// AskSettings asks Gateway for its settings, where it can say them. Without an answer nothing changes.
func (s *Session) AskSettings() { s.socket.askSettings() }

func (s *Socket) askSettings() {
	if s.version >= wire.ConfigVersion {
		nudge.Offer(s.requests, &request{frame: readSettings}) // the reader must not wait for the writer
	}
}

func (s *Socket) receiveConfig(c wire.Config) {
	if c.Request == configRequest {
		got, ignored := settingsOf(c, calendar.ZoneOf(s.greeted, WallClock(), s.times.ours))
		s.post(Reported{Session: s.number, Settings: got, Ignored: ignored})
	}
}

// settingsOf returns what can be used of what Gateway says, with the names of the parts that cannot.
func settingsOf(c wire.Config, zone *time.Location) (got GatewaySettings, ignored []string) {
	got = GatewaySettings{
		ReadOnly: switchOf(c.ReadOnly), Resubmit: switchOf(c.Resubmit), LocalOnly: switchOf(c.LocalOnly),
		Trusted: c.Trusted, TrustedMore: c.TrustedMore,
	}
	var part string
	if got.Exit, part = exitOf(c, zone); part != "" {
		ignored = append(ignored, part)
	}
	if c.Port > 0 && c.Port <= 65535 {
		got.Port = int(c.Port)
	} else if c.Port != 0 {
		ignored = append(ignored, "api_port")
	}
	if c.TrustedMore > 0 {
		ignored = append(ignored, "trusted_addresses")
	}
	return got, ignored
}

func switchOf(v *bool) Switch {
	switch {
	case v == nil:
		return SwitchUnknown
	case *v:
		return SwitchOn
	}
	return SwitchOff
}

// exitOf reads the daily exit; ignored names the part that makes no sense.
func exitOf(c wire.Config, zone *time.Location) (e Exit, ignored string) {
	if c.LogoffTime == "" && c.LogoffType == "" {
		return Exit{}, ""
	}
	hour, minute, ok := timeOfDay(c.LogoffTime, c.LogoffPeriod)
	kind := kindOfExit(c.LogoffType)
	switch {
	case !ok:
		return Exit{}, "exit_time"
	case kind == "":
		return Exit{}, "exit_type"
	case zone == nil:
		return Exit{}, "zone"
	}
	return Exit{Kind: kind, Hour: hour, Minute: minute, Location: zone}, ""
}

func kindOfExit(s string) ExitKind {
	s = strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(s))
	restart, logOff := strings.Contains(s, "restart"), strings.Contains(s, "logoff")
	switch {
	case restart && !logOff:
		return ExitRestart
	case logOff && !restart:
		return ExitLogOff
	}
	return ""
}

// timeOfDay reads 11:45 with PM, or 23:45 without.
func timeOfDay(clock, period string) (hour, minute int, ok bool) {
	layout := "15:04"
	if period = strings.ToUpper(strings.TrimSpace(period)); period != "" {
		layout = "3:04PM"
	}
	t, err := time.Parse(layout, strings.TrimSpace(clock)+period)
	return t.Hour(), t.Minute(), err == nil
}
