package conn

import (
	"net"
	"time"
)

// instant is one moment on both clocks, with what the present session's counters say at that moment.
type instant struct {
	wall time.Time
	mono time.Duration // since the supervisor was made; does not follow changes of the wall clock
	seen evidence
}

// evidence is what a session's own counters say. Durations but rtt and skew are moments on the monotonic clock.
type evidence struct {
	session  uint64
	heard    time.Duration // last byte read from Gateway
	marketAt time.Duration // last market data, 0 = none yet
	rtt      time.Duration // of the last answered probe
	skew     time.Duration // Gateway's clock minus ours, to the second
}

// wakeJump is how far the wall clock has to run ahead of the monotonic one, or the monotonic one ahead of the
// supervisor's own ticks, before that is read as waking from sleep.
const wakeJump = 5 * time.Second

// heartbeat bounds the time between two looks at the clocks.
const heartbeat = time.Second

// minProbeGap keeps probes apart: Gateway is said to ignore faster ones.
const minProbeGap = time.Second

// answerLook is how often the session's counters are looked at while a probe is unanswered.
const answerLook = 100 * time.Millisecond

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
	failed  bool // something failed or was lost since the start or the last pause
	session uint64
	attempt int           // attempts begun in this outage
	waits   int           // delays used in this outage
	due     time.Duration // when the next attempt is due; only meaningful while idle and not resting
	dueWall time.Time
	refused bool // the last attempt found every port refused

	socket, upstream, reconciled, suspect, competing, wrongMode bool

	checking bool   // orders are being reconciled
	readOnly bool   // Gateway's API is, as it has said to the last question about orders
	tries    int    // attempts to reconcile that have failed in a row
	doubt    string // what the last of them was about

	farms          map[string]FarmState
	upSince        time.Duration
	downSince      time.Time // wall clock of the last loss; zero before the first connection
	upstreamDownAt time.Time
	competingAt    time.Duration
	heard          time.Duration // last byte read from Gateway
	probed         time.Duration // last probe sent
	unanswered     time.Duration // first probe sent since the last byte; 0 = none
	rtt, skew      time.Duration

	cause  Cause
	code   int
	detail string

	gateway  Gateway
	portHint int  // where Gateway was last, or said that it would be
	found    Mode // of the accounts of the last session
	lost     uint64
	run      uint64 // of reconciling; only the result of the latest counts

	window      Span
	windowUntil time.Time // the window has to be asked for again at this wall time
	windowFrom  time.Time
	windowFresh bool

	state State
	since time.Time
	last  instant
}

// The inputs of next.
type (
	input interface{}

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
		gateway Gateway
	}
	inFailed struct {
		session uint64
		err     *AttemptError
	}
	inLost struct {
		session uint64
		cause   Cause
		code    int
		detail  string
	}
	inCode struct {
		session uint64
		request int64 // number of the subscription that it is about
		own     bool  // it is about one request or order alone, whether a subscription or not
		code    int
		text    string
	}
	inReconciled struct {
		session uint64
		run     uint64
		err     error
	}
	inDoubt struct { // somebody else has found out that Gateway does not answer about orders
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
	inConfigure struct {
		cfg   *Config
		reply chan<- error
	}
)

// The effects that next asks for.
type (
	effect interface{}

	doDial struct {
		session uint64
		conn    net.Conn  // already open, or nil
		ports   []int     // to try in this order; the one that conn leads to if there is one
		rests   time.Time // when the next reset window begins: no further port is tried then; zero for never
	}
	doAbort     struct{ session uint64 } // give up the attempt under way
	doClose     struct{ session uint64 } // end the session
	doProbe     struct{ session uint64 }
	doReconcile struct {
		session uint64
		run     uint64
		after   time.Duration
	}
	doDiscard struct{ conn net.Conn }
	doReply   struct {
		to  chan<- error
		err error
	}
)
