package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// request is one parsed request.
type request struct {
	id      int
	kind    *requestKind
	message proto.Message // nil: it is not simulated
	reqID   int32         // of the request or order that it is about, -1 if it has none
}

// A requestError says why a request was refused. The connection stays open and the client gets Code, unless
// Fatal is set: then the gateway closes.
type requestError struct {
	Code   int32
	ReqID  int32  // [Gateway.handle] sets it to that of the request
	Reason string // one of the reason* constants, for the counters
	Text   string
	Fatal  bool
	Stays  time.Duration // how long a fatal one leaves the connection open after its message

	doing   string // what failed with the request; its name comes before the text
	unnamed bool   // the error is about no request
}

// refused says that a request makes no sense.
func refused(code int32, format string, args ...any) *requestError {
	return &requestError{Code: code, ReqID: -1, Reason: reasonInvalid, Text: fmt.Sprintf(format, args...)}
}

// invalid says that a request does not pass validation.
func invalid(format string, args ...any) *requestError {
	e := refused(321, format, args...)
	e.doing = "validating"
	return e
}

// failed says that a request was understood, but cannot be answered.
func failed(format string, args ...any) *requestError {
	e := refused(322, format, args...)
	e.doing, e.Reason = "processing", reasonNoSim
	return e
}

// unavailable refuses what the simulated user has no subscription to.
func unavailable(code int32, text string) *requestError {
	return &requestError{Code: code, ReqID: -1, Reason: reasonNoSim, Text: text}
}

// unreadable refuses a request that cannot be read.
func unreadable(reason, format string, args ...any) *requestError {
	return &requestError{Code: 320, ReqID: -1, Reason: reason, Text: fmt.Sprintf(format, args...)}
}

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
		e := unreadable(reasonMalformed, "%v", err)
		e.Fatal = true
		return nil, e
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
		return nil, unreadable(reasonWrongForm, "%s came as %s, version %d wants %s", kind.name, form[isProto], version,
			form[wantProto])
	}
	req := &request{id: id, kind: kind}
	if kind.message == nil {
		req.reqID = guessReqID(kind, isProto, body)
		return req, nil
	}
	req.message = kind.message()
	read := req.readProto
	if !isProto {
		read = req.readText
	}
	if e := read(version, body); e != nil {
		return nil, e
	}
	return req, nil
}

func (r *request) readProto(_ int, body []byte) *requestError {
	if proto.Unmarshal(body, r.message) != nil {
		return unreadable(reasonMalformed, "%s: unreadable protobuf", r.kind.name)
	}
	m := r.message.ProtoReflect()
	r.reqID = -1
	if f := idField(m); f != nil {
		if !m.Has(f) {
			return unreadable(reasonMalformed, "%s: %s missing", r.kind.name, f.Name())
		}
		r.reqID = int32(m.Get(f).Int())
	}
	return nil
}

func (r *request) readText(version int, body []byte) *requestError {
	in, err := newTextReader(body)
	if err != nil {
		return unreadable(reasonMalformed, "%s: %v", r.kind.name, err)
	}
	r.kind.text(&form{textWriter{version: version}, in}, r.message)
	r.reqID = -1
	if in.reqID != nil {
		r.reqID = *in.reqID
	}
	if err := in.finish(); err != nil {
		e := unreadable(reasonMalformed, "%s: %v", r.kind.name, err)
		e.ReqID = r.reqID
		return e
	}
	return nil
}

// idField is the field for the request or order id, nil if a message has none.
func idField(m protoreflect.Message) protoreflect.FieldDescriptor {
	if f := m.Descriptor().Fields().ByNumber(1); f != nil && (f.Name() == "reqId" || f.Name() == "orderId") {
		return f
	}
	return nil
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
	number, body, ok := bytes.Cut(payload, []byte{0})
	if !ok {
		return 0, false, nil, errors.New("message id without terminator")
	}
	if id, err = strconv.Atoi(string(number)); err != nil || id < 0 {
		return 0, false, nil, fmt.Errorf("message id %.20q is not a number", number)
	}
	return id, false, body, nil
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
	r, err := newTextReader(body)
	if err != nil || len(r.fields) <= kind.idField {
		return -1
	}
	r.pos = kind.idField
	id := value(r.optInt())
	if r.err != nil {
		return -1
	}
	return id
}
