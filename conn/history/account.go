package history

import "time"

// Span is a stretch of time of one kind.
type Span struct {
	From, Until time.Time
	Kind        Kind
}

// Account says how a stretch of time was spent. Its terms always sum up to its length.
type Account struct {
	From, Until time.Time
	Terms       [len(Kinds)]time.Duration // by Kind
	Market      [len(Kinds)]time.Duration // by Kind, as far as it lay in market hours
	Outages     int                       // begun in this time, or running when it began
	Longest     time.Duration             // of the outages: time down, as far as it lay in this time
}

// Length returns how long the account's time is.
func (a Account) Length() time.Duration { return a.Until.Sub(a.From) }

// Uptime returns connected ÷ (observed − planned − paused) as a share of 1. ok is false if there is nothing to divide
// by.
func (a Account) Uptime() (share float64, ok bool) { return uptime(&a.Terms) }

// MarketUptime is [Account.Uptime] of the market hours.
func (a Account) MarketUptime() (share float64, ok bool) { return uptime(&a.Market) }

func uptime(terms *[len(Kinds)]time.Duration) (share float64, ok bool) {
	all := terms[Connected] + terms[Down]
	if all <= 0 {
		return 0, false
	}
	return float64(terms[Connected]) / float64(all), true
}

// MeanToRecover returns the mean time down per outage, 0 if there was none.
func (a Account) MeanToRecover() time.Duration {
	if a.Outages == 0 {
		return 0
	}
	return a.Terms[Down] / time.Duration(a.Outages)
}

// MeanBetween returns the mean time connected per outage; ok is false if there was none.
func (a Account) MeanBetween() (d time.Duration, ok bool) {
	if a.Outages == 0 {
		return 0, false
	}
	return a.Terms[Connected] / time.Duration(a.Outages), true
}
