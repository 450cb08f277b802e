package port_test

import (
	"fmt"
	"io"
	"net"
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

	cut func() // ends its connection, where Disconnect cannot be used

	mu     sync.Mutex
	events []happening
}

func (p *program) add(h happening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, h)
}

func (p *program) NextValidID(id int64) { p.add(happening{name: "nextValidId", id: id}) }

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

func (p *program) OrderStatus(
	id int64, status string, filled, remaining ibapi.Decimal, avg float64,
	perm, parent int64, last float64, client int64, why string, cap float64,
) {
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
	if raceEnabled {
		number, p.cut = cuttable(t, number)
	}
	if err := p.Connect("127.0.0.1", number, client); err != nil {
		t.Fatal(err)
	}
	p.named("nextValidId", 0)
	p.named("accounts", 0)
	if raceEnabled { // a session without a request races with itself when it ends
		p.mu.Lock()
		n := len(p.events)
		p.mu.Unlock()
		p.ReqIDs(1)
		p.named("nextValidId", n)
	}
	return p
}

// leave ends the connection. The library races with itself in Disconnect: under the race detector, what is between it
// and the port ends the connection instead.
func (p *program) leave() {
	if p.cut == nil {
		_ = p.EClient.Disconnect()
		return
	}
	p.cut()
	p.named("closed", 0)
}

// cuttable returns a port that leads to another one, for one connection, and what ends that.
func cuttable(t testing.TB, number int) (between int, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ends sync.WaitGroup
	over := make(chan struct{})
	ends.Go(func() {
		defer l.Close()
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer near.Close()
		far, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
		if err != nil {
			return
		}
		defer far.Close()
		ends.Go(func() {
			_, _ = io.Copy(far, near)
			_ = far.(*net.TCPConn).CloseWrite()
		})
		done := make(chan struct{})
		ends.Go(func() {
			defer close(done)
			_, _ = io.Copy(near, far)
		})
		select {
		case <-over:
		case <-done:
		}
	})
	cut = sync.OnceFunc(func() { close(over) })
	t.Cleanup(func() {
		cut()
		l.Close()
		ends.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port, cut
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
