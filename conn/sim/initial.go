package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Initial is what a simulated gateway begins with. Prices and amounts are in the instrument's currency, cash is in USD.
type Initial struct {
	Accounts    []InitialAccount    `json:"accounts"`
	Instruments []InitialInstrument `json:"instruments"`
}

// InitialAccount is one managed account.
type InitialAccount struct {
	ID        string            `json:"id"`
	Cash      *float64          `json:"cash"` // default 1,000,000 less what the positions have cost
	Positions []InitialPosition `json:"positions"`
	Orders    []InitialOrder    `json:"orders"`
}

// InitialPosition is what an account holds of one instrument. Symbols are written as in AAPL, EUR.USD, ESZ6.
type InitialPosition struct {
	Symbol      string   `json:"symbol"`
	Quantity    float64  `json:"quantity"`     // below 0: short
	AverageCost *float64 `json:"average_cost"` // per unit, without multiplier; default: the opening price
}

// InitialOrder is an open order. It fills as soon as the market lets it.
type InitialOrder struct {
	ClientID int32   `json:"client_id"`
	OrderID  int32   `json:"order_id"`
	OrderRef string  `json:"order_ref"`
	Symbol   string  `json:"symbol"`
	Action   string  `json:"action"`
	Type     string  `json:"type"` // default LMT, or MKT without a limit
	Quantity float64 `json:"quantity"`
	Limit    float64 `json:"limit"`
	Stop     float64 `json:"stop"`
	TIF      string  `json:"tif"` // default GTC
}

// InitialInstrument sets the opening price of an instrument, or makes a US stock of that symbol known.
type InitialInstrument struct {
	Symbol   string  `json:"symbol"`
	Price    float64 `json:"price"`
	ConID    int32   `json:"con_id"` // of a new one; default: numbers from 900000001 on
	Name     string  `json:"name"`
	Exchange string  `json:"exchange"` // where it is listed; default NASDAQ
}

const (
	firstNewConID = 900_000_001
	maxAmount     = 1e15
)

// ParseInitial reads an [Initial] from JSON. Errors name the field, or the line.
func ParseInitial(text []byte) (*Initial, error) {
	in := new(Initial)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(in)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("line 1: the file is empty")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("line %d: %w", lineAt(text, syntax.Offset), err)
	case errors.As(err, &typed):
		return nil, fmt.Errorf("line %d: %s: a %s is not allowed here", lineAt(text, typed.Offset), typed.Field,
			typed.Value)
	case err != nil:
		return nil, fmt.Errorf("line %d: %w", lineAt(text, dec.InputOffset()), err)
	}
	return in, in.check()
}

func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}

// check finds what can be found without a gateway.
func (in *Initial) check() error {
	ids := map[string]bool{}
	for i, a := range in.Accounts {
		at := fmt.Sprintf("accounts[%d]", i)
		switch {
		case !isAccountID(a.ID):
			return fmt.Errorf("%s.id: %q is not an account id such as DU1234567", at, a.ID)
		case ids[a.ID]:
			return fmt.Errorf("%s.id: %s is given twice", at, a.ID)
		case a.Cash != nil && !(math.Abs(*a.Cash) < maxAmount):
			return fmt.Errorf("%s.cash: %v is out of range", at, *a.Cash)
		}
		ids[a.ID] = true
		held := map[string]bool{}
		for k, p := range a.Positions {
			at := fmt.Sprintf("%s.positions[%d]", at, k)
			switch {
			case held[p.Symbol]:
				return fmt.Errorf("%s.symbol: %s is given twice", at, p.Symbol)
			case p.Quantity == 0 || !(math.Abs(p.Quantity) < 1e9):
				return fmt.Errorf("%s.quantity: %v is 0 or out of range", at, p.Quantity)
			case p.AverageCost != nil && !(math.Abs(*p.AverageCost) < 1e9):
				return fmt.Errorf("%s.average_cost: %v is out of range", at, *p.AverageCost)
			}
			held[p.Symbol] = true
		}
	}
	symbols := map[string]bool{}
	for i, n := range in.Instruments {
		at := fmt.Sprintf("instruments[%d]", i)
		switch {
		case n.Symbol == "":
			return fmt.Errorf("%s.symbol: is missing", at)
		case symbols[n.Symbol]:
			return fmt.Errorf("%s.symbol: %s is given twice", at, n.Symbol)
		case !(n.Price > 0 && n.Price < 1e9):
			return fmt.Errorf("%s.price: %v is not a price above 0", at, n.Price)
		case n.ConID < 0:
			return fmt.Errorf("%s.con_id: %d is below 0", at, n.ConID)
		}
		symbols[n.Symbol] = true
	}
	return nil
}

