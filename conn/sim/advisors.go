package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// advisors is the documents of financial advisors. The simulated accounts have none: what is asked for is empty, and
// cannot be replaced.
var advisors = subject{
	requests: map[int]*requestKind{
		18: requestAs("requestFA", verProtoRest1, inOrder(1), requestFA),
		19: requestAs("replaceFA", verProtoRest1, formOf(func(f *form, m *protobuf.FAReplace) {
			f.messageVersion(1)
			f.all(&m.FaDataType, &m.Xml)
			f.id(&m.ReqId)
		}), func(*Gateway, *conn, *protobuf.FAReplace) *requestError {
			return failed("FA data operations ignored for non FA customers.")
		}),
	},
	replies: map[protoreflect.Name]reply{
		"ReceiveFA": {16, verProtoRest1, inOrder(1)},
	},
}

func requestFA(_ *Gateway, c *conn, m *protobuf.FARequest) *requestError {
	root, ok := map[int32]string{
		1: "ListOfGroups", 2: "ListOfAllocationProfiles", 3: "ListOfAccountAliases",
	}[m.GetFaDataType()]
	if !ok {
		return failed("FA data type must be 1 to 3")
	}
	c.sendLocked(&protobuf.ReceiveFA{
		FaDataType: m.FaDataType,
		Xml:        new(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + root + "></" + root + ">\n"),
	})
	return nil
}
