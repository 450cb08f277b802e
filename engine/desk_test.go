package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

var generous = Limits{Mode: conn.Paper, PerMinute: 1000, PerDay: 1000, Quantity: 1000, Notional: 1e6}

// counter is a desk on a ledger on a supervisor on a simulated gateway, and what it reports.
type counter struct {
	*desk
	*Desk
	log     *logbook
	mu      sync.Mutex
	reports []Report
}

// logbook is a log in memory.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *logbook) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// count returns in how many places a text stands.
func (j *logbook) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func openCounter(t *testing.T, g *sim.Gateway, l Limits) *counter {
	t.Helper()
	return counting(t, newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port()), l)
}

func counting(t *testing.T, d *desk, l Limits) *counter {
	t.Helper()
	c := &counter{desk: d, log: &logbook{}}
	c.Desk = NewDesk(c.desk.ledger, l, func(r Report) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reports = append(c.reports, r)
	}, slog.New(slog.NewTextHandler(c.log, nil)))
	c.desk.ledger.OnChange(c.follow)
	return c
}

// intent returns what is known of an order now.
func (c *counter) intent(of Intent) (found Intent) {
	for _, i := range c.ledger().Intents() {
		if i.Order.Ref == of.Order.Ref {
			found = i
		}
	}
	return found
}

func (c *counter) told() []Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Report(nil), c.reports...)
}

// reason returns for which reason an error blocks, empty if it does not.
func reason(err error) string {
	if shut := (*BlockedError)(nil); errors.As(err, &shut) {
		return shut.Reason
	}
	return ""
}

