package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Order states, as orderStatus spells them.
const (
	statusPendingSubmit = "PendingSubmit"
	statusPendingCancel = "PendingCancel"
	statusPreSubmitted  = "PreSubmitted"
	statusSubmitted     = "Submitted"
	statusFilled        = "Filled"
	statusCancelled     = "Cancelled"
	statusInactive      = "Inactive"
)

// firstPermID lies below every permId that is handed out.
const firstPermID = 1_500_000_000

// orderKey names an order: ids are counted per client.
type orderKey struct {
	client int32
	id     int32
}

// order is one order and its state. Its contract and order messages are never changed in place, so that queued answers
// and snapshots may share them.
type order struct {
	key        orderKey
	permID     int64
	parent     *order // that has to be filled first; nil for none
	q          *quote
	contract   *protobuf.Contract
	order      *protobuf.Order
	status     string
	until      time.Time // it is cancelled then; zero: never
	auction    time.Time // it waits for, zero if it does not
	closing    bool      // of the auction: that at the end of trading
	locating   bool      // shares to borrow
	qty        float64
	filled     float64
	avgPrice   float64
	lastPrice  float64
	triggered  bool    // stop or touch price was reached
	stop       float64 // present stop price of stop and trailing orders
	held       bool    // waits for upstream
	cancel     bool    // cancel waits for upstream
	parts      float64 // size of one partial fill
	completed  time.Time
	reason     string // of a cancellation
	ended      bool   // it is completed, whatever its status
	fixed      bool   // its status was set, and the market does not move it
	whyHeld    string // of such a status
	fault      OrderFault
	cancelling bool      // which takes a while
	untold     bool      // what comes first is lost, or waits for an execution
	silent     bool      // nothing is sent any more unless it is asked for
	paused     time.Time // no fill before that
	lostAt     time.Time // it was filled, while upstream was lost
	mute       bool      // no status is sent unless it is asked for
	hidden     bool      // no answer lists it
}

func (o *order) done() bool {
	return o.ended || o.status == statusFilled || o.status == statusCancelled
}

// kept reports whether the order stays in the gateway until one of its family is transmitted. In protobuf, clients
// leave false out.
func (o *order) kept() bool { return !o.order.GetTransmit() }

// head is the order of a family that has no parent.
func (o *order) head() *order {
	for o.parent != nil {
		o = o.parent
	}
	return o
}

// frees reports whether the children of an order may work: it has been filled, or what will ever be filled of it.
func (o *order) frees() bool {
	return o.status == statusFilled || o.done() && o.filled > 0
}

// execution is one fill, with what the commission report says about it.
type execution struct {
	of         *order
	at         time.Time
	details    *protobuf.ExecutionDetails
	commission *protobuf.CommissionAndFeesReport
}

// book is every order and fill since Start; it outlives connections and restarts.
type book struct {
	next       int64           // next order id to hand out
	lowest     map[int32]int64 // order id that a new order of a client may have
	permSeq    int64
	execSeq    int
	orders     []*order // in order of placement
	byID       map[orderKey]*order
	executions []execution
	positions  map[positionKey]*position
	deposits   map[string]float64 // what accounts begin with, if not startCash
}

// add makes an order known by its client id and id.
func (b *book) add(o *order) {
	if b.byID == nil {
		b.byID = map[orderKey]*order{}
	}
	b.byID[o.key] = o
}

// use notes that a client's order has an id: those below are used up.
func (b *book) use(key orderKey) {
	if b.lowest == nil {
		b.lowest = map[int32]int64{}
	}
	b.lowest[key.client] = max(b.lowest[key.client], int64(key.id)+1)
	b.next = max(b.next, int64(key.id)+1)
}

// forgetIDs makes the ids of completed orders usable again and hands out ids from next on.
func (b *book) forgetIDs(next int64) {
	b.next = next
	clear(b.lowest)
	for key, o := range b.byID {
		if o.done() {
			delete(b.byID, key)
		}
	}
}

