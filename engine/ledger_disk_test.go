package engine

import (
	"bytes"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

func openLedger(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestUnreadableLedger has a record that cannot be read: nobody may go on as if it were not there, and the file is let go.
func TestUnreadableLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	openLedger(t, path).Close()
	write := func(text string) {
		t.Helper()
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(intentBucket).Put([]byte("gw-x"), []byte(text)) }); err != nil {
			t.Fatal(err)
		}
	}
	write("{")
	for range 2 {
		l, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
		if l != nil || err == nil || !strings.Contains(err.Error(), "gw-x") || !strings.Contains(err.Error(), path) {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	write(`{"id":7,"fate":"unknown"}`)
	if list := openLedger(t, path).Intents(); len(list) != 1 || list[0].ID != 7 {
		t.Errorf("%+v", list)
	}
	odd := filepath.Join(t.TempDir(), "orders.db")
	if err := os.Mkdir(odd+".journal", 0o700); err != nil {
		t.Fatal(err)
	}
	if l, err := OpenLedger(odd, clientID, slog.New(slog.DiscardHandler)); l != nil || err == nil {
		t.Errorf("a journal that is a folder was opened: %v", err)
	}
	if err := os.Remove(odd + ".journal"); err != nil {
		t.Fatal(err)
	}
	openLedger(t, odd) // which nothing holds
	if l, err := OpenLedger(t.TempDir(), clientID, slog.New(slog.DiscardHandler)); l != nil || err == nil {
		t.Errorf("a folder was opened: %v", err)
	}
}

// TestNotes writes, replaces and removes notes, alone and beside orders.
func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	holds := func(want map[string]string) {
		t.Helper()
		got, err := l.Notes()
		if err != nil || !maps.EqualFunc(got, want, func(a []byte, b string) bool { return string(a) == b }) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	holds(nil)
	if err := l.Note(map[string][]byte{"a": []byte("1"), "b": []byte("2")}); err != nil {
		t.Fatal(err)
	}
	o := order(1, 90)
	o.Ref = "gw-x"
	if err := l.put(map[string][]byte{"a": nil, "c": []byte("3")}, &Intent{ID: 1, Order: o}); err != nil {
		t.Fatal(err)
	}
	holds(map[string]string{"b": "2", "c": "3"})
	// All of it or nothing: an order that cannot be written down takes its notes with it, and the other way round.
	odd := o
	odd.Ref, odd.LimitPrice = "gw-y", math.NaN()
	for _, err := range []error{
		l.put(map[string][]byte{"d": []byte("4")}, &Intent{ID: 2, Order: odd}),
		l.put(map[string][]byte{"d": []byte("4")}, &Intent{ID: 2}),
		l.put(map[string][]byte{"": []byte("5")}, &Intent{ID: 2, Order: conn.Order{Ref: "gw-z"}}),
	} {
		if err == nil {
			t.Error("what makes no sense was written down")
		}
	}
	l.Close()
	if _, err := l.Notes(); err == nil {
		t.Error("notes of a closed ledger")
	}
	if err := l.Note(map[string][]byte{"e": nil}); err == nil {
		t.Error("noted in a closed ledger")
	}
	l = openLedger(t, path)
	holds(map[string]string{"b": "2", "c": "3"})
	if list := l.Intents(); len(list) != 1 || list[0].ID != 1 {
		t.Errorf("%+v", list)
	}
}

// TestSent counts orders, also those of earlier runs, whose order on the disk is not that of time.
func TestSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	now := l.now()
	put := func(id int64, ref string, age time.Duration) {
		t.Helper()
		if err := l.put(nil, &Intent{ID: id, At: now.Add(-age), Order: conn.Order{Ref: ref}, Fate: Unknown}); err != nil {
			t.Fatal(err)
		}
	}
	put(1, "gw-c", 3*time.Hour)
	put(2, "gw-a", 2*time.Hour)
	put(3, "gw-b", time.Hour)
	put(4, "gw-d", 47*time.Hour)
	put(5, "gw-e", 49*time.Hour)
	l.Close()
	l = openLedger(t, path)
	for n, i := range l.Intents() {
		if i.ID != int64(n+1) {
			t.Errorf("the %d. order has id %d", n+1, i.ID)
		}
	}
	l.now = func() time.Time { return now }
	for age, want := range map[time.Duration]int{0: 0, time.Hour: 1, 90 * time.Minute: 1, 2 * time.Hour: 2, 46 * time.Hour: 3, 48 * time.Hour: 4} {
		if got := l.Sent(now.Add(-age)); got != want {
			t.Errorf("%d orders in %v, want %d", got, age, want)
		}
	}
	if len(l.times) != 4 {
		t.Errorf("%d times are kept", len(l.times))
	}
}

// TestNothingToSend has batches of which nothing can be written down, and so nothing is sent.
func TestNothingToSend(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	for name, b := range map[string]Batch{
		"no orders":             {},
		"no number":             {Orders: []conn.Order{order(1, math.Inf(1))}},
		"a note without a name": {Orders: []conn.Order{order(1, 90)}, Notes: map[string][]byte{"": []byte("x")}},
	} {
		if list, err := d.ledger.Place(s, b); err == nil || len(list) != 0 {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if list := d.ledger.Intents(); len(list) != 0 || len(d.ledger.times) != 0 {
		t.Errorf("%+v", list)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// TestFateIsWrittenDown reads from the disk what the ledger says in memory, and hears of it when that fails.
func TestFateIsWrittenDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	var told bytes.Buffer
	l, err := OpenLedger(path, clientID, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var changes []Fate
	l.OnChange(func(i Intent) { changes = append(changes, i.Fate) })
	i := &Intent{ID: 7, Client: clientID, Order: conn.Order{Ref: "gw-x", Quantity: 1}, Fate: Sent}
	l.intents["gw-x"], l.ids[7] = i, i
	news := func(status string) {
		l.Learn(conn.OrderNews{Kind: conn.OrderStatus, ID: 7, Client: clientID, Status: status})
	}
	news("Submitted")
	l.Close()
	if told.Len() != 0 {
		t.Error(told.String())
	}
	news("Cancelled")
	if !strings.Contains(told.String(), "cannot be written down") {
		t.Errorf("%q", told.String())
	}
	if len(changes) != 2 || changes[0] != Working || changes[1] != Cancelled {
		t.Errorf("%v", changes)
	}
	if list := openLedger(t, path).Intents(); len(list) != 1 || list[0].Fate != Working || list[0].Changed.IsZero() {
		t.Errorf("%+v", list)
	}
}
