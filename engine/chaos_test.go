package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	random "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

const (
	victimPort   = "GATEWATCH_TEST_VICTIM_PORT"
	victimLedger = "GATEWATCH_TEST_VICTIM_LEDGER"

	gaveUp       = 3 // a victim's exit code; Windows gives 1 to what is killed
	victimClient = "GATEWATCH_TEST_VICTIM_CLIENT"
)

// idle is a strategy that wants nothing.
type idle struct{}

func (idle) Instruments() []Instrument  { return nil }
func (idle) OnBegin(*conn.Session)      {}
func (idle) OnTick(int, conn.Tick)      {}
func (idle) OnTime(time.Duration)       {}
func (idle) OnFailure(int, int, string) {}
func (idle) OnOrder(Intent)             {}

// victim places, changes and cancels orders until it is killed. It runs in a process of its own, and ends by itself only if
// something is wrong.
func victim() {
	giveUp := func(text ...any) {
		fmt.Println(text...)
		os.Exit(gaveUp)
	}
	port, err := strconv.Atoi(os.Getenv(victimPort))
	if err != nil {
		giveUp(err)
	}
	client, err := strconv.Atoi(os.Getenv(victimClient))
	if err != nil {
		giveUp(err)
	}
	byEngine := random.IntN(2) == 0
	d, err := openDesk(os.Getenv(victimLedger), port, client, !byEngine)
	if err != nil {
		giveUp(err)
	}
	log := slog.New(slog.DiscardHandler)
	endless := Limits{Mode: conn.Paper, PerMinute: 1e9, PerDay: 1e9, Quantity: 1e9, Notional: 1e9}
	desk := NewDesk(d.ledger, endless, func(Report) {}, log)
	desk.Arm()
	if byEngine {
		go New(Config{Supervisor: d.sup, Desk: desk, Strategy: idle{}, Log: log}).Run(context.Background())
	}
	for {
		time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
		s, before := d.sup.Session(), d.sup.Snapshot()
		if s == nil {
			continue
		}
		switch open := d.ledger.Pending(); {
		case len(open) > 0 && random.IntN(4) == 0:
			i := pick(open)
			_, err = desk.Change(s, i.ID, another(i.Order))
		case len(open) > 0 && random.IntN(6) == 0:
			err = desk.Cancel(s, pick(open).ID)
		case random.IntN(100) == 0:
			_, err = desk.CancelAll(s)
		case before.Guard == conn.GuardOpen || random.IntN(4) == 0:
			var list []Intent
			list, err = desk.Place(wish(s))
			after := d.sup.Snapshot()
			shut := before.Guard == conn.GuardUpstream && after.Guard == conn.GuardUpstream && before.Since.Equal(after.Since)
			if shut && (len(list) > 0 || reason(err) != BlockedGuard) {
				giveUp("an order was let out while IBKR was lost:", err)
			}
			sent := slices.ContainsFunc(list, func(i Intent) bool { return i.Fate != NotSent })
			for end := time.Now().Add(ledgerPatience); sent && before.Guard != conn.GuardOpen; time.Sleep(time.Millisecond) {
				if d.sup.Snapshot().Opened > before.Opened {
					break // it has opened meanwhile, and says so a moment later
				} else if time.Now().After(end) {
					giveUp("an order was let out with the guard closed:", before.Guard)
				}
			}
		}
		if reason(err) == BlockedDisk || reason(err) == BlockedPaperOnly || reason(err) == BlockedWrongMode {
			giveUp(err)
		}
	}
}

func pick[T any](list []T) T { return list[random.IntN(len(list))] }

// wish is what a victim wants next: an order that fills at once or rests, alone or with its exits, ready or not, with or
// without a note.
func wish(s *conn.Session) Ticket {
	t := Ticket{Session: s, Order: order(float64(1+random.IntN(9)), pick([]float64{101, 95, 90}))}
	if random.IntN(2) == 0 {
		profit, loss := t.Order, t.Order
		profit.Side, profit.LimitPrice = conn.Sell, 102
		loss.Side, loss.Type, loss.LimitPrice, loss.StopPrice = conn.Sell, conn.Stop, 0, 96
		t.Exits = []conn.Order{profit, loss}
	}
	if t.Ready = random.IntN(2) == 0; t.Ready { // kill -9 leaves the journal as it is, whether the disk has it or not
		t.Order, t.Exits = Ready(t.Order)[0], Ready(t.Exits...)
	}
	if random.IntN(3) == 0 {
		t.Rule = "noted " + rand.Text()
		t.Notes = func() map[string][]byte { return map[string][]byte{t.Rule: []byte(strconv.Itoa(1 + len(t.Exits)))} }
	}
	return t
}

