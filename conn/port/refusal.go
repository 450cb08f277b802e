package port

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/ib"
	"gatewatch/conn/wire"
)

// Reason says why a request was refused, or would have been in [Observe]. Beside those below, the reasons of the
// connection's guard are used, such as "upstream_lost".
type Reason string

// The reasons of the port itself.
const (
	Allowed Reason = ""

	TradingStopped Reason = "trading_stopped"  // [Settings.Stopped]
	ReadOnly       Reason = "read_only_client" // [ClientOptions.ReadOnly]
	TooMany        Reason = "too_many_orders"  // [ClientOptions.MaxOrdersPerMinute]
	NoProof        Reason = "no_proof_of_life" // Gateway was not heard, and did not answer in time
	NotRecorded    Reason = "not_recorded"     // the record of orders could not be written
	NotStarted     Reason = "not_started"      // the program has not sent its client id yet
	ParentRefused  Reason = "parent_refused"   // the order that it belongs to was refused or cancelled
	Withdrawn      Reason = "withdrawn"        // the program cancelled it while it waited
	Unreadable     Reason = "unreadable"       // the message cannot be read
	UnknownRequest Reason = "unknown_request"  // a message that Gatewatch does not know, while the guard is closed
	NotAllowed     Reason = "not_allowed"      // updateConfig without [ClientOptions.AllowConfig]
)

// texts are what programs read of a reason, in their logs. The texts for people are the caller's.
var texts = map[Reason]string{
	TradingStopped: "trading is stopped",
	ReadOnly:       "this program is read-only",
	TooMany:        "too many orders in a minute",
	NoProof:        "IB Gateway does not answer",
	NotRecorded:    "the order could not be recorded on disk",
	NotStarted:     "the client id is not known yet",
	ParentRefused:  "the order that it belongs to was refused",
	Withdrawn:      "cancelled before it was sent",
	Unreadable:     "the message cannot be read",
	UnknownRequest: "the order guard is closed, and the request is not known",
	NotAllowed:     "changing the settings of IB Gateway is not allowed",

	Reason(ib.GuardSocket):      "Gatewatch is not connected to IB Gateway",
	Reason(ib.GuardAPI):         "Gatewatch is not connected to IB Gateway",
	Reason(ib.GuardUpstream):    "IB Gateway is not connected to IBKR",
	Reason(ib.GuardWoke):        "the computer was asleep or Gatewatch was stopped; it asks IB Gateway again",
	Reason(ib.GuardProbe):       "IB Gateway has not answered in time",
	Reason(ib.GuardMode):        "the account is of the wrong kind",
	Reason(ib.GuardReadOnly):    "the API of IB Gateway is read-only",
	Reason(ib.GuardExit):        "IB Gateway restarts in a moment",
	Reason(ib.GuardUnconfirmed): "IB Gateway does not confirm what became of orders",
	Reason(ib.GuardReconciling): "orders are being compared with IB Gateway",
}

// text returns what programs read of a reason.
func (r Reason) text() string {
	if t, ok := texts[r]; ok {
		return t
	}
	return string(r)
}

// Codes of the errors that programs get, some of them from Gateway alone. Clients disagree about codes: after 201 all
// of them give a new order up. After 2102, "Unable to modify this order as it is still being processed", all of them
// keep the order as it was, because they take 2100 to 2169 for notices; after 105 ib_insync takes it for cancelled, and
// Lean for invalid.
const (
	codeRejected    = 201
	codeNotModified = 2102
	codeUnreadable  = 320
	codeRefused     = 322
	codeMessage     = 399
	codeNotFound    = 10147
	codeLost        = 1100
	codeRestored    = 1102
)

// refusalOf returns the error with which a request is refused; change says that it changes an order that Gateway has,
// or had.
func refusalOf(r *request, reason Reason, change bool) (id int64, code int, text string) {
	said := "Gatewatch: " + reason.text() + "; nothing was sent"
	switch {
	case r.class == classOrder && change:
		return r.id, codeNotModified, "Order being modified was not changed - reason: " + said
	case reason == Unreadable:
		return r.id, codeUnreadable, "Error reading request. " + said
	case r.class == classOrder:
		return r.id, codeRejected, "Order rejected - reason: " + said
	}
	return r.id, codeRefused, "Error processing request - reason: " + said
}

// appendError appends an error as a frame, in the form in which Gateway sends errors to this client.
func appendError(dst []byte, version int, proto bool, id int64, code int, text string) []byte {
	dst, start := wire.BeginFrame(dst)
	now := time.Now().UnixMilli()
	if proto {
		dst = binary.BigEndian.AppendUint32(dst, wire.MsgError+wire.ProtoBase)
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(id))
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 2, protowire.VarintType), uint64(now))
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 3, protowire.VarintType), uint64(code))
		dst = protowire.AppendString(protowire.AppendTag(dst, 4, protowire.BytesType), text)
		return wire.EndFrame(dst, start)
	}
	dst = appendNumber(dst, version, wire.MsgError)
	if version < versionErrorTime {
		dst = append(dst, "2\x00"...)
	}
	dst = append(strconv.AppendInt(dst, id, 10), 0)
	dst = append(strconv.AppendInt(dst, int64(code), 10), 0)
	dst = append(append(dst, text...), 0)
	if version >= versionRejection {
		dst = append(dst, 0)
	}
	if version >= versionErrorTime {
		dst = append(strconv.AppendInt(dst, now, 10), 0)
	}
	return wire.EndFrame(dst, start)
}

// appendNumber appends the number of a message in text.
func appendNumber(dst []byte, version, number int) []byte {
	if version >= versionBinaryID {
		return binary.BigEndian.AppendUint32(dst, uint32(number))
	}
	return append(strconv.AppendInt(dst, int64(number), 10), 0)
}

// appendCancel appends a request to cancel an order as a frame, as the client would write it.
func appendCancel(dst []byte, version int, id int64) []byte {
	dst, start := wire.BeginFrame(dst)
	if version >= versionCancel {
		dst = binary.BigEndian.AppendUint32(dst, wire.ReqCancelOrder+wire.ProtoBase)
		dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(id))
		dst = protowire.AppendBytes(protowire.AppendTag(dst, 2, protowire.BytesType), nil)
		return wire.EndFrame(dst, start)
	}
	dst = appendNumber(dst, version, wire.ReqCancelOrder)
	if version < versionTagging {
		dst = append(dst, "1\x00"...)
	}
	dst = append(strconv.AppendInt(dst, id, 10), 0)
	if version >= versionCancelAt {
		dst = append(dst, 0)
	}
	switch {
	case version >= versionRFQ && version < versionNoRFQ:
		dst = append(append(dst, 0, 0), strconv.Itoa(math.MaxInt32)...)
		dst = append(dst, 0)
	case version >= versionTagging:
		dst = append(append(dst, 0), strconv.Itoa(math.MaxInt32)...)
		dst = append(dst, 0)
	}
	return wire.EndFrame(dst, start)
}
