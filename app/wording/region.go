package wording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatewatch/app/region"
	"gatewatch/conn/calendar"
)

// regionName returns a region's name; empty if it is not known.
func regionName(r region.Region) string {
	return map[region.Region]string{
		region.America: "America", region.Europe: "Europe", region.Asia: "Asia", region.Australia: "Australia",
	}[r]
}

// resetTimes returns the times of day of reset windows on this computer's clock, and in their own zones where those
// differ, such as "05:25–06:45 (06:25–07:45 in Zurich)".
func resetTimes(c calendar.Calendar, now time.Time) string {
	var list []string
	for _, w := range c {
		start := calendar.Calendar{w}.At(now).Next
		if start.IsZero() {
			continue
		}
		here, there := timesOfDay(start.Local(), w.Length), timesOfDay(start.In(w.Location), w.Length)
		if here != there {
			here = fmt.Sprintf("%s (%s in %s)", here, there, city(w.Location))
		}
		if !slices.Contains(list, here) {
			list = append(list, here)
		}
	}
	return strings.Join(list, " and ")
}

func timesOfDay(start time.Time, length time.Duration) string {
	return start.Format("15:04") + "–" + start.Add(length).Format("15:04")
}

// city returns the place in the name of a zone, such as "New York".
func city(zone *time.Location) string {
	name := zone.String()
	return strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "_", " ")
}

// ResetWindow says which reset window applies without a settings file, and why.
func ResetWindow(f region.Found, windows calendar.Calendar, now time.Time) string {
	return resetWindow(f, f.Applies(), resetTimes(windows, now))
}

// SuggestedReset says which reset window is suggested, and why.
func SuggestedReset(f region.Found, windows calendar.Calendar, now time.Time) string {
	r := f.Suggested()
	text := resetWindow(f, r, resetTimes(windows, now))
	if f.AddsAmerica() {
		text += " Paper accounts are on the servers in America by default, so the window there is included."
	}
	if applies := f.Applies(); applies != r {
		text += fmt.Sprintf(" Until you save it, the window for %s applies.", regionName(applies))
	}
	return text
}

func resetWindow(f region.Found, r region.Region, times string) string {
	if r == region.Unknown {
		const text = "This computer's time zone (%s) shows no region, so the default reset window applies: %s."
		return fmt.Sprintf(text, cmp.Or(f.Zone, "not known"), times)
	}
	return fmt.Sprintf("Reset window for %s: %s, because %s.", regionName(r), times, regionReason(f, r))
}

func regionReason(f region.Found, r region.Region) string {
	switch {
	case r != f.Gateway:
	case f.Basis == region.BasisServer:
		return "jts.ini says that Gateway uses servers there"
	case f.Basis == region.BasisZone && r != f.Computer:
		return "Gateway's time zone in jts.ini is there"
	case f.Basis == region.BasisPaper && r != f.Computer:
		return "paper accounts are on the servers there by default"
	}
	return "this computer's time zone is " + f.Zone
}
