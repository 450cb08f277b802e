package sim

import (
	"strings"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// contracts is what is known of contracts, and the market rules that they follow.
var contracts = subject{
	requests: map[int]*requestKind{
		wire.ReqContractDetails: requestAs("reqContractDetails", verProtoContracts, formOf(contractDataRequestText),
			(*Gateway).contractDetails),
		106: requestAs("cancelContractData", 0, nil,
			ignored[*protobuf.CancelContractData]).from(verCancelContract),
		wire.ReqMarketRule: requestAs("reqMarketRule", verProtoRest2, inOrder(0), marketRule),
	},
	replies: map[protoreflect.Name]reply{
		"ContractData":    {wire.MsgContractDetails, verProtoContracts, formOf(contractDataText)},
		"ContractDataEnd": {wire.MsgContractDetailsEnd, verProtoContracts, inOrder(1)},
		"MarketRule":      {wire.MsgMarketRule, verProtoRest2, inOrder(0)},
	},
}

func contractDataRequestText(f *form, m *protobuf.ContractDataRequest) {
	f.messageVersion(1)
	f.message(m)
	c := m.Contract
	f.all(&c.IncludeExpired, &c.SecIdType, &c.SecId, &c.IssuerId)
}

func contractDataText(f *form, m *protobuf.ContractData) {
	c, d := part(f, &m.Contract), part(f, &m.ContractDetails)
	f.all(&m.ReqId, &c.Symbol, &c.SecType)
	// Text sessions carry the last trade date, hour and zone in one field.
	f.str(strings.TrimSpace(c.GetLastTradeDateOrContractMonth()))
	f.since(verLastTradeDate, &c.LastTradeDate)
	f.all(&c.Strike, &c.Right, &c.Exchange, &c.Currency, &c.LocalSymbol, &d.MarketName, &c.TradingClass, &c.ConId,
		&d.MinTick)
	f.opt(&c.Multiplier)
	f.all(&d.OrderTypes, &d.ValidExchanges, &d.PriceMagnifier, &d.UnderConId, &d.LongName, &c.PrimaryExch,
		&d.ContractMonth, &d.Industry, &d.Category, &d.Subcategory, &d.TimeZoneId, &d.TradingHours, &d.LiquidHours,
		&d.EvRule)
	f.int(int64(d.GetEvMultiplier()))
	f.tags(&d.SecIdList)
	f.all(&d.AggGroup, &d.UnderSymbol, &d.UnderSecType, &d.MarketRuleIds, &d.RealExpirationDate, &d.StockType,
		&d.MinSize, &d.SizeIncrement, &d.SuggestedSizeIncrement)
	if f.version >= verIneligibility {
		f.fixed("0") // ineligibility reasons: the simulated contracts have none
	}
}

// contFut is the type of a future without an expiry: it has details and history, and cannot be traded.
const contFut = "CONTFUT"

// find resolves the contract a client described to exactly one instrument.
func (g *Gateway) find(want *protobuf.Contract) (*quote, *requestError) {
	all, e := g.findAll(want)
	if e != nil {
		return nil, e
	}
	if len(all) > 1 {
		return nil, refused(200, "The contract description specified for %s is ambiguous.", want.GetSymbol())
	}
	if all[0].replay != nil {
		g.beginReplay()
	}
	return all[0], nil
}

func (g *Gateway) findAll(want *protobuf.Contract) ([]*quote, *requestError) {
	if want.GetConId() == 0 && want.GetSecType() == "" {
		return nil, invalid("Please enter a valid security type")
	}
	var all []*quote
	for _, q := range g.quotes {
		if q.in.matches(want) {
			all = append(all, q)
		}
	}
	if want.GetSecType() == contFut && len(all) > 1 { // it stands for the month that is traded most, the next one here
		all = all[:1]
	}
	if len(all) == 0 {
		return nil, codeError(200)
	}
	return all, nil
}

func (g *Gateway) contractDetails(c *conn, m *protobuf.ContractDataRequest) *requestError {
	if g.upstreamLost {
		return notConnected()
	}
	all, e := g.findAll(m.GetContract())
	if e != nil {
		return e
	}
	for _, q := range all {
		d := q.in.details(m.GetReqId(), g.nowLocked().In(g.zone))
		if m.GetContract().GetSecType() == contFut {
			d.Contract.SecType = new(contFut)
		}
		c.queueLocked(d)
	}
	c.sendLocked(&protobuf.ContractDataEnd{ReqId: m.ReqId})
	return nil
}
