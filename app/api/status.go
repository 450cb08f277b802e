package api

import (
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Status is the answer to GET /status. Times are RFC 3339 in the zone of this machine; what is not known is null or
// left empty.
type Status struct {
	State     conn.State `json:"state"`
	Connected bool       `json:"connected"` // socket, API and upstream are all up
	// Gateway owes an answer: what layers says of all but the socket is of its last one, and not known now
	Unanswered bool      `json:"unanswered"`
	Since      time.Time `json:"since"` // when state was entered
	// when the outage began that lasts, which may be before since; null if there is none
	LostAt   *time.Time `json:"lost_at"`
	Cause    string     `json:"cause"`    // why state is not connected, for people
	CauseID  ib.Cause   `json:"cause_id"` // the same for programs; stable
	Code     int        `json:"code"`     // IB code behind the cause, 0 if none
	Hint     string     `json:"hint"`     // what to do about it
	Headline string     `json:"headline"` // the state in one line
	Layers   Layers     `json:"layers"`
	// LayersSince says since when each layer has been as it is.
	LayersSince LayerTimes `json:"layers_since"`
	// FarmNames names the data farms for people, such as "US stock data [usfarm]" for usfarm.
	FarmNames map[string]string `json:"farm_names"`
	Attempt   Attempt           `json:"attempt"`
	// FirstRun says that no connection was ever made: nothing is an outage until the first.
	FirstRun bool `json:"first_run"`
	// Tried is what the last attempt has found at each port, if it failed.
	Tried    []PortTry    `json:"tried"`
	Session  uint64       `json:"session"` // number of the present session, 0 if none
	Reset    ResetWindow  `json:"reset_window"`
	Restart  Restart      `json:"restart"`
	Gateway  Gateway      `json:"gateway"`
	Guard    Guard        `json:"guard"`
	Held     Held         `json:"held"`
	Probe    Probe        `json:"probe"`
	Lost     uint64       `json:"sessions_lost"` // since the start of the program
	Today    Period       `json:"today"`         // the local day so far
	Muted    *time.Time   `json:"muted_until"`   // desktop notices are silent until then
	Alerts   AlertState   `json:"alerts"`
	Trading  Trading      `json:"trading"`
	Programs ProgramState `json:"programs"` // at the guarded port
	Failing  []Failing    `json:"failing"`  // steps in the background that fail at present
	Faults   []Fault      `json:"faults"`   // parts of the program that have failed inside since its start

	Demo          bool    `json:"demo"` // Gateway is a simulated one inside Gatewatch, whose orders are not real
	Version       string  `json:"version"`
	UptimeSeconds float64 `json:"uptime_seconds"` // of the program
	Seq           uint64  `json:"seq"`            // grows with each change

	Shown Shown `json:"shown"` // the same in words for people

	open texts     // for Open
	at   time.Time // when it was rendered; zero: now
}

// Layers is what is true of each layer.
type Layers struct {
	Socket   bool                      `json:"socket"`
	API      bool                      `json:"api"`
	Upstream bool                      `json:"upstream"`
	Farms    map[string]conn.FarmState `json:"farms"`
}

// LayerTimes says since when each layer has been as it is. What is known of api, upstream and farms begins with each
// connection.
type LayerTimes struct {
	Socket   time.Time `json:"socket"`
	API      time.Time `json:"api"`
	Upstream time.Time `json:"upstream"`
	Farms    time.Time `json:"farms"`
}

// Attempt is the attempt under way or the next one; number 0 means that none is needed.
type Attempt struct {
	Number    int        `json:"number"`
	Running   bool       `json:"running"`
	NextAt    *time.Time `json:"next_at"`
	InSeconds *float64   `json:"in_seconds"`
}

// PortTry is what an attempt has found at a port.
type PortTry struct {
	Port    int      `json:"port"`
	Usually string   `json:"usually"` // paper or live, of IBKR's usual ports; unknown for others
	Cause   ib.Cause `json:"cause_id"`
	Text    string   `json:"text"` // for people, such as "nothing listens"
}

func triesOf(s *conn.Snapshot) []PortTry {
	list := []PortTry{}
	for _, p := range s.Tried {
		list = append(list, PortTry{
			Port: p.Port, Usually: modeText(conn.PortMode(p.Port)), Cause: p.Cause, Text: wording.PortAnswer(p.Cause),
		})
	}
	return list
}

// modeText is a kind of account in JSON.
func modeText(m ib.Mode) string {
	if m == ib.AnyMode || m == "" {
		return "unknown"
	}
	return string(m)
}

// ResetWindow is the window that is active, and the next one.
type ResetWindow struct {
	Active bool       `json:"active"`
	EndsAt *time.Time `json:"ends_at"`
	NextAt *time.Time `json:"next_at"`
}

// Restart is the next daily exit of Gateway, or the one that is going on, as Gateway has announced it.
type Restart struct {
	Kind ib.ExitKind `json:"kind"` // restart, or logoff: a person has to log in again; empty: not known
	At   *time.Time  `json:"at"`
	Text string      `json:"text"` // for people, with a countdown
	Hint string      `json:"hint"` // what to change in Gateway; empty: nothing
}

// Gateway is what is known about the other side.
type Gateway struct {
	Host          string `json:"host"`
	Port          int    `json:"port"`           // 0 while looking for one
	ServerVersion int    `json:"server_version"` // 0 while not connected
	Mode          string `json:"mode"`           // paper, live or unknown
	Accounts      int    `json:"accounts"`       // how many this login manages, 0 while not connected
	// UnsupportedFrom is the first day, such as "2026-12-15", on which IBKR does not support this version of Gateway
	// any more, as Gateway says; empty: it says nothing, or no day that can be read.
	UnsupportedFrom string `json:"unsupported_from"`
	// Unsupported is the same for people, with what to do; empty: Gateway says nothing.
	Unsupported string `json:"unsupported"`
	// Resubmits says whether Gateway keeps orders while IBKR is not connected and sends them afterwards; empty: not
	// known.
	Resubmits ib.Switch `json:"resubmits_orders"`
}

// Guard says whether orders may leave, and why not.
type Guard struct {
	Open     bool           `json:"open"`
	Reason   string         `json:"reason"`
	ReasonID ib.GuardReason `json:"reason_id"`
	// whether orders of Gatewatch can leave while trading is on, such as "guard open"
	Text   string `json:"text"`
	Opened uint64 `json:"opened"` // how often it was opened since the start of the program
}

// Held says that the guard is closed on a connection that is up.
type Held struct {
	Closed bool      `json:"closed"` // it has been so for more than a moment
	Since  time.Time `json:"since"`  // when the guard was opened or closed last
	Text   string    `json:"text"`   // in one sentence; empty if it is not so, or the cause says it
	// what to do about a closed guard; empty where there is nothing but what the connection's own hint says
	Hint string `json:"hint"`
}

// Probe is what the last probe of this connection that was answered measured; zeros before the first.
type Probe struct {
	RoundTripMillis  float64 `json:"round_trip_ms"`
	ClockSkewSeconds float64 `json:"clock_skew_seconds"` // Gateway's clock minus ours
}

// AlertState summarizes the state of alerts; GET /alerts says more.
type AlertState struct {
	Channels int      `json:"channels"` // how many are set up
	Queued   int      `json:"queued"`   // alerts that wait for delivery, over all channels
	Failing  []string `json:"failing"`  // names of the channels whose last delivery failed
}

// Failing is a step in the background that fails at present.
type Failing struct {
	Step   string `json:"step"`   // such as "orders" or "connection_log"; stable
	Urgent bool   `json:"urgent"` // orders or positions are concerned
	Text   string `json:"text"`   // what does not work, in one sentence
	Detail string `json:"detail"` // technical text; it may name files
	Hint   string `json:"hint"`   // what to do about it
}

// Fault is a part of the program in which something went wrong that should not have, such as a panic. The connection
// goes on without it, and it is started again.
type Fault struct {
	Part   string    `json:"part"`  // such as "alerts" or "tray"
	Count  uint64    `json:"count"` // since the start of the program
	LastAt time.Time `json:"last_at"`
	Last   string    `json:"last"` // the first line of the last one
	Gone   bool      `json:"gone"` // it cannot be restarted: the program goes on without it until its next start
}

// StatusOf renders a snapshot at the given moment.
func StatusOf(s *conn.Snapshot, now time.Time, version string, clientID int, started time.Time) Status {
	farms := s.Layers.Farms
	if !s.Layers.Upstream || s.Unanswered || farms == nil { // Gateway reports them only while it sees IBKR
		farms = map[string]conn.FarmState{}
	}
	st := Status{
		State: s.State, Connected: s.Connected(), Unanswered: s.Unanswered, Since: Stamp(s.Since),
		LostAt: Moment(s.LostAt),
		Cause:  wording.Cause(s), CauseID: s.Cause, Code: s.Code, Hint: wording.Hint(s, clientID),
		Headline: wording.Headline(s, now),
		Layers: Layers{
			Socket: s.Layers.Socket, API: s.Layers.API, Upstream: s.Layers.Upstream,
			Farms: farms,
		},

		LayersSince: layersSince(s.Layers.Since), FarmNames: farmNames(farms),
		FirstRun: s.First, Tried: triesOf(s),
		Attempt: Attempt{Number: s.Attempt.Number, Running: s.Attempt.Running, NextAt: Moment(s.Attempt.NextAt)},
		Session: s.Session,
		Restart: Restart{
			Kind: s.Exit.Kind, At: Moment(s.Exit.At), Text: wording.Exit(s.Exit, now), Hint: wording.ExitHint(s.Exit),
		},
		Reset: ResetWindow{Active: s.Window.Active, EndsAt: Moment(s.Window.Ends), NextAt: Moment(s.Window.Next)},
		Gateway: Gateway{
			Host: s.Gateway.Host, Port: s.Gateway.Port, ServerVersion: s.Gateway.ServerVersion,
			Mode:     modeText(s.Gateway.Mode),
			Accounts: s.Gateway.Accounts, Unsupported: wording.Unsupported(s.Unsupported, now), Resubmits: s.Resubmit,
		},
		Guard: Guard{
			Open: s.GuardOpen(), Reason: wording.Guard(s), ReasonID: s.Guard,
			Text: wording.Orders(wording.Guard(s), ""), Opened: s.Opened,
		},
		Held:    heldOf(s, now),
		Probe:   Probe{RoundTripMillis: float64(s.Probe.Microseconds()) / 1000, ClockSkewSeconds: s.Skew.Seconds()},
		Lost:    s.Lost,
		Version: version, UptimeSeconds: round(now.Sub(started).Seconds()), Seq: s.Seq,
		at: now,
	}
	if u := s.Unsupported; !u.From.IsZero() {
		st.Gateway.UnsupportedFrom = u.From.Format(time.DateOnly)
	}
	open := openSnapshot(s)
	st.open = texts{
		wording.Cause(open), wording.Hint(open, clientID), wording.Headline(open, now), heldOf(open, now),
		wording.Unsupported(open.Unsupported, now),
	}
	st.Alerts.Failing, st.Failing, st.Faults = []string{}, []Failing{}, []Fault{}
	if st.Attempt.NextAt != nil {
		st.Attempt.InSeconds = new(round(max(0, s.Attempt.NextAt.Sub(now).Seconds())))
	}
	return st
}

func layersSince(t conn.LayerTimes) LayerTimes {
	return LayerTimes{Stamp(t.Socket), Stamp(t.API), Stamp(t.Upstream), Stamp(t.Farms)}
}

func farmNames(farms map[string]conn.FarmState) map[string]string {
	names := make(map[string]string, len(farms))
	for name := range farms {
		names[name] = wording.NamedFarm(name)
	}
	return names
}

// Stamp returns a time as the API gives it: local, in whole milliseconds. One that JSON cannot hold, as there may be in
// a damaged file, becomes the zero time.
func Stamp(t time.Time) time.Time {
	t = t.Local().Round(time.Millisecond)
	if t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// Moment is [Stamp], or nil for the zero time.
func Moment(t time.Time) *time.Time {
	if t = Stamp(t); t.IsZero() {
		return nil
	}
	return &t
}

func round(seconds float64) float64 { return float64(int64(seconds*1000+0.5)) / 1000 }

func heldOf(s *conn.Snapshot, now time.Time) Held {
	return Held{
		Closed: wording.IsHeld(s, now), Since: Stamp(s.GuardSince), Text: wording.Held(s, now),
		Hint: wording.GuardHint(s),
	}
}

// Show sets what people see of the status: Shown, and the headline if the record of orders stops them.
func (st *Status) Show() {
	if why := st.ordersStopped(); why != "" {
		st.Headline = wording.OrdersBlocked(why)
	}
	if st.at.IsZero() {
		st.at = time.Now()
	}
	st.Shown = ShownOf(st, st.at)
}
