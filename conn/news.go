package conn

import "time"

// news is what a session tells its supervisor.
type news interface{ isNews() }

type (
	inCode struct {
		session uint64
		request int64 // number of the subscription that it is about
		own     bool  // it is about one request or order alone, whether a subscription or not
		aside   bool  // it is known to concern one question alone, and is answered there
		code    int
		text    string
	}
	inAnswered struct { // Gateway answered a time request
		session uint64
		asked   time.Duration // when the request was sent
		rtt     time.Duration
		skew    time.Duration // Gateway's clock minus ours, to the second
	}
	inConfig struct { // Gateway has reported its settings
		session  uint64
		settings GatewaySettings
		ignored  []string // parts that make no sense
	}
)

func (inCode) isNews()     {}
func (inAnswered) isNews() {}
func (inConfig) isNews()   {}

// evidence is what a session's own counters say: moments on the monotonic clock.
type evidence struct {
	session  uint64
	heard    time.Duration // last byte read from Gateway
	marketAt time.Duration // last market data, 0 = none yet
	ibkrAt   time.Duration // last message that IBKR itself has caused: market data, or an execution; 0 = none yet
	asked    time.Duration // when the time request that is unanswered was sent, 0 = none is
	skipped  uint64        // messages that nothing here has a use for
}
