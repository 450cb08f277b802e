// Package wire turns requests to IB Gateway into bytes, and bytes from it into messages. It knows frames, the greeting,
// the numbers of messages, and the protobuf form that every Gateway from server version 213 on speaks; docs/wire.md
// says more. It has no goroutines, no sockets and no clock.
//
// This file is what lies between a tick and an order: frames, the numbers of messages, and these two themselves.
package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// MaxFrame is the longest payload of the protocol, in bytes.
const MaxFrame = 0xFFFFFF

// maxTaken is the longest payload that is taken in. What is sent here at most, all accounts of an advisor or an open
// order with its allocations to them, has some hundred kB.
const maxTaken = 1 << 20

// readSize is what a reader asks for at once. A longer frame gets memory of its own.
const readSize = 64 << 10

// BeginFrame appends room for the length of a frame, and returns where that is. EndFrame fills it in.
func BeginFrame(dst []byte) (framed []byte, start int) { return append(dst, 0, 0, 0, 0), len(dst) }

// EndFrame ends the frame that began at start with the bytes behind it.
func EndFrame(framed []byte, start int) []byte {
	binary.BigEndian.PutUint32(framed[start:], uint32(len(framed)-start-4))
	return framed
}

// frameLength reads the header of a frame, which has four bytes.
func frameLength(head []byte, limit int) (int, error) {
	n := binary.BigEndian.Uint32(head)
	if n == 0 || n > uint32(limit) {
		return 0, bad(0, "frame of %d bytes", n)
	}
	return int(n), nil
}

// Reader reads frames. It is for one goroutine.
type Reader struct {
	in    *bufio.Reader
	limit int    // longest payload that is taken
	last  int    // bytes in the buffer of what was returned last
	long  []byte // memory of frames that are longer than the buffer
}

// NewReader returns a reader of the frames that Gateway sends to a client of its own.
func NewReader(from io.Reader) *Reader { return NewReaderSize(from, readSize, maxTaken) }

// Message returns the next message, which holds until the next call. The errors are those of Next. A frame that is too
// long for Next is skipped, without memory for it, if nothing here has a use for its message.
func (r *Reader) Message() (Message, error) {
	payload, err := r.Next()
	if err == nil {
		return Split(payload)
	}
	if head, n := r.Long(); n > 0 { // skip it if its message is none that is known
		if m, bad := Split(head); bad == nil && m.Number == 0 {
			_, err = r.in.Discard(n)
			err = inside(err, true)
		}
	}
	return Message{}, err
}

// Long returns the length of the next frame with its header, and the first four bytes of its payload, if its payload is
// longer than the limit of the reader, else 0. Next and Frames have refused it then.
func (r *Reader) Long() (head []byte, n int) {
	head, err := r.in.Peek(4)
	if err != nil {
		return nil, 0
	}
	n, err = frameLength(head, MaxFrame)
	if err != nil || n <= r.limit {
		return nil, 0
	}
	if head, err = r.in.Peek(8); err != nil {
		return nil, 0
	}
	return head[4:], 4 + n
}

// Next returns the payload of the next frame, which holds until the next call. io.EOF means that the stream ended
// between frames, io.ErrUnexpectedEOF that it ended inside one.
func (r *Reader) Next() ([]byte, error) {
	frame, err := r.next(r.limit)
	if err != nil {
		return nil, err
	}
	return frame[4:], nil
}

// next returns the next frame with its header.
func (r *Reader) next(limit int) ([]byte, error) {
	_, _ = r.in.Discard(r.last) // it is there
	r.last = 0
	head, err := r.in.Peek(4)
	if err != nil {
		return nil, inside(err, len(head) > 0)
	}
	n, err := frameLength(head, limit)
	switch {
	case err != nil:
		return nil, err
	case 4+n > r.in.Size():
		frame, err := readSome(r.in, r.long, 4+n)
		if r.long = frame; cap(frame) > maxTaken+readSize { // which a relay seldom sees
			r.long = nil
		}
		return frame[:len(frame):len(frame)], err
	}
	frame, err := r.in.Peek(4 + n)
	if err != nil {
		return nil, inside(err, true)
	}
	r.last = 4 + n
	return frame[: 4+n : 4+n], nil
}

