package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestWhoseNews feeds a ledger with orders that resemble one of its own in some of what makes up the identity of an
// order.
func TestWhoseNews(t *testing.T) {
	const session = 7
	for name, c := range map[string]struct {
		permID int64  // of ours, as far as it is known
		sentIn uint64 // session in which ours was sent
		news   ib.OrderNews
		ours   bool
	}{
		"a status of another client": {77, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: 3,
		}, false},
		"a status of another client, IBKR's own": {77, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: 3, PermID: 77,
		}, false},
		"a status of another order": {77, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: clientID, PermID: 78,
		}, false},
		"a status of another id": {77, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 6,
			Client: clientID,
		}, false},
		"a status": {77, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: clientID, PermID: 77,
		}, true},
		"a status in a later session": {77, session - 1, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: clientID, PermID: 77,
		}, true},
		"a status before IBKR has numbered it": {0, session, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: clientID, PermID: 77,
		}, true},
		"a status of what was sent before": {0, session - 1, ib.OrderNews{
			Kind: ib.OrderStatus, ID: 5,
			Client: clientID, PermID: 77,
		}, false},
		"an error": {77, session, ib.OrderNews{
			Kind: ib.OrderError, ID: 5,
			Client: clientID,
		}, true},
		"an error to another client": {77, session, ib.OrderNews{
			Kind: ib.OrderError, ID: 5,
			Client: 3,
		}, false},
		"an error of what was sent before": {77, session - 1, ib.OrderNews{
			Kind: ib.OrderError, ID: 5,
			Client: clientID,
		}, false},
		"an open order": {77, session - 1, ib.OrderNews{
			Kind: ib.OrderOpen, ID: 5,
			Client: clientID, PermID: 77, Ref: "gw-x",
		}, true},
		"an open order, new to us": {0, session - 1, ib.OrderNews{
			Kind: ib.OrderOpen, ID: 5,
			Client: clientID, PermID: 77, Ref: "gw-x",
		}, true},
		"an open order of another reference": {
			0, session, ib.OrderNews{Kind: ib.OrderOpen, ID: 5, Client: clientID, PermID: 77, Ref: "theirs"}, false,
		},
		"an open order without a reference": {
			0, session, ib.OrderNews{Kind: ib.OrderOpen, ID: 5, Client: clientID, PermID: 77}, false,
		},
		"an open order, its reference was removed": {77, session, ib.OrderNews{
			Kind: ib.OrderOpen, ID: 5,
			Client: clientID, PermID: 77,
		}, true},
		"an open order with our reference of another client": {
			0, session, ib.OrderNews{Kind: ib.OrderOpen, ID: 5, Client: 3, PermID: 78, Ref: "gw-x"}, false,
		},
		"an open order with our reference and another permId": {
			77, session, ib.OrderNews{Kind: ib.OrderOpen, ID: 5, Client: clientID, PermID: 78, Ref: "gw-x"}, false,
		},
		"a copy of ours, made by hand": {0, session, ib.OrderNews{
			Kind: ib.OrderOpen, ID: -4, Client: clientID,
			PermID: 78, Ref: "gw-x",
		}, false},
		"an execution": {77, session, ib.OrderNews{
			Kind: ib.OrderFilled, ID: 5, Client: clientID,
			PermID: 77, Ref: "gw-x",
		}, true},
		"an execution of a manual trade with our id": {
			0, session, ib.OrderNews{Kind: ib.OrderFilled, ID: 5, Client: clientID, PermID: 78}, false,
		},
		"a completed order": {77, session, ib.OrderNews{
			Kind: ib.OrderCompleted, PermID: 77,
			Ref: "gw-x",
		}, true},
		"a completed order with its client": {
			77, session, ib.OrderNews{Kind: ib.OrderCompleted, Client: clientID, PermID: 77, Ref: "gw-x"}, true,
		},
		"a completed order of another client": {0, session, ib.OrderNews{
			Kind: ib.OrderCompleted, Client: 3,
			PermID: 77, Ref: "gw-x",
		}, false},
		"a completed order with another permId": {77, session, ib.OrderNews{
			Kind: ib.OrderCompleted, PermID: 78,
			Ref: "gw-x",
		}, false},
		"a completed order, its reference is not": {
			77, session,
			ib.OrderNews{Kind: ib.OrderCompleted, PermID: 77},
			false,
		},
		"a commission": {
			77, session, ib.OrderNews{Kind: ib.OrderCommission, Execution: "a.01", Price: 1}, false,
		},
	} {
		l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
		i := &Intent{
			ID: 5, Client: clientID, PermID: c.permID, Order: ib.Order{Ref: "gw-x", Quantity: 10},
			State: Working,
		}
		l.intents["gw-x"], l.ids[i.key()], l.sentIn["gw-x"] = i, i, c.sentIn
		n := c.news
		n.Session = session
		switch n.Kind {
		case ib.OrderError:
			n.Code = 202
		case ib.OrderFilled:
			n.Filled, n.Execution = 10, "a.01"
		case ib.OrderCommission:
		default:
			n.Status = "Cancelled"
		}
		if got, news := l.Learn(n); news != c.ours || (i.State != Working) != c.ours ||
			!c.ours && i.PermID != c.permID {
			t.Errorf("%s: %v, %+v", name, news, got)
		}
		l.Close()
	}
}

