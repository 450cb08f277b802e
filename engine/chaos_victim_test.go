package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	random "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/conntest"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
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
func (idle) OnBegin(*ib.Session)        {}
func (idle) OnTick(int, ib.Tick)        {}
func (idle) OnTime(time.Duration) bool  { return false }
func (idle) OnFailure(int, int, string) {}
func (idle) OnOrder(ledger.Intent)      {}

// victim places, changes and cancels orders until it is killed. It runs in a process of its own, and ends by itself
// only if something is wrong.
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
	log := slog.New(slog.DiscardHandler)
	orders, err := ledger.Open(os.Getenv(victimLedger), log)
	if err != nil {
		giveUp(err)
	}
	type look struct{ session *ib.Session }
	var looking atomic.Pointer[look] // which is under way, with the guard closed
	cfg := conntest.Config(port, client, nil)
	cfg.Soft, cfg.Hard, cfg.ProofOfLife = 1500*time.Millisecond, 10*time.Second, 250*time.Millisecond
	cfg.Reconcile = func(ctx context.Context, s *ib.Session) error {
		one := &look{s}
		looking.Store(one)
		defer looking.CompareAndSwap(one, nil)
		return orders.Reconcile(ctx, s)
	}
	sup, err := conn.New(cfg, log)
	if err != nil {
		giveUp(err)
	}
	d := runRig(orders, sup, !byEngine)
	endless := Limits{Mode: ib.Paper, PerMinute: 1e9, PerDay: 1e9, Quantity: 1e9, Notional: 1e9}
	desk := NewDesk(orders, endless, func(Report) {}, log)
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
		switch open := orders.Pending(); {
		case len(open) > 0 && random.IntN(4) == 0:
			i := pick(open)
			_, err = desk.Change(s, i.ID, another(i.Order))
		case len(open) > 0 && random.IntN(6) == 0:
			err = orders.Cancel(s, pick(open).ID)
		case random.IntN(100) == 0:
			_, err = orders.CancelAll(s)
		case before.Guard == ib.GuardOpen || random.IntN(4) == 0:
			var list []ledger.Intent
			during := looking.Load()
			list, err = desk.Place(wish(s))
			after := d.sup.Snapshot()
			shut := before.Guard == ib.GuardUpstream && after.Guard == ib.GuardUpstream &&
				before.Since.Equal(after.Since)
			if shut && (len(list) > 0 || reason(err) != BlockedGuard) {
				giveUp("an order was let out while IBKR was lost:", err)
			}
			sent := slices.ContainsFunc(list, func(i ledger.Intent) bool { return i.State != ledger.NotSent })
			if sent && during != nil && during.session == s && during == looking.Load() {
				giveUp("an order was let out before Gateway had told what became of the others")
			}
		}
		if reason(err) == BlockedDisk || reason(err) == BlockedPaperOnly || reason(err) == BlockedWrongMode {
			giveUp(err)
		}
	}
}

func pick[T any](list []T) T { return list[random.IntN(len(list))] }

// wish is what a victim wants next: an order that fills at once or rests, alone or with its exits, with or without a
// note.
func wish(s *ib.Session) Ticket {
	t := Ticket{Session: s, Order: order(float64(1+random.IntN(9)), pick([]float64{101, 95, 90}))}
	if random.IntN(2) == 0 {
		profit, loss := t.Order, t.Order
		profit.Side, profit.LimitPrice = ib.Sell, 102
		loss.Side, loss.Type, loss.LimitPrice, loss.StopPrice = ib.Sell, ib.Stop, 0, 96
		t.Exits = []ib.Order{profit, loss}
	}
	if random.IntN(3) == 0 {
		t.Rule = "noted " + rand.Text()
		t.Notes = func() map[string][]byte { return map[string][]byte{t.Rule: []byte(strconv.Itoa(1 + len(t.Exits)))} }
	}
	return t
}

// another is a change of an order, which Gateway may refuse.
func another(o ib.Order) (c Change) {
	price := pick([]float64{101, 95, 90})
	if o.Side == ib.Sell {
		price = pick([]float64{102, 104, 110})
	}
	if c.LimitPrice = &price; o.Type == ib.Stop {
		stop := pick([]float64{96, 93, 90})
		c.LimitPrice, c.StopPrice = nil, &stop
	}
	if random.IntN(2) == 0 {
		quantity := float64(1 + random.IntN(12))
		c.Quantity = &quantity
	}
	return c
}
