package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/rs/zerolog"
	"github.com/scmhub/ibapi"
	"go.uber.org/goleak"
)

// libraryLog collects what the client library complains about: a field in the wrong place shows up here.
var libraryLog lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.ErrorLevel)
	ibapi.SetLogger(zerolog.New(&libraryLog))
	code := m.Run()
	if s := libraryLog.String(); code == 0 && strings.Contains(s, "panic") {
		fmt.Fprintln(os.Stderr, "the client library panicked on a message:", s)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// event is one callback of the library.
type event struct {
	name     string
	id       int64
	code     int64
	text     string
	price    float64
	contract *ibapi.Contract
	details  *ibapi.ContractDetails
	order    *ibapi.Order
	state    *ibapi.OrderState
	exec     *ibapi.Execution
	fees     ibapi.CommissionAndFeesReport
	status   statusEvent
	list     []string
	bar      *ibapi.Bar
}

type statusEvent struct {
	status            string
	filled, remaining string
	avg, last         float64
	perm, client      int64
}

// recorder is a client of the library that keeps every callback.
type recorder struct {
	ibapi.Wrapper
	client *ibapi.EClient

	mu     sync.Mutex
	events []event
	grew   chan struct{}
}

func (r *recorder) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.grew)
	r.grew = make(chan struct{})
}

// await returns the first event that match accepts, from position from on, and the position after it.
func (r *recorder) await(t testing.TB, what string, from int, match func(event) bool) (event, int) {
	t.Helper()
	deadline := time.After(patience)
	i := from
	for {
		r.mu.Lock()
		for ; i < len(r.events); i++ {
			if match(r.events[i]) {
				e := r.events[i]
				r.mu.Unlock()
				return e, i + 1
			}
		}
		grew := r.grew
		r.mu.Unlock()
		select {
		case <-grew:
		case <-deadline:
			r.mu.Lock()
			defer r.mu.Unlock()
			var got []string
			for _, e := range r.events[min(from, len(r.events)):] {
				got = append(got, fmt.Sprintf("%s/%d/%d/%s/%s", e.name, e.id, e.code, e.text, e.status.status))
			}
			t.Fatalf("%s did not arrive; events: %s", what, strings.Join(got[:min(len(got), 40)], " "))
		}
	}
}

// byName awaits the next event of that name.
func (r *recorder) byName(t testing.TB, name string, from int) (event, int) {
	t.Helper()
	return r.await(t, name, from, func(e event) bool { return e.name == name })
}

func (r *recorder) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func (r *recorder) all(name string) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []event
	for _, e := range r.events {
		if e.name == name {
			all = append(all, e)
		}
	}
	return all
}

func (r *recorder) NextValidID(id int64)         { r.add(event{name: "nextValidId", id: id}) }
func (r *recorder) ManagedAccounts(a []string)   { r.add(event{name: "managedAccounts", list: a}) }
func (r *recorder) CurrentTime(at int64)         { r.add(event{name: "currentTime", id: at}) }
func (r *recorder) CurrentTimeInMillis(at int64) { r.add(event{name: "currentTimeInMillis", id: at}) }
func (r *recorder) OpenOrderEnd()                { r.add(event{name: "openOrderEnd"}) }
func (r *recorder) CompletedOrdersEnd()          { r.add(event{name: "completedOrdersEnd"}) }
func (r *recorder) ExecDetailsEnd(id int64)      { r.add(event{name: "execDetailsEnd", id: id}) }
func (r *recorder) ContractDetailsEnd(id int64)  { r.add(event{name: "contractDetailsEnd", id: id}) }
func (r *recorder) TickSnapshotEnd(id int64)     { r.add(event{name: "tickSnapshotEnd", id: id}) }
func (r *recorder) PositionEnd()                 { r.add(event{name: "positionEnd"}) }
func (r *recorder) AccountSummaryEnd(id int64)   { r.add(event{name: "accountSummaryEnd", id: id}) }
func (r *recorder) AccountDownloadEnd(a string)  { r.add(event{name: "accountDownloadEnd", text: a}) }
func (r *recorder) PositionMultiEnd(id int64)    { r.add(event{name: "positionMultiEnd", id: id}) }
func (r *recorder) AccountUpdateMultiEnd(id int64) {
	r.add(event{name: "accountUpdateMultiEnd", id: id})
}
func (r *recorder) UpdateAccountTime(s string) { r.add(event{name: "accountTime", text: s}) }

