package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"gatewatch/app/settings"
	"gatewatch/conn"
)

// connConfig turns settings into what the supervisor needs.
func connConfig(s settings.Settings) (conn.Config, error) {
	calendar, err := calendarOf(s)
	if err != nil {
		return conn.Config{}, err
	}
	return conn.Config{
		Host: s.Gateway.Host, Port: s.Gateway.Port, ClientID: s.Gateway.ClientID, Mode: conn.Mode(s.Gateway.Mode),
		ConnectTimeout: s.Gateway.ConnectTimeout(),
		Poll:           s.Watchdog.Poll(), Soft: s.Watchdog.Soft(), Hard: s.Watchdog.Hard(),
		Delays: s.Reconnect.Delays(), Jitter: s.Reconnect.Jitter, Stable: s.Reconnect.Stable(),
		WatchLocalPort: s.Reconnect.WatchLocalPort,
		Calendar:       calendar,
	}, nil
}

func calendarOf(s settings.Settings) (conn.Calendar, error) {
	var c conn.Calendar
	add := func(name, start, zone string, days []time.Weekday, minutes int) error {
		hour, minute, err := settings.ParseClock(start)
		if err != nil {
			return err
		}
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return err
		}
		c = append(c, conn.Window{
			Name: name, Days: days, Hour: hour, Minute: minute,
			Length: time.Duration(minutes) * time.Minute, Location: loc,
		})
		return nil
	}
	if s.ResetMinutes > 0 {
		if err := add("daily", s.ResetTime, s.Timezone, nil, s.ResetMinutes); err != nil {
			return nil, fmt.Errorf("reset_time: %w", err)
		}
	}
	for i, w := range s.ResetWindows {
		if w.Preset != "" {
			preset, err := conn.Preset(w.Preset)
			if err != nil {
				return nil, fmt.Errorf("reset_windows[%d]: %w", i, err)
			}
			c = append(c, preset...)
			continue
		}
		zone := w.Timezone
		if zone == "" {
			zone = s.Timezone
		}
		if err := add(fmt.Sprintf("reset_windows[%d]", i), w.Start, zone, w.Weekdays(), w.Minutes); err != nil {
			return nil, fmt.Errorf("reset_windows[%d]: %w", i, err)
		}
	}
	return c, nil
}

// loadSettings reads the settings in force at the start. If the file is bad, the last good ones of an earlier run are
// used and the problem is returned beside them; without those it is final.
func loadSettings(h home) (s settings.Settings, problem, final error) {
	s, _, err := settings.Load(h.settings())
	if err == nil {
		return s, nil, nil
	}
	var bad settings.Problems
	if !errors.As(err, &bad) && !errors.Is(err, fs.ErrPermission) {
		return s, nil, err
	}
	good, found, goodErr := settings.Load(h.lastGood())
	if goodErr != nil || !found {
		return s, nil, err
	}
	return good, err, nil
}
