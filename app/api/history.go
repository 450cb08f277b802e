package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gatewatch/conn/history"
)

const (
	// MaxDays bounds the days that GET /uptime covers: ten years.
	MaxDays = 3660
	// MaxRecords bounds the records of one answer to GET /log.
	MaxRecords = 1000
	// TurnLimit bounds the wait for other costly queries.
	TurnLimit = 3 * time.Second
	// CostlyLimit bounds a costly query.
	CostlyLimit = 10 * time.Second
	// costlyWait bounds the wait for its answer, which may be long.
	costlyWait = TurnLimit + CostlyLimit + 5*time.Second
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
	// "24h", "7d", "30d", "90d", "today", or a day's date such as "2026-11-24"
	Name              string    `json:"name"`
	From              time.Time `json:"from"`
	Until             time.Time `json:"until"`
	Seconds           float64   `json:"seconds"`
	ConnectedSeconds  float64   `json:"connected_seconds"`
	DownSeconds       float64   `json:"down_seconds"`
	PlannedSeconds    float64   `json:"planned_seconds"` // not connected inside a reset window
	PausedSeconds     float64   `json:"paused_seconds"`
	AsleepSeconds     float64   `json:"asleep_seconds"`
	UnobservedSeconds float64   `json:"not_observed_seconds"`
	// connected ÷ (connected + down); null while there is nothing to say
	UptimePercent       *float64 `json:"uptime_percent"`
	MarketUptimePercent *float64 `json:"market_uptime_percent"` // the same within market hours
	Outages             int      `json:"outages"`               // begun in this time, or running when it began
	LongestSeconds      float64  `json:"longest_seconds"`
	MeanSeconds         float64  `json:"mean_seconds"` // mean time to recover
	// mean time connected per outage; null without an outage
	MeanBetweenSeconds *float64 `json:"mean_between_seconds"`
}

// PeriodOf renders an account.
func PeriodOf(name string, a history.Account) Period {
	term := func(k history.Kind) float64 { return round(a.Terms[k].Seconds()) }
	p := Period{
		Name: name, From: Stamp(a.From), Until: Stamp(a.Until),
		Seconds:          round(a.Length().Seconds()),
		ConnectedSeconds: term(history.Connected), DownSeconds: term(history.Down),
		PlannedSeconds: term(history.Planned),
		PausedSeconds:  term(history.Paused), AsleepSeconds: term(history.Asleep),
		UnobservedSeconds: term(history.Unobserved),
		UptimePercent:     percent(a.Uptime()), MarketUptimePercent: percent(a.MarketUptime()),
		Outages: a.Outages, LongestSeconds: round(a.Longest.Seconds()), MeanSeconds: round(a.MeanToRecover().Seconds()),
	}
	if d, ok := a.MeanBetween(); ok {
		p.MeanBetweenSeconds = new(round(d.Seconds()))
	}
	return p
}

// periods are those that an account of uptime is given for, beside the local days.
var periods = []struct {
	name string
	long time.Duration
}{
	{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"90d", 90 * 24 * time.Hour},
}

// UptimeOf renders what a timeline knows of so many local days up to now.
func UptimeOf(line *history.Timeline, days int, now time.Time, hours *history.Hours) Uptime {
	zone, _ := now.Local().Zone()
	if name := time.Local.String(); name != "Local" {
		zone = name
	}
	u := Uptime{At: Stamp(now), Zone: zone, MarketHours: hours.String(), Spans: []Span{}}
	if first := line.Since(); !first.IsZero() {
		u.ObservedSince = new(first.Local())
	}
	for _, p := range periods {
		u.Periods = append(u.Periods, PeriodOf(p.name, line.Account(now.Add(-p.long), now, hours)))
	}
	for _, a := range line.Days(days, now, time.Local, hours) {
		u.Days = append(u.Days, PeriodOf(a.From.In(time.Local).Format(time.DateOnly), a))
	}
	for _, s := range line.Spans(now.Add(-24*time.Hour), now) {
		u.Spans = append(u.Spans, Span{From: s.From.Local(), Until: s.Until.Local(), Kind: s.Kind})
	}
	return u
}

// UptimeNeeds returns since when an account of so many days needs to know the past.
func UptimeNeeds(days int, now time.Time) time.Time { return now.AddDate(0, 0, -max(days, 91)-1) }

// percent returns a share in percent, cut and not rounded: 100 only without any outage.
func percent(share float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return new(float64(int64(share*100_000)) / 1000)
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
	Texts   []string         `json:"texts"` // the same records for people
	// there are older ones in the time asked for, or later ones if after was given
	More bool `json:"more"`
}

// LogQuery says which records are wanted.
type LogQuery struct {
	Since time.Time // not before this time; zero: any
	After uint64    // with a larger seq than this, the oldest of them first; 0: the newest ones
	Limit int       // at most so many
}

// Uptime asks how so many local days were spent.
func (c *Client) Uptime(ctx context.Context, days int) (Uptime, error) {
	return askFor[Uptime](ctx, c, c.waiting(costlyWait), http.MethodGet, "/uptime?days="+strconv.Itoa(days))
}

// Log asks for records of the connection log.
func (c *Client) Log(ctx context.Context, q LogQuery) (Log, error) {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return askFor[Log](ctx, c, c.waiting(costlyWait), http.MethodGet, "/log?"+v.Encode())
}
