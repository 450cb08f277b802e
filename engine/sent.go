package engine

import (
	"cmp"
	"slices"
	"time"
)

// This file is how a [Ledger] knows how many orders it has sent lately. The wall clock can be set: what was written down before that
// would lie in the future for hours, or in the past. So the time since is measured on the monotonic clock as well.

// sending is when an intent was written down.
type sending struct {
	at   time.Time     // by the wall clock
	mono time.Duration // since the ledger was opened; before that it is what the wall clock said then
}

// keepSent is how long it is known when orders were sent.
const keepSent = 48 * time.Hour

// sentAt notes that an intent was written down at a time. One that lies in the future, because the clock has been set back since,
// counts from now on.
func (l *Ledger) sentAt(at time.Time) {
	one := sending{at: at, mono: l.mono() - max(0, l.now().Sub(at))}
	i := len(l.sendings)
	for i > 0 && l.sendings[i-1].mono > one.mono {
		i--
	}
	l.sendings = slices.Insert(l.sendings, i, one)
}

// Sent returns how many orders were written down since a time, which lies at most two days back, by the wall clock. Those that lie
// in the future count: the clock was set back since.
func (l *Ledger) Sent(since time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sendings = slices.Delete(l.sendings, 0, l.sentBefore(l.mono()-keepSent))
	for _, one := range l.sendings {
		if !one.at.Before(since) {
			n++
		}
	}
	return n
}

// SentWithin returns how many orders were written down in the last d, which is at most two days, whatever the wall clock says.
func (l *Ledger) SentWithin(d time.Duration) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sendings) - l.sentBefore(l.mono()-d)
}

func (l *Ledger) sentBefore(mono time.Duration) int {
	n, _ := slices.BinarySearchFunc(l.sendings, mono, func(s sending, m time.Duration) int { return cmp.Compare(s.mono, m) })
	return n
}
