package ib

import "time"

// News is what a session tells its supervisor.
type News interface{ isNews() }

type (
	// Said is a message with a code.
	Said struct {
		Session uint64
		Request int64 // number of the subscription that it is about
		Own     bool  // it is about one request or order alone, whether a subscription or not
		Aside   bool  // the session has dealt with it: it concerns one question alone, or is why the session ends
		Code    int
		Text    string
	}
	// Answered says that Gateway has answered a time request.
	Answered struct {
		Session uint64
		Asked   time.Duration // when the request was sent
		RTT     time.Duration
		Skew    time.Duration // Gateway's clock minus ours, to the second
	}
	// Reported says that Gateway has reported its settings.
	Reported struct {
		Session  uint64
		Settings GatewaySettings
		Ignored  []string // parts that make no sense
	}
)

func (Said) isNews()     {}
func (Answered) isNews() {}
func (Reported) isNews() {}

// Evidence is what a session's own counters say: moments on the monotonic clock.
type Evidence struct {
	Session  uint64
	Heard    time.Duration // last byte read from Gateway
	MarketAt time.Duration // last market data, 0 = none yet
	IBKRAt   time.Duration // last message that IBKR itself has caused: market data, or an execution; 0 = none yet
	Asked    time.Duration // when the time request that is unanswered was sent, 0 = none is
	Skipped  uint64        // messages that nothing here has a use for
}