// TestNothingPassesThatMayNot tries every reason for which an order is blocked. None of them leaves a trace in the
// gateway, in the ledger or for later.
func TestNothingPassesThatMayNot(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	good := order(1, 90)
	market := good
	market.Type, market.LimitPrice = conn.Market, 0
	exit := conn.Order{Contract: good.Contract, Side: conn.Sell, Type: conn.Limit, Quantity: 1, LimitPrice: 200}
	many := exit
	many.Quantity = 11
	few := func(change func(*Limits)) Limits {
		l := generous
		change(&l)
		return l
	}
	try := func(name string, l Limits, t1 Ticket, want string) {
		t.Helper()
		c.Configure(l)
		c.Arm()
		if want == BlockedDisarmed {
			c.Disarm()
		}
		_, before := c.Blocked()
		list, err := c.Place(t1)
		if got := reason(err); got != want || len(list) != 0 {
			t.Errorf("%s: %q, %v, %d intents", name, got, err, len(list))
		}
		last, after := c.Blocked()
		told := c.told()
		if n := len(told); after[want] != before[want]+1 || last[len(last)-1].Reason != want || n == 0 ||
			told[n-1].Kind != ReportBlocked || told[n-1].Reason != want {
			t.Errorf("%s: %v, %+v, %+v", name, after, last, told)
		}
	}
	on := func(o conn.Order) Ticket { return Ticket{Session: s, Order: o} }
	try("no session", generous, Ticket{Order: good}, BlockedGuard)
	try("not armed", generous, on(good), BlockedDisarmed)
	try("no mode was configured for live", few(func(l *Limits) { l.Mode = conn.Live }), on(good), BlockedWrongMode)
	try("another instrument", few(func(l *Limits) { l.Symbols = []string{"MSFT", "IBM"} }), on(good), BlockedInstrument)
	try("none in a minute", few(func(l *Limits) { l.PerMinute = 0 }), on(good), BlockedPerMinute)
	try("none in a day", few(func(l *Limits) { l.PerDay = 0 }), on(good), BlockedPerDay)
	try("exits count", few(func(l *Limits) {
		l.PerMinute = 2
	}), Ticket{Session: s, Order: good, Exits: []conn.Order{exit, exit}}, BlockedPerMinute)
	try("exits count by day", few(func(l *Limits) {
		l.PerDay = 1
	}), Ticket{Session: s, Order: good, Exits: []conn.Order{exit}}, BlockedPerDay)
	try("too many", few(func(l *Limits) { l.Quantity = 0.5 }), on(good), BlockedQuantity)
	try("too many in an exit", few(func(l *Limits) {
		l.Quantity = 10
	}), Ticket{Session: s, Order: good, Exits: []conn.Order{many}}, BlockedQuantity)
	try("worth too much", few(func(l *Limits) { l.Notional = 89.99 }), on(good), BlockedNotional)
	try("worth too much with its multiplier", few(func(l *Limits) {
		l.Notional = 100
	}), Ticket{Session: s, Order: good, Multiplier: 2}, BlockedNotional)
	try("worth too much at the market", few(func(l *Limits) {
		l.Notional = 100
	}), Ticket{Session: s, Order: market, Price: 100.01}, BlockedNotional)
	cheap := good
	cheap.Side, cheap.LimitPrice = conn.Sell, 1
	stopped := cheap
	stopped.Type, stopped.StopPrice = conn.StopLimit, 90
	try("sold at any price, worth what the market pays", few(func(l *Limits) {
		l.Notional = 100
	}), Ticket{Session: s, Order: cheap, Price: 100.01}, BlockedNotional)
	dear := cheap
	dear.LimitPrice = 120
	try("sold above what the market pays", few(func(l *Limits) {
		l.Notional = 119
	}), Ticket{Session: s, Order: dear, Price: 100}, BlockedNotional)
	try("sold at a price, and what the market pays is not known", few(func(l *Limits) {
		l.Notional = 119
	}), on(dear), BlockedNotional)
	try("sold at any price from a stop on", few(func(l *Limits) { l.Notional = 89.99 }), on(stopped), BlockedNotional)
	try("worth nobody knows what", generous, on(market), BlockedNoPrice)
	try("worth no number", generous, Ticket{Session: s, Order: market, Price: math.NaN()}, BlockedNoPrice)
	if n := len(c.ledger().Intents()); n != 0 || len(g.State().Orders) != 0 {
		t.Fatalf("%d intents, %d orders", n, len(g.State().Orders))
	}

	stop := good
	stop.Type, stop.LimitPrice, stop.StopPrice = conn.Stop, 0, 120
	try("a stop worth too much", few(func(l *Limits) {
		l.Notional = 119
	}), Ticket{Session: s, Order: stop, Price: 100}, BlockedNotional)
	last, _ := c.Blocked()
	if one := last[len(last)-1]; one.At.IsZero() || one.Detail != "119" || one.Order.StopPrice != 120 {
		t.Errorf("%+v", one)
	}
	if n := c.log.count("order blocked"); n != len(c.told()) || c.log.count("session=0 reason=guard_shut") != 1 ||
		c.log.count("session=1 reason=notional") != 8 {
		t.Errorf("%d orders are in the log: %s", n, c.log.text.String())
	}

	do(t, g, "1100", nil)
	eventually(t, "the guard is shut", func() bool { return s.Guard() != nil })
	if err := c.Check(s); reason(err) != BlockedGuard {
		t.Error(err)
	}
	try("upstream lost", generous, on(good), BlockedGuard)
	last, _ = c.Blocked()
	if d := last[len(last)-1].Detail; d != string(conn.GuardUpstream) {
		t.Error(d)
	}
	do(t, g, "1102", nil)
	eventually(t, "the guard is open", func() bool { return s.Guard() == nil })
	if n := len(c.ledger().Intents()); n != 0 || len(g.State().Orders) != 0 {
		t.Fatalf("%d intents, %d orders", n, len(g.State().Orders))
	}

	// What was decided before the guard was shut does not leave now that it is open again.
	before := on(good)
	before.Opened = s.GuardSince() - 1
	try("decided before an outage", generous, before, BlockedGuard)

	// What may pass, does; so does the last that the limits allow, and no further one.
	c.Configure(few(func(l *Limits) {
		l.PerMinute, l.PerDay, l.Quantity, l.Notional, l.Symbols = 2, 3, 1, 100.01, []string{"aapl"}
	}))
	c.Arm()
	for _, one := range []Ticket{
		{Session: s, Opened: s.GuardSince(), Order: good},
		{Session: s, Order: market, Price: 100.01},
	} {
		if list, err := c.Place(one); err != nil || len(list) != 1 || list[0].Fate == NotSent {
			t.Fatalf("%+v, %v", list, err)
		}
	}
	if _, err := c.Place(on(good)); reason(err) != BlockedPerMinute {
		t.Error(err)
	}
	c.Configure(few(func(l *Limits) { l.PerDay = 2 }))
	if _, err := c.Place(on(good)); reason(err) != BlockedPerDay {
		t.Error(err)
	}
	// Orders of yesterday and of a minute ago do not count.
	now, mono := c.Desk.now, c.ledger().mono
	set(c.ledger(), now, func() time.Duration { return mono() + 61*time.Second })
	c.Configure(few(func(l *Limits) { l.PerMinute = 1 }))
	if _, err := c.Place(on(good)); err != nil {
		t.Error(err)
	}
	c.Desk.now = func() time.Time { return now().Add(24 * time.Hour) }
	c.Configure(few(func(l *Limits) { l.PerDay = 1 }))
	if _, err := c.Place(on(good)); err != nil {
		t.Error(err)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 4 {
		t.Errorf("%d orders", n)
	}
	for range keepBlocked {
		if _, err := c.Place(Ticket{Order: good, Rule: "old"}); reason(err) != BlockedGuard {
			t.Error(err)
		}
	}
	if _, err := c.Place(Ticket{Order: good, Rule: "new"}); reason(err) != BlockedGuard {
		t.Error(err)
	}
	if last, count := c.Blocked(); len(last) != keepBlocked || last[0].Rule != "old" ||
		last[keepBlocked-1].Rule != "new" || count[BlockedGuard] < keepBlocked {
		t.Errorf("%d blocked orders are kept, %v: %+v", len(last), count, last)
	}

	// A session that is over stays so.
	do(t, g, "drop", nil)
	eventually(t, "the session is over", func() bool { return s.Guard() != nil })
	if _, err := c.Place(on(good)); reason(err) != BlockedGuard {
		t.Error(err)
	}
}

func (c *counter) ledger() *Ledger { return c.desk.ledger }

// TestModes is about which accounts orders may leave for.
func TestModes(t *testing.T) {
	for _, account := range []string{"DU1", "U1"} {
		g := startGateway(t, sim.Config{Accounts: []string{account}})
		c := openCounter(t, g, Limits{})
		s := c.session(t)
		for mode, want := range map[conn.Mode]map[string]string{
			conn.AnyMode: {"DU1": "", "U1": BlockedPaperOnly},
			conn.Paper:   {"DU1": "", "U1": BlockedWrongMode},
			conn.Live:    {"DU1": BlockedWrongMode, "U1": ""},
		} {
			l := generous
			l.Mode = mode
			c.Configure(l)
			if armed, _ := c.Armed(); armed {
				t.Errorf("%s: armed for another mode", mode)
			}
			c.Arm()
			if got := reason(c.Check(s)); got != want[account] {
				t.Errorf("%s for %s: %q", account, mode, got)
			}
			if _, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != want[account] {
				t.Errorf("%s for %s: %v", account, mode, err)
			}
		}
	}
}

// TestModeChangesWhileArmed has somebody ask all the time whether an order may leave, while the mode is changed to the
// one that the account has: what was armed for another mode never may.
func TestModeChangesWhileArmed(t *testing.T) {
	g := startGateway(t, sim.Config{Accounts: []string{"U1"}})
	c := openCounter(t, g, generous)
	s := c.session(t)
	live := generous
	live.Mode = conn.Live
	var passed, asked atomic.Int64
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if c.Check(s) == nil {
				passed.Add(1)
			}
			asked.Add(1)
		}
	})
	for asked.Load() < 500_000 {
		c.Configure(generous)
		c.Arm()
		c.Configure(live)
	}
	close(stop)
	asking.Wait()
	if passed.Load() != 0 {
		t.Errorf("%d orders could have left, of %d", passed.Load(), asked.Load())
	}
}

