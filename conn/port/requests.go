package port

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

// class is what a request does, as far as the guard is concerned.
type class uint8

const (
	classUnknown class = iota // refused while the guard is closed: it might be an order of a later protocol
	classRead                 // changes nothing at the market
	classStart                // startApi, which names the client id
	classOrder                // places or changes an order, or exercises an option
	classAdmin                // changes how orders are allocated or how Gateway works
	classCancel               // cancels an order
	classCancelAll
)

// request numbers of the protocol that are more than read.
const (
	reqPlaceOrder      = wire.ReqPlaceOrder
	reqCancelOrder     = wire.ReqCancelOrder
	reqReplaceFA       = 19
	reqExerciseOptions = 21
	reqGlobalCancel    = 58
	reqStartAPI        = wire.ReqStartAPI
	reqUpdateConfig    = 109
)

// Versions of the protocol at which forms change that matter here.
const (
	oldestVersion    = 157 // the oldest that is served
	versionRejection = 166 // errors have a field for details of a rejection
	versionCancelAt  = 169 // cancelOrder has a time
	versionRFQ       = 187 // cancelOrder has three fields more
	versionNoRFQ     = 190 // and lost them
	versionTagging   = 192 // cancelOrder has no version of its own
	versionErrorTime = 194 // errors have no version of their own, and a time
	versionBinaryID  = 201 // numbers of messages are binary, and errors protobuf
	versionCancel    = 203 // cancelOrder is protobuf
)

// classes is the table of requests: what may pass while the guard is closed, and what may not.
var classes = func() (t [wire.ProtoBase]class) {
	for _, list := range [][]int{
		{1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25}, // data, orders
		{49, 50, 51, 52, 53, 54, 55, 56, 57, 59, 61, 62, 63, 64},                      // time, bars
		{65, 66, 67, 68, 69, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84},  // groups
		{85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108},
	} {
		for _, n := range list {
			t[n] = classRead
		}
	}
	t[reqStartAPI] = classStart
	t[reqPlaceOrder], t[reqExerciseOptions] = classOrder, classOrder
	t[reqReplaceFA], t[reqUpdateConfig] = classAdmin, classAdmin
	t[reqCancelOrder], t[reqGlobalCancel] = classCancel, classCancelAll
	return t
}()

// request is what is read of a client's frame.
type request struct {
	number int // without the 200 of the protobuf form
	class  class
	proto  bool
	id     int64 // of the order or request, record.NoID if there is none
	body   []byte
}

var (
	errNumber    = errors.New("the message has no number")
	errMalformed = errors.New("the message cannot be read")
)

// cutNumber returns the number of a message, in which form it is, and its body.
func cutNumber(payload []byte, version int) (number int, proto bool, body []byte, ok bool) {
	if version >= versionBinaryID {
		if len(payload) < 4 {
			return 0, false, nil, false
		}
		n := binary.BigEndian.Uint32(payload)
		if n > wire.ProtoBase {
			return int(min(n, 1<<30)) - wire.ProtoBase, true, payload[4:], true
		}
		return int(n), false, payload[4:], n > 0
	}
	end := bytes.IndexByte(payload, 0)
	if end < 1 || end > 5 {
		return 0, false, nil, false
	}
	for _, c := range payload[:end] {
		if c < '0' || c > '9' {
			return 0, false, nil, false
		}
		number = 10*number + int(c-'0')
	}
	return number, false, payload[end+1:], number > 0
}

// maxNumber is the highest number of a message that is taken for one.
const maxNumber = 9999

// readRequest reads number and id of a client's message. With errNumber nothing that follows can be trusted; with
// errMalformed only this message is unusable.
func readRequest(payload []byte, version int) (request, error) {
	n, proto, body, ok := cutNumber(payload, version)
	if !ok || n > maxNumber {
		return request{}, errNumber
	}
	r, found := request{number: n, proto: proto, id: record.NoID, body: body}, false
	if n < len(classes) {
		r.class = classes[n]
	}
	if proto {
		if !wellFormed(body) {
			return r, errMalformed
		}
		if id, ok := protoInt(body, 1); ok && fits(id) {
			r.id, found = id, true
		}
	} else {
		if n >= len(classes) || len(body) > 0 && body[len(body)-1] != 0 {
			return r, errMalformed
		}
		if at := r.idField(version); at >= 0 {
			id, ok := textInt(body, at)
			if !ok || !fits(id) {
				return r, errMalformed
			}
			r.id, found = id, true
		}
	}
	switch {
	case found:
	case r.class == classOrder, r.class == classCancel:
		return r, errMalformed
	case r.class == classStart: // as protobuf has it
		r.id = 0
	}
	return r, nil
}

// fits reports whether a number fits into the 32 bits that ids have.
func fits(id int64) bool { return int64(int32(id)) == id }

// idField returns which field of a request in text is its order id, or its client id; -1 if it has none that matters.
func (r *request) idField(version int) int {
	switch r.number {
	case reqPlaceOrder:
		return 0
	case reqCancelOrder:
		if version >= versionTagging {
			return 0
		}
		return 1
	case reqExerciseOptions, reqStartAPI:
		return 1
	case reqReplaceFA:
		return 3
	}
	return -1
}

// field returns a field of a message in text.
func field(body []byte, n int) (value []byte, ok bool) {
	for ; ; n-- {
		end := bytes.IndexByte(body, 0)
		if end < 0 {
			return nil, false
		}
		if n == 0 {
			return body[:end], true
		}
		body = body[end+1:]
	}
}

// textInt returns a field of a message in text that is a whole number.
func textInt(body []byte, n int) (int64, bool) {
	value, ok := field(body, n)
	if !ok || len(value) > 20 {
		return 0, false
	}
	v, err := strconv.ParseInt(string(value), 10, 64)
	return v, err == nil
}

// wellFormed reports whether a message is protobuf as far as its own fields go.
func wellFormed(body []byte) bool {
	for len(body) > 0 {
		number, _, n := protowire.ConsumeField(body)
		if n < 0 || number > protowire.MaxValidNumber {
			return false
		}
		body = body[n:]
	}
	return true
}

// protoFields yields the fields of a protobuf message as far as it can be read: number, kind, and value.
func protoFields(body []byte) iter.Seq2[protowire.Number, protoValue] {
	return func(yield func(protowire.Number, protoValue) bool) {
		for len(body) > 0 {
			number, kind, n := protowire.ConsumeTag(body)
			if n < 0 {
				return
			}
			size := protowire.ConsumeFieldValue(number, kind, body[n:])
			if size < 0 || !yield(number, protoValue{kind, body[n : n+size]}) {
				return
			}
			body = body[n+size:]
		}
	}
}

type protoValue struct {
	kind  protowire.Type
	bytes []byte
}

// protoInt returns a field of a protobuf message that is a whole number: the last one, as protobuf has it.
func protoInt(body []byte, number protowire.Number) (value int64, ok bool) {
	for at, v := range protoFields(body) {
		if at == number && v.kind == protowire.VarintType {
			n, _ := protowire.ConsumeVarint(v.bytes)
			value, ok = int64(n), true
		}
	}
	return value, ok
}
