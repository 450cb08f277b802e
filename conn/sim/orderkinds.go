package sim

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// orders is orders and what becomes of them.
var orders = subject{
	requests: map[int]*requestKind{
		wire.ReqPlaceOrder:  requestAs("placeOrder", verProtoOrders, formOf(placeOrderText), (*Gateway).placeOrder),
		wire.ReqCancelOrder: requestAs("cancelOrder", verProtoOrders, formOf(cancelOrderText), (*Gateway).cancelOrder),
		58: requestAs("reqGlobalCancel", verProtoOrders, formOf(globalCancelText),
			(*Gateway).globalCancel),
		wire.ReqOpenOrders: requestAs("reqOpenOrders", verProtoOpenOrders, inOrder(1),
			func(g *Gateway, c *conn, _ *protobuf.OpenOrdersRequest) *requestError {
				g.openOrders(c, false)
				return nil
			}),
		wire.ReqAllOpenOrders: requestAs("reqAllOpenOrders", verProtoOpenOrders, inOrder(1),
			func(g *Gateway, c *conn, _ *protobuf.AllOpenOrdersRequest) *requestError {
				g.openOrders(c, true)
				return nil
			}),
		15: requestAs("reqAutoOpenOrders", verProtoOpenOrders, inOrder(1),
			func(_ *Gateway, c *conn, _ *protobuf.AutoOpenOrdersRequest) *requestError {
				if c.clientID != 0 {
					return invalid("only the client with id 0 may bind orders")
				}
				return nil
			}),
		wire.ReqCompletedOrders: requestAs("reqCompletedOrders", verProtoOpenOrders, inOrder(0),
			(*Gateway).completedOrders),
		wire.ReqExecutions: requestAs("reqExecutions", verBinaryID, formOf(executionsText), (*Gateway).executions),
	},
	replies: map[protoreflect.Name]reply{
		"OpenOrder":               {wire.MsgOpenOrder, verBinaryID, formOf(openOrderText)},
		"OpenOrdersEnd":           {wire.MsgOpenOrdersEnd, verBinaryID, inOrder(1)},
		"OrderStatus":             {wire.MsgOrderStatus, verBinaryID, inOrder(0)},
		"CompletedOrder":          {wire.MsgCompletedOrder, verProtoOpenOrders, formOf(completedOrderText)},
		"CompletedOrdersEnd":      {wire.MsgCompletedOrdersEnd, verProtoOpenOrders, inOrder(0)},
		"ExecutionDetails":        {wire.MsgExecution, verBinaryID, formOf(executionDetailsText)},
		"ExecutionDetailsEnd":     {wire.MsgExecutionsEnd, verBinaryID, inOrder(1)},
		"CommissionAndFeesReport": {wire.MsgCommission, verProtoRest1, formOf(commissionText)},
	},
}

func cancelOrderText(f *form, m *protobuf.CancelOrderRequest) {
	if f.version < verCMETagging {
		f.messageVersion(1)
	}
	f.id(&m.OrderId)
	o := part(f, &m.OrderCancel)
	f.all(&o.ManualOrderCancelTime)
	if f.version >= verRFQ && f.version < verUndoRFQ {
		f.fixed("", "", "")
	}
	f.since(verCMETagging, &o.ExtOperator, &o.ManualOrderIndicator)
}

func globalCancelText(f *form, m *protobuf.GlobalCancelRequest) {
	if f.version < verCMETagging {
		f.messageVersion(1)
	}
	o := part(f, &m.OrderCancel)
	f.since(verCMETagging, &o.ExtOperator, &o.ManualOrderIndicator)
}

func executionsText(f *form, m *protobuf.ExecutionRequest) {
	f.messageVersion(3)
	f.id(&m.ReqId)
	x := part(f, &m.ExecutionFilter)
	f.all(&x.ClientId, &x.AcctCode, &x.Time, &x.Symbol, &x.SecType, &x.Exchange, &x.Side)
	f.since(verExecutionDays, &x.LastNDays, &x.SpecificDates)
}

func executionDetailsText(f *form, m *protobuf.ExecutionDetails) {
	x := part(f, &m.Execution)
	f.all(&m.ReqId, &x.OrderId, &m.Contract, &x.ExecId, &x.Time, &x.AcctNumber, &x.Exchange, &x.Side, &x.Shares,
		&x.Price, &x.PermId, &x.ClientId, &x.IsLiquidation, &x.CumQty, &x.AvgPrice, &x.OrderRef, &x.EvRule)
	f.opt(&x.EvMultiplier)
	f.all(&x.ModelCode, &x.LastLiquidity)
	f.since(verPendingPrice, &x.IsPriceRevisionPending)
	f.since(verSubmitter, &x.Submitter)
}

func commissionText(f *form, m *protobuf.CommissionAndFeesReport) {
	f.messageVersion(1)
	f.all(&m.ExecId, &m.CommissionAndFees, &m.Currency)
	f.double(m.RealizedPNL, m.BondYield)
	f.all(&m.YieldRedemptionDate)
}