// another is a change of an order, which Gateway may refuse.
func another(o conn.Order) (c Change) {
	price := pick([]float64{101, 95, 90})
	if o.Side == conn.Sell {
		price = pick([]float64{102, 104, 110})
	}
	if c.LimitPrice = &price; o.Type == conn.Stop {
		stop := pick([]float64{96, 93, 90})
		c.LimitPrice, c.StopPrice = nil, &stop
	}
	if random.IntN(2) == 0 {
		quantity := float64(1 + random.IntN(12))
		c.Quantity = &quantity
	}
	return c
}

// tally is what came of a number of kills.
type tally struct {
	kills, orders, families, broken, notes int
	worked                                 int // runs that had placed an order before they were killed
	late                                   int // orders that met the news of a lost IBKR on their way
	others                                 int // orders of somebody else
	fates                                  map[Fate]int
}

func (a *tally) add(b tally) {
	a.kills, a.worked, a.late = a.kills+b.kills, a.worked+b.worked, a.late+b.late
	a.others += b.others
	a.orders, a.families, a.broken, a.notes = a.orders+b.orders, a.families+b.families, a.broken+b.broken, a.notes+b.notes
	for fate, n := range b.fates {
		a.fates[fate] += n
	}
}

// TestOnceUnderChaos kills a program that places, changes and cancels orders, at random moments and again and again, while its
// gateway drops the connection, freezes, lags, leaves questions unanswered, loses IBKR, restarts and hands out ids anew: no order is
// placed twice or with the guard closed, none is forgotten, none that is said not to have been sent is there, none that is there is
// unknown, and every fate is that in the gateway. Nothing of an order with
// exits works unless all of it has arrived, and notes are there exactly if their orders are. GATEWATCH_KILLS sets how often the
// program is killed, which goes on side by side in several places, as many as -parallel says.
func TestOnceUnderChaos(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 5
	}
	if text := os.Getenv("GATEWATCH_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	var mu sync.Mutex
	all := tally{fates: map[Fate]int{}}
	t.Run("places", func(t *testing.T) {
		const each = 250 // in one place: what is compared is never forgotten, and grows
		for n := 0; n < kills; n += each {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				one := chaos(t, min(each, kills-n))
				mu.Lock()
				defer mu.Unlock()
				all.add(one)
			})
		}
	})
	if all.worked < kills/8 { // it is about half of them
		t.Errorf("%d orders in %d runs, %d of which were killed at work", all.orders, kills, all.worked)
	}
	t.Logf("%+v", all)
}

// mishapCode is an error that nobody knows.
const mishapCode = 99999

// mishap is what happens to the next order, or change: it is rejected in one of the ways in which Gateway does that, told by its
// executions alone, or the connection ends behind it.
func mishap() sim.OrderFault {
	end := sim.Turn{Code: mishapCode, Status: pick([]string{"Inactive", "Cancelled"}), Ended: random.IntN(2) == 0, Silent: random.IntN(3) == 0}
	return pick([]sim.OrderFault{
		{Turn: end, After: random.IntN(3)},
		{Turn: end, Early: true, After: random.IntN(3)},
		{Turn: sim.Turn{Code: mishapCode}},
		{Mute: true},
		{Cut: true, After: random.IntN(3)},
		{Change: true, Refuse: true, Turn: sim.Turn{Code: pick([]int{201, 110, mishapCode, 0})}},
	})
}

