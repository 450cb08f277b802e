package api

import (
	"time"

	"gatewatch/conn/history"
)

// Uptime is the answer to GET /uptime?days=N. Times are RFC 3339 in the zone of this machine.
type Uptime struct {
	At            time.Time  `json:"at"`
	Zone          string     `json:"zone"`           // of the local days
	ObservedSince *time.Time `json:"observed_since"` // time of the first record; null if there is none
	MarketHours   string     `json:"market_hours"`   // in words; empty if there are none
	Periods       []Period   `json:"periods"`        // the last 24 hours, and the last 7, 30 and 90 times 24 hours
	Days          []Period   `json:"days"`           // local days, the newest last, which is today so far
	Spans         []Span     `json:"spans"`          // of the last 24 hours, in order and without gaps
}

// Period is the account of a stretch of time. The seven numbers of seconds: the first is the sum of the other six.
type Period struct {
	Name                string    `json:"name"` // "24h", "7d", "30d", "90d", "today", or a day's date such as "2026-11-24"
	From                time.Time `json:"from"`
	Until               time.Time `json:"until"`
	Seconds             float64   `json:"seconds"`
	ConnectedSeconds    float64   `json:"connected_seconds"`
	DownSeconds         float64   `json:"down_seconds"`
	PlannedSeconds      float64   `json:"planned_seconds"` // not connected inside a reset window
	PausedSeconds       float64   `json:"paused_seconds"`
	AsleepSeconds       float64   `json:"asleep_seconds"`
	UnobservedSeconds   float64   `json:"not_observed_seconds"`
	UptimePercent       *float64  `json:"uptime_percent"`        // connected ÷ (connected + down); null while there is nothing to say
	MarketUptimePercent *float64  `json:"market_uptime_percent"` // the same within market hours
	Outages             int       `json:"outages"`               // begun in this time, or running when it began
	LongestSeconds      float64   `json:"longest_seconds"`
	MeanSeconds         float64   `json:"mean_seconds"`         // mean time to recover
	MeanBetweenSeconds  *float64  `json:"mean_between_seconds"` // mean time connected per outage; null without an outage
}

// PeriodOf renders an account.
func PeriodOf(name string, a history.Account) Period {
	term := func(k history.Kind) float64 { return round(a.Terms[k].Seconds()) }
	p := Period{
		Name: name, From: a.From.Local().Round(time.Millisecond), Until: a.Until.Local().Round(time.Millisecond),
		Seconds:          round(a.Length().Seconds()),
		ConnectedSeconds: term(history.Connected), DownSeconds: term(history.Down), PlannedSeconds: term(history.Planned),
		PausedSeconds: term(history.Paused), AsleepSeconds: term(history.Asleep), UnobservedSeconds: term(history.Unobserved),
		UptimePercent: percent(a.Uptime()), MarketUptimePercent: percent(a.MarketUptime()),
		Outages: a.Outages, LongestSeconds: round(a.Longest.Seconds()), MeanSeconds: round(a.MeanToRecover().Seconds()),
	}
	if d, ok := a.MeanBetween(); ok {
		seconds := round(d.Seconds())
		p.MeanBetweenSeconds = &seconds
	}
	return p
}

// percent returns a share in percent, cut and not rounded: 100 only without any outage.
func percent(share float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	p := float64(int64(share*100_000)) / 1000
	return &p
}

// Span is a stretch of time of one kind.
type Span struct {
	From  time.Time    `json:"from"`
	Until time.Time    `json:"until"`
	Kind  history.Kind `json:"kind"`
}

// Log is the answer to GET /log: records in their order, the newest last.
type Log struct {
	Records []history.Record `json:"records"`
	More    bool             `json:"more"` // there are older ones in the time asked for, or later ones if after was given
}

// LogQuery says which records are wanted.
type LogQuery struct {
	Since time.Time // not before this time; zero: any
	After uint64    // with a larger seq than this, the oldest of them first; 0: the newest ones
	Limit int       // at most so many
}

// Alerts is the answer to GET /alerts. It names no secret and no address.
type Alerts struct {
	Channels []Channel `json:"channels"`
}

// Channel is one way that alerts take out of this computer.
type Channel struct {
	Name        string     `json:"name"`      // "email", "slack", "webhook", "heartbeat", or a service's reference such as "keyring:telegram"
	Service     string     `json:"service"`   // what it is, in words
	Queued      int        `json:"queued"`    // alerts that wait for delivery
	OldestAt    *time.Time `json:"oldest_at"` // of those
	Sent        uint64     `json:"sent"`      // since the start of the program
	LastSentAt  *time.Time `json:"last_sent_at"`
	LastError   string     `json:"last_error"` // of the last failure that no success has followed; empty if all is well
	LastErrorAt *time.Time `json:"last_error_at"`
}

// AlertTest is the answer to POST /alerts/test.
type AlertTest struct {
	Results []AlertResult `json:"results"`
}

// AlertResult says how the test of one channel went.
type AlertResult struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Error   string `json:"error"` // what went wrong and what to do
}

// AlertTestRequest is the body of POST /alerts/test. An empty body tests all channels.
type AlertTestRequest struct {
	Channel string `json:"channel"` // empty: all
}
