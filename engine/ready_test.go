package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// goDown copies what a computer leaves behind that goes down: the database of a ledger, whose journal the disk never got.
func goDown(t *testing.T, path string) string {
	t.Helper()
	left := leave(t, path)
	if err := os.Remove(left + ".journal"); err != nil {
		t.Fatal(err)
	}
	mark(t, left, "another boot")
	return left
}

// mark changes in which run of the computer trading was armed, if it was.
func mark(t *testing.T, path, boot string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(metaBucket)
		if b.Get(armedKey) == nil {
			return nil
		}
		return b.Put(armedKey, []byte(boot))
	}); err != nil {
		t.Fatal(err)
	}
}

// TestReadyLeavesBeforeTheDiskHasIt has a journal whose disk syncs nothing: orders that are ready leave all the same, and what the
// disk says ends trading a moment later. All others do not leave.
func TestReadyLeavesBeforeTheDiskHasIt(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s, l := d.session(t), d.ledger
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // which takes what is written, and cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	l.mu.Lock()
	good := l.journal.file
	l.journal.file = null
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.journal.file = good
	}()
	broken := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.broken != nil
	}
	mend := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = nil
	}
	place := func(ready bool, orders ...conn.Order) ([]Intent, error) {
		t.Helper()
		return l.Place(s, Batch{Orders: orders, Ready: ready})
	}
	waits := func(what string, ready bool, orders ...conn.Order) {
		t.Helper()
		list, err := place(ready, orders...)
		if !errors.Is(err, errNotWritten) || len(list) != len(orders) || !broken() {
			t.Errorf("%s: %+v, %v", what, list, err)
		}
		mend()
		for n, i := range list {
			if i.Fate != NotSent || i.Order.Ref == orders[n].Ref {
				t.Errorf("%s: %+v", what, i)
			}
		}
	}
	waits("trading is not armed", true, Ready(order(1, 90))...)
	if err := l.SetArmed(true); err != nil {
		t.Fatal(err)
	}
	plain := []conn.Order{order(1, 90), order(2, 90)}
	wish := Ready(plain...)
	if plain[0].Ref != "" || wish[0].Ref == wish[1].Ref || wish[0].Quantity != 1 || wish[1].Quantity != 2 {
		t.Fatalf("%+v", wish)
	}
	list, err := place(true, wish...)
	if err != nil || len(list) != 2 || list[0].Order.Ref != wish[0].Ref || list[1].Order.Ref != wish[1].Ref || list[1].Order.Parent != list[0].ID {
		t.Fatalf("%+v, %v", list, err)
	}
	d.fate(t, wish[0].Ref, Working)
	d.fate(t, wish[1].Ref, Working)
	eventually(t, "the disk was asked", broken)
	if list, err := place(true, Ready(order(1, 90))...); !errors.Is(err, errNotWritten) || len(list) != 0 {
		t.Errorf("sent, though nobody knows what the disk has: %+v, %v", list, err)
	}
	mend()
	waits("it does not say that it is ready", false, Ready(order(1, 90))...)
	waits("references that were used", true, wish...)
	waits("one that was used", true, Ready(order(1, 90))[0], wish[1])
	one := Ready(order(1, 90))[0]
	waits("one reference twice", true, one, one)
	waits("none", true, order(1, 90))
	if err := l.SetArmed(false); err != nil {
		t.Fatal(err)
	}
	waits("trading is off", true, Ready(order(1, 90))...)
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 2 {
		t.Errorf("%d orders", n)
	}
}