func (b *book) open() []*order {
	var open []*order
	for _, o := range b.orders {
		if !o.done() {
			open = append(open, o)
		}
	}
	return open
}

func itoa(i int) string { return strconv.Itoa(i) }

// openOrderMessage returns an order with its contract; clients with another id get it on reqAllOpenOrders.
func (o *order) openOrderMessage() *protobuf.OpenOrder {
	m := proto.CloneOf(o.order)
	m.ClientId, m.OrderId, m.PermId = &o.key.client, &o.key.id, &o.permID
	return &protobuf.OpenOrder{OrderId: &o.key.id, Contract: o.contract, Order: m, OrderState: &protobuf.OrderState{
		Status: new(o.status),
	}}
}

func (o *order) statusMessage() *protobuf.OrderStatus {
	return &protobuf.OrderStatus{
		OrderId: &o.key.id, Status: new(o.status), Filled: new(formatFloat(o.filled)),
		Remaining: new(formatFloat(round(o.qty - o.filled))), AvgFillPrice: new(o.avgPrice),
		PermId:   &o.permID,
		ParentId: new(o.order.GetParentId()), LastFillPrice: new(o.lastPrice),
		ClientId: &o.key.client,
		WhyHeld:  new(o.heldBy()), MktCapPrice: proto.Float64(0),
	}
}

func (o *order) completedMessage(zone *time.Location) *protobuf.CompletedOrder {
	m := proto.CloneOf(o.order)
	m.ClientId, m.PermId = &o.key.client, &o.permID
	m.FilledQuantity = new(formatFloat(o.filled))
	m.TotalQuantity = new(formatFloat(o.qty)) // a completed order has no order id
	text := "Filled Size: " + formatFloat(o.filled)
	if o.status != statusFilled {
		text = o.reason
	}
	return &protobuf.CompletedOrder{Contract: o.contract, Order: m, OrderState: &protobuf.OrderState{
		Status: new(o.status),
		CompletedTime: new(o.completed.In(zone).Format("20060102 15:04:05 ") + zoneName(zone,
			"America/New_York")),
		CompletedStatus: &text,
	}}
}

// zoneName is the name stamps carry: name, or UTC where the machine has no time zone data.
func zoneName(zone *time.Location, name string) string {
	if zone == time.UTC {
		return "UTC"
	}
	return name
}

// owner is the ready session of the client that placed o, nil if it is not connected.
func (g *Gateway) owner(o *order) *conn { return g.client(o.key.client) }

// client is the ready session of a client id, nil if it is not connected. One that is about to end can still be there.
func (g *Gateway) client(id int32) *conn {
	for c := range g.conns {
		if c.ready && !c.closed() && c.clientID == id {
			return c
		}
	}
	return nil
}

func (g *Gateway) sendOwner(o *order, ms ...proto.Message) {
	ms = slices.DeleteFunc(ms, func(m proto.Message) bool { return !o.tells(m) })
	if c := g.owner(o); c != nil {
		c.sendLocked(ms...)
	}
	if c := g.client(0); c != nil && g.cfg.ZeroSeesAll && o.key.client != 0 {
		c.sendLocked(slices.DeleteFunc(slices.Clone(ms), func(m proto.Message) bool {
			_, is := m.(*protobuf.ErrorMessage)
			return is
		})...)
	}
}

// announce sends the owner an order's state.
func (g *Gateway) announce(o *order) { g.sendOwner(o, o.openOrderMessage(), o.statusMessage()) }

func (g *Gateway) openOrders(c *conn, all bool) {
	for _, o := range g.book.open() {
		if !o.hidden && (all || o.key.client == c.clientID || g.cfg.ZeroSeesAll && c.clientID == 0) {
			c.sendLocked(o.openOrderMessage(), o.statusMessage())
		}
	}
	c.sendLocked(&protobuf.OpenOrdersEnd{})
}

