package sim

import (
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// requestKind describes one request: since when its body is protobuf, its protobuf type, its text form and its answer.
// A kind without a type is known to exist but not simulated.
type requestKind struct {
	name       string
	protoSince int
	minVersion int // 0: always
	message    func() proto.Message
	text       textForm // nil: it never had one
	answer     func(*Gateway, *conn, proto.Message) *requestError

	// Of kinds that are not simulated.
	idField int    // which text field after the id is the request id, -1 = none
	cancels bool   // ignored
	code    int32  // of the refusal, 0: 322
	refusal string // its text
}

// reply describes one message from the gateway: the id under which it travels, since when its body is protobuf, and its
// text form. A family turns to protobuf at the same step as its requests do.
type reply struct {
	id         int
	protoSince int
	text       textForm
}

// subject is the requests and replies of one part of the protocol.
type subject struct {
	requests map[int]*requestKind
	replies  map[protoreflect.Name]reply
}

var (
	requestKinds = map[int]*requestKind{}        // every request the protocol defines up to version 226
	replyKinds   = map[protoreflect.Name]reply{} // by the names of the protobuf messages
)

func init() {
	for _, s := range []subject{
		sessions, contracts, marketData, orders, accounts, reference, news, scanner, groups, pnl, history, depth,
		advisors, unsimulated,
	} {
		maps.Copy(requestKinds, s.requests)
		maps.Copy(replyKinds, s.replies)
	}
}

// never marks requests that have no protobuf form.
const never = 1 << 30

// requestAs describes a request.
func requestAs[M any, P interface {
	*M
	proto.Message
}](name string, protoSince int, text textForm, answer func(*Gateway, *conn, P) *requestError) *requestKind {
	return &requestKind{
		name: name, protoSince: protoSince, text: text,
		message: func() proto.Message { return P(new(M)) },
		answer:  func(g *Gateway, c *conn, m proto.Message) *requestError { return answer(g, c, m.(P)) },
	}
}

// from is a request that gateways know since a version.
func (k *requestKind) from(version int) *requestKind {
	k.minVersion = version
	return k
}

// ignored is the answer to cancels of requests that are complete at once.
func ignored[P proto.Message](*Gateway, *conn, P) *requestError { return nil }

// accepted answers requests that are never refused.
func accepted[P proto.Message](do func(*conn, P)) func(*Gateway, *conn, P) *requestError {
	return func(_ *Gateway, c *conn, m P) *requestError {
		do(c, m)
		return nil
	}
}

// unsimulated is what the protocol has but the simulator does not.
var unsimulated = subject{requests: map[int]*requestKind{
	21: {name: "exerciseOptions", protoSince: verProtoRest1, idField: 1},
	52: {
		name: "reqFundamentalData", protoSince: never, idField: 1, code: 10358,
		refusal: "Fundamentals data is not allowed.",
	},
	53: {name: "cancelFundamentalData", protoSince: never, cancels: true},
	54: {name: "calculateImpliedVolatility", protoSince: verProtoRest1, idField: 1},
	55: {name: "calculateOptionPrice", protoSince: verProtoRest1, idField: 1},
	56: {name: "cancelCalculateImpliedVolatility", protoSince: verProtoRest1, cancels: true},
	57: {name: "cancelCalculateOptionPrice", protoSince: verProtoRest1, cancels: true},
	65: {name: "verifyRequest", protoSince: verProtoRest3, idField: -1},
	66: {name: "verifyMessage", protoSince: verProtoRest3, idField: -1},
	72: {name: "verifyAndAuthRequest", protoSince: never, idField: -1},
	73: {name: "verifyAndAuthMessage", protoSince: never, idField: -1},
	109: {
		name: "updateConfig", minVersion: verUpdateConfig, code: 10357,
		refusal: "Configuration request is not allowed.",
	},
}}

// refuseUnsimulated answers requests the protocol has but the simulator does not. No client takes its code for a
// warning, after which it would go on waiting. Cancels are ignored.
func refuseUnsimulated(kind *requestKind) *requestError {
	switch {
	case kind.cancels:
		return nil
	case kind.code != 0:
		return unavailable(kind.code, kind.refusal)
	}
	return failed("not supported by the simulator")
}
