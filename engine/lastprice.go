package engine

import (
	"time"

	"gatewatch/conn"
)

// lastPrice tells a last price that was traded just now from one that IBKR has kept, which may be days old. It is one of now if its
// time says so, or if it came after another one of the same subscription.
type lastPrice struct {
	price   conn.Tick // the newest one
	seen    bool      // there is one
	current bool      // it is one of now
	time    conn.Tick // when a price was traded; Value 0: that was not told
}

// pairLimit is how far apart a price and its time may come.
const pairLimit = time.Second

// take takes in a tick of the last price or of its time, and returns what is known then; ok is false if that is nothing new. recent
// says whether a time is one of now.
func (l *lastPrice) take(t conn.Tick, recent func(conn.Tick) bool) (tick conn.Tick, ok bool) {
	if t.Field == conn.LastTime {
		first := l.time.Value == 0
		l.time = t
		// Later ones come before the price that they belong to, or belong to one that shows by itself that it is new.
		if !l.seen || l.current || !first || l.price.Old || t.At-l.price.At > pairLimit || !recent(t) {
			return conn.Tick{}, false
		}
		l.current = true
		return l.price, true
	}
	if t.Value == 0 {
		return t, true // there is none
	}
	moved := l.seen && t.Value != l.price.Value
	l.current = !t.Old && (l.current || moved || l.time.Value != 0 && recent(l.time))
	l.price, l.seen = t, true
	t.Old = !l.current
	return t, true
}
