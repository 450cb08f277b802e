package port_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
)

// happening is one callback of the client library.
type happening struct {
	name   string
	id     int64
	code   int64
	text   string
	status string
}

// program is a program that uses scmhub/ibapi, unmodified.
type program struct {
	ibapi.Wrapper
	*ibapi.EClient
	t testing.TB

	mu     sync.Mutex
	events []happening
	nextID int64
}

func (p *program) add(h happening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, h)
}

func (p *program) NextValidID(id int64) {
	p.mu.Lock()
	p.nextID = id
	p.mu.Unlock()
	p.add(happening{name: "nextValidId", id: id})
}

func (p *program) ManagedAccounts(a []string) {
	p.add(happening{name: "accounts", text: strings.Join(a, ",")})
}
func (p *program) CurrentTime(int64)           { p.add(happening{name: "time"}) }
func (p *program) ContractDetailsEnd(id int64) { p.add(happening{name: "detailsEnd", id: id}) }
func (p *program) ExecDetailsEnd(id int64)     { p.add(happening{name: "executionsEnd", id: id}) }
func (p *program) OpenOrderEnd()               { p.add(happening{name: "openOrdersEnd"}) }
func (p *program) ConnectionClosed()           { p.add(happening{name: "closed"}) }
func (p *program) HistoricalDataEnd(id int64, from, to string) {
	p.add(happening{name: "historyEnd", id: id})
}

func (p *program) TickPrice(id int64, _ int64, _ float64, _ ibapi.TickAttrib) {
	p.add(happening{name: "tick", id: id})
}

func (p *program) ContractDetails(id int64, d *ibapi.ContractDetails) {
	p.add(happening{name: "details", id: id, text: d.Contract.Symbol})
}

func (p *program) OpenOrder(id int64, c *ibapi.Contract, o *ibapi.Order, s *ibapi.OrderState) {
	p.add(happening{name: "openOrder", id: id, text: c.Symbol, status: s.Status})
}

func (p *program) OrderStatus(id int64, status string, filled, remaining ibapi.Decimal, avg float64, perm, parent int64, last float64, client int64, why string, cap float64) {
	p.add(happening{name: "orderStatus", id: id, status: status, code: perm})
}

func (p *program) ExecDetails(id int64, c *ibapi.Contract, x *ibapi.Execution) {
	p.add(happening{name: "execution", id: x.OrderID, text: x.ExecID})
}

func (p *program) Error(id int64, at int64, code int64, text string, advanced string) {
	p.add(happening{name: "error", id: id, code: code, text: text})
}

// await returns the first callback, from one on, that ok accepts.
func (p *program) await(what string, from int, ok func(happening) bool) happening {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		for i := from; i < len(p.events); i++ {
			if h := p.events[i]; ok(h) {
				p.mu.Unlock()
				return h
			}
		}
		list := p.events[min(from, len(p.events)):]
		p.mu.Unlock()
		if time.Now().After(end) {
			p.t.Fatalf("%s did not come; there were %+v", what, list[:min(30, len(list))])
		}
	}
}

func (p *program) named(name string, from int) happening {
	p.t.Helper()
	return p.await(name, from, func(h happening) bool { return h.name == name })
}

// status waits for a status of an order.
func (p *program) status(id int64, status string) happening {
	p.t.Helper()
	return p.await(status, 0, func(h happening) bool {
		return h.name == "orderStatus" && h.id == id && h.status == status
	})
}

// error waits for an error about an id.
func (p *program) error(id, code int64) happening {
	p.t.Helper()
	return p.await("an error", 0, func(h happening) bool { return h.name == "error" && h.id == id && h.code == code })
}

// connectProgram connects a program to a port.
func connectProgram(t testing.TB, number int, client int64) *program {
	t.Helper()
	p := &program{t: t}
	p.EClient = ibapi.NewEClient(p)
	if err := p.Connect("127.0.0.1", number, client); err != nil {
		t.Fatal(err)
	}
	p.named("nextValidId", 0)
	p.named("accounts", 0)
	return p
}

func stock(symbol string) *ibapi.Contract {
	c := ibapi.NewContract()
	c.Symbol, c.SecType, c.Exchange, c.Currency = symbol, "STK", "SMART", "USD"
	return c
}

func limitOrder(action, qty string, price float64) *ibapi.Order {
	o := ibapi.NewOrder()
	o.Action, o.OrderType, o.TotalQuantity, o.LmtPrice, o.TIF = action, "LMT", ibapi.StringToDecimal(qty), price, "GTC"
	return o
}

func marketOrder(action, qty string) *ibapi.Order {
	o := ibapi.NewOrder()
	o.Action, o.OrderType, o.TotalQuantity, o.TIF = action, "MKT", ibapi.StringToDecimal(qty), "DAY"
	return o
}
