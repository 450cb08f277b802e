package conn

import (
	"sync"
	"time"

	"gatewatch/conn/wire"
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
	// Old says that it is no value of now, though it came now: IBKR has frozen it when trading ended, or it is the last
	// price from before the subscription.
	Old   bool
	Value float64       // price in the contract's currency, 0 if there is none; or a size in shares or contracts
	At    time.Duration // when it was read, on the supervisor's monotonic clock
}

// key is what the newest value is kept by.
func (k *Tick) key() int64 { return k.Request<<8 | int64(k.Field) }

// Ticks is a mailbox that conflates: an unread value is replaced by a newer one of the same field, so that a slow
// reader sees the present and never holds up the session. One reader; writing never blocks.
type Ticks struct {
	mu       sync.Mutex
	at       map[int64]int // index into waiting
	waiting  []Tick
	received uint64
	replaced uint64
	ready    chan struct{}
}

func newTicks() *Ticks {
	return &Ticks{at: map[int64]int{}, ready: make(chan struct{}, 1)}
}

func (t *Ticks) put(k Tick) {
	key := k.key()
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

// tickTypes says which field a type of tick is of.
var tickTypes = [...]struct {
	field   TickField
	delayed bool
}{
	wire.Bid: {Bid, false}, wire.Ask: {Ask, false}, wire.Last: {Last, false},
	wire.BidSize: {BidSize, false}, wire.AskSize: {AskSize, false}, wire.LastSize: {LastSize, false},
	wire.High: {High, false}, wire.Low: {Low, false}, wire.Close: {Close, false}, wire.Open: {Open, false},
	wire.Volume: {Volume, false}, wire.LastTime: {LastTime, false},
	wire.DelayedBid: {Bid, true}, wire.DelayedAsk: {Ask, true}, wire.DelayedLast: {Last, true},
	wire.DelayedBidSize: {BidSize, true}, wire.DelayedAskSize: {AskSize, true}, wire.DelayedLastSize: {LastSize, true},
	wire.DelayedHigh: {High, true}, wire.DelayedLow: {Low, true}, wire.DelayedClose: {Close, true},
	wire.DelayedOpen: {Open, true}, wire.DelayedVolume: {Volume, true}, wire.DelayedLastTime: {LastTime, true},
}

// sizeType returns the type of the size that comes together with a price, -1 if none does.
func sizeType(price int) int {
	switch price {
	case wire.Bid:
		return wire.BidSize
	case wire.Ask:
		return wire.AskSize
	case wire.Last:
		return wire.LastSize
	case wire.DelayedBid:
		return wire.DelayedBidSize
	case wire.DelayedAsk:
		return wire.DelayedAskSize
	case wire.DelayedLast:
		return wire.DelayedLastSize
	}
	return -1
}

// dataKind is which data a subscription has.
type dataKind struct{ delayed, old bool }

// dataKinds are the types of market data but for live data (1). IBKR freezes what was valid when trading ended. Source:
// IBKR's API reference, "Market data types".
var dataKinds = map[int]dataKind{2: {old: true}, 3: {delayed: true}, 4: {delayed: true, old: true}}

// receiveMarketData takes in a message about market data.
func (s *socket) receiveMarketData(m wire.Message) error {
	switch m.Number {
	case wire.MsgTickPrice:
		t, err := m.TickPrice()
		if err != nil {
			return err
		}
		s.marketAt.Store(s.heard.Load())
		s.tick(t.Request, t.Type, realPrice(t.Price))
		if t.Size >= 0 {
			s.tick(t.Request, sizeType(t.Type), t.Size)
		}
	case wire.MsgTickSize:
		t, err := m.TickSize()
		if err != nil {
			return err
		}
		s.marketAt.Store(s.heard.Load())
		if t.Size >= 0 {
			s.tick(t.Request, t.Type, t.Size)
		}
	case wire.MsgTickString:
		t, err := m.TickString()
		if err != nil {
			return err
		}
		if at, ok := t.Seconds(); ok && (t.Type == wire.LastTime || t.Type == wire.DelayedLastTime) {
			s.tick(t.Request, t.Type, float64(at))
		}
	case wire.MsgMarketDataType:
		t, err := m.MarketDataType()
		if err != nil {
			return err
		}
		s.receiveDataKind(t.Request, t.Type)
	}
	return nil
}

// tick keeps a value, of the kind of data that its subscription has now.
func (s *socket) tick(request int64, typ int, value float64) {
	if typ < 0 || typ >= len(tickTypes) || tickTypes[typ].field == 0 {
		return
	}
	data := s.kinds[request]
	s.ticks.put(Tick{
		Request: request - marketBase, Field: tickTypes[typ].field, Delayed: tickTypes[typ].delayed || data.delayed,
		Old: data.old, Value: value, At: time.Duration(s.heard.Load()),
	})
}

// receiveDataKind notes of which type the data of a subscription is from now on. One that is not known is not live.
func (s *socket) receiveDataKind(request int64, typ int) {
	kind, ok := dataKinds[typ]
	if !ok && typ != 1 {
		kind = dataKind{old: true}
	}
	if s.kinds[request] == kind {
		return
	}
	s.kinds[request] = kind
	s.ticks.put(Tick{
		Request: request - marketBase, Field: DataKind, Delayed: kind.delayed, Old: kind.old, Value: float64(typ),
		At: time.Duration(s.heard.Load()),
	})
}
