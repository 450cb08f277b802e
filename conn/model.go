package conn

import (
	"net"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// instant is one moment, with what the present session's counters say at that moment.
type instant struct {
	ib.Moment
	seen ib.Evidence
}

// heartbeat bounds the time between two looks at the clocks.
const heartbeat = time.Second

// wakeJump is how late a look at the clocks may be before it is reported: the computer was asleep, or the program was
// stopped.
const wakeJump = 5 * time.Second

// probeAtLeast and probeAtMost bound after how long the next time request is due while Gateway sends other things; in
// between it is the poll interval.
const (
	probeAtLeast = 2 * time.Second
	probeAtMost  = 10 * time.Second
)

type phase uint8

const (
	idle phase = iota // no socket, no attempt under way
	trying
	up // READY has been reached and not lost
)

// model is the supervisor's whole state. It is a value: next copies it, maps in it are never changed in place.
type model struct {
	phase   phase
	stopped bool
	paused  bool
	first   bool // no connection was ever made
	failed  bool // something failed or was lost since the start or the last pause
	session uint64
	attempt int           // attempts begun in this outage
	waits   int           // delays used in this outage; 0: the first attempt is still due, or under way
	due     time.Duration // when the next attempt is due; only meaningful while idle and not resting
	dueWall time.Time
	refused bool // the last attempt found every port refused

	socket, upstream, reconciled, suspect, competing, wrongMode bool

	checking bool   // orders are being reconciled
	readOnly bool   // Gateway's API is, as it has said to the last question about orders
	tries    int    // attempts to reconcile that have failed in a row
	doubt    string // what the last of them was about

	settingsReadOnly bool // Gateway says that its API is read-only, in its settings
	resubmit         ib.Switch
	exits            exits

	unsupported   Unsupported // as Gateway has said in the last connection
	unsupportedIn uint64      // number of the session in which it did

	farms          map[string]FarmState
	upSince        time.Duration
	downSince      ib.Moment // the last loss; zero before the first connection
	upstreamDownAt ib.Moment
	upstreamLost   time.Duration // when Gateway last said that it has no connection to IBKR
	competingAt    time.Duration
	heard          time.Duration // last byte read from Gateway
	rtt, skew      time.Duration // as of the last answer to a time request

	dialled  time.Duration // when the attempt that led to the session began
	gap      time.Duration // end of the last gap in which no one looked at the clocks
	proven   bool          // Gateway has answered what it was asked after that gap, and in time
	woke     bool          // that is all that stands against it: it is not late
	asked    time.Duration // when it was asked for its time last
	asking   time.Duration // since when an answer to that is missing; 0 = there is one
	answered time.Duration // when the last answer came

	cause  ib.Cause
	code   int
	detail string

	gateway  ib.Gateway
	tried    []ib.PortTry // of the last attempt, if it failed; not changed in place
	portHint int          // where Gateway was last, or said that it would be
	found    ib.Mode      // of the accounts of the last session
	lost     uint64
	run      uint64 // of reconciling; only the result of the latest counts

	window     calendar.Span
	windowFrom time.Time // when the calendar was asked for it; zero: it has to be asked again

	state State
	since ib.Moment
	last  instant
}

// input is one of the inputs of next, all of which are here.
type input interface{ isInput() }

type (
	inStart struct{}
	inStop  struct{}

	inTick   struct{} // a look at the clock
	inSocket struct { // the attempt turned to this port: it is being dialled, or TCP is up and the handshake begins
		session uint64
		port    int
		up      bool
	}
	inReady struct {
		session uint64
		gateway ib.Gateway

		link link // too alive for next: for the supervisor itself
	}
	inFailed struct {
		session uint64
		err     *ib.AttemptError
	}
	inLost struct {
		session uint64
		cause   ib.Cause
		code    int
		detail  string
	}
	inNews       struct{ ib.News }
	inReconciled struct {
		session uint64
		run     uint64
		err     error
	}
	inDoubt struct { // the user of the session has found that Gateway does not answer about orders
		session uint64
	}
	inPortOpen struct {
		conn net.Conn
		port int
	}
	inCommand struct {
		connect bool // else disconnect
		reply   chan<- error
	}
	inAsked     struct{ reply chan<- error } // whether inputs are still handled
	inConfigure struct {
		cfg   *Config
		reply chan<- error
	}
)

func (inStart) isInput()      {}
func (inStop) isInput()       {}
func (inTick) isInput()       {}
func (inSocket) isInput()     {}
func (inReady) isInput()      {}
func (inFailed) isInput()     {}
func (inLost) isInput()       {}
func (inNews) isInput()       {}
func (inReconciled) isInput() {}
func (inDoubt) isInput()      {}
func (inPortOpen) isInput()   {}
func (inCommand) isInput()    {}
func (inAsked) isInput()      {}
func (inConfigure) isInput()  {}

// effect is one of the effects that next asks for, all of which are here.
type effect interface{ isEffect() }

type (
	doDial struct {
		session uint64
		conn    net.Conn  // already open, or nil
		ports   []int     // to try in this order; the one that conn leads to if there is one
		rests   time.Time // when the next reset window begins: no further port is tried then; zero for never
	}
	doEnd       struct{ session uint64 } // end the session, or give up the attempt under way
	doProbe     struct{ session uint64 }
	doReconcile struct {
		session uint64
		run     uint64
		after   time.Duration
		ask     bool // Gateway is asked for its settings, too
	}
	doDiscard struct{ conn net.Conn }
	doReply   struct {
		to  chan<- error
		err error
	}
)

func (doDial) isEffect()      {}
func (doEnd) isEffect()       {}
func (doProbe) isEffect()     {}
func (doReconcile) isEffect() {}
func (doDiscard) isEffect()   {}
func (doReply) isEffect()     {}
