package port

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

// readNews reads a message about an order; ok is false if it is about none.
func readNews(number int, proto bool, body []byte, version int) (n record.News, ok bool) {
	n.ID = record.NoID
	switch {
	case number == wire.MsgError && proto:
		n.ID, _ = protoInt(body, 1)
		code, _ := protoInt(body, 3)
		n.Code, n.Text = int(code), long(protoBytes(body, 4))
		return n, n.ID > 0 && n.Code != 0
	case number == wire.MsgError:
		at := 0
		if version < versionErrorTime {
			at = 1
		}
		id, okID := textInt(body, at)
		code, okCode := textInt(body, at+1)
		text, _ := field(body, at+2)
		n.ID, n.Code, n.Text = id, int(code), long(text)
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

func protoNews(n record.News, number int, body []byte) (record.News, bool) {
	integer := func(m []byte, at protowire.Number) int64 { v, _ := protoInt(m, at); return v }
	switch number {
	case wire.MsgOrderStatus:
		n.ID, n.PermID, n.Client = integer(body, 1), integer(body, 6), integer(body, 9)
		n.Status, n.Filled, n.Held = word(protoBytes(body, 2)), word(protoBytes(body, 3)), word(protoBytes(body, 10))
	case wire.MsgOpenOrder:
		order := protoBytes(body, 3)
		n.ID, n.PermID, n.Client = integer(body, 1), integer(order, 3), integer(order, 1)
		n.Status = word(protoBytes(protoBytes(body, 4), 1))
		if n.PermID == 0 { // a preview
			return n, false
		}
	case wire.MsgExecution:
		x := protoBytes(body, 3)
		n.ID, n.PermID, n.Client = integer(x, 1), integer(x, 9), integer(x, 10)
		n.Filled = word(protoBytes(x, 12))
		n.Combo = isCombo(protoBytes(protoBytes(body, 2), contractSecType))
	case wire.MsgCompletedOrder:
		n.PermID = integer(protoBytes(body, 2), 3)
		n.Status = word(protoBytes(protoBytes(body, 3), 1))
	default:
		return n, false
	}
	return n, n.PermID != 0 || n.ID != record.NoID
}

// textNews reads a message in text. Source: the official client's decoder, from version 157 on.
func textNews(n record.News, number int, body []byte) (record.News, bool) {
	integer := func(at int) int64 { v, _ := textInt(body, at); return v }
	text := func(at int) string { f, _ := field(body, at); return word(f) }
	switch number {
	case wire.MsgOrderStatus:
		n.ID, n.PermID, n.Client = integer(0), integer(5), integer(8)
		n.Status, n.Filled, n.Held = text(1), text(2), text(9)
	case wire.MsgOpenOrder:
		n.ID, n.Client, n.PermID = integer(0), integer(23), integer(24)
		if n.PermID == 0 {
			return n, false
		}
	case wire.MsgExecution:
		n.ID, n.PermID, n.Client, n.Filled = integer(1), integer(20), integer(21), text(23)
		n.Combo = isCombo([]byte(text(4)))
	case wire.MsgCompletedOrder:
		n.PermID, n.Status = integer(22), completedStatus(body)
	default:
		return n, false
	}
	return n, n.PermID != 0 || n.ID != record.NoID
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
func long(b []byte) string { return bounded(b, 512) }
