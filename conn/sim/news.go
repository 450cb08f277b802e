package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// news is the news and the event calendar of an account that subscribes to neither.
var news = subject{
	requests: map[int]*requestKind{
		12: requestAs("reqNewsBulletins", verProtoNews, inOrder(1), newsBulletins),
		13: requestAs("cancelNewsBulletins", verProtoNews, inOrder(1), ignored[*protobuf.CancelNewsBulletins]),
		84: requestAs("reqNewsArticle", verProtoNews, inOrder(0),
			func(*Gateway, *conn, *protobuf.NewsArticleRequest) *requestError {
				return unavailable(10172, "Failed to request news article:No data available")
			}),
		85: requestAs("reqNewsProviders", verProtoNews, inOrder(0),
			accepted(func(c *conn, _ *protobuf.NewsProvidersRequest) { c.sendLocked(&protobuf.NewsProviders{}) })),
		86: requestAs("reqHistoricalNews", verProtoNews, inOrder(0),
			accepted(func(c *conn, m *protobuf.HistoricalNewsRequest) {
				c.sendLocked(&protobuf.HistoricalNewsEnd{ReqId: m.ReqId, HasMore: new(false)})
			})),
		100: requestAs("reqWshMetaData", verProtoNews, inOrder(0), noCalendar[*protobuf.WshMetaDataRequest]),
		101: requestAs("cancelWshMetaData", verProtoNews, inOrder(0), ignored[*protobuf.CancelWshMetaData]),
		102: requestAs("reqWshEventData", verProtoNews, inOrder(0), noCalendar[*protobuf.WshEventDataRequest]),
		103: requestAs("cancelWshEventData", verProtoNews, inOrder(0), ignored[*protobuf.CancelWshEventData]),
	},
	replies: map[protoreflect.Name]reply{
		"NewsBulletin":      {14, verProtoNews, inOrder(1)},
		"NewsProviders":     {85, verProtoNews, inOrder(0)},
		"HistoricalNewsEnd": {87, verProtoNews, inOrder(0)},
	},
}

// newsBulletins sends the bulletin of the day to who asks for all of them. Later there are none.
func newsBulletins(_ *Gateway, c *conn, m *protobuf.NewsBulletinsRequest) *requestError {
	if m.GetAllMessages() {
		c.sendLocked(&protobuf.NewsBulletin{
			NewsMsgId: proto.Int32(1), NewsMsgType: proto.Int32(1),
			NewsMessage:     new("The markets of the simulator are open."),
			OriginatingExch: new(""),
		})
	}
	return nil
}

func noCalendar[P proto.Message](*Gateway, *conn, P) *requestError {
	return unavailable(10276, "News feed is not allowed.")
}
