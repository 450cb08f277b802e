package history

import (
	"fmt"
	"time"

	"gatewatch/conn/ib"
)

// Kind says how a stretch of time counts. Its text is stable.
type Kind uint8

// The kinds of time. Every moment is of exactly one.
const (
	Unobserved Kind = iota // the program did not run, or had not yet learned how things stand
	Connected              // socket, API and upstream up
	Down                   // an outage
	Planned                // not connected inside a reset window
	Paused                 // not connected because the user said so
	Asleep                 // the computer slept, or the program was stopped and went on
)

// Kinds lists all kinds, in the order of their numbers.
var Kinds = [...]Kind{Unobserved, Connected, Down, Planned, Paused, Asleep}

var kindTexts = [...]string{"not_observed", "connected", "down", "planned", "paused", "asleep"}

func (k Kind) String() string {
	if int(k) < len(kindTexts) {
		return kindTexts[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText writes the kind as its word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's word.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, t := range kindTexts {
		if t == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown kind of time %q", text)
}

// What names what a record is about, in the past tense. Its text is stable.
type What string

// What a record can be about.
const (
	Started What = "started" // the program
	Stopped What = "stopped" // the program, in an orderly way; Seconds is how long it ran
	// written at the next start, with the time at which the program was last known to run
	Crashed   What = "crashed"
	Recovered What = "connected" // READY; Seconds is how long the outage lasted, 0 at the first connect
	Lost      What = "lost"      // a READY session ended unasked; Seconds is how long it was up
	// a session was ended by the user or a setting; Seconds is how long it was up
	Disconnected  What = "disconnected"
	AttemptFailed What = "attempt_failed" // the first failed attempt with this cause since the series before it
	// the end of a series of failed attempts with one cause: Attempts of them in Seconds
	AttemptsEnded What = "attempts_ended"
	UpstreamLost  What = "upstream_lost" // Gateway lost IBKR's servers
	// and has them again; Code 1101: subscriptions were lost, 1102: kept; Seconds is how long it lasted
	UpstreamRestored What = "upstream_restored"
	FarmChanged      What = "farm"              // a data farm broke or came back; Detail is its name and state
	Competing        What = "competing_session" // another session took the market data
	OrdersBlocked    What = "orders_blocked"    // connected, but Gateway takes no orders or does not confirm them
	OrdersConfirmed  What = "orders_confirmed"
	WindowStarted    What = "window_started" // a reset window; Detail is its name, Seconds its length yet to come
	WindowEnded      What = "window_ended"   //
	UserPaused       What = "paused"         //
	UserResumed      What = "resumed"        // Seconds is how long the pause was
	FellAsleep       What = "asleep"         // the program did not run from then on; written afterwards
	Woke             What = "woke"           // Seconds is for how long it did not run

	// At the guarded port. None of them changes how time counts.
	PortOpened          What = "guarded_port_opened"  // Detail is its address
	PortClosed          What = "guarded_port_closed"  // Reason says why
	ProgramConnected    What = "program_connected"    //
	ProgramDisconnected What = "program_disconnected" // Reason says why
	ProgramRefused      What = "program_refused"      // orders of a program; Reason says why
	ProgramObserved     What = "program_observed"     // orders that were sent, and are refused if mode is guard
	ProgramUnknown      What = "program_unknown"      // what became of orders of a program is not known
	ProgramsStopped     What = "programs_stopped"     // the user stopped trading of programs
	ProgramsAllowed     What = "programs_allowed"     // and allowed it again
)

// Record is one entry of the connection log, and one line of connection_log.json.
type Record struct {
	Seq      uint64    `json:"seq"`                        // grows by one with each record, over restarts and years
	Time     time.Time `json:"time"`                       // UTC, to the millisecond
	Local    time.Time `json:"local"`                      // the same moment in the zone of this computer at that time
	What     What      `json:"event"`                      //
	Counts   Kind      `json:"counts"`                     // how the time from here on counts
	Run      uint64    `json:"run"`                        // number of the program's run, from 1
	Session  uint64    `json:"session,omitempty"`          // number of the session within the run
	Cause    ib.Cause  `json:"cause,omitempty"`            //
	Code     int       `json:"code,omitempty"`             // IB code behind the cause
	Attempts int       `json:"attempts,omitempty"`         //
	Seconds  float64   `json:"duration_seconds,omitempty"` // to the millisecond; see What
	Program  string    `json:"program,omitempty"`          // name and client id of the program; none: several
	Reason   string    `json:"reason,omitempty"`           // as in GET /clients/orders, or why a connection ended
	Count    int       `json:"count,omitempty"`            // how often it happened, if more than once
	Detail   string    `json:"detail,omitempty"`           // technical text, may come from outside; at most 300 bytes
}
