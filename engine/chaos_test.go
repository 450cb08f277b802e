package engine

import (
	random "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine/ledger"
)

// TestOnceUnderChaos kills a program that places, changes and cancels orders, at random moments and again and
// again, while its gateway drops the connection, freezes, lags, leaves questions unanswered, loses IBKR, restarts
// and hands out ids again: no order is placed twice or with the guard closed, none is forgotten, none that is said
// not to have been sent is there, none that is there is unknown, and every state is that in the gateway. Nothing of
// an order with exits works unless all of it has arrived, and notes are there exactly if their orders are.
// GATEWATCH_KILLS sets how often the program is killed, which goes on side by side in several places, as many as
// -parallel says.
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
	all := tally{states: map[ledger.OrderState]int{}}
	t.Run("places", func(t *testing.T) {
		const each = 25 // in one place: what is compared is never forgotten, and grows
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
	if all.faulted < kills/8 { // it is about all of them
		t.Errorf("%d orders in %d runs, %d of which took a fault", all.orders, kills, all.faulted)
	}
	if all.worked < kills/8 { // it is about half of them
		t.Errorf("%d orders in %d runs, %d of which were killed at work", all.orders, kills, all.worked)
	}
	t.Logf("%+v", all)
}

// mishapCode is an error that no one knows.
const mishapCode = 99999

// mishap is what happens to one of the next orders, or to a change of one: it is rejected in one of the ways in
// which Gateway does that, a notice comes with it that is no rejection, what should be sent of it is lost, late, in
// another order, or comes twice, it waits for ever, fills bit by bit or while we are away, is corrected or busted,
// or the connection ends around it.
func mishap() sim.OrderFault {
	f := misfortune()
	if f.Times == 0 && random.IntN(3) == 0 {
		f.Times, f.Share = 2, 0.5
	}
	return f
}

func misfortune() sim.OrderFault {
	end := sim.Turn{
		Code: mishapCode, Status: pick([]string{"Inactive", "Cancelled"}), Ended: random.IntN(2) == 0,
		Silent: random.IntN(3) == 0,
	}
	shares := float64(random.IntN(3))
	return pick([]sim.OrderFault{
		{Turn: sim.Turn{Code: pick([]int{10349, 399, 404, 2109, 2161, 10999})}, Early: random.IntN(2) == 0},
		{Unacknowledged: true},
		{Change: true, Unacknowledged: true},
		{CancelLate: time.Duration(random.IntN(200)) * time.Millisecond},
		{CancelLost: true},
		{ExecutionFirst: true},
		{StatusFirst: true},
		{Twice: true, Parts: 1 + random.IntN(3)},
		{Correct: &shares},
		{Parts: 2 + random.IntN(3), Pace: time.Duration(1+random.IntN(30)) * time.Millisecond},
		{Away: true},
		{Lost: true},
		{Early: true, Turn: sim.Turn{Status: "PendingSubmit"}},
		{Early: true, Turn: sim.Turn{Status: "PreSubmitted", Fixed: true}},
		{CutBefore: true, After: random.IntN(3)},
		{Change: true, CutBefore: random.IntN(2) == 0, Cut: true},
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
	g := startGateway(t, sim.Config{
		PartialFills: 3, SpreadFills: random.IntN(2) == 0, MaxMessageRate: -1, ReuseIDs: true, ZeroSeesAll: true,
		Seed: random.Uint64(),
	})
	path := filepath.Join(t.TempDir(), "orders.db")
	all := tally{kills: kills}
	pause := func(atMost int) { time.Sleep(time.Duration(random.IntN(atMost)) * time.Millisecond) }
	back := func() {
		for _, o := range g.State().Orders {
			if o.Held {
				all.late++
			}
		}
		simtest.Do(t, g, pick([]string{"1101", "1102"}), nil)
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
			switch random.IntN(14) {
			case 10, 11, 12, 13:
				g.FaultOrders(mishap())
			case 0:
				simtest.Do(t, g, "drop", nil)
			case 1:
				if g.State().UpstreamLost {
					back()
					break
				}
				simtest.Do(t, g, "1100", nil)
				if pause(30); random.IntN(4) > 0 { // else it goes on for a while, perhaps into the next life
					back()
				}
			case 2:
				simtest.Do(t, g, "restart", map[string]string{"for": "20ms"})
			case 3:
				g.Freeze()
				pause(40)
				g.Thaw()
			case 4:
				g.DiscardCancels(random.IntN(6))
				byHand(t, g, sim.ManualOrder{ID: pick([]int32{0, -3, 1<<31 - 1}), Limit: pick([]float64{0, 1})})
			case 5, 6:
				simtest.Do(t, g, "price", map[string]string{
					"symbol": "AAPL", "price": pick([]string{"100", "100", "97", "94", "103"}),
				})
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
				// else it is waited until the question is asked again
				if silent = random.IntN(100) > 0; random.IntN(3) > 0 {
					simtest.Do(t, g, "drop", nil)
				}
				pause(50)
			case 8:
				stopFor(program, time.Duration(random.IntN(100))*time.Millisecond)
			}
		}
	}
	for range kills {
		client := pick([]int{clientID, 0}) // which gets orders made by hand, and those of all clients
		strangers(t, g, client)
		before := len(g.State().Orders)
		g.FaultOrders(mishap())
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), victimPort+"="+strconv.Itoa(g.Port()), victimLedger+"="+path,
			victimClient+"="+strconv.Itoa(client))
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() }) // where the test ends before its time
		starting := random.IntN(4) == 0          // it dies while it asks what became of its orders
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
	all.faulted = int(g.State().Counters.Faulted)
	simtest.Do(t, g, "clear", nil)
	d, err := newRig(path, g.Port(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	s := d.session(t)
	simtest.Do(t, g, "halt", nil) // no one would hear of what filled later
	eventually(t, "orders of the other client id are settled", func() bool { return d.settled(s, g.State().Orders) })
	d.stop()
	d = startRig(t, path, g.Port(), true)
	d.session(t)
	var faults []string
	for end := time.Now().Add(ibtest.Patience); ; time.Sleep(time.Millisecond) { // news may still be on its way
		notes, err := d.orders.Notes()
		if err != nil {
			t.Fatal(err)
		}
		if faults = all.judge(d.orders.Intents(), notes, g.State().Orders); len(faults) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	return all
}

// byHand makes an order of someone else, which no client of ours may touch.
func byHand(t *testing.T, g *sim.Gateway, m sim.ManualOrder) {
	t.Helper()
	m.Symbol, m.Action, m.Quantity, m.Ref = "AAPL", "BUY", 77, "theirs"
	if _, err := g.PlaceByHand(m); err != nil {
		t.Fatal(err)
	}
}

// strangers has another program use a client id of ours while we are away, and has ids be counted from 1 again, now
// and then.
func strangers(t *testing.T, g *sim.Gateway, client int) {
	t.Helper()
	if random.IntN(4) == 0 {
		// A change that the killed program has written would be a new order if it were read after this. Nothing can
		// prevent that.
		eventually(t, "what was written before is read", func() bool { return len(g.State().Connections) == 0 })
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
