package region

import (
	_ "embed"
	"strings"
)

//go:generate go test -run ^TestZones$ -update .

//go:embed zones.txt
var zones string

// Zones returns the IANA names of the time zones of places, in order of the alphabet, and UTC at the end.
func Zones() []string { return strings.Fields(zones) }

// ComputerZone returns the IANA name of this computer's time zone; empty if it is not known.
func ComputerZone() string {
	if zone := computerZone(); ofZone(zone) != Unknown || isUTC(zone) {
		return zone
	}
	return ""
}
