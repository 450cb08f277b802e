package conn

import (
	"time"

	"gatewatch/conn/ib"
)

// State is the state of the connection in one word. Its text is stable and part of the HTTP API.
type State string

// The states; the package comment has their diagram.
const (
	// Connecting is the first attempt after the start or after a pause.
	Connecting State = "connecting"
	// Connected means that socket, API and upstream are up and nothing is known to be broken.
	Connected State = "connected"
	// Degraded means connected with a fault that does not end the connection: a data farm is down, another
	// session took the market data, Gateway has not answered a probe yet, the account is of the wrong kind, or Gateway
	// does not say what has become of orders.
	Degraded State = "degraded"
	// UpstreamLost means that Gateway answers but has lost IBKR's servers.
	UpstreamLost State = "upstream_lost"
	// Reconnecting is the time between a loss or a failed attempt and READY, waiting included.
	Reconnecting State = "reconnecting"
	// ResetWindow means not connected inside a reset window: reconnecting rests until the window ends.
	ResetWindow State = "reset_window"
	// Paused means not connected because the user disconnected.
	Paused State = "paused"
)

// FarmState is the state of one data farm as Gateway last reported it.
type FarmState string

// The farm states. Only FarmBroken degrades the connection: Gateway opens farms on demand.
const (
	FarmOK         FarmState = "ok"
	FarmBroken     FarmState = "broken"
	FarmDormant    FarmState = "dormant"
	FarmConnecting FarmState = "connecting"
)

// EventKind names what happened, in the past tense.
type EventKind string

// The kinds of event.
const (
	EventStarted EventKind = "started"
	EventStopped EventKind = "stopped"
	// READY; Duration is how long the outage lasted, 0 at the first connect
	EventConnected EventKind = "connected"
	// a READY session ended unasked; Duration is how long it was up
	EventLost             EventKind = "lost"
	EventDisconnected     EventKind = "disconnected"      // a READY session was ended by a command or a setting
	EventAttemptFailed    EventKind = "attempt_failed"    // Attempt is its number
	EventUpstreamLost     EventKind = "upstream_lost"     // once per outage of the upstream layer
	EventUpstreamRestored EventKind = "upstream_restored" // Code 1101: subscriptions were lost, 1102: kept
	EventSuspected        EventKind = "suspected"         // soft limit: a time request is unanswered, guard closed
	// Gateway has answered in time after EventSuspected or EventWoke
	EventAnswered EventKind = "answered"
	EventFarm     EventKind = "farm" // a data farm changed; Detail is its name, Farm its state
	// Gateway says that a market data farm is well, whatever it was before
	EventMarketFarmOK EventKind = "market_farm_ok"
	// once until market data flows again; further subscriptions get an EventNotice
	EventCompeting EventKind = "competing_session"
	// connected, but Gateway takes no orders or does not confirm them; Cause says which
	EventOrdersBlocked   EventKind = "orders_blocked"
	EventOrdersConfirmed EventKind = "orders_confirmed" // the end of that
	EventWindowStarted   EventKind = "window_started"
	EventWindowEnded     EventKind = "window_ended"
	EventPaused          EventKind = "paused"
	EventResumed         EventKind = "resumed"
	EventWoke            EventKind = "woke"         // or went on; Duration is for how long this program did not run
	EventReconfigured    EventKind = "reconfigured" // new settings are in effect
	// any other code from Gateway; Request is the number of the subscription
	EventNotice EventKind = "notice"
)

// Event is something that happened. Each stream delivers it once.
type Event struct {
	Seq      uint64
	At       time.Time // wall clock
	Kind     EventKind
	State    State // state after the event
	Session  uint64
	Attempt  int
	Cause    ib.Cause
	Code     int   // IB code, or 0
	Request  int64 // number of the subscription that it is about; 0 or below: it is about none
	Farm     FarmState
	Detail   string // technical text, may come from outside
	Duration time.Duration
	Tried    []ib.PortTry // of EventAttemptFailed: the ports
	More     uint64       // how many events like it were left out before it, because Gateway repeats itself
}
