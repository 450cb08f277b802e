package port

import (
	"bytes"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/wire"
)

// news is what Gateway says of an order.
type news struct {
	client, id int64 // id is noID if it has none
	perm       int64 // 0: not said
	status     string
	held       string // why Gateway holds it, of an order status
	filled     string // quantity
	code       int    // of an error, which has no client id
	text       string
}

// readNews reads a message about an order; ok is false if it is about none.
func readNews(number int, proto bool, body []byte, version int) (n news, ok bool) {
	n.id = noID
	switch {
	case number == wire.MsgError && proto:
		n.id, _ = protoInt(body, 1)
		code, _ := protoInt(body, 3)
		n.code, n.text = int(code), long(protoBytes(body, 4))
		return n, n.id > 0 && n.code != 0
	case number == wire.MsgError:
		at := 0
		if version < versionErrorTime {
			at = 1
		}
		id, okID := textInt(body, at)
		code, okCode := textInt(body, at+1)
		text, _ := field(body, at+2)
		n.id, n.code, n.text = id, int(code), long(text)
		return n, okID && okCode && id > 0 && code != 0
	case proto:
		return protoNews(n, number, body)
	}
	return textNews(n, number, body)
}

// aboutOrders reports whether messages with a number are read by readNews.
func aboutOrders(number int) bool {
	switch number {
	case wire.MsgOrderStatus, wire.MsgError, wire.MsgOpenOrder, wire.MsgExecution, wire.MsgCompletedOrder:
		return true
	}
	return false
}

func protoNews(n news, number int, body []byte) (news, bool) {
	integer := func(m []byte, at protowire.Number) int64 { v, _ := protoInt(m, at); return v }
	switch number {
	case wire.MsgOrderStatus:
		n.id, n.perm, n.client = integer(body, 1), integer(body, 6), integer(body, 9)
		n.status, n.filled, n.held = word(protoBytes(body, 2)), word(protoBytes(body, 3)), word(protoBytes(body, 10))
	case wire.MsgOpenOrder:
		order := protoBytes(body, 3)
		n.id, n.perm, n.client = integer(body, 1), integer(order, 3), integer(order, 1)
		n.status = word(protoBytes(protoBytes(body, 4), 1))
		if n.perm == 0 { // a preview
			return n, false
		}
	case wire.MsgExecution:
		x := protoBytes(body, 3)
		n.id, n.perm, n.client = integer(x, 1), integer(x, 9), integer(x, 10)
		n.filled = word(protoBytes(x, 12))
	case wire.MsgCompletedOrder:
		n.perm = integer(protoBytes(body, 2), 3)
		n.status = word(protoBytes(protoBytes(body, 3), 1))
	default:
		return n, false
	}
	return n, n.perm != 0 || n.id != noID
}

// textNews reads a message in text. Source: the official client's decoder, from version 157 on.
func textNews(n news, number int, body []byte) (news, bool) {
	integer := func(at int) int64 { v, _ := textInt(body, at); return v }
	text := func(at int) string { f, _ := field(body, at); return word(f) }
	switch number {
	case wire.MsgOrderStatus:
		n.id, n.perm, n.client = integer(0), integer(5), integer(8)
		n.status, n.filled, n.held = text(1), text(2), text(9)
	case wire.MsgOpenOrder:
		n.id, n.client, n.perm = integer(0), integer(23), integer(24)
		if n.perm == 0 {
			return n, false
		}
	case wire.MsgExecution:
		n.id, n.perm, n.client, n.filled = integer(1), integer(20), integer(21), text(23)
	case wire.MsgCompletedOrder:
		n.perm, n.status = integer(22), completedStatus(body)
	default:
		return n, false
	}
	return n, n.perm != 0 || n.id != noID
}

// completedStatus returns the status in a completed order in text. It comes behind fields that are there only
// sometimes, and none of these is one of its words.
func completedStatus(body []byte) string {
	for f := range bytes.SplitSeq(body, []byte{0}) {
		switch s := string(f); s {
		case "Filled", "Cancelled", "ApiCancelled", "Inactive":
			return s
		}
	}
	return ""
}

// long returns a longer text from outside: bounded, and valid UTF-8.
func long(b []byte) string {
	const most = 512
	if len(b) > most {
		b = b[:most]
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

// apply takes over what Gateway says, in whatever order that comes. What is filled stays so.
func (o *Order) apply(n news) {
	if n.perm != 0 {
		o.PermID = n.perm
	}
	if n.code != 0 {
		o.object(n)
		return
	}
	if quantity(n.filled) > quantity(o.Filled) || o.Filled == "" {
		o.Filled = n.filled
	}
	switch {
	case o.State == Filled:
	case n.status != "":
		o.follow(n)
	case sameQuantity(n.filled, o.Quantity):
		o.State = Filled
	case o.State == Sent, o.State == Rejected && n.filled != "":
		o.State = Working // else an execution says nothing about the rest of its order
	}
}

// follow takes over a status: it decides. What is cancelled stays so, unless it is filled. An order that ends because
// of an error was rejected.
func (o *Order) follow(n news) {
	state := stateOf(n.status)
	ends := state == Inactive && n.held == "" || state == Cancelled && quantity(o.Filled) == 0
	switch {
	case o.State == Cancelled && !state.Done():
		return
	case o.objected && ends:
		state = Rejected
	case n.status == "Submitted" || n.status == "PreSubmitted":
		o.objected = false
	}
	o.Status, o.Held, o.State = n.status, false, state
}

// object takes in an error: it only explains, unless it says that the order is cancelled, by whomever. It rejects an
// order that Gateway has not mentioned, or that does not work, and a status that follows puts that right.
func (o *Order) object(n news) {
	if aboutData(n.code) {
		return // of a request with the same number
	}
	o.Code, o.Text = n.code, n.text
	switch {
	case n.code == codeCancelled && !o.State.Done():
		o.State = Cancelled
		if o.objected && quantity(o.Filled) == 0 {
			o.State = Rejected
		}
		return
	case harmless(n.code):
		return
	}
	changes := o.Changes > 0 || o.change != nil // then it may be about the change alone
	o.objected = o.objected || !changes
	if o.State == Sent || o.State == Inactive && !changes {
		o.State = Rejected
	}
}

// stateOf returns what a status of Gateway means.
func stateOf(status string) State {
	switch status {
	case "Filled":
		return Filled
	case "Cancelled", "ApiCancelled":
		return Cancelled
	case "Inactive":
		return Inactive
	}
	return Working
}

// quantity reads a quantity that is written as text, 0 if it is none.
func quantity(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) {
		return 0
	}
	return v
}

// sameQuantity reports whether both are the same quantity, and not 0.
func sameQuantity(a, b string) bool { return quantity(a) > 0 && quantity(a) == quantity(b) }

// harmless reports whether an error about an order that Gateway has not mentioned yet does not mean that it was
// refused.
func harmless(code int) bool {
	switch code {
	case 131, 136, 161, codeCancelled, 399, 404, 10147, 10148, 10149, 10349, 10352:
		return true
	}
	return code >= 2100 && code < 2200
}

// aboutData reports whether an error is about market data or history: programs may number requests and orders alike.
// Source: IBKR's API reference, "Message codes".
func aboutData(code int) bool {
	switch code {
	case 101, 162, 165, 166, 300, 309, 310, 316, 317, 354, 365, 366, 420,
		10089, 10090, 10091, 10167, 10168, 10182, 10186, 10189, 10190, 10197, 10225:
		return true
	}
	return false
}