// TestComputerGoesDown has a computer go down when orders that were ready have left, and nothing of that is on its disk: what is
// there of them is taken in.
func TestComputerGoesDown(t *testing.T) {
	g := startGateway(t, sim.Config{})
	path := filepath.Join(t.TempDir(), "orders.db")
	d := newDesk(t, path, g.Port())
	s := d.session(t)
	before, err := d.place(s, order(1, 80))
	if err != nil {
		t.Fatal(err)
	}
	d.fate(t, before.Order.Ref, Working)
	if err := errors.Join(d.ledger.SetArmed(true), d.ledger.flush(nil)); err != nil {
		t.Fatal(err)
	}
	var wished []conn.Order
	var left []Intent
	place := func(o conn.Order) {
		t.Helper()
		o = Ready(o)[0]
		wished = append(wished, o)
		list, err := d.ledger.Place(s, Batch{Orders: []conn.Order{o}, Ready: true})
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, list[0])
	}
	d.ledger.writing.Lock() // the database takes nothing over meanwhile
	place(order(1, 90))     // rests
	place(order(2, 101))    // is filled
	place(order(3, 90))     // is cancelled
	d.fate(t, wished[1].Ref, Filled)
	d.fate(t, wished[2].Ref, Working)
	if err := s.Cancel(left[2].ID); err != nil {
		t.Fatal(err)
	}
	d.fate(t, wished[2].Ref, Cancelled)
	down := goDown(t, path)
	d.ledger.writing.Unlock()
	d.stop()
	wished = append(wished, Ready(order(9, 90))[0]) // and this one was never sent

	at := time.Now().UTC().Add(-time.Minute)
	expect := func(l *Ledger) {
		for _, o := range wished {
			o.LimitPrice = 0 // which was not known before
			l.Expect(Intent{Order: o, Rule: "r", Multiplier: 5, At: at})
		}
	}
	d = newDesk(t, opened(t, down, expect), g.Port())
	if !d.ledger.WentDown() {
		t.Error("it does not know that the computer went down")
	}
	expect(d.ledger)
	s = d.session(t)
	for n, want := range []Fate{Working, Filled, Cancelled} {
		i := d.fate(t, wished[n].Ref, want)
		if i.Rule != "r" || i.Multiplier != 5 || !i.Found || i.Client != clientID || i.Order.Quantity != wished[n].Quantity || !i.At.Equal(at) {
			t.Errorf("%+v", i)
		}
		if i.ID != left[n].ID && want != Cancelled { // Gateway does not tell that of orders which are done and were not filled
			t.Errorf("%d, it was %d", i.ID, left[n].ID)
		}
		if want == Filled && i.Filled != 2 {
			t.Errorf("%+v", i)
		}
	}
	list := d.ledger.Intents()
	if len(list) != 4 {
		t.Errorf("%+v", list)
	}
	if n := d.ledger.Sent(at.Add(-time.Second)); n != 4 {
		t.Errorf("%d orders were sent", n)
	}
	if n := d.ledger.Sent(at.Add(time.Second)); n != 1 {
		t.Errorf("%d orders were sent since", n)
	}
	d.ledger.mu.Lock()
	sorted := slices.IsSortedFunc(d.ledger.sendings, func(a, b sending) int { return cmp.Compare(a.mono, b.mono) })
	d.ledger.mu.Unlock()
	if !sorted {
		t.Error("times are out of order")
	}
	// Its price is not known, so that it cannot be sent once more. It can be cancelled.
	if _, err := d.ledger.Change(s, left[0].ID, func(o *conn.Order) { o.LimitPrice = 91 }, nil); !errors.Is(err, ErrNotChanged) || !strings.Contains(err.Error(), "TWS") {
		t.Error(err)
	}
	if err := s.Cancel(left[0].ID); err != nil {
		t.Fatal(err)
	}
	d.fate(t, wished[0].Ref, Cancelled)
	// Nothing is taken for one that is expected which is there already.
	expect(d.ledger)
	d.ledger.mu.Lock()
	if n := len(d.ledger.expected); n != 1 {
		t.Errorf("%d are expected", n)
	}
	d.ledger.mu.Unlock()
	next, err := d.place(s, order(1, 85))
	if err != nil || slices.ContainsFunc(list, func(i Intent) bool { return i.ID >= next.ID }) {
		t.Errorf("%+v, %v", next, err)
	}
	d.fate(t, next.Order.Ref, Working)
	d.stop()
	if list := openLedger(t, down).Intents(); len(list) != 5 {
		t.Errorf("%+v", list)
	}
}

