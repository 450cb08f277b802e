package wire

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file decodes the messages of which there are many, straight from their bytes.

// TickPrice is a price, and with some types the size at that price.
type TickPrice struct {
	Request int64
	Type    int
	Price   float64
	Size    float64 // NaN if there is none, or none that can be read
}

// TickSize is a size.
type TickSize struct {
	Request int64
	Type    int
	Size    float64 // NaN if there is none, or none that can be read
}

// TickString is a value in text. It holds as long as the payload of the message.
type TickString struct {
	Request int64
	Type    int
	Value   []byte
}

// TickGeneric is a value of another kind.
type TickGeneric struct {
	Request int64
	Type    int
	Value   float64
}

// TickPrice decodes a [MsgTickPrice].
func (m Message) TickPrice() (TickPrice, error) {
	t := TickPrice{Size: math.NaN()}
	w := walk{rest: m.body}
	for w.next() {
		switch w.field {
		case 1:
			w.id(&t.Request)
		case 2:
			w.int(&t.Type)
		case 3:
			w.float(&t.Price)
		case 4:
			w.decimal(&t.Size)
		}
	}
	return t, m.whatIsBad(w.err)
}

// TickSize decodes a [MsgTickSize].
func (m Message) TickSize() (TickSize, error) {
	t := TickSize{Size: math.NaN()}
	w := walk{rest: m.body}
	for w.next() {
		switch w.field {
		case 1:
			w.id(&t.Request)
		case 2:
			w.int(&t.Type)
		case 3:
			w.decimal(&t.Size)
		}
	}
	return t, m.whatIsBad(w.err)
}

// TickString decodes a [MsgTickString].
func (m Message) TickString() (TickString, error) {
	var t TickString
	w := walk{rest: m.body}
	for w.next() {
		switch w.field {
		case 1:
			w.id(&t.Request)
		case 2:
			w.int(&t.Type)
		case 3:
			if w.kind == protowire.BytesType {
				t.Value = w.bytes
			}
		}
	}
	return t, m.whatIsBad(w.err)
}

// Seconds returns the value as a time in seconds since 1970. ok is false if it is none.
func (t TickString) Seconds() (at int64, ok bool) {
	if len(t.Value) > 19 {
		return 0, false
	}
	at, err := strconv.ParseInt(string(t.Value), 10, 64)
	return at, err == nil && at > 0
}

// TickGeneric decodes a [MsgTickGeneric].
func (m Message) TickGeneric() (TickGeneric, error) {
	var t TickGeneric
	w := walk{rest: m.body}
	for w.next() {
		switch w.field {
		case 1:
			w.id(&t.Request)
		case 2:
			w.int(&t.Type)
		case 3:
			w.float(&t.Value)
		}
	}
	return t, m.whatIsBad(w.err)
}

// walk goes through the fields of a protobuf message. A field of another kind than the one that is asked for is none
// that is known here, as protobuf has it.
type walk struct {
	rest []byte
	err  error

	field protowire.Number
	kind  protowire.Type
	value uint64 // of a number
	bytes []byte // of anything with a length
}

// next goes to the next field. It returns false at the end, or with an error.
func (w *walk) next() bool {
	if len(w.rest) == 0 || w.err != nil {
		return false
	}
	var n int
	w.field, w.kind, n = protowire.ConsumeTag(w.rest)
	if n < 0 || w.field > protowire.MaxValidNumber {
		w.err = errShape
		return false
	}
	body := w.rest[n:]
	switch w.kind {
	case protowire.VarintType:
		w.value, n = protowire.ConsumeVarint(body)
	case protowire.Fixed64Type:
		w.value, n = protowire.ConsumeFixed64(body)
	case protowire.BytesType:
		w.bytes, n = protowire.ConsumeBytes(body)
	default:
		n = protowire.ConsumeFieldValue(w.field, w.kind, body)
	}
	if n < 0 {
		w.err = errShape
		return false
	}
	w.rest = body[n:]
	return true
}

// number returns a number of 32 bits, and whether the field is one.
func (w *walk) number() (v int32, ok bool) {
	if w.kind != protowire.VarintType {
		return 0, false
	}
	if !fits32(w.value) {
		w.err = errRange
	}
	return int32(w.value), true
}

// fits32 reports whether a number has 32 bits, with a sign or without.
func fits32(v uint64) bool { return v>>32 == 0 || int64(v) == int64(int32(v)) }

func (w *walk) id(to *int64) {
	if v, ok := w.number(); ok {
		*to = int64(v)
	}
}

func (w *walk) int(to *int) {
	if v, ok := w.number(); ok {
		*to = int(v)
	}
}

func (w *walk) float(to *float64) {
	if w.kind == protowire.Fixed64Type {
		*to = math.Float64frombits(w.value)
	}
}

func (w *walk) decimal(to *float64) {
	if w.kind == protowire.BytesType {
		*to = decimal(w.bytes)
	}
}
