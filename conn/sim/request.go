package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn/wire"
)

// Ids of the requests the simulator knows by name.
const (
	reqMktData          = wire.ReqMarketData
	reqCancelMktData    = wire.ReqCancelMarketData
	reqPlaceOrder       = wire.ReqPlaceOrder
	reqCancelOrder      = wire.ReqCancelOrder
	reqOpenOrders       = wire.ReqOpenOrders
	reqAcctData         = 6
	reqExecutions       = wire.ReqExecutions
	reqIDs              = 8
	reqContractData     = wire.ReqContractDetails
	reqServerLogLevel   = 14
	reqAutoOpenOrders   = 15
	reqAllOpenOrders    = 16
	reqManagedAccts     = 17
	reqCurrentTime      = wire.ReqCurrentTime
	reqGlobalCancel     = 58
	reqMarketDataType   = wire.ReqMarketDataType
	reqPositions        = 61
	reqAccountSummary   = 62
	reqCancelSummary    = 63
	reqCancelPositions  = 64
	reqStartAPI         = wire.ReqStartAPI
	reqPositionsMulti   = 74
	reqCancelPosMulti   = 75
	reqAcctUpdatesMulti = 76
	reqCancelAcctMulti  = 77
	reqMarketRule       = wire.ReqMarketRule
	reqCompletedOrders  = wire.ReqCompletedOrders
	reqTimeInMillis     = 105
	reqCancelContract   = 106
	reqConfig           = 108
)

// requestKind describes one request: since when its body is protobuf, the protobuf type, and the reader of its text
// form. A kind without a type is known to exist but not simulated.
type requestKind struct {
	name       string
	protoSince int
	minVersion int // 0: always
	message    func() proto.Message
	text       func(*textReader) proto.Message
	answer     func(g *Gateway, c *conn, req *request) *requestError // nil: see dispatch

	// Of kinds that are not simulated.
	idField int    // which text field after the id is the request id, -1 = none
	cancels bool   // ignored
	code    int32  // of the refusal, 0: 322
	refusal string // its text
}

// request is one parsed request. Exactly one of message and unsimulated is set.
type request struct {
	id          int
	kind        *requestKind
	message     proto.Message
	unsimulated bool
	reqID       int32 // for unsimulated ones, -1 when unknown
}

// A requestError says why a request was refused. The connection stays open and the client is told with Code, unless
// Fatal is set: then the gateway closes.
type requestError struct {
	Code   int32
	ReqID  int32
	Reason string // one of the reason* constants, for the counters
	Text   string
	Fatal  bool
	Stays  time.Duration // how long a fatal one leaves the connection open after its message
}

func (e *requestError) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Text) }

// Reasons under which refused input is counted; see [State].Rejected.
const (
	// field count, number or protobuf cannot be read: error 320, or the connection closed
	reasonMalformed  = "malformed"
	reasonWrongForm  = "wrong-form"  // text where protobuf is due or the other way round: error 320
	reasonUnknown    = "unknown-id"  // no such message: error 505
	reasonNoSim      = "unsimulated" // known, but not simulated
	reasonInvalid    = "invalid"     // readable, but refused by validation
	reasonEarly      = "before-start-api"
	reasonPacing     = "pacing" // error 100
	reasonFrame      = "frame"  // length 0 or above 16 MiB: connection closed
	reasonHandshake  = "handshake"
	reasonDuplicate  = "duplicate-client-id" // error 326
	reasonSlowClient = "slow-client"         // the client does not read; connection closed
)