// HasFrame reports whether the next frame has been read in full already, so that Next does not wait.
func (r *Reader) HasFrame() bool { return r.whole() != 0 }

// whole returns the length of the next frame with its header if it has been read in full: 0 if it has not, and below 0
// if it is none.
func (r *Reader) whole() int {
	have := r.in.Buffered() - r.last
	if have < 4 {
		return 0
	}
	read, _ := r.in.Peek(r.last + 4)
	n, err := frameLength(read[r.last:], r.limit)
	switch {
	case err != nil:
		return -1
	case have < 4+n:
		return 0
	}
	return 4 + n
}

// inside returns the error of a stream that has ended, inside a frame or not.
func inside(err error, frame bool) error {
	if frame && errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Message is a message from Gateway that has not been decoded yet. It holds as long as the payload it was made of.
type Message struct {
	Number int // one of the MsgXXX numbers, or 0 for a message that nothing here has a use for
	inText bool
	body   []byte
}

// known reports whether a message can be decoded, in protobuf or in text.
func known(number int, inText bool) bool {
	switch number {
	case MsgError, MsgNextValidID, MsgManagedAccounts, MsgCurrentTime:
		return true
	case MsgTickPrice, MsgTickSize, MsgTickString, MsgTickGeneric, MsgMarketDataType, MsgReroute,
		MsgOrderStatus, MsgOpenOrder, MsgOpenOrdersEnd, MsgCompletedOrder, MsgCompletedOrdersEnd,
		MsgExecution, MsgExecutionsEnd, MsgCommission,
		MsgContractDetails, MsgBondDetails, MsgContractDetailsEnd, MsgMarketRule, MsgConfig,
		MsgPosition, MsgPositionsEnd, MsgPortfolio, MsgAccountEnd:
		return !inText
	}
	return false
}

// Split reads the number of the message that is the payload of a frame.
func Split(payload []byte) (Message, error) {
	if len(payload) > 0 && payload[0] >= '1' && payload[0] <= '9' { // the number is text, too: before version 201
		field, body, _ := bytes.Cut(payload, []byte{0})
		n, err := strconv.ParseUint(string(field), 10, 31)
		if err != nil || !known(int(n), true) {
			return Message{}, bad(0, "message starts with %.20q", field)
		}
		return Message{int(n), true, body}, nil
	}
	if len(payload) < 4 {
		return Message{}, bad(0, "message of %d bytes", len(payload))
	}
	m := Message{int(binary.BigEndian.Uint32(payload)), true, payload[4:]}
	if m.Number <= 0 || m.Number > maxNumber {
		return Message{}, bad(0, "message number %d", m.Number)
	}
	if m.Number > ProtoBase {
		m.Number, m.inText = m.Number-ProtoBase, false
	}
	if !known(m.Number, m.inText) {
		return Message{}, nil
	}
	return m, nil
}

// whatIsBad returns the error of a message of which something cannot be read.
func (m Message) whatIsBad(err error) error {
	if err != nil {
		return bad(m.Number, "%v", err)
	}
	return nil
}

// Tick is one of the messages of which there are many: a price, and with some types the size at that price; a size; a
// text; another value; or of which type the data of a subscription is from now on. It holds as long as the payload.
type Tick struct {
	Request int64
	Type    int     // of the tick; of a [MsgMarketDataType] 1 live, 2 frozen, 3 delayed, 4 delayed and frozen
	Value   float64 // a price, or another value
	Size    float64 // NaN if there is none, or none that can be read
	Text    []byte
}

// Seconds returns the text as a time in seconds since 1970. ok is false if it is none.
func (t Tick) Seconds() (at int64, ok bool) {
	if len(t.Text) > 19 {
		return 0, false
	}
	at, err := strconv.ParseInt(string(t.Text), 10, 64)
	return at, err == nil && at > 0
}

// Tick decodes a [MsgTickPrice], [MsgTickSize], [MsgTickString], [MsgTickGeneric] or [MsgMarketDataType], straight from
// its bytes. A field of another kind than the known one is none that is known, as protobuf has it.
func (m Message) Tick() (Tick, error) {
	t := Tick{Size: math.NaN()}
	for rest := m.body; len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 || field > protowire.MaxValidNumber {
			return t, m.whatIsBad(errShape)
		}
		rest = rest[n:]
		switch kind {
		case protowire.VarintType:
			var v uint64
			if v, n = protowire.ConsumeVarint(rest); field <= 2 && !fits32(v) {
				return t, m.whatIsBad(errRange)
			} else if field == 1 {
				t.Request = int64(int32(v))
			} else if field == 2 {
				t.Type = int(int32(v))
			}
		case protowire.Fixed64Type:
			var v uint64
			v, n = protowire.ConsumeFixed64(rest)
			if field == 3 && (m.Number == MsgTickPrice || m.Number == MsgTickGeneric) {
				t.Value = math.Float64frombits(v)
			}
		case protowire.BytesType:
			var text []byte
			switch text, n = protowire.ConsumeBytes(rest); {
			case field == 3 && m.Number == MsgTickString:
				t.Text = text
			case field == 3 && m.Number == MsgTickSize, field == 4 && m.Number == MsgTickPrice:
				t.Size = decimal(text)
			}
		default:
			n = protowire.ConsumeFieldValue(field, kind, rest)
		}
		if n < 0 {
			return t, m.whatIsBad(errShape)
		}
		rest = rest[n:]
	}
	return t, nil
}

