package sim

import (
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// replyTexts writes the text forms of the messages whose subject keeps both forms in one file.
var replyTexts = map[protoreflect.Name]func(*textWriter, proto.Message){}

// subject is the requests and replies of one part of the protocol.
type subject struct {
	requests map[int]*requestKind
	replies  map[protoreflect.Name]reply
}

type reply struct {
	replyKind
	text func(*textWriter, proto.Message)
}

func init() {
	for _, s := range []subject{reference, news, scanner, groups, pnl, history, depth, advisors} {
		maps.Copy(requestKinds, s.requests)
		for name, r := range s.replies {
			replyKinds[name] = r.replyKind
			replyTexts[name] = r.text
		}
	}
}

// replyAs describes a reply: its id, since when it is protobuf, and the fields of its text form.
func replyAs[P proto.Message](id, protoSince int, text func(*textWriter, P)) reply {
	return reply{replyKind{id, protoSince}, func(t *textWriter, m proto.Message) { text(t, m.(P)) }}
}

// requestAs describes a request: its name, since when it is protobuf, the reader of its text form, and its answer.
func requestAs[M any, P interface {
	*M
	proto.Message
}](
	name string, protoSince int, text func(*textReader) P, answer func(*Gateway, *conn, *request, P) *requestError,
) *requestKind {
	return &requestKind{
		name: name, protoSince: protoSince, message: newMessage[M, P],
		text:   func(r *textReader) proto.Message { return text(r) },
		answer: func(g *Gateway, c *conn, req *request) *requestError { return answer(g, c, req, req.message.(P)) },
	}
}

// ignored is the answer to cancels of requests that are complete at once.
func ignored[P proto.Message](*Gateway, *conn, *request, P) *requestError { return nil }

// refuseUnsimulated answers requests the protocol has but the simulator does not. No client takes its code for a
// warning, after which it would go on waiting. Cancels are ignored.
func refuseUnsimulated(req *request) *requestError {
	switch kind := req.kind; {
	case kind.cancels:
		return nil
	case kind.code != 0:
		return &requestError{Code: kind.code, ReqID: req.reqID, Reason: reasonNoSim, Text: kind.refusal}
	}
	return failed(req.reqID, req, "not supported by the simulator")
}

// failed says that a request was understood, but cannot be answered.
func failed(reqID int32, req *request, cause string) *requestError {
	return &requestError{
		Code: 322, ReqID: reqID, Reason: reasonNoSim,
		Text: fmt.Sprintf("Error processing request.-'%s' : cause - %s", req.kind.name, cause),
	}
}

// refused says that a request makes no sense.
func refused(reqID, code int32, text string) *requestError {
	return &requestError{Code: code, ReqID: reqID, Reason: reasonInvalid, Text: text}
}