func (r *recorder) ConnectionClosed() { r.add(event{name: "closed"}) }

func (r *recorder) MarketDataType(id int64, kind int64) {
	r.add(event{name: "marketDataType", id: id, code: kind})
}

func (r *recorder) TickReqParams(id int64, minTick float64, bbo string, permissions int64) {
	r.add(event{name: "tickReqParams", id: id, price: minTick, text: bbo})
}

func (r *recorder) TickPrice(id int64, kind int64, price float64, attrib ibapi.TickAttrib) {
	r.add(event{name: "tickPrice", id: id, code: kind, price: price})
}

func (r *recorder) TickSize(id int64, kind int64, size ibapi.Decimal) {
	r.add(event{name: "tickSize", id: id, code: kind, text: size.String()})
}

func (r *recorder) Error(id int64, at int64, code int64, text string, advanced string) {
	r.add(event{name: "error", id: id, code: code, text: text})
}

func (r *recorder) ContractDetails(id int64, d *ibapi.ContractDetails) {
	r.add(event{name: "contractDetails", id: id, details: d})
}

func (r *recorder) OpenOrder(id int64, c *ibapi.Contract, o *ibapi.Order, s *ibapi.OrderState) {
	r.add(event{name: "openOrder", id: id, contract: c, order: o, state: s})
}

func (r *recorder) CompletedOrder(c *ibapi.Contract, o *ibapi.Order, s *ibapi.OrderState) {
	r.add(event{name: "completedOrder", contract: c, order: o, state: s})
}

func (r *recorder) OrderStatus(id int64, status string, filled, remaining ibapi.Decimal, avg float64, perm,
	parent int64, last float64, client int64, why string, cap float64,
) {
	r.add(event{name: "orderStatus", id: id, status: statusEvent{
		status, filled.String(), remaining.String(), avg, last,
		perm, client,
	}})
}

func (r *recorder) ExecDetails(id int64, c *ibapi.Contract, x *ibapi.Execution) {
	r.add(event{name: "execDetails", id: id, contract: c, exec: x})
}

func (r *recorder) CommissionAndFeesReport(f ibapi.CommissionAndFeesReport) {
	r.add(event{name: "commission", fees: f})
}

func (r *recorder) Position(account string, c *ibapi.Contract, size ibapi.Decimal, cost float64) {
	r.add(event{name: "position", text: account, contract: c, price: cost, list: []string{size.String()}})
}

func (r *recorder) PositionMulti(id int64, account string, model string, c *ibapi.Contract, size ibapi.Decimal,
	cost float64,
) {
	r.add(event{name: "positionMulti", id: id, text: account, contract: c, price: cost, list: []string{size.String()}})
}

func (r *recorder) AccountSummary(id int64, account, tag, value, currency string) {
	r.add(event{name: "accountSummary", id: id, list: []string{account, tag, value, currency}})
}

func (r *recorder) UpdateAccountValue(tag, value, currency, account string) {
	r.add(event{name: "accountValue", list: []string{account, tag, value, currency}})
}

func (r *recorder) AccountUpdateMulti(id int64, account, model, key, value, currency string) {
	r.add(event{name: "accountUpdateMulti", id: id, list: []string{account, key, value, currency}})
}

func (r *recorder) UpdatePortfolio(c *ibapi.Contract, size ibapi.Decimal, price, value, cost, unrealized,
	realized float64, account string,
) {
	r.add(event{name: "portfolio", text: account, contract: c, price: price, list: []string{size.String()}})
}

// startSim starts a gateway that is closed with the test.
func startSim(t testing.TB, cfg sim.Config) *sim.Gateway {
	t.Helper()
	cfg.AnswerEveryTime = true // tests ask whether a session lives as often as they like
	g, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// connect connects the library and waits for READY.
func connect(t testing.TB, g *sim.Gateway, clientID int64) *recorder {
	t.Helper()
	r := &recorder{grew: make(chan struct{})}
	r.client = ibapi.NewEClient(r)
	if err := r.client.Connect("127.0.0.1", g.Port(), clientID); err != nil {
		t.Fatal(err)
	}
	// The library races with itself if Disconnect is called beside its own watcher, so the gateway ends the session.
	t.Cleanup(func() {
		g.Drop()
		r.byName(t, "closed", 0)
	})
	r.byName(t, "nextValidId", 0)
	r.byName(t, "managedAccounts", 0)
	return r
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
