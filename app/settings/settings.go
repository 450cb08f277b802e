// Package settings is what a person can choose: the types behind settings.json, their defaults and limits,
// a strict loader, an atomic writer and a watcher for live changes.
//
// A limit stands once, in the struct tag of its field: the loader checks it and settings.schema.json repeats it
// for editors. The tags: doc (what the key is), min and max (both included; for a list those of its entries),
// enum (the words allowed), format (a name in formats), count (how many entries a list takes), unique, required.
package settings

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"
	_ "time/tzdata" // Windows has no time zone database
)

//go:generate go test -run ^TestGenerated$ -update .

// Settings is the content of settings.json. The zero value is not useful: start from [Default].
type Settings struct {
	Schema       string        `json:"$schema" doc:"The schema that editors use for completion and checking. It has no effect on the program."`
	Gateway      Gateway       `json:"gateway" doc:"Where IB Gateway or TWS listens and how to sign on there."`
	Watchdog     Watchdog      `json:"watchdog" doc:"How a silent connection is noticed."`
	Reconnect    Reconnect     `json:"reconnect" doc:"When to try again after a loss."`
	ResetTime    string        `json:"reset_time" doc:"Start of the daily reset of the Gateway, a time of day in timezone. Inside the window reconnecting and alerts rest." format:"clock"`
	Timezone     string        `json:"timezone" doc:"Time zone of reset_time, an IANA name, or Local for the zone of this computer." format:"timezone"`
	ResetMinutes int           `json:"reset_minutes" doc:"Length of the daily reset window in minutes; 0 means there is none." min:"0" max:"720"`
	ResetWindows []ResetWindow `json:"reset_windows" doc:"More reset windows beside the daily one." count:"0..50"`
	API          API           `json:"api" doc:"The HTTP interface on this computer's loopback address."`
	Notices      Notices       `json:"notices" doc:"Notices on the desktop."`
	Tray         Tray          `json:"tray" doc:"The icon in the notification area."`
	Log          Log           `json:"log" doc:"The program's own log."`
}

// Gateway says where IB Gateway or TWS listens.
type Gateway struct {
	Host                  string  `json:"host" doc:"Host name or IP address of the computer that runs IB Gateway or TWS, without a port." format:"host"`
	Port                  int     `json:"port" doc:"API port; 0 means find it: 4002, 7497, 4001, 7496 in this order, paper before live." min:"0" max:"65535"`
	ClientID              int     `json:"client_id" doc:"API client id. Each program on one Gateway needs its own; orders can be changed only from the id that placed them. Id 0 takes over (binds) orders placed by hand in TWS." min:"0" max:"2147483647"`
	Mode                  string  `json:"mode" doc:"Which accounts are accepted: paper, live, or any." enum:"paper,live,any"`
	ConnectTimeoutSeconds float64 `json:"connect_timeout_seconds" doc:"Seconds a connection attempt may take until the Gateway is ready." min:"0.001" max:"120"`
}

// ConnectTimeout is the time an attempt may take.
func (g Gateway) ConnectTimeout() time.Duration { return seconds(g.ConnectTimeoutSeconds) }

// Watchdog says when silence counts as a loss.
type Watchdog struct {
	PollSeconds float64 `json:"poll_seconds" doc:"Seconds between two looks at the connection." min:"1" max:"5"`
	SoftSeconds float64 `json:"soft_seconds" doc:"Seconds a probe may stay unanswered before orders are held back." min:"0.001" max:"600"`
	HardSeconds float64 `json:"hard_seconds" doc:"Seconds a probe may stay unanswered before the connection is dropped and made anew. Must exceed soft_seconds." min:"0.001" max:"3600"`
}

// Poll is the time between two looks at the connection.
func (w Watchdog) Poll() time.Duration { return seconds(w.PollSeconds) }

// Soft is the silence after which orders are held back.
func (w Watchdog) Soft() time.Duration { return seconds(w.SoftSeconds) }

// Hard is the silence after which the connection is dropped.
func (w Watchdog) Hard() time.Duration { return seconds(w.HardSeconds) }

// Reconnect says when to try again.
type Reconnect struct {
	DelaysSeconds  []float64 `json:"delays_seconds" doc:"Seconds to wait before each attempt; the last one repeats." min:"0.001" max:"3600" count:"1..20"`
	Jitter         float64   `json:"jitter" doc:"Share by which a delay is shortened at random, at most, and by a quarter of it at least: 0.2 turns 10 seconds into 8 to 9.5." min:"0" max:"0.5"`
	StableSeconds  float64   `json:"stable_seconds" doc:"Seconds a connection must last before the delays start from the first again." min:"0" max:"3600"`
	WatchLocalPort bool      `json:"watch_local_port" doc:"While waiting, watch the port of a Gateway on this computer and connect the moment it opens."`
}