var (
	errShape = errors.New("it is not protobuf")
	errRange = errors.New("a number is out of range")
	errParts = errors.New("it has too many parts")
)

// fits32 reports whether a number has 32 bits, with a sign or without.
func fits32(v uint64) bool { return v>>32 == 0 || int64(v) == int64(int32(v)) }

// decimal reads a number in text; NaN stands for one that is not set or cannot be read. Some numbers stand for none:
// the greatest ones of several types.
func decimal[S string | []byte](s S) float64 {
	if len(s) == 0 || len(s) > 32 {
		return math.NaN()
	}
	for i := range len(s) {
		if c := s[i]; c > '9' && c != 'e' && c != 'E' { // Go reads more, such as "Inf" and "0x1p2"
			return math.NaN()
		}
	}
	switch string(s) {
	case "2147483647", "9223372036854775807", "-9223372036854775808":
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.Abs(v) >= 1e300 {
		return math.NaN()
	}
	return v
}

// Real returns a number that Gateway has set, else 0. What is not set is the greatest number there is, or nearly so.
func Real(v float64) float64 {
	if math.IsNaN(v) || math.Abs(v) >= 1e300 {
		return 0
	}
	return v
}

// Request is a request to Gateway. [PlaceOrder] and the functions beside it make one.
type Request struct {
	number int
	body   proto.Message
	err    error // why it cannot be written
}

// int returns a number in the 32 bits that it has on the wire, and notes it if it has more.
func (r *Request) int(name string, v int64) *int32 {
	if v != int64(int32(v)) {
		r.err = cmp.Or(r.err, fmt.Errorf("%s %d is out of range", name, v))
	}
	return proto.Int32(int32(v))
}

func (r *Request) id(v int64) *int32 { return r.int("request number", v) }

func (r *Request) with(number int, body proto.Message) Request { return Request{number, body, r.err} }

// Frame returns the frame of a request. An error is about what is in the request.
func Frame(r Request) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	framed, start := BeginFrame(nil)
	framed = binary.BigEndian.AppendUint32(framed, uint32(r.number+ProtoBase))
	framed, err := proto.MarshalOptions{}.MarshalAppend(framed, r.body)
	if err != nil { // a text that is not UTF-8
		return nil, fmt.Errorf("request %d cannot be written: %w", r.number, err)
	}
	return EndFrame(framed, start), nil
}

