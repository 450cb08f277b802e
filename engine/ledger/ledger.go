// Package ledger remembers every order that was meant to be sent, from before its bytes leave until its state is known,
// over drops, restarts and crashes. An order is on disk before it is sent, is sent once, and is never sent again by
// itself: what may or may not have reached Gateway is looked for under its reference after every connection, and shown
// as [Unknown] where Gateway knows nothing of it.
//
// Give [Ledger.Reconcile] to [conn.Config], so that the guard opens only when it has run, and have [Ledger.Follow] run.
// Limits are none of its business: package [gatewatch/engine] asks whether an order may leave.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn/ib"
	"gatewatch/engine/store"
)

// Ledger is the record of orders on disk and in memory. Its methods may be called from any goroutine.
type Ledger struct {
	db      *bbolt.DB
	journal *journal    // of what is not in db yet
	places  []place     // of the files of both; the database comes first
	copied  fs.FileInfo // what Rewrite has written; owned by who has writing
	log     *slog.Logger
	now     func() time.Time
	mono    func() time.Duration // since it was opened; no one can set it

	writing sync.Mutex // held by who writes to db; taken before mu, and mu is not held meanwhile

	mu      sync.Mutex
	intents map[string]*Intent // by reference
	ids     map[orderKey]*Intent
	floor   int64 // the highest order id that an order of ours has had
	top     int64 // the highest order id of an intent in memory
	// ids of orders of others that Gateway has mentioned in this run; true while such an order is open
	used      map[orderKey]bool
	twins     map[twin]bool              // orders of others that resemble ours, and were reported
	highest   map[int]int64              // of the open orders among them, by client id
	sentIn    map[string]uint64          // number of the session in which an intent of this run was sent
	metIn     map[string]uint64          // number of the last session in which Gateway has mentioned an intent
	leaving   map[string]bool            // by reference: its batch has not left as a whole
	dirty     map[string]bool            // by reference: db does not have what is known of it
	notes     map[string][]byte          // that db does not have
	broken    error                      // why nothing can be written down any more
	behind    error                      // why the database does not take over what is known, which is tried again
	sendings  []sending                  // when the intents of the last two days were written down, the oldest first
	changed   func(Intent)               // called with every change of a state; may be nil
	charges   map[string]Charge          // by execution: of those that Gateway has not mentioned yet
	cancels   map[string]*cancellation   // by reference: orders that were to be cancelled
	overdue   func([]Cancellation)       // called with those that live on; may be nil
	resembled func(Intent, ib.OrderNews) // called with an order of others that may be taken for ours; may be nil
	few       func(left int)             // called when few order ids are left; may be nil
	warned    bool                       // that few order ids are left

	cancelTurn sync.Mutex     // held by who writes requests to cancel; taken before mu
	sending    sync.WaitGroup // of what writes requests behind

	swept     time.Time     // when old intents were left out of memory last
	news      chan struct{} // something is to be written
	closeOnce sync.Once
	closing   chan struct{}
	closed    chan struct{}

	// how often in a row Gateway has left the question about completed orders unanswered
	silent atomic.Int32
	// how long Gateway may say nothing about an order that it was sent; answerLimit but in tests
	patience                 time.Duration
	cancelRetry, cancelLimit time.Duration // the constants of these names but in tests
}

// keepDone is how long an order is remembered when its state is known. Gateway mentions it for about a day.
const keepDone = 30 * 24 * time.Hour

var (
	intentBucket = []byte("intents") // by reference
	metaBucket   = []byte("meta")
	noteBucket   = []byte("notes")
	floorKey     = []byte("order_id_floor")
	takenKey     = []byte("journal_taken") // number of the last record of the journal that the database has
)

// Open opens the ledger at a path, and begins one if there is none.
func Open(path string, log *slog.Logger) (*Ledger, error) {
	db, err := openStore(path)
	if err != nil {
		return nil, err
	}
	j, waiting, err := openJournal(path + ".journal")
	if errors.Is(err, store.ErrDamaged) {
		err = damaged(path+".journal", err)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open orders: %w", err)
	}
	l := &Ledger{
		db: db, mono: stopwatch(), journal: j, log: log, now: moments(time.Now), intents: map[string]*Intent{},
		ids: map[orderKey]*Intent{}, used: map[orderKey]bool{}, highest: map[int]int64{}, sentIn: map[string]uint64{},
		metIn: map[string]uint64{}, leaving: map[string]bool{}, dirty: map[string]bool{}, notes: map[string][]byte{},
		news: make(chan struct{}, 1), closing: make(chan struct{}), closed: make(chan struct{}), patience: answerLimit,
		cancelRetry: cancelRetry, cancelLimit: cancelLimit, twins: map[twin]bool{}, cancels: map[string]*cancellation{},
		charges: map[string]Charge{},
	}
	var taken uint64
	if err = db.Update(func(tx *bbolt.Tx) (err error) {
		taken, err = l.load(tx, waiting)
		return err
	}); errors.Is(err, errRecord) {
		err = damaged(path+".journal", err)
	} else if errors.As(err, new(syscall.Errno)) { // of the disk: the file is whole, and has to stay where it is
		err = fmt.Errorf("open orders: %w; is the disk full?", err)
	} else if err != nil {
		err = damaged(path, err)
	} else {
		err = j.clear(taken)
	}
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	for _, file := range []string{path, path + ".journal"} {
		info, err := os.Stat(file)
		if err != nil {
			return nil, errors.Join(err, l.release())
		}
		l.places = append(l.places, place{file, info})
	}
	l.resumeCancels()
	go l.keepUp()
	return l, nil
}

