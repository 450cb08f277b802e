package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// news is the news and the event calendar of an account that subscribes to neither.
var news = subject{
	requests: map[int]*requestKind{
		12: requestAs("reqNewsBulletins", verProtoNews, func(r *textReader) *protobuf.NewsBulletinsRequest {
			r.messageVersion()
			return &protobuf.NewsBulletinsRequest{AllMessages: r.optBool()}
		}, newsBulletins),
		13: requestAs("cancelNewsBulletins", verProtoNews, func(r *textReader) *protobuf.CancelNewsBulletins {
			r.messageVersion()
			return &protobuf.CancelNewsBulletins{}
		}, ignored),
		84: requestAs("reqNewsArticle", verProtoNews, func(r *textReader) *protobuf.NewsArticleRequest {
			return &protobuf.NewsArticleRequest{
				ReqId: r.requestID(), ProviderCode: r.optStr(), ArticleId: r.optStr(),
				NewsArticleOptions: r.tagValues(),
			}
		}, func(_ *Gateway, _ *conn, _ *request, m *protobuf.NewsArticleRequest) *requestError {
			return &requestError{
				Code: 10172, ReqID: m.GetReqId(), Reason: reasonNoSim,
				Text: "Failed to request news article:No data available",
			}
		}),
		85: requestAs("reqNewsProviders", verProtoNews, func(*textReader) *protobuf.NewsProvidersRequest {
			return &protobuf.NewsProvidersRequest{}
		}, func(_ *Gateway, c *conn, _ *request, _ *protobuf.NewsProvidersRequest) *requestError {
			c.sendLocked(&protobuf.NewsProviders{})
			return nil
		}),
		86: requestAs("reqHistoricalNews", verProtoNews, func(r *textReader) *protobuf.HistoricalNewsRequest {
			return &protobuf.HistoricalNewsRequest{
				ReqId: r.requestID(), ConId: r.optInt(), ProviderCodes: r.optStr(), StartDateTime: r.optStr(),
				EndDateTime:  r.optStr(),
				TotalResults: r.optInt(), HistoricalNewsOptions: r.tagValues(),
			}
		}, func(_ *Gateway, c *conn, _ *request, m *protobuf.HistoricalNewsRequest) *requestError {
			c.sendLocked(&protobuf.HistoricalNewsEnd{ReqId: m.ReqId, HasMore: proto.Bool(false)})
			return nil
		}),
		100: requestAs("reqWshMetaData", verProtoNews, func(r *textReader) *protobuf.WshMetaDataRequest {
			return &protobuf.WshMetaDataRequest{ReqId: r.requestID()}
		}, func(_ *Gateway, _ *conn, _ *request, m *protobuf.WshMetaDataRequest) *requestError {
			return notAllowed(m.GetReqId())
		}),
		101: requestAs("cancelWshMetaData", verProtoNews, func(r *textReader) *protobuf.CancelWshMetaData {
			return &protobuf.CancelWshMetaData{ReqId: r.requestID()}
		}, ignored),
		102: requestAs("reqWshEventData", verProtoNews, func(r *textReader) *protobuf.WshEventDataRequest {
			return &protobuf.WshEventDataRequest{
				ReqId: r.requestID(), ConId: r.optInt(), Filter: r.optStr(), FillWatchlist: r.optBool(),
				FillPortfolio:   r.optBool(),
				FillCompetitors: r.optBool(), StartDate: r.optStr(), EndDate: r.optStr(), TotalLimit: r.optInt(),
			}
		}, func(_ *Gateway, _ *conn, _ *request, m *protobuf.WshEventDataRequest) *requestError {
			return notAllowed(m.GetReqId())
		}),
		103: requestAs("cancelWshEventData", verProtoNews, func(r *textReader) *protobuf.CancelWshEventData {
			return &protobuf.CancelWshEventData{ReqId: r.requestID()}
		}, ignored),
	},
	replies: map[protoreflect.Name]reply{
		"NewsBulletin": replyAs(14, verProtoNews, func(t *textWriter, m *protobuf.NewsBulletin) {
			t.int(1)
			t.int(int64(m.GetNewsMsgId()))
			t.int(int64(m.GetNewsMsgType()))
			t.strs(m.GetNewsMessage(), m.GetOriginatingExch())
		}),
		"NewsProviders": replyAs(85, verProtoNews, func(t *textWriter, m *protobuf.NewsProviders) {
			t.int(int64(len(m.GetNewsProviders())))
			for _, p := range m.GetNewsProviders() {
				t.strs(p.GetProviderCode(), p.GetProviderName())
			}
		}),
		"HistoricalNewsEnd": replyAs(87, verProtoNews, func(t *textWriter, m *protobuf.HistoricalNewsEnd) {
			t.int(int64(m.GetReqId()))
			t.bool(m.GetHasMore())
		}),
	},
}

// newsBulletins sends the bulletin of the day to who asks for all of them. Later there are none.
func newsBulletins(_ *Gateway, c *conn, _ *request, m *protobuf.NewsBulletinsRequest) *requestError {
	if m.GetAllMessages() {
		c.sendLocked(&protobuf.NewsBulletin{
			NewsMsgId: proto.Int32(1), NewsMsgType: proto.Int32(1),
			NewsMessage:     proto.String("The markets of the simulator are open."),
			OriginatingExch: proto.String(""),
		})
	}
	return nil
}

// notAllowed refuses what takes a subscription to news.
func notAllowed(reqID int32) *requestError {
	return &requestError{Code: 10276, ReqID: reqID, Reason: reasonNoSim, Text: "News feed is not allowed."}
}