// Delays are the waits before each attempt; the last one repeats.
func (r Reconnect) Delays() []time.Duration {
	delays := make([]time.Duration, len(r.DelaysSeconds))
	for i, s := range r.DelaysSeconds {
		delays[i] = seconds(s)
	}
	return delays
}

// Stable is the time connected after which the delays start anew.
func (r Reconnect) Stable() time.Duration { return seconds(r.StableSeconds) }

// ResetWindow is one entry of reset_windows: either Preset is set and nothing else (in JSON just its name),
// or the others are (in JSON an object).
type ResetWindow struct {
	Preset   string   `json:"-" doc:"A published reset window of IBKR." enum:"ibkr-america,ibkr-europe,ibkr-asia,ibkr-weekend"`
	Days     []string `json:"days" doc:"Days on which the window starts; without this key, every day." enum:"mon,tue,wed,thu,fri,sat,sun" count:"1..7" unique:"true"`
	Start    string   `json:"start" doc:"Time of day at which the window starts." format:"clock" required:"true"`
	Minutes  int      `json:"minutes" doc:"Length of the window in minutes." min:"1" max:"2880" required:"true"`
	Timezone string   `json:"timezone" doc:"Time zone of start, an IANA name or Local; without this key, the top-level timezone." format:"timezone"`
}

// Weekdays are the days on which the window starts, every day if none is named.
func (w ResetWindow) Weekdays() []time.Weekday {
	var days []time.Weekday
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if len(w.Days) == 0 || slices.Contains(w.Days, name) {
			days = append(days, time.Weekday(i))
		}
	}
	return days
}

// API is the HTTP interface on the loopback address.
type API struct {
	Port int `json:"port" doc:"Port on 127.0.0.1; 0 means any free one. If it is taken, the next free one is used." min:"0" max:"65535"`
}

// Notices says what is told on the desktop.
type Notices struct {
	Desktop             bool    `json:"desktop" doc:"Tell on the desktop that the connection is gone, and that it is back."`
	DesktopAfterSeconds float64 `json:"desktop_after_seconds" doc:"Seconds an outage must last before it is told on the desktop. Orders are blocked without any delay." min:"0" max:"3600"`
}

// DesktopAfter is how long an outage must last before it is told.
func (n Notices) DesktopAfter() time.Duration { return seconds(n.DesktopAfterSeconds) }

// Tray is the icon in the notification area.
type Tray struct {
	Monochrome bool `json:"monochrome" doc:"On macOS: one colour, tinted by the system. Takes effect at the next start."`
}

// Log is the program's own log.
type Log struct {
	Level string `json:"level" doc:"Least severity that is written." enum:"debug,info,warn,error"`
}

// Severity is the level for slog, Info if the name is unknown.
func (l Log) Severity() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level))
	return level
}

// Default returns the settings that hold when nobody has chosen otherwise.
func Default() Settings {
	return Settings{
		Schema:       SchemaRef,
		Gateway:      Gateway{Host: "127.0.0.1", Port: 0, ClientID: 17, Mode: "any", ConnectTimeoutSeconds: 10},
		Watchdog:     Watchdog{PollSeconds: 1, SoftSeconds: 1.5, HardSeconds: 10},
		Reconnect:    Reconnect{DelaysSeconds: []float64{1, 2, 5, 15}, Jitter: 0.2, StableSeconds: 10, WatchLocalPort: true},
		ResetTime:    "18:00",
		Timezone:     "Australia/Sydney",
		ResetMinutes: 15,
		ResetWindows: []ResetWindow{},
		API:          API{Port: 8765},
		Notices:      Notices{Desktop: true, DesktopAfterSeconds: 5},
		Log:          Log{Level: "info"},
	}
}

// seconds turns a number of seconds into a duration, rounded to the nanosecond.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}

// ParseClock reads a time of day, "00:00" to "23:59".
func ParseClock(s string) (hour, minute int, err error) {
	if !formats["clock"].pattern.MatchString(s) {
		return 0, 0, fmt.Errorf("time of day %q is not between 00:00 and 23:59", s)
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), int(s[3]-'0')*10 + int(s[4]-'0'), nil
}