func isAccountID(s string) bool {
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

// apply gives the gateway's instruments their prices, and adds those that it does not know.
func (in *Initial) apply(all []*instrument) ([]*instrument, error) {
	for i, n := range in.Instruments {
		at := slices.IndexFunc(all, func(one *instrument) bool { return one.label() == n.Symbol })
		if at >= 0 {
			if n.ConID != 0 || n.Name != "" || n.Exchange != "" {
				return nil, fmt.Errorf("instruments[%d]: %s is known; only its price can be set", i, n.Symbol)
			}
			all[at].start = n.Price
			if err := all[at].roundStart(); err != nil {
				return nil, fmt.Errorf("instruments[%d].price: %w", i, err)
			}
			continue
		}
		id := cmp.Or(n.ConID, int32(firstNewConID+i))
		if slices.ContainsFunc(all, func(one *instrument) bool { return one.conID() == id }) {
			return nil, fmt.Errorf("instruments[%d].con_id: %d is in use", i, id)
		}
		one := &instrument{
			contract: newContract(id, n.Symbol, "STK", "SMART", cmp.Or(n.Exchange, "NASDAQ"), "USD", n.Symbol, "NMS"),
			name:     cmp.Or(n.Name, n.Symbol), rule: ruleUSStocks, minSize: "0.0001", start: n.Price,
		}
		if err := one.roundStart(); err != nil {
			return nil, fmt.Errorf("instruments[%d].price: %w", i, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// roundStart puts the opening price on one that the instrument can have.
func (in *instrument) roundStart() error {
	tick := in.step(in.start)
	if in.start < tick {
		return fmt.Errorf("%v is less than %v, the distance between two prices", in.start, tick)
	}
	in.start = round(math.Round(in.start/tick) * tick)
	return nil
}

// ids are the accounts, in order.
func (in *Initial) ids() []string {
	var ids []string
	for _, a := range in.Accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

// fillBook gives the accounts what they begin with. It is called before anything runs.
func (g *Gateway) fillBook(in *Initial) error {
	g.book.deposits = map[string]float64{}
	g.book.positions = map[positionKey]*position{}
	for i, a := range in.Accounts {
		spent := 0.0
		for k, p := range a.Positions {
			q, err := g.quoteOf(p.Symbol)
			if err != nil {
				return fmt.Errorf("accounts[%d].positions[%d].symbol: %w", i, k, err)
			}
			cost := q.in.start
			if p.AverageCost != nil {
				cost = *p.AverageCost
			}
			key := positionKey{a.ID, q.in.conID()}
			g.book.positions[key] = &position{key: key, q: q, size: p.Quantity, avgCost: cost, carried: p.Quantity}
			if q.in.secType() != "FUT" {
				spent += cost * p.Quantity * multiplier(q) * g.usd(q)
			}
		}
		if a.Cash != nil {
			g.book.deposits[a.ID] = *a.Cash + spent
		}
	}
	for i, a := range in.Accounts {
		for k, o := range a.Orders {
			if err := g.initialOrder(a.ID, o); err != nil {
				return fmt.Errorf("accounts[%d].orders[%d].%w", i, k, err)
			}
		}
	}
	g.counters = Counters{}
	return nil
}

func (g *Gateway) quoteOf(symbol string) (*quote, error) {
	for _, q := range g.quotes {
		if q.in.label() == symbol {
			return q, nil
		}
	}
	return nil, errUnknownSymbol(symbol)
}

// initialOrder places an order as its client would. The error begins with what follows the order's place in the file.
func (g *Gateway) initialOrder(account string, o InitialOrder) error {
	q, err := g.quoteOf(o.Symbol)
	switch {
	case err != nil:
		return fmt.Errorf("symbol: %w", err)
	case o.Action != "BUY" && o.Action != "SELL":
		return fmt.Errorf("action: %q is not BUY or SELL", o.Action)
	case !(o.Quantity > 0 && o.Quantity < 1e9):
		return fmt.Errorf("quantity: %v is not a quantity above 0", o.Quantity)
	case o.OrderID < 1:
		return fmt.Errorf("order_id: %d is not above 0", o.OrderID)
	case o.ClientID < 0:
		return fmt.Errorf("client_id: %d is below 0", o.ClientID)
	case g.book.byID[orderKey{o.ClientID, o.OrderID}] != nil:
		return fmt.Errorf("order_id: client %d has another order %d", o.ClientID, o.OrderID)
	}
	price := func(v float64) *float64 {
		if v == 0 {
			return nil
		}
		return &v
	}
	kind := cmp.Or(o.Type, "LMT")
	if o.Type == "" && o.Limit == 0 {
		kind = "MKT"
	}
	client := &conn{
		g: g, clientID: o.ClientID, version: g.cfg.ServerVersion, muted: true, wake: make(chan struct{}, 1),
	}
	m := &protobuf.PlaceOrderRequest{
		OrderId: &o.OrderID, Contract: proto.CloneOf(q.in.contract),
		Order: &protobuf.Order{
			Action: &o.Action, OrderType: &kind, TotalQuantity: new(formatFloat(o.Quantity)),
			LmtPrice: price(o.Limit),
			AuxPrice: price(o.Stop), Tif: new(cmp.Or(o.TIF, "GTC")), OrderRef: &o.OrderRef, Account: &account,
			Transmit: new(true),
		},
	}
	if e := g.placeOrder(client, m); e != nil {
		return fmt.Errorf("symbol %s: refused with %d, %s", o.Symbol, e.Code, e.Text)
	}
	return nil
}