// openStore opens the database of a ledger, or begins one. What is damaged is refused and left as it is.
func openStore(path string) (*bbolt.DB, error) {
	// The database is written before there is a journal.
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		if _, err := os.Stat(path + ".journal"); err == nil {
			return nil, damaged(path, fmt.Errorf("%w: it is empty", store.ErrDamaged))
		}
	}
	db, err := store.Open(path)
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, store.ErrDamaged):
		return nil, damaged(path, err)
	case errors.Is(err, store.ErrInUse):
		return nil, fmt.Errorf("open orders: %w; end it", err)
	}
	return nil, fmt.Errorf("open orders: %w", err)
}

// damaged says what to do about a ledger that cannot be read.
func damaged(path string, err error) error {
	return fmt.Errorf("read orders in %s: %w; without them it is not known which orders were sent: restore the file, "+
		"or move it elsewhere to start with an empty one", path, err)
}

// load reads what the database holds, when it has taken over what waits in the journal. It returns the number of the
// last record that it has then.
func (l *Ledger) load(tx *bbolt.Tx, waiting []entry) (taken uint64, err error) {
	for _, name := range [][]byte{intentBucket, metaBucket, noteBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return 0, err
		}
	}
	taken = count(tx, takenKey)
	begun := tx.Bucket(metaBucket).Get(takenKey) != nil // else it takes what another database has left
	for _, e := range waiting {
		switch {
		case e.Number <= taken:
			continue
		case e.flipped || e.Number != taken+1 && begun:
			return 0, errRecord
		}
		begun = true
		if err := errors.Join(putIntents(tx, e.Intents), putNotes(tx, e.Notes)); err != nil {
			return 0, err
		}
		taken = e.Number
	}
	if l.floor = int64(count(tx, floorKey)); !inRange(l.floor) {
		l.floor = 0 // nothing was ever sent, or an order was counted that was made by hand: ours say how far they are
	}
	intents := tx.Bucket(intentBucket)
	var old [][]byte
	err = intents.ForEach(func(ref, v []byte) error {
		i := &Intent{}
		if err := json.Unmarshal(v, i); err != nil {
			return fmt.Errorf("order %s: %w", ref, err)
		}
		if inRange(i.ID) {
			l.floor, l.top = max(l.floor, i.ID), max(l.top, i.ID)
		}
		if i.old(l.now()) {
			old = append(old, slices.Clone(ref))
			return nil
		}
		l.intents[string(ref)], l.ids[i.key()] = i, i
		l.sentAt(i.At)
		return nil
	})
	for _, ref := range old {
		err = errors.Join(err, intents.Delete(ref))
	}
	// The floor outlives the orders that have raised it.
	return taken, errors.Join(err, putCount(tx, floorKey, uint64(l.floor)), putCount(tx, takenKey, taken))
}

// Close writes what is to be written, and closes the files. Another call does nothing.
func (l *Ledger) Close() (err error) {
	l.closeOnce.Do(func() {
		close(l.closing)
		<-l.closed
		l.sending.Wait()
		if err = l.flush(nil); err == nil {
			err = l.journal.leave()
		}
		if errors.Is(l.InPlace(), ErrMoved) {
			err = errors.Join(err, l.Rewrite())
		}
		err = errors.Join(err, l.release())
	})
	return err
}

func (l *Ledger) release() error { return errors.Join(l.db.Close(), l.journal.file.Close()) }

// OnChange sets the function that is called with every intent whose state has changed, and for nothing else. It is
// called with the ledger locked: it must not block, and not call back.
func (l *Ledger) OnChange(f func(Intent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = f
}

// OnAlarm sets the functions that are called with orders that live on although they were to be cancelled, with an order
// of others that may be taken for one of ours, and with the number of order ids left when there are few; nil for none.
// They are called with the ledger locked: they must not block, and not call back.
func (l *Ledger) OnAlarm(overdue func([]Cancellation), resembled func(Intent, ib.OrderNews), few func(left int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.overdue, l.resembled, l.few = overdue, resembled, few
}

// Intents returns all intents, the oldest first.
func (l *Ledger) Intents() []Intent { return l.list(func(*Intent) bool { return true }) }

// Pending returns the intents of which something is still expected, the oldest first.
func (l *Ledger) Pending() []Intent { return l.list(func(i *Intent) bool { return !i.Done() }) }

func (l *Ledger) list(ok func(*Intent) bool) (list []Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.intents {
		if ok(i) {
			list = append(list, *i)
		}
	}
	slices.SortFunc(list, func(a, b Intent) int { return int(a.ID - b.ID) })
	return list
}