// chaos kills the program in one place, with a gateway and a ledger of its own.
func chaos(t *testing.T, kills int) tally {
	g := startGateway(t, sim.Config{PartialFills: 3, SpreadFills: random.IntN(2) == 0, MaxMessageRate: -1, ReuseIDs: true, ZeroSeesAll: true})
	path := filepath.Join(t.TempDir(), "orders.db")
	all := tally{kills: kills}
	pause := func(atMost int) { time.Sleep(time.Duration(random.IntN(atMost)) * time.Millisecond) }
	back := func() {
		for _, o := range g.State().Orders {
			if o.Held {
				all.late++
			}
		}
		do(t, g, pick([]string{"1101", "1102"}), nil)
	}
	questions := []sim.Question{sim.OpenOrders, sim.CompletedOrders, sim.Executions}
	lags, silent := false, false // no order leaves for a while: that long, or because of a question without an answer
	unanswered := func(q sim.Question, times int) {
		if err := g.LeaveUnanswered(q, times); err != nil {
			t.Fatal(err)
		}
	}
	// placed waits until so many more orders have arrived, which takes the time that the machine takes.
	placed := func(more int) {
		before := len(g.State().Orders)
		eventually(t, "it has placed orders", func() bool {
			state := g.State()
			return lags || silent || state.UpstreamLost || len(state.Orders) >= before+more
		})
	}
	// trouble has the gateway play faults while the program works.
	trouble := func(program *os.Process) {
		for range 1 + random.IntN(3) {
			placed(1 + random.IntN(4))
			switch random.IntN(12) {
			case 10, 11:
				g.FaultOrders(mishap())
			case 0:
				do(t, g, "drop", nil)
			case 1:
				if g.State().UpstreamLost {
					back()
					break
				}
				do(t, g, "1100", nil)
				if pause(30); random.IntN(4) > 0 { // else it goes on for a while, perhaps into the next life
					back()
				}
			case 2:
				do(t, g, "restart", map[string]string{"for": "20ms"})
			case 3:
				g.Freeze()
				pause(40)
				g.Thaw()
			case 4:
				g.DiscardCancels(random.IntN(6))
				byHand(t, g, sim.ManualOrder{ID: pick([]int32{0, -3, 1<<31 - 1}), Limit: pick([]float64{0, 1})})
			case 5, 6:
				do(t, g, "price", map[string]string{"symbol": "AAPL", "price": pick([]string{"100", "100", "97", "94", "103"})})
			case 7:
				lag := time.Duration(random.IntN(400)) * time.Millisecond
				g.Lag(lag)
				lags = lag > 100*time.Millisecond
				if pause(100); random.IntN(4) > 0 { // else it goes on for a while
					g.Lag(0)
					lags = false
				}
			case 9: // asked in the next session, which is another life's now and then
				unanswered(pick(questions), 1+random.IntN(2))
				if silent = random.IntN(100) > 0; random.IntN(3) > 0 { // else it is waited until the question is asked again
					do(t, g, "drop", nil)
				}
				pause(50)
			case 8:
				stopFor(program, time.Duration(random.IntN(100))*time.Millisecond)
			}
		}
	}
	for range kills {
		client := pick([]int{clientID, 0}) // which is told of orders made by hand, and of those of all clients
		strangers(t, g, client)
		before := len(g.State().Orders)
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), victimPort+"="+strconv.Itoa(g.Port()), victimLedger+"="+path, victimClient+"="+strconv.Itoa(client))
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		starting := random.IntN(4) == 0 // it dies while it asks what became of its orders
		eventually(t, "it is connected", func() bool {
			return slices.ContainsFunc(g.State().Connections, func(c sim.ConnState) bool { return c.Ready || starting })
		})
		if !starting {
			trouble(cmd.Process)
		}
		pause(20)
		if len(g.State().Orders) > before {
			all.worked++
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if _ = cmd.Wait(); cmd.ProcessState.ExitCode() == gaveUp {
			t.Fatal("it gave up")
		}
		g.Lag(0)
		if lags = false; random.IntN(2) == 0 {
			silent = false
			for _, q := range questions {
				unanswered(q, 0)
			}
		}
	}
	do(t, g, "clear", nil)
	d, err := openDesk(path, g.Port(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	s := d.session(t)
	eventually(t, "orders of the other client id are settled", func() bool { return d.settled(s, g.State().Orders) })
	d.stop()
	d = newDesk(t, path, g.Port())
	d.session(t)
	var faults []string
	for end := time.Now().Add(ledgerPatience); ; time.Sleep(time.Millisecond) { // news may still be on its way
		notes, err := d.ledger.Notes()
		if err != nil {
			t.Fatal(err)
		}
		if faults = all.judge(d.ledger.Intents(), notes, g.State().Orders); len(faults) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	return all
}

// byHand makes an order of somebody else, which no client of ours may touch.
func byHand(t *testing.T, g *sim.Gateway, m sim.ManualOrder) {
	t.Helper()
	m.Symbol, m.Action, m.Quantity, m.Ref = "AAPL", "BUY", 77, "theirs"
	if _, err := g.PlaceByHand(m); err != nil {
		t.Fatal(err)
	}
}

// strangers has another program use a client id of ours while we are away, and has ids be counted from 1 again, now and then.
func strangers(t *testing.T, g *sim.Gateway, client int) {
	t.Helper()
	if random.IntN(4) == 0 {
		g.ResetIDs()
	}
	if random.IntN(4) > 0 {
		return
	}
	state := g.State()
	id := int32(1 + random.IntN(len(state.Orders)+5))
	if !slices.ContainsFunc(state.Orders, func(o sim.OrderState) bool {
		return o.OrderID == id && int(o.ClientID) == client && o.Status != "Filled" && o.Status != "Cancelled"
	}) {
		byHand(t, g, sim.ManualOrder{Client: int32(client), ID: id, Limit: 1})
	}
}

// settled reports whether the orders of a session's client id are as a gateway has them.
func (d *desk) settled(s *conn.Session, orders []sim.OrderState) bool {
	done := map[string]bool{}
	for _, o := range orders {
		if o.Status != "Inactive" { // which is the end of one that was rejected
			done[o.Ref] = o.Status == "Filled" || o.Status == "Cancelled"
		}
	}
	list, heads := d.ledger.Intents(), map[orderKey]Intent{}
	for _, i := range list {
		heads[i.key()] = i
	}
	for _, i := range list {
		over, there := done[i.Order.Ref]
		if i.Client != s.ClientID() {
			continue
		}
		if there && over != i.Fate.Done() {
			return false
		}
		head := heads[orderKey{i.Client, i.Order.Parent}]
		if over, there := done[head.Order.Ref]; i.missing() && there && !over && head.Filled == 0 {
			return false // it is being taken back
		}
	}
	return true
}

// judge compares what a ledger says with what a gateway has, and says what is wrong.
func (a *tally) judge(list []Intent, notes map[string][]byte, orders []sim.OrderState) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	a.orders, a.families, a.broken, a.notes, a.fates, a.others = len(list), 0, 0, len(notes), map[Fate]int{}, 0
	there := map[string]sim.OrderState{}
	for _, o := range orders {
		if !strings.HasPrefix(o.Ref, "gw-") {
			if o.Status != "Submitted" && o.Type == "LMT" || o.Quantity != 77 {
				wrong("an order of somebody else was touched: %+v", o)
			}
			a.others++
			continue
		}
		if _, twice := there[o.Ref]; twice {
			wrong("%s was placed twice", o.Ref)
		}
		there[o.Ref] = o
	}
	ids, ruled, family := map[int64]bool{}, map[string]int{}, map[int64][]Intent{}
	forgotten := maps.Clone(there)
	for _, i := range list {
		a.fates[i.Fate]++
		if ids[i.ID] {
			wrong("id %d was used twice", i.ID)
		}
		ids[i.ID] = true
		head := i.ID
		if i.Order.Parent != 0 {
			head = i.Order.Parent
		}
		family[head] = append(family[head], i)
		if strings.HasPrefix(i.Rule, "noted ") {
			ruled[i.Rule]++
		}
		o, arrived := there[i.Order.Ref]
		delete(forgotten, i.Order.Ref)
		if !arrived {
			// Gateway refuses exits whose order it has cancelled meanwhile.
			if i.Fate != Unknown && i.Fate != NotSent && i.Fate != Rejected {
				wrong("%s is %s; the gateway has no trace of it", i.Order.Ref, i.Fate)
			}
			continue
		}
		want := map[string]Fate{
			"Filled": Filled, "Cancelled": Cancelled, "Submitted": Working, "PreSubmitted": Working, "Inactive": Inactive,
		}[o.Status]
		if o.Filled >= o.Quantity {
			want = Filled // whatever Gateway says of it later
		}
		if i.Fate == Rejected && i.Code == mishapCode && (o.Status == "Inactive" || o.Status == "Cancelled") {
			want = Rejected // and it is known why
		}
		if want == Working && (i.Order.Quantity != o.Quantity || i.Asked != nil) {
			wrong("%s is shown with %v, %+v is asked for; the gateway has it with %v", i.Order.Ref, i.Order.Quantity, i.Asked, o.Quantity)
		}
		if i.Fate != want || i.Filled != o.Filled || i.ID != int64(o.OrderID) {
			wrong("%s, %d, is %s with %v filled; the gateway has it as %d, %s with %v", i.Order.Ref, i.ID, i.Fate, i.Filled, o.OrderID, o.Status, o.Filled)
		}
	}
	for ref, o := range forgotten {
		wrong("%s is forgotten: %+v", ref, o)
	}
	for _, members := range family {
		if len(members) == 1 {
			if members[0].Order.Parent != 0 {
				wrong("%s is an exit of nothing", members[0].Order.Ref)
			}
			continue
		}
		a.families++
		whole := !slices.ContainsFunc(members, func(i Intent) bool { _, ok := there[i.Order.Ref]; return !ok })
		head := there[members[0].Order.Ref]
		if !whole {
			a.broken++
			if head.Status != "" && head.Status != "Cancelled" && head.Status != "Inactive" && head.Filled == 0 {
				wrong("%s stays without its exits: %s", head.Ref, head.Status)
			}
		}
		for n, i := range members {
			o := there[i.Order.Ref]
			if active := o.Filled > 0 || o.Status == "Submitted"; active && !whole {
				wrong("%s of an order that did not arrive as a whole: %s, %v filled", i.Order.Ref, o.Status, o.Filled)
			} else if active && n > 0 && head.Filled == 0 {
				wrong("exit %s works before its order: %s, %v filled", i.Order.Ref, o.Status, o.Filled)
			}
		}
	}
	for key, text := range notes {
		if string(text) != strconv.Itoa(ruled[key]) {
			wrong("the note of %s orders is there, and %d orders are", text, ruled[key])
		}
		delete(ruled, key)
	}
	for rule, n := range ruled {
		wrong("%d orders are there, and not their note %q", n, rule)
	}
	return faults
}