// TestDisarm has trading be disarmed while an order waits for its turn behind the pace limit: it does not leave any
// more.
func TestDisarm(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	c := openCounter(t, g, generous)
	s := c.session(t)
	if armed, since := c.Armed(); armed || !since.IsZero() {
		t.Fatal("armed from the start")
	}
	c.Arm()
	armed, since := c.Armed()
	if !armed || since.IsZero() {
		t.Fatal("not armed")
	}
	now := c.Desk.now
	c.Desk.now = func() time.Time { return now().Add(time.Hour) }
	c.Arm()
	if armed, again := c.Armed(); !armed || !again.Equal(since) {
		t.Fatalf("armed since %v, then since %v", since, again)
	}
	c.Desk.now = now
	for i := range int64(200) { // more than may leave within a second
		if err := s.Unsubscribe(1 + i); err != nil {
			t.Fatal(err)
		}
	}
	placed := make(chan error)
	go func() {
		_, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
		placed <- err
	}()
	eventually(t, "it is written down", func() bool { return len(c.ledger().Intents()) == 1 })
	c.Disarm()
	if n := len(g.State().Orders); n != 0 {
		t.Fatalf("%d orders", n)
	}
	if err := <-placed; reason(err) != BlockedDisarmed {
		t.Errorf("%v", err)
	}
	if i := c.ledger().Intents()[0]; i.Fate != NotSent {
		t.Errorf("%+v", i)
	}
	if n := c.log.count("trading is off"); n != 1 {
		t.Errorf("disarmed %d times", n)
	}
	c.Disarm()
	if armed, since := c.Armed(); armed || !since.IsZero() {
		t.Errorf("armed: %v, since %v", armed, since)
	}
	if n, m := c.log.count("trading is on"), c.log.count("trading is off"); n != 1 || m != 1 {
		t.Errorf("armed %d times and disarmed %d times", n, m)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
	if _, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != BlockedDisarmed {
		t.Errorf("%v", err)
	}
}

// TestGuardIsShutWhileAnOrderIsChecked has the guard be shut and opened again between the checks of an order and its
// leaving: what was decided before does not leave.
func TestGuardIsShutWhileAnOrderIsChecked(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	opened, clock := s.GuardSince(), c.Desk.now
	c.Desk.now = func() time.Time { // asked for once the guard has been
		c.Desk.now = clock
		do(t, g, "1100", nil)
		do(t, g, "1102", nil)
		eventually(t, "the guard was shut and is open", func() bool {
			return s.GuardSince() != opened && s.Guard() == nil
		})
		return clock()
	}
	list, err := c.Place(Ticket{Session: s, Opened: opened, Order: order(1, 90)})
	if reason(err) != BlockedGuard || len(list) != 1 || list[0].Fate != NotSent {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.Place(Ticket{Session: s, Opened: s.GuardSince(), Order: order(1, 90)}); err != nil {
		t.Error(err)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// TestAnswersWhileAnOrderWaits asks how things stand while an order waits for its turn behind the pace limit: no one
// who only looks waits with it.
func TestAnswersWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	for i := range int64(200) { // more than may leave within a second
		if err := s.Unsubscribe(1 + i); err != nil {
			t.Fatal(err)
		}
	}
	placed := make(chan error)
	go func() {
		_, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
		placed <- err
	}()
	eventually(t, "it is written down", func() bool { return len(c.ledger().Intents()) == 1 })
	armed, since := c.Armed()
	last, _ := c.Blocked()
	if err := c.Check(s); !armed || since.IsZero() || len(last) != 0 || err != nil {
		t.Errorf("%v since %v, %v, %v", armed, since, last, err)
	}
	if i := c.ledger().Intents()[0]; i.Fate != Planned {
		t.Errorf("it is %s before the answers are there", i.Fate)
	}
	c.Disarm()
	if err := <-placed; reason(err) != BlockedDisarmed {
		t.Error(err)
	}
}

// TestBracket places an order with its exits, and breaks such a family apart at each of its seams.
func TestBracket(t *testing.T) {
	exits := func(quantity float64) []conn.Order {
		profit := conn.Order{
			Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Limit, Quantity: quantity,
			LimitPrice: 110, TIF: "GTC",
		}
		loss := conn.Order{
			Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Stop, Quantity: quantity,
			StopPrice: 95, TIF: "GTC",
		}
		return []conn.Order{profit, loss}
	}
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(5, 101), Exits: exits(5), Rule: "dip"})
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for n, i := range list {
		if i.Rule != "dip" || i.ID != list[0].ID+int64(n) || (i.Order.Parent != 0) != (n > 0) || n > 0 &&
			i.Order.Parent != list[0].ID || i.Order.Hold != (n < 2) {
			t.Errorf("%+v", i)
		}
	}
	c.fate(t, list[0].Order.Ref, Filled)
	c.fate(t, list[1].Order.Ref, Working)
	c.fate(t, list[2].Order.Ref, Working)
	if err := g.SetPrice("AAPL", 111); err != nil {
		t.Fatal(err)
	}
	c.fate(t, list[1].Order.Ref, Filled)
	c.fate(t, list[2].Order.Ref, Cancelled)

	// A part that cannot be sent takes back what was sent of the family, and nothing of it works.
	for broken := range 3 {
		orders := append([]conn.Order{order(5, 101)}, exits(5)...)
		orders[broken].Quantity = 1.00000000001 // which the session refuses
		orders[broken].Type = "NONE"
		list, err := c.ledger().Place(s, Batch{Orders: orders})
		if broken == 0 { // of which nothing is even written down
			if err == nil || len(list) != 0 {
				t.Errorf("%+v, %v", list, err)
			}
			continue
		}
		if err == nil || len(list) != 3 {
			t.Fatalf("%+v, %v", list, err)
		}
		for n, i := range list {
			if n >= broken {
				if i.Fate != NotSent || i.Detail == "" {
					t.Errorf("broken at %d: %+v", broken, i)
				}
				continue
			}
			c.fate(t, i.Order.Ref, Cancelled)
		}
	}

	// An exit that Gateway refuses takes back what has not been filled.
	for broken := range 2 {
		odd := exits(5)
		odd[broken].LimitPrice, odd[broken].StopPrice = odd[broken].LimitPrice*1.00001, odd[broken].StopPrice*1.00001
		list, err := c.Place(Ticket{Session: s, Order: order(5, 90), Exits: odd})
		if err != nil {
			t.Fatal(err)
		}
		c.fate(t, list[1+broken].Order.Ref, Rejected)
		c.fate(t, list[0].Order.Ref, Cancelled)
		var other Intent // refused, where it was still on its way when the order was taken back
		eventually(t, "the other exit is done", func() bool {
			for _, i := range c.ledger().Intents() {
				if i.ID == list[2-broken].ID {
					other = i
				}
			}
			return other.Fate.Done()
		})
		if other.Fate != Cancelled && other.Fate != Rejected || other.Filled != 0 {
			t.Errorf("%+v", other)
		}
	}
	for _, o := range g.State().Orders[3:] {
		if o.Filled != 0 || o.Status != "Cancelled" && o.Status != "ApiCancelled" {
			t.Errorf("%+v", o)
		}
	}
}

// wanted is what an order is to become, which Gateway may have confirmed by now.
func wanted(i Intent) conn.Order {
	if i.Asked != nil {
		return *i.Asked
	}
	return i.Order
}

// TestChange changes orders, with the limits of new ones.
func TestChange(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(5, 90), Multiplier: 2})
	if err != nil {
		t.Fatal(err)
	}
	id := list[0].ID
	c.fate(t, list[0].Order.Ref, Working)
	price := func(v float64) *float64 { return &v }
	there := func() float64 { return g.State().Orders[0].Quantity }
	if i, err := c.Change(s, id, Change{LimitPrice: price(91), Quantity: price(7)}); err != nil ||
		wanted(i).LimitPrice != 91 || wanted(i).Quantity != 7 || i.Fate != Working {
		t.Errorf("%+v, %v", i, err)
	}
	eventually(t, "it is changed", func() bool { return there() == 7 })
	eventually(t, "Gateway has confirmed it", func() bool {
		i := c.ledger().Intents()[0]
		return i.Asked == nil && i.Order.Quantity == 7 && i.Order.LimitPrice == 91
	})
	if _, err := c.Change(s, id+1, Change{}); !errors.Is(err, ErrNotOpen) {
		t.Error(err)
	}
	for _, one := range []struct {
		limits func(*Limits)
		change Change
		armed  bool
		want   string
	}{
		{func(l *Limits) {}, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Quantity = 7 }, Change{Quantity: price(8)}, true, BlockedQuantity},
		{func(l *Limits) { l.Notional = 2 * 7 * 91 }, Change{LimitPrice: price(91.01)}, true, BlockedNotional},
		{func(l *Limits) { l.Mode = conn.Live }, Change{LimitPrice: price(92)}, true, BlockedWrongMode},
		{func(l *Limits) { l.Notional = 1 }, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Quantity = 1 }, Change{LimitPrice: price(92)}, false, BlockedDisarmed},
		{func(l *Limits) { l.Notional = 1 }, Change{StopPrice: price(9)}, true, BlockedNotional},
		{func(*Limits) {}, Change{StopPrice: price(9)}, true, BlockedNotSent}, // it has none
	} {
		l := generous
		one.limits(&l)
		c.Configure(l)
		c.Arm()
		if !one.armed {
			c.Disarm()
		}
		_, before := c.Blocked()
		if _, err := c.Change(s, id, one.change); reason(err) != one.want {
			t.Errorf("%s: %v", one.want, err)
		}
		if _, after := c.Blocked(); after[one.want] != before[one.want]+1 {
			t.Errorf("%s: %v, then %v", one.want, before, after)
		}
	}
	if there() != 7 {
		t.Error(there())
	}
	// As much as the limits allow.
	l := generous
	l.Quantity, l.Notional = 8, 2*8*91
	c.Configure(l)
	c.Arm()
	if _, err := c.Change(s, id, Change{Quantity: price(8)}); err != nil {
		t.Error(err)
	}
	eventually(t, "it is changed again", func() bool { return there() == 8 })
	// Every kind of order whose price says what it is worth is held to that, one without may only become smaller; an
	// exit is not held to it.
	for n, one := range []conn.Order{
		{Type: conn.Stop, StopPrice: 130},
		{Type: conn.StopLimit, StopPrice: 130, LimitPrice: 131},
		{Type: conn.Trail, TrailAmount: 5},
	} {
		one.Contract, one.Side, one.Quantity = stocks[0].Contract, conn.Buy, 1
		c.Configure(generous)
		list, err := c.Place(Ticket{Session: s, Order: one, Price: 100})
		if err != nil {
			t.Fatal(err)
		}
		c.fate(t, list[0].Order.Ref, Working)
		l := generous
		l.Notional = 200
		c.Configure(l)
		want := BlockedNotional
		if one.Type == conn.Trail {
			want = BlockedNoPrice
			if _, err := c.Change(s, list[0].ID, Change{Quantity: price(0.5)}); err != nil {
				t.Errorf("%s: %v", one.Type, err)
			}
		}
		if _, err := c.Change(s, list[0].ID, Change{Quantity: price(2)}); reason(err) != want {
			t.Errorf("%s: %v", one.Type, err)
		}
		if one.Type == conn.Stop {
			if i, err := c.Change(s, list[0].ID, Change{StopPrice: price(140)}); err != nil ||
				wanted(i).StopPrice != 140 || wanted(i).Quantity != 1 {
				t.Errorf("%+v, %v", i, err)
			}
		}
		if q := g.State().Orders[1+n].Quantity; one.Type != conn.Trail && q != 1 {
			t.Errorf("%s: quantity %v", one.Type, q)
		}
	}
	exit := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Limit, Quantity: 1, LimitPrice: 200}
	family, err := c.Place(Ticket{Session: s, Order: order(1, 90), Exits: []conn.Order{exit}})
	if err != nil {
		t.Fatal(err)
	}
	c.fate(t, family[1].Order.Ref, Working)
	if _, err := c.Change(s, family[1].ID, Change{LimitPrice: price(500)}); err != nil {
		t.Errorf("an exit: %v", err)
	}
	// An order that Gateway may not have is not open for this; it is no order that was blocked.
	c.ledger().Learn(conn.OrderNews{
		Kind: conn.OrderOpen, ID: family[0].ID, Client: clientID, Ref: family[0].Order.Ref,
		Status: "Submitted",
	})
	c.ledger().mu.Lock()
	c.ledger().ids[family[0].key()].Fate = Unknown
	c.ledger().mu.Unlock()
	if _, err := c.Change(s, family[0].ID, Change{LimitPrice: price(91)}); !errors.Is(err, ErrNotChanged) ||
		reason(err) != "" {
		t.Error(err)
	}
	// A change that Gateway refuses leaves the order as it is.
	c.Configure(generous)
	c.Arm()
	if _, err := c.Change(s, id, Change{LimitPrice: price(91.001)}); err != nil {
		t.Fatal(err)
	}
	if err := c.Cancel(s, id); err != nil {
		t.Fatal(err)
	}
	c.fate(t, list[0].Order.Ref, Cancelled)
	if err := c.Cancel(s, id); !errors.Is(err, ErrNotOpen) {
		t.Error(err)
	}
	if _, err := c.Change(s, id, Change{LimitPrice: price(92)}); !errors.Is(err, ErrNotOpen) {
		t.Error(err)
	}
}

