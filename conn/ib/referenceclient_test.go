package ib

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"

	"gatewatch/conn/wire"
)

// reference understands messages by the client library's decoder. Its callbacks come from one goroutine.
type reference struct {
	ibapi.Wrapper
	understanding
	kinds    map[int64]dataKind
	sizeless bool
	over     chan struct{}
}

func (l *reference) CurrentTime(unix int64) {
	if unix == -5 {
		close(l.over)
	}
}

func (l *reference) Error(request, _ int64, code int64, text, _ string) {
	l.code(int(code), text)
	if request >= 1 && request < marketBase {
		l.put(OrderNews{Kind: OrderError, ID: request, Client: 17, Code: int(code), Detail: text})
	}
}

func (l *reference) put(n OrderNews) {
	n.Session = 1
	l.news = append(l.news, n)
}

func (l *reference) tick(request int64, typ int, value float64) {
	if typ < 0 || typ >= len(tickTypes) || tickTypes[typ].field == 0 {
		return
	}
	f, data := tickTypes[typ], l.kinds[request]
	l.ticks = append(l.ticks, Tick{
		Request: request - marketBase, Field: f.field, Delayed: f.delayed || data.delayed, Old: data.old, Value: value,
	})
}

func (l *reference) TickPriceProtoBuf(p *protobuf.TickPrice) { l.sizeless = p.Size == nil }

func (l *reference) TickSizeProtoBuf(p *protobuf.TickSize) { l.sizeless = p.Size == nil }

func (l *reference) TickPrice(request int64, typ ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	l.tick(request, int(typ), realPrice(0, wire.Tick{Value: price, Size: math.NaN()}))
}

func (l *reference) TickSize(request int64, typ ibapi.TickType, size ibapi.Decimal) {
	if v := size.Float(); !l.sizeless && v >= 0 && wire.Real(v) == v {
		l.tick(request, int(typ), v)
	}
}

func (l *reference) TickString(request int64, typ ibapi.TickType, value string) {
	at, err := strconv.ParseInt(value, 10, 64)
	if err == nil && at > 0 && (typ == ibapi.LAST_TIMESTAMP || typ == ibapi.DELAYED_LAST_TIMESTAMP) {
		l.tick(request, int(typ), float64(at))
	}
}

func (l *reference) MarketDataType(request, typ int64) {
	kind, ok := dataKinds[int(typ)]
	if !ok && typ != 1 {
		kind = dataKind{old: true}
	}
	if l.kinds[request] != kind {
		l.kinds[request] = kind
		l.ticks = append(l.ticks, Tick{
			Request: request - marketBase, Field: DataKind, Delayed: kind.delayed, Old: kind.old, Value: float64(typ),
		})
	}
}

func number(d ibapi.Decimal) float64 { return wire.Real(d.Float()) }

func describedByLibrary(n OrderNews, o *ibapi.Order, state *ibapi.OrderState) OrderNews {
	n.Client, n.PermID, n.Ref = o.ClientID, o.PermID, o.OrderRef
	n.Side, n.Type = Side(o.Action), OrderType(o.OrderType)
	n.Quantity, n.Filled = number(o.TotalQuantity), number(o.FilledQuantity)
	n.TIF, n.Account, n.Outside = o.TIF, o.Account, o.OutsideRTH
	n.Limit, n.Aux, n.Percent, n.Parent = wire.Real(o.LmtPrice), wire.Real(o.AuxPrice), wire.Real(o.TrailingPercent),
		o.ParentID
	if n.Status, n.Detail = state.Status, state.CompletedStatus; n.Detail == "" {
		n.Detail = state.RejectReason
	}
	if o.Deactivate {
		n.Status = "Inactive"
	}
	return n
}

func (l *reference) OpenOrder(id int64, _ *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	if !o.WhatIf {
		l.put(describedByLibrary(OrderNews{Kind: OrderOpen, ID: id}, o, state))
	}
}

func (l *reference) CompletedOrder(_ *ibapi.Contract, o *ibapi.Order, state *ibapi.OrderState) {
	l.put(describedByLibrary(OrderNews{Kind: OrderCompleted}, o, state))
}

func (l *reference) OrderStatus(
	id int64, status string, filled, _ ibapi.Decimal, average float64, permID, parent int64, _ float64,
	client int64,
	whyHeld string, _ float64,
) {
	l.put(OrderNews{
		Kind: OrderStatus, ID: id, Client: client, PermID: permID, Parent: parent, Status: status, WhyHeld: whyHeld,
		Filled: number(filled), Price: wire.Real(average),
	})
}

func (l *reference) ExecDetails(_ int64, _ *ibapi.Contract, e *ibapi.Execution) {
	n := OrderNews{
		Kind: OrderFilled, ID: e.OrderID, Client: e.ClientID, PermID: e.PermID, Ref: e.OrderRef, Execution: e.ExecID,
		Filled: number(e.Shares), Total: number(e.CumQty), Price: wire.Real(e.Price),
	}
	switch e.Side {
	case "BOT":
		n.Side = Buy
	case "SLD":
		n.Side = Sell
	}
	l.put(n)
}

func (l *reference) CommissionAndFeesReport(r ibapi.CommissionAndFeesReport) {
	l.put(OrderNews{
		Kind: OrderCommission, Execution: r.ExecID, Price: wire.Real(r.CommissionAndFees), Currency: r.Currency,
		// the library does not say whether it was sent
		Realised: wire.Real(r.RealizedPNL), Closes: wire.Real(r.RealizedPNL) != 0,
	})
}

func (l *reference) ContractDetails(_ int64, d *ibapi.ContractDetails) {
	c := &d.Contract
	one := Details{
		Contract: Contract{
			ConID: c.ConID, Symbol: c.Symbol, Type: c.SecType, Exchange: c.Exchange, Primary: c.PrimaryExchange,
			Currency: c.Currency, Local: c.LocalSymbol,
		},
		Name: d.LongName, MinTick: math.Max(0, wire.Real(d.MinTick)), Multiplier: 1, Magnifier: 1,
		Expiry: c.LastTradeDateOrContractMonth,
	}
	if at := slices.Index(strings.Split(d.ValidExchanges, ","), c.Exchange); at >= 0 {
		one.Rule, _ = strconv.ParseInt(strings.Split(d.MarketRuleIDs, ",")[at], 10, 64)
	}
	if m, err := strconv.ParseFloat(c.Multiplier, 64); err == nil && wire.Real(m) > 0 {
		one.Multiplier = m
	}
	l.details = append(l.details, one)
}
