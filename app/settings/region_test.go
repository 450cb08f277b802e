package settings

import (
	"reflect"
	"testing"
	"time"

	"gatewatch/app/region"
)

// TestFor holds which reset window applies without a file, and that it is one that a file could have.
func TestFor(t *testing.T) {
	type daily struct {
		time, zone string
		minutes    int
		more       int
	}
	for r, want := range map[region.Region]daily{
		region.America:   {"00:15", "America/New_York", 90, 0},
		region.Europe:    {"06:25", "Europe/Zurich", 80, 0},
		region.Asia:      {"04:45", "Asia/Hong_Kong", 80, 1},
		region.Australia: {"18:00", "Australia/Sydney", 15, 0},
		region.Unknown:   {"18:00", "Australia/Sydney", 15, 0},
	} {
		s := For(r)
		if got := (daily{s.ResetTime, s.Timezone, s.ResetMinutes, len(s.ResetWindows)}); got != want {
			t.Errorf("%s: %+v, not %+v", r, got, want)
		}
		body, err := Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := Parse("", body); err != nil || len(Diff(read, s)) > 0 {
			t.Errorf("%s: %v, %v", r, Diff(read, s), err)
		}
	}
	// Asia has two windows; both apply.
	cfg, err := For(region.Asia).Conn()
	if err != nil {
		t.Fatal(err)
	}
	hongKong := time.FixedZone("", 8*3600)
	for _, clock := range [][2]int{{5, 0}, {20, 30}} {
		if at := time.Date(2026, 12, 1, clock[0], clock[1], 0, 0, hongKong); !cfg.Calendar.At(at).Active {
			t.Errorf("no window at %v", at)
		}
	}
}

// TestSuggested: only the reset windows change, and when the window of the servers in America is added.
func TestSuggested(t *testing.T) {
	s := Default()
	s.Gateway.Port, s.ResetWindows = 4002, []ResetWindow{{Preset: "ibkr-weekend"}}
	none, america := []ResetWindow{}, []ResetWindow{{Preset: "ibkr-america"}}
	for _, c := range []struct {
		found region.Found
		zone  string
		more  []ResetWindow
	}{
		{region.Found{Computer: region.Europe}, "Europe/Zurich", none},
		{
			region.Found{Computer: region.Europe, Gateway: region.America, Basis: region.BasisServer},
			"America/New_York",
			none,
		},
		{region.Found{Gateway: region.Europe, Basis: region.BasisZone, Paper: true}, "Europe/Zurich", america},
		{region.Found{Gateway: region.Europe, Basis: region.BasisServer, Paper: true}, "Europe/Zurich", none},
		{region.Found{Paper: true, Gateway: region.America, Basis: region.BasisPaper}, "America/New_York", none},
		{region.Found{}, "Australia/Sydney", none},
	} {
		got := s.Suggested(c.found)
		if got.Timezone != c.zone || !reflect.DeepEqual(got.ResetWindows, c.more) || got.Gateway.Port != 4002 {
			t.Errorf("%+v: %s, %v, port %d", c.found, got.Timezone, got.ResetWindows, got.Gateway.Port)
		}
	}
	if len(s.ResetWindows) != 1 {
		t.Errorf("changed in place: %v", s.ResetWindows)
	}
}