// TestChangeKeepsTheLimits changes orders of every type. What may not be placed is not to be had by a change, either;
// what makes an order smaller is.
func TestChangeKeepsTheLimits(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	price := func(v float64) *float64 { return &v }
	trail := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Trail, Quantity: 5, TrailAmount: 5}
	stop := conn.Order{Contract: stocks[0].Contract, Side: conn.Sell, Type: conn.Stop, Quantity: 5, StopPrice: 80}
	few := func(change func(*Limits)) Limits {
		l := generous
		change(&l)
		return l
	}
	for _, one := range []struct {
		order  conn.Order
		limits Limits
		change Change
		want   string
	}{
		{trail, generous, Change{Quantity: price(6)}, BlockedNoPrice},
		{trail, few(func(l *Limits) { l.Notional = 1 }), Change{Quantity: price(4)}, ""},
		{stop, few(func(l *Limits) { l.Notional = 400 }), Change{Quantity: price(6)}, BlockedNotional},
		{stop, few(func(l *Limits) { l.Symbols = []string{"MSFT"} }), Change{Quantity: price(4)}, BlockedInstrument},
		{stop, few(func(l *Limits) { l.Symbols = []string{"MSFT", "aapl"} }), Change{Quantity: price(4)}, ""},
	} {
		c.Configure(generous)
		list, err := c.Place(Ticket{Session: s, Order: one.order, Price: 100})
		if err != nil {
			t.Fatal(err)
		}
		c.fate(t, list[0].Order.Ref, Working)
		c.Configure(one.limits)
		if _, err := c.Change(s, list[0].ID, one.change); reason(err) != one.want || one.want == "" && err != nil {
			t.Errorf("%s, %+v: %v, want %q", one.order.Type, one.limits, err, one.want)
		}
	}
}

