package settings

import (
	"time"

	"gatewatch/app/region"
	"gatewatch/conn/calendar"
)

// For returns the settings with which Gatewatch starts without a file: the defaults, with the reset window of a region.
func For(r region.Region) Settings { return Default().withRegion(r) }

// withRegion returns settings with the reset windows of a region, and no others. In Australia and where the region is
// not known they are the defaults; elsewhere IBKR's published ones, the first as the daily window.
func (s Settings) withRegion(r region.Region) Settings {
	d := Default()
	s.ResetTime, s.Timezone, s.ResetMinutes, s.ResetWindows = d.ResetTime, d.Timezone, d.ResetMinutes, d.ResetWindows
	preset := presetOf(r)
	windows := calendar.Presets[preset]
	if len(windows) == 0 {
		return s
	}
	daily := windows[0]
	s.ResetTime, s.Timezone, s.ResetMinutes = daily.Start, daily.Zone, int(daily.Length/time.Minute)
	if len(windows) > 1 {
		s.ResetWindows = []ResetWindow{{Preset: preset}}
	}
	return s
}

// Suggested returns settings with the reset windows that fit what was found.
func (s Settings) Suggested(f region.Found) Settings {
	s = s.withRegion(f.Suggested())
	if f.AddsAmerica() {
		s.ResetWindows = append([]ResetWindow{{Preset: presetOf(region.America)}}, s.ResetWindows...)
	}
	return s
}

func presetOf(r region.Region) string { return "ibkr-" + string(r) }