// set returns a value as it is on the wire: one that is not set is left out.
func set[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// Contract names an instrument. Either ConID or Symbol, Type, Exchange and Currency are needed.
type Contract struct {
	ConID    int64
	Symbol   string
	Type     string // STK, CASH, FUT, …
	Exchange string // SMART, IDEALPRO, …
	Primary  string // primary exchange, where SMART is ambiguous
	Currency string
	Local    string // local symbol, for futures
}

func (r *Request) contract(c *Contract) *protobuf.Contract {
	return &protobuf.Contract{
		ConId: r.int("contract id", c.ConID), Symbol: set(c.Symbol), SecType: set(c.Type), Exchange: set(c.Exchange),
		PrimaryExch: set(c.Primary), Currency: set(c.Currency), LocalSymbol: set(c.Local),
	}
}

// Order is what to buy or sell. Prices are as Gateway quotes them; those that its type does not use are 0.
type Order struct {
	// the caller's own name for it, at most 40 bytes; comes back with everything Gateway says about it
	Ref          string
	Contract     Contract
	Side         Side
	Type         OrderType
	Quantity     float64 // shares or contracts, above 0, to at most 7 decimal places
	LimitPrice   float64 // Limit, StopLimit
	StopPrice    float64 // Stop, StopLimit
	TrailAmount  float64 // Trail: distance to the best price; or
	TrailPercent float64 // the same in percent
	TIF          string  // time in force: DAY, GTC, IOC, …; empty: DAY
	OutsideHours bool    // may also be filled outside regular trading hours
	Account      string  // needed only where the login has several
	Parent       int64   // id of the order that has to be filled first; 0 for none
	Hold         bool    // stays in Gateway until an order that belongs to it comes without Hold; for brackets
}

// PlaceOrder places an order, or changes the open one with its id. It writes the fields that the client library writes,
// also those without a meaning here: Gateway is used to them.
func PlaceOrder(id int64, o *Order) (r Request) {
	zero, none, number := proto.Int32(0), proto.Float64(0), r.int("order id", id)
	return r.with(ReqPlaceOrder, &protobuf.PlaceOrderRequest{
		OrderId: number, Contract: r.contract(&o.Contract), AttachedOrders: &protobuf.AttachedOrders{},
		Order: &protobuf.Order{
			OrderId: number, ParentId: r.int("order id of the parent", o.Parent), Action: set(string(o.Side)),
			OrderType: set(string(o.Type)), TotalQuantity: r.quantity(o.Quantity), LmtPrice: set(o.LimitPrice),
			AuxPrice: set(cmp.Or(o.StopPrice, o.TrailAmount)), TrailingPercent: set(o.TrailPercent), Tif: set(o.TIF),
			Account: set(o.Account), OutsideRth: set(o.OutsideHours), OrderRef: set(o.Ref), Transmit: set(!o.Hold),

			ClientId: zero, PermId: proto.Int64(0), DisplaySize: zero, OcaType: zero, TriggerMethod: zero, Origin: zero,
			ShortSaleSlot: zero, ExemptCode: proto.Int32(-1), DeltaNeutralConId: zero, DeltaNeutralShortSaleSlot: zero,
			DiscretionaryAmt: none, ReferenceContractId: zero, PeggedChangeAmount: none, ReferenceChangeAmount: none,
			AdjustableTrailingUnit: zero, SoftDollarTier: &protobuf.SoftDollarTier{},
		},
	})
}

// decimals is how many decimal places a quantity may have.
const decimals = 7

// quantity returns a quantity as it is on the wire, which is text.
func (r *Request) quantity(v float64) *string {
	s := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', decimals, 64), "0"), ".")
	if !(v > 0 && v <= 99_999_999_999) || s == "0" {
		r.err = cmp.Or(r.err, fmt.Errorf("quantity %v: a number above 0 is needed", v))
	}
	return &s
}