// TestMetInASession has an order of an earlier session be known by its id when Gateway has mentioned it, and not
// before.
func TestMetInASession(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Working}
	l.intents["gw-x"], l.ids[i.key()] = i, i
	refusal := ib.OrderNews{Kind: ib.OrderError, Session: 2, ID: 5, Client: clientID, Code: 201}
	if _, news := l.Learn(refusal); news {
		t.Error("an error about the id of a former session was taken for one about the order")
	}
	l.Learn(ib.OrderNews{
		Kind: ib.OrderOpen, Session: 2, ID: 5, Client: clientID, PermID: 9, Ref: "gw-x",
		Status: "Submitted",
	})
	if _, news := l.Learn(refusal); !news || i.Code != 201 {
		t.Errorf("%+v", i)
	}
}

// TestOrdersOfManyClients has Gateway mention orders of ever more client ids.
func TestOrdersOfManyClients(t *testing.T) {
	l := &Ledger{used: map[orderKey]bool{}, highest: map[int]int64{}}
	for client := range int64(2 * maxUsed) {
		l.Learn(ib.OrderNews{Kind: ib.OrderOpen, ID: 5, Client: client, Status: "Submitted"})
	}
	l.Learn(ib.OrderNews{Kind: ib.OrderOpen, ID: 6, Client: 1, Status: "Submitted"})
	if len(l.used) > maxUsed || len(l.highest) > maxUsed || l.highest[1] != 6 {
		t.Errorf("%d orders and %d clients, the highest id of one is %d", len(l.used), len(l.highest), l.highest[1])
	}
}

