// Package region finds out which region of IBKR's servers fits this computer, to start with the reset window of that
// region: from the computer's time zone, and from jts.ini, in which Gateway keeps its own.
//
// Nothing of what was read leaves the package but zones and regions that are known: no text from outside.
package region

import (
	"strings"
	"time"
)

// Region is where IBKR's servers for a user are. Its text is stable.
type Region string

// The regions. IBKR resets its servers in America, Europe and Asia at different times. Australia uses those in Asia,
// but Gatewatch starts with a daily window of its own there.
const (
	Unknown   Region = ""
	America   Region = "america"
	Europe    Region = "europe"
	Asia      Region = "asia"
	Australia Region = "australia"
)

// Found is what this computer shows of its region.
type Found struct {
	Zone     string // of the computer, an IANA name; empty if it is not known
	Computer Region // to which that belongs
	Gateway  Region // as jts.ini says; Unknown if there is none, or it does not say
	Basis    Basis  // what of jts.ini says so
	Paper    bool   // jts.ini says that the last login was to a paper account
	Ignored  Reason // why jts.ini, or a part of it, is ignored; empty if it is not
}

// Basis is the part of jts.ini that shows the region.
type Basis string

// The parts, the one that shows most first.
const (
	BasisServer Basis = "server" // the server to which Gateway connects, or its region
	BasisZone   Basis = "zone"   // the time zone that was chosen at login
	BasisPaper  Basis = "paper"  // the login to a paper account: those are on the servers in America by default
)

// Applies returns the region of the reset window with which Gatewatch starts: that of the computer's zone if it has
// one.
func (f Found) Applies() Region {
	if f.Computer != Unknown {
		return f.Computer
	}
	return f.Gateway
}

// Suggested returns the region whose reset window fits best: Gateway knows more of its servers than the computer does.
func (f Found) Suggested() Region {
	if f.Gateway != Unknown {
		return f.Gateway
	}
	return f.Computer
}

// AddsAmerica reports whether the reset window of the servers in America is suggested beside that of the region: for a
// paper account, unless it is known on which server it is.
func (f Found) AddsAmerica() bool {
	r := f.Suggested()
	return f.Paper && f.Basis != BasisServer && r != America && r != Unknown
}

// Look reads the computer's zone and jts.ini.
func Look() Found {
	f := Found{Zone: ComputerZone()}
	f.Computer = ofZone(f.Zone)
	for _, folder := range folders() {
		if f.read(folder) {
			break
		}
	}
	return f
}

// Moved returns the zone of the computer if that has changed since Look, and its clocks show another time than this
// process does, which keeps the zone of its start; empty otherwise.
func (f Found) Moved(now time.Time) string { return moved(f.Zone, ComputerZone(), time.Local, now) }

func moved(was, zone string, ours *time.Location, now time.Time) string {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == was {
		return ""
	}
	for _, t := range []time.Time{now, now.AddDate(0, 6, 0)} { // in winter and in summer
		_, here := t.In(loc).Zone()
		if _, shown := t.In(ours).Zone(); shown != here {
			return zone
		}
	}
	return ""
}

// places are zones whose region does not follow from the first part of their name.
var places = map[Region]string{
	America: "Atlantic/Bermuda Atlantic/South_Georgia Atlantic/Stanley Pacific/Easter Pacific/Galapagos " +
		"Pacific/Honolulu Pacific/Johnston Pacific/Midway Pacific/Pago_Pago Pacific/Samoa " +
		"Cuba CST6CDT EST EST5EDT HST Jamaica MST MST7MDT Navajo PST8PDT",
	Europe: "Asia/Aden Asia/Amman Asia/Baghdad Asia/Bahrain Asia/Baku Asia/Beirut Asia/Damascus Asia/Dubai " +
		"Asia/Famagusta Asia/Gaza Asia/Hebron Asia/Istanbul Asia/Jerusalem Asia/Kuwait Asia/Muscat Asia/Nicosia " +
		"Asia/Qatar Asia/Riyadh Asia/Tbilisi Asia/Tehran Asia/Tel_Aviv Asia/Yerevan " +
		"Indian/Antananarivo Indian/Comoro Indian/Mahe Indian/Mauritius Indian/Mayotte Indian/Reunion " +
		"CET EET Egypt Eire GB GB-Eire Iceland Iran Israel Libya MET Poland Portugal Turkey W-SU WET",
	Asia: "Hongkong Japan Kwajalein NZ NZ-CHAT PRC ROC ROK Singapore",
}

// parts are the first parts of the names of zones.
var parts = map[string]Region{
	"America": America, "Brazil": America, "Canada": America, "Chile": America, "Mexico": America, "US": America,
	"Africa": Europe, "Arctic": Europe, "Atlantic": Europe, "Europe": Europe,
	"Asia": Asia, "Indian": Asia, "Pacific": Asia, "Australia": Australia,
}

// ofZone returns the region of a time zone, given its IANA name; Unknown if the name is not known or says nothing, such
// as UTC.
func ofZone(name string) Region {
	if len(name) > maxZone {
		return Unknown
	}
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return Unknown
	}
	for region, zones := range places {
		for zone := range strings.FieldsSeq(zones) {
			if zone == name {
				return region
			}
		}
	}
	part, _, _ := strings.Cut(name, "/")
	if part == name {
		return Unknown
	}
	return parts[part]
}

// maxZone bounds the name of a zone.
const maxZone = 64

func isUTC(zone string) bool { return zone == "UTC" || zone == "Etc/UTC" }
