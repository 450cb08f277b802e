package ib

import (
	"fmt"
	"testing"
	"time"

	"gatewatch/conn/wire"
)

// TestSettingsThatMakeNoSense holds which parts are ignored, and that the rest of them counts.
func TestSettingsThatMakeNoSense(t *testing.T) {
	on := true
	for _, c := range []struct {
		clock, period, kind string
		zone                *time.Location
		want                string // the exit, or what is ignored
	}{
		{"11:45", "PM", "restart", time.UTC, "restart 23:45"},
		{"11:45", "pm", "Auto Restart", time.UTC, "restart 23:45"},
		{"12:05", "AM", "logoff", time.UTC, "logoff 0:05"},
		{"23:45", "", "log off", time.UTC, "logoff 23:45"},
		{"", "", "", time.UTC, " 0:00"},
		{"25:00", "PM", "restart", time.UTC, "[exit_time]"},
		{"23:45", "PM", "restart", time.UTC, "[exit_time]"},
		{"11:45", "下午", "restart", time.UTC, "[exit_time]"},
		{"-1:00", "AM", "restart", time.UTC, "[exit_time]"},
		{"", "", "restart", time.UTC, "[exit_time]"},
		{"11:45", "PM", "explode", time.UTC, "[exit_type]"},
		{"11:45", "PM", "restart or logoff", time.UTC, "[exit_type]"},
		{"11:45", "PM", "restart", nil, "[zone]"},
	} {
		told, ignored := settingsOf(wire.Config{
			LogoffTime: c.clock, LogoffPeriod: c.period, LogoffType: c.kind, ReadOnly: &on, Port: 4002,
		}, c.zone)
		got := fmt.Sprintf("%s %d:%02d", told.Exit.Kind, told.Exit.Hour, told.Exit.Minute)
		if len(ignored) > 0 {
			got = fmt.Sprint(ignored)
		}
		if got != c.want || told.ReadOnly != SwitchOn || told.Port != 4002 {
			t.Errorf("%q %q %q: %s of %+v, want %s", c.clock, c.period, c.kind, got, told, c.want)
		}
	}
	if _, ignored := settingsOf(wire.Config{Port: 1 << 20, TrustedMore: 9936}, nil); fmt.Sprint(ignored) !=
		"[api_port trusted_addresses]" {
		t.Error(ignored)
	}
}
