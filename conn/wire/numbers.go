package wire

// Versions of the protocol that are spoken. What Gateway says in its reply to the hello is one of them, or the session
// cannot be.
const (
	Oldest = 213 // the first with every message in protobuf
	Newest = 226 // that of Gateway 10.50.01; what it adds to 225 is about conditions of orders
)

// Numbers of the requests to Gateway, without the 200 of their protobuf form.
const (
	ReqMarketData       = 1
	ReqCancelMarketData = 2
	ReqPlaceOrder       = 3
	ReqCancelOrder      = 4
	ReqOpenOrders       = 5
	ReqAccountUpdates   = 6
	ReqExecutions       = 7
	ReqContractDetails  = 9
	ReqAllOpenOrders    = 16
	ReqCurrentTime      = 49
	ReqMarketDataType   = 59
	ReqPositions        = 61
	ReqStartAPI         = 71
	ReqMarketRule       = 91
	ReqCompletedOrders  = 99
	ReqConfig           = 108
)

// Numbers of the messages from Gateway, without the 200 of their protobuf form.
const (
	MsgTickPrice          = 1
	MsgTickSize           = 2
	MsgOrderStatus        = 3
	MsgError              = 4
	MsgOpenOrder          = 5
	MsgPortfolio          = 7
	MsgNextValidID        = 9
	MsgContractDetails    = 10
	MsgExecution          = 11
	MsgManagedAccounts    = 15
	MsgBondDetails        = 18
	MsgTickGeneric        = 45
	MsgTickString         = 46
	MsgCurrentTime        = 49
	MsgContractDetailsEnd = 52
	MsgOpenOrdersEnd      = 53
	MsgAccountEnd         = 54
	MsgExecutionsEnd      = 55
	MsgTickSnapshotEnd    = 57
	MsgMarketDataType     = 58
	MsgCommission         = 59
	MsgPosition           = 61
	MsgPositionsEnd       = 62
	MsgTickReqParams      = 81
	MsgReroute            = 91
	MsgMarketRule         = 93
	MsgCompletedOrder     = 101
	MsgCompletedOrdersEnd = 102
	MsgConfig             = 110
)

// ProtoBase is added to the number of a request or message whose body is protobuf.
const ProtoBase = 200

// maxNumber is the highest number that is taken for one of a message: what lies above is something else, such as text.
// Those in use end at 111, and at 311 in protobuf.
const maxNumber = 9999

// Types of ticks. Source: IBKR's API reference, "Available tick types".
const (
	BidSize         = 0
	Bid             = 1
	Ask             = 2
	AskSize         = 3
	Last            = 4
	LastSize        = 5
	High            = 6
	Low             = 7
	Volume          = 8
	Close           = 9
	Open            = 14
	LastTime        = 45
	DelayedBid      = 66
	DelayedAsk      = 67
	DelayedLast     = 68
	DelayedBidSize  = 69
	DelayedAskSize  = 70
	DelayedLastSize = 71
	DelayedHigh     = 72
	DelayedLow      = 73
	DelayedVolume   = 74
	DelayedClose    = 75
	DelayedOpen     = 76
	DelayedLastTime = 88
)
