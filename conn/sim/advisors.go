package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// advisors is the documents of financial advisors. The simulated accounts have none: what is asked for is empty, and
// cannot be replaced.
var advisors = subject{
	requests: map[int]*requestKind{
		18: requestAs("requestFA", verProtoRest1, func(r *textReader) *protobuf.FARequest {
			r.messageVersion()
			return &protobuf.FARequest{FaDataType: r.optInt()}
		}, requestFA),
		19: requestAs("replaceFA", verProtoRest1, func(r *textReader) *protobuf.FAReplace {
			r.messageVersion()
			m := &protobuf.FAReplace{FaDataType: r.optInt(), Xml: r.optStr()}
			m.ReqId = r.requestID()
			return m
		}, func(_ *Gateway, _ *conn, req *request, m *protobuf.FAReplace) *requestError {
			return failed(m.GetReqId(), req, "FA data operations ignored for non FA customers.")
		}),
	},
	replies: map[protoreflect.Name]reply{
		"ReceiveFA": replyAs(16, verProtoRest1, func(t *textWriter, m *protobuf.ReceiveFA) {
			t.int(1)
			t.int(int64(m.GetFaDataType()))
			t.str(m.GetXml())
		}),
	},
}

func requestFA(_ *Gateway, c *conn, req *request, m *protobuf.FARequest) *requestError {
	root, ok := map[int32]string{
		1: "ListOfGroups", 2: "ListOfAllocationProfiles", 3: "ListOfAccountAliases",
	}[m.GetFaDataType()]
	if !ok {
		return failed(-1, req, "FA data type must be 1 to 3")
	}
	c.sendLocked(&protobuf.ReceiveFA{
		FaDataType: m.FaDataType,
		Xml:        proto.String(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + root + "></" + root + ">\n"),
	})
	return nil
}
