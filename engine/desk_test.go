package engine

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
)

// TestNothingPassesThatMayNot tries every reason for which an order is blocked. None of them leaves a trace in the
// gateway, in the ledger or for later.
func TestNothingPassesThatMayNot(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	good := order(1, 90)
	market := good
	market.Type, market.LimitPrice = ib.Market, 0
	exit := ib.Order{Contract: good.Contract, Side: ib.Sell, Type: ib.Limit, Quantity: 1, LimitPrice: 200}
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
	on := func(o ib.Order) Ticket { return Ticket{Session: s, Order: o} }
	try("no session", generous, Ticket{Order: good}, BlockedGuard)
	try("not armed", generous, on(good), BlockedDisarmed)
	try("no mode was configured for live", few(func(l *Limits) { l.Mode = ib.Live }), on(good), BlockedWrongMode)
	try("another instrument", few(func(l *Limits) { l.Symbols = []string{"MSFT", "IBM"} }), on(good), BlockedInstrument)
	try("none in a minute", few(func(l *Limits) { l.PerMinute = 0 }), on(good), BlockedPerMinute)
	try("none in a day", few(func(l *Limits) { l.PerDay = 0 }), on(good), BlockedPerDay)
	try("exits count", few(func(l *Limits) {
		l.PerMinute = 2
	}), Ticket{Session: s, Order: good, Exits: []ib.Order{exit, exit}}, BlockedPerMinute)
	try("exits count by day", few(func(l *Limits) {
		l.PerDay = 1
	}), Ticket{Session: s, Order: good, Exits: []ib.Order{exit}}, BlockedPerDay)
	try("too many", few(func(l *Limits) { l.Quantity = 0.5 }), on(good), BlockedQuantity)
	try("too many in an exit", few(func(l *Limits) {
		l.Quantity = 10
	}), Ticket{Session: s, Order: good, Exits: []ib.Order{many}}, BlockedQuantity)
	try("worth too much", few(func(l *Limits) { l.Notional = 89.99 }), on(good), BlockedNotional)
	try("worth too much with its multiplier", few(func(l *Limits) {
		l.Notional = 100
	}), Ticket{Session: s, Order: good, Multiplier: 2}, BlockedNotional)
	try("worth too much at the market", few(func(l *Limits) {
		l.Notional = 100
	}), Ticket{Session: s, Order: market, Price: 100.01}, BlockedNotional)
	cheap := good
	cheap.Side, cheap.LimitPrice = ib.Sell, 1
	stopped := cheap
	stopped.Type, stopped.StopPrice = ib.StopLimit, 90
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
	for _, typ := range []string{"BOND", "FUND", "WAR", "FUT", ""} {
		odd := good
		odd.Contract.Type = typ
		try("worth another thing than price by quantity: "+typ, generous, on(odd), BlockedValue)
	}
	if n := len(c.orders.Intents()); n != 0 || len(g.State().Orders) != 0 {
		t.Fatalf("%d intents, %d orders", n, len(g.State().Orders))
	}

	stop := good
	stop.Type, stop.LimitPrice, stop.StopPrice = ib.Stop, 0, 120
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

	simtest.Do(t, g, "1100", nil)
	eventually(t, "the guard is shut", func() bool { return s.Guard() != nil })
	if err := c.Check(s); reason(err) != BlockedGuard {
		t.Error(err)
	}
	try("upstream lost", generous, on(good), BlockedGuard)
	last, _ = c.Blocked()
	if d := last[len(last)-1].Detail; d != string(ib.GuardUpstream) {
		t.Error(d)
	}
	simtest.Do(t, g, "1102", nil)
	eventually(t, "the guard is open", func() bool { return s.Guard() == nil })
	if n := len(c.orders.Intents()); n != 0 || len(g.State().Orders) != 0 {
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
		if list, err := c.Place(one); err != nil || len(list) != 1 || list[0].State == ledger.NotSent {
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
	// Orders of yesterday do not count.
	now := c.Desk.now
	c.Desk.now = func() time.Time { return now().Add(24 * time.Hour) }
	c.Configure(few(func(l *Limits) { l.PerDay = 1 }))
	if _, err := c.Place(on(good)); err != nil {
		t.Error(err)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 3 {
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
	simtest.Do(t, g, "drop", nil)
	eventually(t, "the session is over", func() bool { return s.Guard() != nil })
	if _, err := c.Place(on(good)); reason(err) != BlockedGuard {
		t.Error(err)
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
		simtest.Do(t, g, "1100", nil)
		simtest.Do(t, g, "1102", nil)
		eventually(t, "the guard was shut and is open", func() bool {
			return s.GuardSince() != opened && s.Guard() == nil
		})
		return clock()
	}
	list, err := c.Place(Ticket{Session: s, Opened: opened, Order: order(1, 90)})
	if reason(err) != BlockedGuard || len(list) != 1 || list[0].State != ledger.NotSent {
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

// TestAnswersWhileAnOrderWaits asks for states while an order waits for its turn behind the pace limit: no one
// who only looks waits with it.
func TestAnswersWhileAnOrderWaits(t *testing.T) {
	t.Parallel()
	g := startGateway(t, sim.Config{MaxMessageRate: -1})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	placed := c.waits(t, s)
	armed, since := c.Armed()
	last, _ := c.Blocked()
	if err := c.Check(s); !armed || since.IsZero() || len(last) != 0 || err != nil {
		t.Errorf("%v since %v, %v, %v", armed, since, last, err)
	}
	if i := c.orders.Intents()[0]; i.State != ledger.Planned {
		t.Errorf("it is %s before the answers are there", i.State)
	}
	c.Disarm()
	if err := <-placed; reason(err) != BlockedDisarmed {
		t.Error(err)
	}
}

// TestPassed is about what a strategy is told of an error.
func TestPassed(t *testing.T) {
	for _, err := range []error{
		nil, ib.ErrOrderUnknown, ledger.ErrNotOpen, fmt.Errorf("%w: why", ledger.ErrNotChanged),
	} {
		if got := passed(err); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	unwritten := fmt.Errorf("not sent: %w", ledger.ErrNotWritten)
	for want, err := range map[BlockedError]error{
		{Reason: BlockedDisarmed}:                               errDisarmed,
		{Reason: BlockedGuard, Detail: string(ib.GuardProbe)}:   &ib.GuardError{Reason: ib.GuardProbe},
		{Reason: BlockedGuard, Detail: string(ib.GuardSocket)}:  ib.ErrSessionOver,
		{Reason: BlockedSilent}:                                 ib.ErrGatewaySilent,
		{Reason: BlockedDisk, Detail: unwritten.Error()}:        unwritten,
		{Reason: BlockedNotSent, Detail: ib.ErrNotSent.Error()}: ib.ErrNotSent,
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

// TestMovedRecord has the record of orders be deleted: no order leaves, and it is said why.
func TestMovedRecord(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be deleted")
	}
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	list, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, list[0].Order.Ref, ledger.Working)
	if err := os.Remove(c.path); err != nil {
		t.Fatal(err)
	}
	// No one has looked yet, and still it does not leave.
	if list, err := c.Place(Ticket{Session: s, Order: order(1, 91)}); reason(err) != BlockedMoved || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	lower := 80.0
	if _, err := c.Change(s, list[0].ID, Change{LimitPrice: &lower}); reason(err) != BlockedMoved {
		t.Errorf("changed: %v", err)
	}
	if err := c.Check(s); reason(err) != BlockedMoved {
		t.Error(err)
	}
	if n := len(g.State().Orders); n != 1 {
		t.Errorf("%d orders at the gateway", n)
	}
}

// TestNotWritten has the disk refuse an order, which is not sent then.
func TestNotWritten(t *testing.T) {
	g := startGateway(t, sim.Config{})
	c := openCounter(t, g, generous)
	s := c.session(t)
	c.Arm()
	works, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
	if err != nil {
		t.Fatal(err)
	}
	c.state(t, works[0].Order.Ref, ledger.Working)
	if err := c.orders.Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := c.Place(Ticket{Session: s, Order: order(1, 90)}); reason(err) != BlockedDisk || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	more := 2.
	if _, err := c.Change(s, works[0].ID, Change{Quantity: &more}); reason(err) != BlockedDisk {
		t.Error(err)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if there := g.State().Orders; len(there) != 1 || there[0].Quantity != 1 {
		t.Errorf("%+v", there)
	}
}

func TestPointValue(t *testing.T) {
	for _, c := range []struct {
		typ              string
		multiplier, want float64
	}{
		{"STK", 1, 1},
		{"STK", 0, 1},
		{"STK", 0.01, 0.01},
		{"CASH", 1, 1},
		{"CFD", 1, 1},
		{"CRYPTO", 0, 1},
		{"FUT", 50, 50},
		{"OPT", 100, 100},
		{"FOP", 50, 50},
		{"FUT", 0, 0},
		{"OPT", 0, 0},
		{"FOP", 0, 0},
		{"BOND", 1, 0},
		{"BOND", 1000, 0},
		{"FUND", 1, 0},
		{"WAR", 100, 0},
		{"BAG", 1, 0},
		{"", 1, 0},
	} {
		if got := PointValue(&ib.Contract{Type: c.typ}, c.multiplier); got != c.want {
			t.Errorf("%s with a multiplier of %v: %v, want %v", c.typ, c.multiplier, got, c.want)
		}
	}
}

// TestToday: in Santiago the clocks go from midnight to one o'clock, and an order of the hour before is of another day.
func TestToday(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]string{
		"2026-09-05T12:00:00-04:00": "2026-09-05T00:00:00-04:00",
		"2026-09-05T23:59:59-04:00": "2026-09-05T00:00:00-04:00",
		"2026-09-06T01:00:00-03:00": "2026-09-06T01:00:00-03:00",
		"2026-09-06T12:00:00-03:00": "2026-09-06T01:00:00-03:00",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := today(at.In(zone)).Format(time.RFC3339); got != want {
			t.Errorf("%s is of the day from %s, want %s", now, got, want)
		}
	}
}