// parseRequest reads one frame's payload as a request of a session that negotiated version. It never panics.
func parseRequest(version int, payload []byte) (*request, *requestError) {
	id, isProto, body, err := requestID(version, payload)
	if err != nil {
		return nil, &requestError{Code: 320, ReqID: -1, Reason: reasonMalformed, Text: err.Error(), Fatal: true}
	}
	kind, ok := requestKinds[id]
	if !ok || version < kind.minVersion {
		return nil, &requestError{
			Code: 505, ReqID: -1, Reason: reasonUnknown,
			Text: fmt.Sprintf("Fatal Error: Unknown message id. id=%d", id),
		}
	}
	if wantProto := version >= kind.protoSince; wantProto != isProto {
		form := map[bool]string{true: "protobuf", false: "text"}
		return nil, &requestError{
			Code: 320, ReqID: -1, Reason: reasonWrongForm,
			Text: fmt.Sprintf("%s came as %s, version %d wants %s", kind.name, form[isProto], version, form[wantProto]),
		}
	}
	req := &request{id: id, kind: kind, reqID: -1}
	if kind.message == nil {
		req.unsimulated = true
		req.reqID = guessReqID(kind, isProto, body)
		return req, nil
	}
	if isProto {
		req.message = kind.message()
		if err := proto.Unmarshal(body, req.message); err != nil {
			return nil, &requestError{
				Code: 320, ReqID: -1, Reason: reasonMalformed,
				Text: kind.name + ": unreadable protobuf",
			}
		}
		if name := missingID(req.message); name != "" {
			return nil, &requestError{
				Code: 320, ReqID: -1, Reason: reasonMalformed,
				Text: kind.name + ": " + name + " missing",
			}
		}
		return req, nil
	}
	r, err := newTextReader(version, body)
	if err == nil {
		req.message = kind.text(r)
		err = r.finish()
	}
	if err != nil {
		e := &requestError{Code: 320, ReqID: -1, Reason: reasonMalformed, Text: kind.name + ": " + err.Error()}
		if r != nil && r.reqID != nil {
			e.ReqID = *r.reqID
		}
		return nil, e
	}
	return req, nil
}

// missingID names the request or order id of a protobuf request if it should have one and has not.
func missingID(m proto.Message) string {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByNumber(1)
	if f != nil && (f.Name() == "reqId" || f.Name() == "orderId") && !r.Has(f) {
		return string(f.Name())
	}
	return ""
}

// requestID splits off the message id, textual below 201 and four bytes from there on.
func requestID(version int, payload []byte) (id int, isProto bool, body []byte, err error) {
	if version >= verBinaryID {
		if len(payload) < 4 {
			return 0, false, nil, fmt.Errorf("payload of %d bytes has no room for a message id", len(payload))
		}
		n := binary.BigEndian.Uint32(payload)
		if n > wire.ProtoBase {
			return int(n) - wire.ProtoBase, true, payload[4:], nil
		}
		return int(n), false, payload[4:], nil
	}
	for i, b := range payload {
		if b == 0 {
			id, err := strconv.Atoi(string(payload[:i]))
			if err != nil || id < 0 {
				return 0, false, nil, fmt.Errorf("message id %.20q is not a number", payload[:i])
			}
			return id, false, payload[i+1:], nil
		}
	}
	return 0, false, nil, errors.New("message id without terminator")
}

// guessReqID finds the request id of a request that is not simulated, so that the refusal can be matched.
func guessReqID(kind *requestKind, isProto bool, body []byte) int32 {
	if kind.idField < 0 {
		return -1
	}
	if isProto { // the request id is field 1 of every request that has one, and CancelContractData has the same shape
		var m protobuf.CancelContractData
		if proto.Unmarshal(body, &m) == nil && m.ReqId != nil {
			return m.GetReqId()
		}
		return -1
	}
	r, err := newTextReader(0, body)
	if err != nil || len(r.fields) <= kind.idField {
		return -1
	}
	r.pos = kind.idField
	id := r.int32()
	if r.err != nil {
		return -1
	}
	return id
}

// textReader walks the NUL-terminated fields of a text request. The first error sticks; later reads return zero.
type textReader struct {
	version int
	fields  []string
	pos     int
	err     error
	reqID   *int32 // set once the request id is known, for the answer to a broken request
}

func newTextReader(version int, body []byte) (*textReader, error) {
	if len(body) > 0 && body[len(body)-1] != 0 {
		return nil, errors.New("last field without terminator")
	}
	if !utf8.Valid(body) {
		return nil, errors.New("text is not UTF-8")
	}
	r := &textReader{version: version}
	start := 0
	for i, b := range body {
		if b == 0 {
			r.fields = append(r.fields, string(body[start:i]))
			start = i + 1
		}
	}
	return r, nil
}

func (r *textReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// finish returns the first error, or an error if fields are left over.
func (r *textReader) finish() error {
	if r.err == nil && r.pos != len(r.fields) {
		r.fail("%d fields, expected %d", len(r.fields), r.pos)
	}
	return r.err
}

func (r *textReader) str() string {
	if r.pos >= len(r.fields) {
		r.fail("only %d fields", len(r.fields))
		return ""
	}
	s := r.fields[r.pos]
	r.pos++
	return s
}

func (r *textReader) optStr() *string {
	if s := r.str(); s != "" {
		return &s
	}
	return nil
}
