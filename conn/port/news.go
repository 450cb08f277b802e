package port

import (
	"bytes"

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