// TestFloor has a ledger hear of ids that are not its own, and asks for the next ones.
func TestFloor(t *testing.T) {
	const top = ib.MaxOrderID
	own := func(id int64) *Intent {
		return &Intent{ID: id, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 1}, State: Working}
	}
	of := func(kind ib.OrderNewsKind, client, id int64) ib.OrderNews {
		return ib.OrderNews{
			Kind: kind, Client: client, ID: id, PermID: 9, Status: "Submitted", Filled: 1,
			Execution: "a.01",
		}
	}
	for name, c := range map[string]struct {
		floor uint64 // as it was written down
		own   int64  // id of an order of ours, 0 for none
		first int64  // id that Gateway offers
		news  []ib.OrderNews
		want  int64 // 0: there is none left
	}{
		"the first order":                {0, 0, 1, nil, 1},
		"what Gateway offers":            {0, 0, 40, nil, 40},
		"it has forgotten what was used": {41, 41, 3, nil, 42},
		"a manual trade of client id 0": {
			41, 41, 3, []ib.OrderNews{of(ib.OrderFilled, clientID, 1<<31-1)}, 42,
		},
		"an order made by hand": {41, 41, 3, []ib.OrderNews{
			of(ib.OrderOpen, clientID, 1<<31-1),
			of(ib.OrderOpen, clientID, -3), of(ib.OrderOpen, clientID, 0),
		}, 42},
		"poisoned by a manual trade":             {1<<31 - 1, 41, 3, nil, 42},
		"poisoned, without an order of ours":     {1<<31 - 1, 0, 3, nil, 3},
		"poisoned beyond every number":           {1<<63 + 5, 41, 3, nil, 42},
		"a nextValidId out of range":             {41, 41, 1<<31 - 1, nil, 42},
		"a nextValidId beyond every order":       {41, 41, 1 << 60, nil, 42},
		"the last id":                            {top - 1, top - 1, top, nil, top},
		"the last but one":                       {top - 2, top - 2, 1<<31 - 1, nil, top - 1},
		"few, and counted from 1 again":          {top - 2, top - 2, 3, nil, 3},
		"used up":                                {top, top, top, nil, 0},
		"used up, and Gateway can offer none":    {top, top, 1<<31 - 1, nil, 0},
		"used up, and counted from 1 again":      {top, top, 1, nil, 1},
		"the same, where an order of ours works": {top, top, 1, []ib.OrderNews{of(ib.OrderOpen, clientID, 1)}, 2},
		"a live order of another program":        {0, 0, 1, []ib.OrderNews{of(ib.OrderOpen, clientID, 1)}, 2},
		"a status of one":                        {0, 0, 1, []ib.OrderNews{of(ib.OrderStatus, clientID, 6)}, 7},
		"an execution of one":                    {0, 0, 1, []ib.OrderNews{of(ib.OrderFilled, clientID, 1)}, 2},
		"a live order of another client":         {0, 0, 1, []ib.OrderNews{of(ib.OrderOpen, clientID+1, 1)}, 1},
		"a live order that has the last of ids":  {41, 41, 3, []ib.OrderNews{of(ib.OrderOpen, clientID, top)}, 42},
		"an execution that has the last of ids": {
			41, 41, 3,
			[]ib.OrderNews{of(ib.OrderFilled, clientID, top)},
			42,
		},
		"nobody can have made such an order id 0": {0, 0, 1, []ib.OrderNews{of(ib.OrderStatus, clientID, 0)}, 1},
	} {
		path := filepath.Join(t.TempDir(), "orders.db")
		l := openLedger(t, path)
		var list []*Intent
		if c.own != 0 {
			list = append(list, own(c.own))
		}
		if err := l.put(0, 0, nil, list...); err != nil {
			t.Fatal(err)
		}
		if err := l.db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(metaBucket).Put(floorKey, binary.BigEndian.AppendUint64(nil, c.floor))
		}); err != nil {
			t.Fatal(err)
		}
		l.floor = int64(c.floor) // which closing writes down
		l.Close()
		l = openLedger(t, path)
		for _, n := range c.news {
			l.Learn(n)
		}
		ids, err := l.takeIDs(clientID, c.first, 1)
		if c.want == 0 && !errors.Is(err, ErrNoOrderID) || c.want != 0 && (err != nil || ids[0] != c.want) {
			t.Errorf("%s: %v, %v; want %d", name, ids, err, c.want)
		}
		l.Close()
	}
}

// TestCountedAgain has Gateway count from 1 again when the ids are used up: no order that the ledger remembers loses
// its name.
func TestCountedAgain(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	for id, client := range map[int64]int{2: clientID, 4: clientID + 1, ib.MaxOrderID - 1: clientID} {
		i := &Intent{ID: id, Client: client}
		l.intents[fmt.Sprint("gw-", id)], l.ids[i.key()] = i, i
	}
	l.floor, l.top = ib.MaxOrderID-1, ib.MaxOrderID-1
	for n, want := range [][]int64{{1, 3, 5}, {6, 7, 8}} {
		if ids, err := l.takeIDs(clientID, 1, 3); err != nil || ids[0] != want[0] || ids[1] != want[1] ||
			ids[2] != want[2] {
			t.Errorf("%d: %v, %v", n, ids, err)
		}
	}
}

// TestNoOrderIDsLeft has Gateway offer the last order id: that is told once, and then there are none.
func TestNoOrderIDsLeft(t *testing.T) {
	g := startGateway(t, sim.Config{NextOrderID: ib.MaxOrderID - 1})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	var told []int
	d.ledger.OnAlarm(nil, nil, func(left int) { told = append(told, left) })
	for id := ib.MaxOrderID - 1; id <= ib.MaxOrderID; id++ {
		if i, err := d.place(s, order(1, 90)); err != nil || i.ID != int64(id) {
			t.Fatalf("%+v, %v", i, err)
		}
	}
	if i, err := d.place(s, order(1, 90)); !errors.Is(err, ErrNoOrderID) || i.ID != 0 {
		t.Errorf("%+v, %v", i, err)
	}
	if !slices.Equal(told, []int{1}) {
		t.Errorf("told %v", told)
	}
}
