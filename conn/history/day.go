// Package history keeps account of how the connection has been.
package history

import "time"

// Kind says how a stretch of time counts.
type Kind uint8

// The kinds of time. What is neither is not observed and counts as nothing.
const (
	Unobserved Kind = iota
	Connected       // socket, API and upstream up
	Down            // an outage
	Planned         // not connected inside the reset window
	Paused          // not connected because the user said so
)

// Day is the account of one local day, or of the part of it that was observed. It is a value: Add returns a new one.
type Day struct {
	Start     time.Time // midnight at which the day began
	Since     time.Time // when observing began, not before Start
	Connected time.Duration
	Down      time.Duration
	Planned   time.Duration
	Paused    time.Duration
	Outages   int           // begun or running on this day
	Longest   time.Duration // of the outages, as far as it lay in this day

	at      time.Time // accounted for up to here
	kind    Kind      // of the time since
	current time.Duration
}

// Begin returns an empty account that starts at now with time of the given kind.
func Begin(now time.Time, kind Kind) Day {
	d := Day{Start: midnight(now), Since: now, at: now}
	return d.turn(kind)
}

// Add accounts for the time up to now and says of which kind the time after it is. It returns an account of a new day
// when midnight has passed, with an outage that runs on counted in both. A clock that was set back accounts for nothing.
func (d Day) Add(now time.Time, kind Kind) Day {
	if next := midnight(d.Start.AddDate(0, 0, 1)); !now.Before(next) {
		start := midnight(now)
		fresh := Day{Start: start, Since: start, at: start}
		if d.kind == Unobserved {
			fresh.Since = now
		}
		fresh = fresh.turn(d.kind)
		return fresh.Add(now, kind)
	}
	d = d.upTo(now)
	if kind != d.kind {
		d = d.turn(kind)
	}
	return d
}

func (d Day) upTo(now time.Time) Day {
	span := now.Sub(d.at)
	d.at = now
	if span <= 0 {
		return d
	}
	switch d.kind {
	case Connected:
		d.Connected += span
	case Planned:
		d.Planned += span
	case Paused:
		d.Paused += span
	case Down:
		d.Down += span
		d.current += span
		d.Longest = max(d.Longest, d.current)
	}
	return d
}

func (d Day) turn(kind Kind) Day {
	if kind == Down {
		d.Outages++
		d.current = 0
	}
	d.kind = kind
	return d
}

// Uptime returns connected ÷ (connected + down) as a share of 1: planned, paused and unobserved time count for nothing.
// ok is false while there is nothing to divide.
func (d Day) Uptime() (share float64, ok bool) {
	all := d.Connected + d.Down
	if all <= 0 {
		return 0, false
	}
	return float64(d.Connected) / float64(all), true
}

// MeanDown returns the mean length of the day's outages, 0 if there was none.
func (d Day) MeanDown() time.Duration {
	if d.Outages == 0 {
		return 0
	}
	return d.Down / time.Duration(d.Outages)
}

// midnight returns the first moment of t's day in t's zone. Where the day has no midnight it is the first after it.
func midnight(t time.Time) time.Time {
	y, m, day := t.Date()
	return time.Date(y, m, day, 0, 0, 0, 0, t.Location())
}
