package conn

import (
	"sync"
	"time"
)

// TickField says what a [Tick] is a value of.
type TickField uint8

// The fields. Values of other tick types are not kept.
const (
	Bid TickField = iota + 1
	Ask
	Last
	BidSize
	AskSize
	LastSize
	Volume
	High
	Low
	Close
	Open
	LastTime // when the last price was traded, in seconds since 1970 on IBKR's clock; Last itself may be days old
	DataKind // the data is of another kind than before, as Old and Delayed say; what came before is no price of now any more
)

// Tick is the newest value of one field of one subscription.
type Tick struct {
	Request int64
	Field   TickField
	Delayed bool
	// Old says that it is no value of now, though it came now: IBKR has frozen it when trading ended, or it is the last price from
	// before the subscription.
	Old   bool
	Value float64       // price in the contract's currency, 0 if there is none; or a size in shares or contracts
	At    time.Duration // when it was read, on the supervisor's monotonic clock
}

type tickKey struct {
	request int64
	field   TickField
}

// Ticks is a mailbox that conflates: an unread value is replaced by a newer one of the same field, so that a slow
// reader sees the present and never holds the decoder. One reader; writing never blocks.
type Ticks struct {
	mu       sync.Mutex
	at       map[tickKey]int // index into waiting
	waiting  []Tick
	received uint64
	replaced uint64
	ready    chan struct{}
}

func newTicks() *Ticks {
	return &Ticks{at: map[tickKey]int{}, ready: make(chan struct{}, 1)}
}

func (t *Ticks) put(k Tick) {
	key := tickKey{k.Request, k.Field}
	t.mu.Lock()
	t.received++
	i, ok := t.at[key]
	if ok {
		t.waiting[i] = k
		t.replaced++
	} else {
		t.at[key] = len(t.waiting)
		t.waiting = append(t.waiting, k)
	}
	t.mu.Unlock()
	if !ok {
		select {
		case t.ready <- struct{}{}:
		default:
		}
	}
}

// Ready returns a channel that yields a value when there may be something to take.
func (t *Ticks) Ready() <-chan struct{} { return t.ready }

// Take appends what is waiting to buf, in order of first arrival, and empties the mailbox.
func (t *Ticks) Take(buf []Tick) []Tick {
	t.mu.Lock()
	defer t.mu.Unlock()
	buf = append(buf, t.waiting...)
	t.waiting = t.waiting[:0]
	clear(t.at)
	return buf
}

// Counts returns how many values have arrived and how many of them were replaced unread.
func (t *Ticks) Counts() (received, replaced uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.received, t.replaced
}