func (g *Gateway) completedOrders(c *conn, _ *protobuf.CompletedOrdersRequest) *requestError {
	for _, o := range g.book.orders {
		if o.done() && !o.hidden {
			c.queueLocked(o.completedMessage(g.zone))
		}
	}
	c.sendLocked(&protobuf.CompletedOrdersEnd{})
	return nil
}

// releaseHeldLocked does what waited for upstream.
func (g *Gateway) releaseHeldLocked() {
	for _, o := range g.book.open() {
		switch {
		case o.done():
		case o.cancel:
			if o.cancel = false; !o.lostAt.IsZero() { // it was filled before the request was there
				g.tryFill(o)
			}
			if !o.done() {
				g.confirmCancel(o, nil)
			}
		case o.held:
			o.held = false
			g.activate(o)
		}
	}
	for _, q := range g.quotes {
		g.matchLocked(q)
	}
}

func (g *Gateway) executions(c *conn, m *protobuf.ExecutionRequest) *requestError {
	keep, err := g.executionFilter(m.GetExecutionFilter())
	if err != nil {
		return invalid("%v", err)
	}
	for _, x := range g.book.executions {
		if keep(x) {
			c.queueLocked(&protobuf.ExecutionDetails{
				ReqId: m.ReqId, Contract: x.details.Contract,
				Execution: x.details.Execution,
			})
			c.queueLocked(x.commission)
		}
	}
	c.sendLocked(&protobuf.ExecutionDetailsEnd{ReqId: m.ReqId})
	return nil
}

// executionFilter compiles a filter. Without days in it, only today's executions pass.
func (g *Gateway) executionFilter(f *protobuf.ExecutionFilter) (func(execution) bool, error) {
	now := g.nowLocked().In(g.zone)
	day := func(t time.Time) int32 {
		n, _ := strconv.ParseInt(t.In(g.zone).Format("20060102"), 10, 32)
		return int32(n)
	}
	var since time.Time
	if s := f.GetTime(); s != "" {
		var err error
		if since, err = parseFilterTime(s, g.zone); err != nil {
			return nil, err
		}
	}
	side := map[string]string{"": "", "BUY": "BOT", "BOT": "BOT", "SELL": "SLD", "SLD": "SLD", "SSHORT": "SLD"}
	want, ok := side[f.GetSide()]
	if !ok {
		return nil, fmt.Errorf("invalid side %q", f.GetSide())
	}
	return func(x execution) bool {
		e, c := x.details.GetExecution(), x.details.GetContract()
		switch {
		case f.GetClientId() != 0 && f.GetClientId() != e.GetClientId(),
			f.GetAcctCode() != "" && f.GetAcctCode() != e.GetAcctNumber(),
			f.GetSymbol() != "" && f.GetSymbol() != c.GetSymbol(),
			f.GetSecType() != "" && f.GetSecType() != c.GetSecType(),
			f.GetExchange() != "" && f.GetExchange() != e.GetExchange() && f.GetExchange() != c.GetExchange(),
			want != "" && want != e.GetSide(),
			x.at.Before(since):
			return false
		case len(f.GetSpecificDates()) > 0:
			return slices.Contains(f.GetSpecificDates(), day(x.at))
		case f.GetLastNDays() > 0:
			return day(x.at) > day(now.AddDate(0, 0, -int(f.GetLastNDays())))
		}
		return day(x.at) == day(now)
	}, nil
}

// parseFilterTime reads "yyyymmdd-hh:mm:ss" (UTC) and "yyyymmdd hh:mm:ss [zone]" (zone, or the gateway's).
func parseFilterTime(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.ParseInLocation("20060102-15:04:05", s, time.UTC); err == nil {
		return t, nil
	}
	if len(s) > 18 && s[17] == ' ' {
		loc, err := time.LoadLocation(s[18:])
		if err != nil {
			return time.Time{}, fmt.Errorf("invalid time zone in %q", s)
		}
		s, zone = s[:17], loc
	}
	t, err := time.ParseInLocation("20060102 15:04:05", s, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("invalid time %q", s)
	}
	return t, nil
}
