package settings

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// Conn returns what the supervisor needs, as it takes effect: durations are whole nanoseconds.
func (s Settings) Conn() (conn.Config, error) {
	calendar, err := s.calendar()
	if err != nil {
		return conn.Config{}, err
	}
	return conn.Config{
		Host: s.Gateway.Host, Port: s.Gateway.Port, ClientID: s.Gateway.ClientID, Mode: ib.Mode(s.Gateway.Mode),
		ConnectTimeout: s.Gateway.ConnectTimeout(),
		Poll:           s.Watchdog.Poll(), Soft: s.Watchdog.Soft(), Hard: s.Watchdog.Hard(),
		ProofOfLife: s.Trading.ProofOfLife(),
		Delays:      s.Reconnect.Delays(), Jitter: s.Reconnect.Jitter, Stable: s.Reconnect.Stable(),
		WatchLocalPort: s.Reconnect.WatchLocalPort,
		Calendar:       calendar,

		CloseBeforeExit: s.Trading.closeBeforeRestart(),
		ExitQuiet:       time.Duration(s.ResetMinutes) * time.Minute,
	}, nil
}

func (s Settings) calendar() (calendar.Calendar, error) {
	var c calendar.Calendar
	add := func(name, start, zone string, days []time.Weekday, minutes int) error {
		hour, minute, err := ParseClock(start)
		if err != nil {
			return err
		}
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return err
		}
		c = append(c, calendar.Window{
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
			preset, err := calendar.Preset(w.Preset)
			if err != nil {
				return nil, fmt.Errorf("reset_windows[%d]: %w", i, err)
			}
			c = append(c, preset...)
			continue
		}
		zone := cmp.Or(w.Timezone, s.Timezone)
		if err := add(fmt.Sprintf("reset_windows[%d]", i), w.Start, zone, w.weekdays(), w.Minutes); err != nil {
			return nil, fmt.Errorf("reset_windows[%d]: %w", i, err)
		}
	}
	return c, nil
}

// connKeys are the keys behind the fields of a [conn.Config].
var connKeys = map[string]string{
	"Host": "gateway.host", "Port": "gateway.port", "ConnectTimeout": "gateway.connect_timeout_seconds",
	"Poll": "watchdog.poll_seconds", "Soft": "watchdog.soft_seconds", "Hard": "watchdog.hard_seconds",
	"ProofOfLife": "trading.proof_of_life_ms", "CloseBeforeExit": "trading.close_before_restart_seconds",
	"ExitQuiet": "reset_minutes",
	"Delays":    "reconnect.delays_seconds", "Jitter": "reconnect.jitter", "Calendar": "reset_windows",
}

// refusal returns what the supervisor would refuse of the settings, and the key that is at fault; nothing if it takes
// them.
func (s Settings) refusal() (key, text string) {
	cfg, err := s.Conn()
	if err == nil {
		err = cfg.Validate()
	}
	var refused *conn.ConfigError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &refused):
		return connKeys[refused.Field], refused.Text
	}
	return "reset_windows", err.Error()
}
