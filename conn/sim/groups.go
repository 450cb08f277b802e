package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// groupCount is how many display groups there are. They belong to a session, as if each had a window of its own.
const groupCount = 7

// groups is the display groups, which tie windows of TWS and clients to the same contract.
var groups = subject{
	requests: map[int]*requestKind{
		67: requestAs("queryDisplayGroups", verProtoRest3, inOrder(1),
			accepted(func(c *conn, m *protobuf.QueryDisplayGroupsRequest) {
				c.sendLocked(&protobuf.DisplayGroupList{ReqId: m.ReqId, Groups: new("1|2|3|4|5|6|7")})
			})),
		68: requestAs("subscribeToGroupEvents", verProtoRest3, inOrder(1), subscribeToGroup),
		69: requestAs("updateDisplayGroup", verProtoRest3, inOrder(1), updateGroup),
		70: requestAs("unsubscribeFromGroupEvents", verProtoRest3, inOrder(1),
			accepted(func(c *conn, m *protobuf.UnsubscribeFromGroupEventsRequest) { delete(c.groups, m.GetReqId()) })),
	},
	replies: map[protoreflect.Name]reply{
		"DisplayGroupList":    {67, verProtoRest3, inOrder(1)},
		"DisplayGroupUpdated": {68, verProtoRest3, inOrder(1)},
	},
}

func subscribeToGroup(_ *Gateway, c *conn, m *protobuf.SubscribeToGroupEventsRequest) *requestError {
	if n := m.GetGroupId(); n < 1 || n > groupCount {
		return failed("there is no display group %d", n)
	}
	c.groups[m.GetReqId()] = m.GetGroupId()
	c.sendLocked(&protobuf.DisplayGroupUpdated{ReqId: m.ReqId, ContractInfo: new("none")})
	return nil
}

// updateGroup shows another contract in a group, and says so to all subscriptions to it.
func updateGroup(_ *Gateway, c *conn, m *protobuf.UpdateDisplayGroupRequest) *requestError {
	group, ok := c.groups[m.GetReqId()]
	if !ok {
		return failed("not subscribed to a display group")
	}
	for id, n := range c.groups {
		if n == group {
			c.sendLocked(&protobuf.DisplayGroupUpdated{ReqId: new(id), ContractInfo: m.ContractInfo})
		}
	}
	return nil
}