// TestCancelAll cancels what is open, also while trading is not armed and the guard is shut.
func TestCancelAll(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	if n, err := c.CancelAll(nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	c.Arm()
	var refs []string
	for range 3 {
		list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, list[0].Order.Ref)
		c.fate(t, list[0].Order.Ref, Working)
	}
	c.Disarm()
	if _, err := c.CancelAll(nil); !errors.Is(err, conn.ErrSessionOver) {
		t.Error(err)
	}
	if err := c.Cancel(nil, c.ledger().Intents()[0].ID); !errors.Is(err, conn.ErrSessionOver) {
		t.Error(err)
	}
	if n, err := c.CancelAll(s); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, ref := range refs {
		c.fate(t, ref, Cancelled)
	}
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
	if err != nil {
		t.Fatal(err)
	}
	c.fate(t, list[0].Order.Ref, Working)
	g.Drop()
	<-s.Done()
	if n, err := c.CancelAll(s); n != 0 || !errors.Is(err, conn.ErrSessionOver) {
		t.Errorf("%d, %v", n, err)
	}
}

// TestPassed is about what a strategy is told of an error.
func TestPassed(t *testing.T) {
	for _, err := range []error{nil, conn.ErrFateUnknown, ErrNotOpen, fmt.Errorf("%w: why", ErrNotChanged)} {
		if got := passed(err); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	for want, err := range map[BlockedError]error{
		{Reason: BlockedDisarmed}:                                           errDisarmed,
		{Reason: BlockedGuard, Detail: string(conn.GuardProbe)}:             &conn.GuardError{Reason: conn.GuardProbe},
		{Reason: BlockedGuard, Detail: string(conn.GuardSocket)}:            conn.ErrSessionOver,
		{Reason: BlockedSilent}:                                             conn.ErrGatewaySilent,
		{Reason: BlockedDisk, Detail: "not sent: " + errNotWritten.Error()}: fmt.Errorf("not sent: %w", errNotWritten),
		{Reason: BlockedNotSent, Detail: conn.ErrNotSent.Error()}:           conn.ErrNotSent,
	} {
		got := (*BlockedError)(nil)
		if !errors.As(passed(err), &got) || got.Reason != want.Reason || got.Detail != want.Detail ||
			!errors.Is(got, err) {
			t.Errorf("%v became %+v, want %+v", err, got, want)
		}
	}
	if text := (&BlockedError{Reason: "r"}).Error() + ", " + (&BlockedError{Reason: "r", Detail: "d"}).
		Error(); text != "order blocked: r, order blocked: r: d" {
		t.Error(text)
	}
}

// TestReportsWhatBecomesOfOrders tells of a rejection and of an unknown fate once each.
func TestReportsWhatBecomesOfOrders(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90.001), Rule: "odd"})
	if err != nil {
		t.Fatal(err)
	}
	c.fate(t, list[0].Order.Ref, Rejected)
	for range 2 {
		c.ledger().Learn(conn.OrderNews{
			Kind: conn.OrderError, ID: list[0].ID, Client: clientID, Code: 201,
			Detail: "again",
		})
		c.ledger().Learn(conn.OrderNews{
			Kind: conn.OrderStatus, ID: list[0].ID, Client: clientID, PermID: 99,
			Status: "Inactive",
		})
	}
	if told := c.told(); len(told) != 1 || told[0].Kind != ReportRejected || told[0].Code != 110 ||
		told[0].Rule != "odd" || !strings.HasPrefix(told[0].Text, "BUY 1 AAPL LMT 90.001") {
		t.Errorf("%+v", told)
	}
	c.follow(Intent{ID: 7, Fate: Unknown, Order: order(1, 1)})
	c.follow(Intent{ID: 7, Fate: Unknown, Order: order(1, 1)})
	c.follow(Intent{ID: 8, Fate: Working, Order: order(1, 1)})
	if told := c.told(); len(told) != 2 || told[1].Kind != ReportUnknown {
		t.Errorf("%+v", told)
	}
}

