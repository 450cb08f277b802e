package sim

import (
	"fmt"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// groupCount is how many display groups there are. They belong to a session, as if each had a window of its own.
const groupCount = 7

// groups is the display groups, which tie windows of TWS and clients to the same contract.
var groups = subject{
	requests: map[int]*requestKind{
		67: requestAs("queryDisplayGroups", verProtoRest3, func(r *textReader) *protobuf.QueryDisplayGroupsRequest {
			r.messageVersion()
			return &protobuf.QueryDisplayGroupsRequest{ReqId: r.requestID()}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.QueryDisplayGroupsRequest) *requestError {
			c.sendLocked(&protobuf.DisplayGroupList{ReqId: m.ReqId, Groups: proto.String("1|2|3|4|5|6|7")})
			return nil
		}),
		68: requestAs("subscribeToGroupEvents", verProtoRest3,
			func(r *textReader) *protobuf.SubscribeToGroupEventsRequest {
				r.messageVersion()
				return &protobuf.SubscribeToGroupEventsRequest{ReqId: r.requestID(), GroupId: r.optInt()}
			}, subscribeToGroup),
		69: requestAs("updateDisplayGroup", verProtoRest3, func(r *textReader) *protobuf.UpdateDisplayGroupRequest {
			r.messageVersion()
			return &protobuf.UpdateDisplayGroupRequest{ReqId: r.requestID(), ContractInfo: r.optStr()}
		}, updateGroup),
		70: requestAs("unsubscribeFromGroupEvents", verProtoRest3,
			func(r *textReader) *protobuf.UnsubscribeFromGroupEventsRequest {
				r.messageVersion()
				return &protobuf.UnsubscribeFromGroupEventsRequest{ReqId: r.requestID()}
			}, func(_ *Gateway, c *conn, _ *request, m *protobuf.UnsubscribeFromGroupEventsRequest) *requestError {
				delete(c.groups, m.GetReqId())
				return nil
			}),
	},
	replies: map[protoreflect.Name]reply{
		"DisplayGroupList": replyAs(67, verProtoRest3, func(t *textWriter, m *protobuf.DisplayGroupList) {
			t.int(1)
			t.int(int64(m.GetReqId()))
			t.str(m.GetGroups())
		}),
		"DisplayGroupUpdated": replyAs(68, verProtoRest3, func(t *textWriter, m *protobuf.DisplayGroupUpdated) {
			t.int(1)
			t.int(int64(m.GetReqId()))
			t.str(m.GetContractInfo())
		}),
	},
}

func subscribeToGroup(_ *Gateway, c *conn, req *request, m *protobuf.SubscribeToGroupEventsRequest) *requestError {
	if n := m.GetGroupId(); n < 1 || n > groupCount {
		return failed(m.GetReqId(), req, fmt.Sprintf("there is no display group %d", n))
	}
	c.groups[m.GetReqId()] = m.GetGroupId()
	c.sendLocked(&protobuf.DisplayGroupUpdated{ReqId: m.ReqId, ContractInfo: proto.String("none")})
	return nil
}

// updateGroup shows another contract in a group, and says so to all subscriptions to it.
func updateGroup(_ *Gateway, c *conn, req *request, m *protobuf.UpdateDisplayGroupRequest) *requestError {
	group, ok := c.groups[m.GetReqId()]
	if !ok {
		return failed(m.GetReqId(), req, "not subscribed to a display group")
	}
	for id, n := range c.groups {
		if n == group {
			c.sendLocked(&protobuf.DisplayGroupUpdated{ReqId: proto.Int32(id), ContractInfo: m.ContractInfo})
		}
	}
	return nil
}
