package calendar

import (
	"strings"
	"time"
)

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

// ZoneOf returns the zone of Gateway's clock, nil if it cannot be known. Gateway greets with its local time and the
// name of its zone, such as "20261201 10:00:00 EST". On this computer (local) the zone is ours, if the time agrees:
// names are localised, many are ambiguous, and some, such as GMT, are also those of a zone that never changes its
// clocks. Elsewhere, where the name says nothing, the difference to our clock is all that is known of the zone. That is
// right until the zone changes its clocks, and Gateway greets again in each connection.
func ZoneOf(greeting string, now time.Time, local bool) *time.Location {
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
