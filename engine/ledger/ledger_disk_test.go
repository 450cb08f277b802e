package ledger

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/nudge"
	"gatewatch/conn/sim"
	"gatewatch/engine/store"
)

func openLedger(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// note returns what gives one note.
func note(key, text string) func() map[string][]byte {
	return func() map[string][]byte { return map[string][]byte{key: []byte(text)} }
}

// TestUnreadableLedger has a record that cannot be read: no one may go on as if it were not there, and the file is let
// go.
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
		if err := db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(intentBucket).Put([]byte("gw-x"), []byte(text))
		}); err != nil {
			t.Fatal(err)
		}
	}
	write("{")
	for range 2 {
		l, err := Open(path, slog.New(slog.DiscardHandler))
		if l != nil || err == nil || !strings.Contains(err.Error(), "gw-x") || !strings.Contains(err.Error(), path) {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	write(`{"id":7,"fate":"unknown"}`)
	if list := openLedger(t, path).Intents(); len(list) != 1 || list[0].ID != 7 {
		t.Errorf("%+v", list)
	}
	for _, size := range []int64{0, 4096} {
		cut := filepath.Join(t.TempDir(), "orders.db")
		openLedger(t, cut).Close()
		if err := os.Truncate(cut, size); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(cut, slog.New(slog.DiscardHandler)); l != nil || !errors.Is(err, store.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
	}
	odd := filepath.Join(t.TempDir(), "orders.db")
	if err := os.Mkdir(odd+".journal", 0o700); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(odd, slog.New(slog.DiscardHandler)); l != nil || err == nil {
		t.Errorf("a journal that is a folder was opened: %v", err)
	}
	if err := os.Remove(odd + ".journal"); err != nil {
		t.Fatal(err)
	}
	openLedger(t, odd) // which nothing holds
	if l, err := Open(t.TempDir(), slog.New(slog.DiscardHandler)); l != nil || err == nil {
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
	if err := l.put(0, l.floor, map[string][]byte{"a": nil, "c": []byte("3")}, &Intent{ID: 1, Order: o}); err != nil {
		t.Fatal(err)
	}
	holds(map[string]string{"b": "2", "c": "3"})
	// All of it or nothing: an order that cannot be written down takes its notes with it, and the other way round.
	odd := o
	odd.Ref, odd.LimitPrice = "gw-y", math.NaN()
	for _, err := range []error{
		l.put(0, l.floor, map[string][]byte{"d": []byte("4")}, &Intent{ID: 2, Order: odd}),
		l.put(0, l.floor, map[string][]byte{"d": []byte("4")}, &Intent{ID: 2}),
		l.put(0, l.floor, map[string][]byte{"": []byte("5")}, &Intent{ID: 2, Order: ib.Order{Ref: "gw-z"}}),
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
		if err := l.put(0, l.floor, nil, &Intent{
			ID: id, At: now.Add(-age), Order: ib.Order{Ref: ref},
			State: Unknown,
		}); err != nil {
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
	for age, want := range map[time.Duration]int{
		0: 0, time.Hour: 1, 90 * time.Minute: 1, 2 * time.Hour: 2,
		46 * time.Hour: 3, 48 * time.Hour: 4,
	} {
		if got := l.Sent(now.Add(-age)); got != want {
			t.Errorf("%d orders in %v, want %d", got, age, want)
		}
	}
	if len(l.sendings) != 4 {
		t.Errorf("%d times are kept", len(l.sendings))
	}
}

// TestNothingToSend has batches of which nothing can be written down, and so nothing is sent.
func TestNothingToSend(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	for name, b := range map[string]Batch{
		"no orders":             {},
		"no number":             {Orders: []ib.Order{order(1, math.Inf(1))}},
		"a note without a name": {Orders: []ib.Order{order(1, 90)}, Notes: note("", "x")},
	} {
		if list, err := d.ledger.Place(s, b); err == nil || len(list) != 0 {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if list := d.ledger.Intents(); len(list) != 0 || len(d.ledger.sendings) != 0 {
		t.Errorf("%+v", list)
	}
	if _, err := s.OpenOrders(t.Context()); err != nil { // what was sent before has arrived by now
		t.Fatal(err)
	}
	if n := len(g.State().Orders); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// lines is a log that may be read while it is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestStateIsWrittenDown reads from the disk what the ledger says in memory, hears of it once when that fails, and has
// it written when the disk takes it again.
func TestStateIsWrittenDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "orders.db")
	told := make(lines, 10)
	l, err := Open(path, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var changes []OrderState
	l.OnChange(func(i Intent) { changes = append(changes, i.State) })
	i := &Intent{ID: 7, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 1}, State: Sent}
	l.intents["gw-x"], l.ids[i.key()] = i, i
	stored := func() (f OrderState) {
		_ = l.db.View(func(tx *bbolt.Tx) error {
			i := &Intent{}
			if err := json.Unmarshal(tx.Bucket(intentBucket).Get([]byte("gw-x")), i); err == nil {
				f = i.State
			}
			return nil
		})
		return f
	}
	news := func(status string) {
		l.Learn(ib.OrderNews{Kind: ib.OrderStatus, ID: 7, Client: clientID, Status: status})
	}
	news("Submitted")
	eventually(t, "it is written down by itself", func() bool { return stored() == Working })

	l.NoteSoon(map[string][]byte{"": []byte("a note without a key, which no disk takes"), "a": []byte("1")})
	news("Cancelled")
	select {
	case line := <-told:
		if !strings.Contains(line, "cannot be written") {
			t.Errorf("%q", line)
		}
	case <-time.After(ibtest.Patience):
		t.Fatal("nobody heard of it")
	}
	if stopped, behind := l.Trouble(); stopped != nil || behind == nil {
		t.Errorf("what is known is not on disk, and the trouble is %v, %v", stopped, behind)
	}
	if err := l.Note(map[string][]byte{"b": nil}); err == nil {
		t.Error("it was written, though what comes before could not be")
	}
	if f := stored(); f != Working {
		t.Errorf("a half was written: %s", f)
	}
	l.mu.Lock()
	delete(l.notes, "")
	l.mu.Unlock()
	if notes, err := l.Notes(); err != nil || len(notes) != 1 || string(notes["a"]) != "1" || stored() != Cancelled {
		t.Errorf("%q, %v, %s", notes, err, stored())
	}
	// The newer of two notes counts, however they are written.
	l.NoteSoon(map[string][]byte{"a": []byte("2")})
	if err := l.Note(map[string][]byte{"a": []byte("3")}); err != nil {
		t.Fatal(err)
	}
	l.NoteSoon(map[string][]byte{"b": []byte("4")})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(changes) != 2 || changes[0] != Working || changes[1] != Cancelled || len(told) != 0 {
		t.Errorf("%v, %d more lines", changes, len(told))
	}
	l = openLedger(t, path)
	if list := l.Intents(); len(list) != 1 || list[0].State != Cancelled || list[0].Changed.IsZero() {
		t.Errorf("%+v", list)
	}
	if notes, err := l.Notes(); err != nil || len(notes) != 2 || string(notes["a"]) != "3" ||
		string(notes["b"]) != "4" {
		t.Errorf("%q, %v", notes, err)
	}
}

// TestBrokenDatabase has the database panic: that stays here, and no order is sent any more that could not be written
// down.
func TestBrokenDatabase(t *testing.T) {
	g := startGateway(t, sim.Config{})
	d := newDesk(t, filepath.Join(t.TempDir(), "orders.db"), g.Port())
	s := d.session(t)
	if _, err := d.place(s, order(1, 90)); err != nil {
		t.Fatal(err)
	}
	l := d.ledger
	l.writing.Lock()
	db := l.db
	l.db = nil
	l.writing.Unlock()
	if err := l.Note(map[string][]byte{"a": nil}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
	if list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(1, 90)}}); !errors.Is(err, ErrNotWritten) ||
		len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if stopped, _ := l.Trouble(); stopped == nil {
		t.Error("trading may go on")
	}
	l.writing.Lock()
	l.db = db
	l.writing.Unlock()
	if n := len(l.Intents()); n != 1 {
		t.Errorf("%d intents", n)
	}
}

// TestQuiet has the database take over the journal when nothing has happened for a while, and at once when that needs
// its space; what the disk has refused waits longer, and for nothing else.
func TestQuiet(t *testing.T) {
	for name, c := range map[string]struct {
		failed, full bool
		news         []time.Duration // after the beginning
		want         time.Duration
	}{
		"news": {news: []time.Duration{0}, want: time.Second},
		"late": {news: []time.Duration{time.Minute}, want: time.Minute + time.Second},
		"more news": {
			news: []time.Duration{0, 900 * time.Millisecond, 1800 * time.Millisecond},
			want: 2800 * time.Millisecond,
		},
		"no space":          {full: true, news: []time.Duration{time.Minute}, want: time.Minute},
		"after a failure":   {failed: true, news: []time.Duration{0}, want: 5 * time.Second},
		"more after it":     {failed: true, news: []time.Duration{0, 4 * time.Second}, want: 5 * time.Second},
		"no space after it": {failed: true, full: true, news: []time.Duration{0, time.Second}, want: 5 * time.Second},
		"never":             {want: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &Ledger{journal: &journal{}, news: make(chan struct{}, 1), closing: make(chan struct{})}
			if c.full {
				l.journal.used[0] = halfSize
			}
			began := time.Now()
			for _, at := range c.news {
				time.AfterFunc(at, func() { nudge.Send(l.news) })
			}
			end := time.AfterFunc(time.Hour, func() { close(l.closing) })
			defer end.Stop()
			if ok := l.quiet(c.failed); ok != (name != "never") || time.Since(began) != c.want {
				t.Errorf("%s: %v after %v, want %v", name, ok, time.Since(began), c.want)
			}
		})
	}
}

// TestDiskRefuses has the database refuse what it is given, again and again: a person hears of that once, it is tried
// every five seconds, and heard of again when it had worked in between.
func TestDiskRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	synctest.Test(t, func(t *testing.T) {
		told := make(lines, 10)
		l, err := Open(path, slog.New(slog.NewTextHandler(told, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		waiting := func() int {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.notes)
		}
		mend := func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.notes, "")
		}
		for range 2 {
			l.NoteSoon(map[string][]byte{"": []byte("a note without a key, which no disk takes"), "a": []byte("1")})
			time.Sleep(1100 * time.Millisecond)
			if len(told) != 1 || waiting() != 2 {
				t.Fatalf("%d lines, %d notes wait", len(told), waiting())
			}
			<-told
			time.Sleep(20 * time.Second)
			mend()
			time.Sleep(3 * time.Second) // the next attempt is 26 s after the note
			if len(told) != 0 || waiting() != 1 {
				t.Errorf("%d more lines, %d notes wait", len(told), waiting())
			}
			time.Sleep(3 * time.Second)
			if waiting() != 0 {
				t.Errorf("%d notes wait", waiting())
			}
		}
	})
}

// TestJournalFillsUp has the database refuse what it is given until the journal is full: no order can leave, and that
// is said before one is tried. It ends by itself when the database takes what it is given.
func TestJournalFillsUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, path)
		defer l.Close()
		trouble := func(why string, full bool) {
			t.Helper()
			if stopped, _ := l.Trouble(); errors.Is(stopped, errJournalFull) != full {
				t.Errorf("%s: stopped by %v", why, stopped)
			}
		}
		l.NoteSoon(map[string][]byte{"": []byte("a note without a key, which no disk takes")})
		time.Sleep(2 * time.Second)
		trouble("there is space in the journal", false)
		for range 100 {
			l.NoteSoon(map[string][]byte{"a": make([]byte, 10_000)})
		}
		time.Sleep(time.Minute)
		trouble("the journal is full", true)
		l.mu.Lock()
		delete(l.notes, "")
		l.mu.Unlock()
		time.Sleep(10 * time.Second)
		trouble("the database has taken it", false)
	})
}

// TestNewerNote has a note be replaced while the database is about to refuse the older one.
func TestNewerNote(t *testing.T) {
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	l.NoteSoon(map[string][]byte{"": []byte("x"), "a": []byte("older"), "b": []byte("1")})
	tx, err := l.db.Begin(true) // which others wait for
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error)
	go func() { refused <- l.flush(map[string][]byte{"c": []byte("2")}) }()
	taken := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.notes) == 0
	}
	eventually(t, "the notes are on their way", taken)
	l.NoteSoon(map[string][]byte{"a": []byte("newer")})
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; err == nil {
		t.Fatal("a note without a key was taken")
	}
	l.mu.Lock()
	delete(l.notes, "")
	l.mu.Unlock()
	notes, err := l.Notes()
	if err != nil || len(notes) != 2 || string(notes["a"]) != "newer" || string(notes["b"]) != "1" {
		t.Errorf("%q, %v", notes, err)
	}
}
