package ib

import (
	"context"
	"fmt"
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
	// the data is of another kind than before, as Old and Delayed say; what came before is no price of now any more
	DataKind
	// Gateway has no data of the contract: nothing comes of this subscription. [Ticks.Rerouted] says what to subscribe
	// to instead.
	Rerouted
)

// Tick is the newest value of one field of one subscription.
type Tick struct {
	Request int64
	Field   TickField
	Delayed bool
	// Old says that it is no value of now, though it came now: IBKR has frozen it when trading ended, or it is the last
	// price from before the subscription.
	Old   bool
	Value float64       // price as Gateway quotes it, 0 if there is none; or a size in shares or contracts
	At    time.Duration // when it was read, on the supervisor's monotonic clock
}

// tickType says which field a type of tick is of, and of which field the size is that comes together with a price.
type tickType struct {
	field   TickField
	delayed bool
	size    TickField
}

var tickTypes = [...]tickType{
	wire.Bid: {Bid, false, BidSize}, wire.Ask: {Ask, false, AskSize}, wire.Last: {Last, false, LastSize},
	wire.BidSize: {field: BidSize}, wire.AskSize: {field: AskSize}, wire.LastSize: {field: LastSize},
	wire.High: {field: High}, wire.Low: {field: Low}, wire.Close: {field: Close}, wire.Open: {field: Open},
	wire.Volume: {field: Volume}, wire.LastTime: {field: LastTime},
	wire.DelayedBid: {Bid, true, BidSize}, wire.DelayedAsk: {Ask, true, AskSize},
	wire.DelayedLast: {Last, true, LastSize}, wire.DelayedBidSize: {field: BidSize, delayed: true},
	wire.DelayedAskSize: {field: AskSize, delayed: true}, wire.DelayedLastSize: {field: LastSize, delayed: true},
	wire.DelayedHigh: {field: High, delayed: true}, wire.DelayedLow: {field: Low, delayed: true},
	wire.DelayedClose: {field: Close, delayed: true}, wire.DelayedOpen: {field: Open, delayed: true},
	wire.DelayedVolume: {field: Volume, delayed: true}, wire.DelayedLastTime: {field: LastTime, delayed: true},
}

// dataKind is which data a subscription has.
type dataKind struct{ delayed, old bool }

// dataKinds are the types of market data but for live data (1). IBKR freezes what was valid when trading ended. Source:
// IBKR's API reference, "Market data types".
var dataKinds = map[int]dataKind{2: {old: true}, 3: {delayed: true}, 4: {delayed: true, old: true}}

// receiveDataKind notes of which type the data of a subscription is from now on. One that is not known is not live.
func (s *Socket) receiveDataKind(request int64, typ int) {
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

// reroute notes where else the data of a subscription is to be had.
func (s *Socket) reroute(to wire.Reroute) {
	request := to.Request - marketBase
	s.ticks.reroute(request, Contract{ConID: to.ConID, Exchange: to.Exchange})
	s.ticks.put(Tick{Request: request, Field: Rerouted, At: time.Duration(s.heard.Load())})
}

// Contract names an instrument. Either ConID or Symbol, Type, Exchange and Currency are needed.
type Contract = wire.Contract

// Subscribe asks for streaming market data; it arrives at Ticks under the given request number, which the caller
// chooses and which must be unused and from 1 to 16 million. It returns [ErrSessionOver] after the end of the session.
func (s *Session) Subscribe(request int64, c Contract) error {
	if request < 1 || request > maxRequest {
		return fmt.Errorf("request number %d: 1 to %d are possible", request, maxRequest)
	}
	return s.send(context.Background(), wire.Subscribe(marketBase+request, c))
}

// Unsubscribe ends the subscription with the given request number.
func (s *Session) Unsubscribe(request int64) error {
	return s.send(context.Background(), wire.Unsubscribe(marketBase+request))
}

// MarketDataType says whether Gateway may answer subscriptions with delayed data where the login has no live data of a
// contract. It holds for those made afterwards; without it, they are live or refused.
func (s *Session) MarketDataType(delayed bool) error {
	typ := int32(1) // live
	if delayed {
		typ = 3
	}
	return s.send(context.Background(), wire.MarketDataType(typ))
}