// TestNotWritten has the disk refuse an order, which is not sent then.
func TestNotWritten(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	if err := c.ledger().Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != BlockedDisk || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
	works := &Intent{ID: 1, Client: clientID, Order: order(1, 90), Fate: Working}
	c.ledger().ids[works.key()], c.ledger().intents["gw-1"] = works, works
	limit := 89.
	if _, err := c.Change(s, 1, Change{LimitPrice: &limit}); reason(err) != BlockedDisk {
		t.Error(err)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestDescribe(t *testing.T) {
	c := stocks[0].Contract
	future := conn.Contract{ConID: 5, Symbol: "ES", Local: "ESZ6"}
	for want, o := range map[string]conn.Order{
		"BUY 100 AAPL LMT 230.5": {
			Contract: c, Side: conn.Buy, Type: conn.Limit, Quantity: 100,
			LimitPrice: 230.5,
		},
		"SELL 0.5 AAPL STP LMT 229 228": {
			Contract: c, Side: conn.Sell, Type: conn.StopLimit, Quantity: 0.5,
			LimitPrice: 228, StopPrice: 229,
		},
		"SELL 1 ESZ6 TRAIL 2.5 %": {
			Contract: future, Side: conn.Sell, Type: conn.Trail, Quantity: 1,
			TrailPercent: 2.5,
		},
		"BUY 3 5 MKT": {
			Contract: conn.Contract{ConID: 5}, Side: conn.Buy, Type: conn.Market,
			Quantity: 3,
		},
	} {
		if got := Describe(&o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