// opened has a ledger be opened and closed again before anything has come of what it expects, and returns its path.
func opened(t *testing.T, path string, expect func(*Ledger)) string {
	t.Helper()
	l := openLedger(t, path)
	expect(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWentDown ends programs and computers while trading is on and while it is not.
func TestWentDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openLedger(t, path)
	desk := NewDesk(l, Limits{}, func(Report) {}, slog.New(slog.DiscardHandler))
	went := func(path string) bool {
		t.Helper()
		l := openLedger(t, path)
		defer l.Close()
		return l.WentDown()
	}
	killed := func() bool { return went(leave(t, path)) }
	down := func() bool {
		left := goDown(t, path)
		if first := went(left); first != went(left) { // who does nothing about it finds it again
			t.Errorf("it went down %v, and then the contrary", first)
		}
		return went(left)
	}
	written := func() {
		t.Helper()
		eventually(t, "the disk has it", func() bool { return !armedOnDisk(t, desk.ledger) })
	}
	if killed() || down() {
		t.Error("it was never armed")
	}
	desk.Arm()
	if killed() {
		t.Error("the program was killed, not the computer")
	}
	if !down() {
		t.Error("armed, and the computer went down")
	}
	left := leave(t, path)
	mark(t, left, "unknown")
	if !went(left) {
		t.Error("a system that does not say how often it was started")
	}
	desk.Configure(Limits{Mode: conn.Paper})
	written()
	if armed, _ := desk.Armed(); armed || down() {
		t.Error("the mode of accounts was changed: it is not armed")
	}
	desk.Arm()
	desk.Disarm()
	written()
	if down() {
		t.Error("it was disarmed")
	}
	desk.Arm()
	left = goDown(t, path)
	again := openLedger(t, left)
	if err := again.Recovered(); err != nil || !again.WentDown() {
		t.Error(err)
	}
	again.Close()
	if went(left) {
		t.Error("everything was done")
	}
	again = openLedger(t, goDown(t, path))
	if err := errors.Join(again.SetArmed(true), again.Recovered()); err != nil || !again.isPrompt() {
		t.Error(err)
	}
	if left := leave(t, again.db.Path()); went(left) {
		t.Error("armed by now, and the program was killed")
	} else if mark(t, left, "another boot"); went(left) {
		t.Error("the next program was not armed, and then the computer went down")
	}
	if left := goDown(t, again.db.Path()); !went(left) {
		t.Error("armed by now, and the computer went down once more")
	}
	l.Close()
	if down() {
		t.Error("the program has ended, and then the computer went down")
	}
	if err := l.SetArmed(true); err == nil || l.isPrompt() {
		t.Errorf("a closed ledger was armed: %v", err)
	}
	if l.Recovered() == nil {
		t.Error("a closed ledger has recovered")
	}
}

// TestDisarmedWhileItIsArmed has trading be stopped while it is being armed, which takes as long as the disk: it is stopped.
func TestDisarmedWhileItIsArmed(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	log := &logbook{}
	desk := NewDesk(l, Limits{}, func(Report) {}, slog.New(slog.NewTextHandler(log, nil)))
	waits := func(method string) {
		t.Helper()
		eventually(t, method+" waits", func() bool {
			stacks := make([]byte, 1<<20)
			for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
				if strings.Contains(one, method) && strings.Contains(one, "sync.Mutex.Lock") {
					return true
				}
			}
			return false
		})
	}
	l.writing.Lock()
	armed := make(chan struct{})
	go func() {
		defer close(armed)
		desk.Arm()
	}()
	waits("(*Desk).Arm")
	if on, _ := desk.Armed(); on {
		t.Error("armed before that is written down")
	}
	desk.Disarm() // while the disk is busy: it waits for nothing
	select {
	case <-armed:
		t.Error("armed while the disk was busy")
	default:
	}
	l.writing.Unlock()
	<-armed
	if on, since := desk.Armed(); on || !since.IsZero() || l.isPrompt() {
		t.Errorf("it is armed: %v, %v", on, since)
	}
	eventually(t, "it is written down that it is not armed", func() bool { return !armedOnDisk(t, l) })
	// Nothing counts on what is being taken back.
	desk.Arm()
	if !l.isPrompt() || !armedOnDisk(t, l) {
		t.Error("armed, and orders wait for the disk")
	}
	l.writing.Lock()
	desk.Disarm()
	if on, _ := desk.Armed(); on || l.isPrompt() {
		t.Error("orders do not wait for the disk")
	}
	l.writing.Unlock()
	eventually(t, "it is written down that it is not armed", func() bool { return !armedOnDisk(t, l) })
	// Where it cannot be written down trading is on all the same: orders wait for the disk, which has its own word.
	l.Close()
	desk.Arm()
	if on, _ := desk.Armed(); !on || l.isPrompt() || log.count("cannot be saved that trading is on") != 1 {
		t.Errorf("armed: %v\n%s", on, &log.text)
	}
	desk.Arm()
	if n := log.count("trading is on"); n != 3 { // the warning says it, too
		t.Errorf("%d\n%s", n, &log.text)
	}
}

// armedOnDisk reports whether the database says that trading is on.
func armedOnDisk(t *testing.T, l *Ledger) (armed bool) {
	t.Helper()
	if err := l.db.View(func(tx *bbolt.Tx) error {
		armed = tx.Bucket(metaBucket).Get(armedKey) != nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return armed
}
