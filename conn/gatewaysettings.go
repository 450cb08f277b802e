package conn

import (
	"strings"
	"time"

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

var askSettings, _ = wire.Frame(wire.ReadConfig(configRequest))

func (s *socket) receiveConfig(c wire.Config) {
	if c.Request == configRequest {
		got, ignored := settingsOf(c, gatewayZone(s.greeted, wallClock(), s.times.ours))
		s.post(inConfig{session: s.number, settings: got, ignored: ignored})
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

// zoneNames are the zones that an abbreviation can stand for, the likelier ones first. The present offset decides.
var zoneNames = map[string][]string{
	"EST": {"America/New_York"}, "EDT": {"America/New_York"},
	"CST": {"America/Chicago", "Asia/Shanghai"}, "CDT": {"America/Chicago"},
	"MST": {"America/Denver", "America/Phoenix"}, "MDT": {"America/Denver"},
	"PST": {"America/Los_Angeles"}, "PDT": {"America/Los_Angeles"},
	"GMT": {"Europe/London"}, "BST": {"Europe/London"}, "WET": {"Europe/Lisbon"}, "WEST": {"Europe/Lisbon"},
	"CET": {"Europe/Berlin"}, "CEST": {"Europe/Berlin"}, "MEZ": {"Europe/Berlin"}, "MESZ": {"Europe/Berlin"},
	"EET": {"Europe/Athens"}, "EEST": {"Europe/Athens"},
	"IST": {"Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"}, "IDT": {"Asia/Jerusalem"},
	"HKT": {"Asia/Hong_Kong"}, "JST": {"Asia/Tokyo"}, "SGT": {"Asia/Singapore"},
	"AEST": {"Australia/Sydney", "Australia/Brisbane"}, "AEDT": {"Australia/Sydney"},
}

// gatewayZone returns the zone of Gateway's clock, nil if it cannot be known. Gateway greets with its local time and
// the name of its zone, such as "20261201 10:00:00 EST". On this computer the zone is ours, if the time agrees: names
// are localised, many are ambiguous, and some, such as GMT, are also those of a zone that never changes its clocks.
// Elsewhere, where the name says nothing, the difference to our clock is all that is known of the zone. That is right
// until the zone changes its clocks, and Gateway greets again in each connection.
func gatewayZone(greeting string, now time.Time, local bool) *time.Location {
	unknown := (*time.Location)(nil)
	if local {
		unknown = time.Local
	}
	f := strings.SplitN(strings.TrimSpace(greeting), " ", 3)
	if len(f) < 2 {
		return unknown
	}
	const grain, clocksDiffer = 15 * time.Minute, 2 * time.Minute
	clock, err := time.Parse("20060102 15:04:05", f[0]+" "+f[1])
	ahead := clock.Sub(now)
	offset := ahead.Round(grain)
	known := err == nil && (ahead-offset).Abs() <= clocksDiffer && offset >= -12*time.Hour && offset <= 14*time.Hour
	_, ours := now.In(time.Local).Zone()
	asOurs := known && ours == int(offset.Seconds())
	if local && asOurs {
		return time.Local
	}
	if len(f) == 3 {
		if zone := zoneNamed(strings.TrimSpace(f[2]), now, int(offset.Seconds()), known); zone != nil {
			return zone
		}
	}
	switch {
	case !known:
		return unknown
	case asOurs:
		return time.Local
	}
	return time.FixedZone("", int(offset.Seconds()))
}

// zoneNamed returns the zone with a name, or with an abbreviation and, where it is known, a present offset in seconds;
// nil if there is none.
func zoneNamed(name string, now time.Time, offset int, known bool) *time.Location {
	for _, full := range zoneNames[name] {
		if zone, err := time.LoadLocation(full); err == nil {
			if short, is := now.In(zone).Zone(); known && is == offset || !known && short == name {
				return zone
			}
		}
	}
	if zoneNames[name] != nil || name == "" || name == "Local" || len(name) > 64 {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}
