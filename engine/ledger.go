package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
)

// Ledger remembers every order that was meant to be sent, from before its bytes leave until its fate is known, over drops,
// restarts and crashes. An order is on disk before it is sent, is sent once, and is never sent again by itself: what may or
// may not have reached Gateway is looked for under its reference after every connection, and shown as [Unknown] where
// Gateway knows nothing of it. Its methods may be called from any goroutine.
//
// Give [Ledger.Reconcile] to [conn.Config], so that the guard opens only when it has run, and have [Ledger.Follow] run.
type Ledger struct {
	db      *bbolt.DB
	journal *journal // of what is not in db yet
	client  int
	log     *slog.Logger
	now     func() time.Time

	writing sync.Mutex // held by who writes to db; taken before mu, and mu is not held meanwhile

	mu      sync.Mutex
	intents map[string]*Intent // by reference
	ids     map[int64]*Intent  // by order id
	floor   int64              // the highest order id that was ever used
	sentIn  map[string]uint64  // number of the session in which an intent of this run was sent
	leaving map[string]bool    // by reference: its batch has not left as a whole
	dirty   map[string]bool    // by reference: db does not have what is known of it
	notes   map[string][]byte  // that db does not have
	broken  error              // why nothing can be written down any more
	times   []time.Time        // when the intents of the last two days were written down, the oldest first
	changed func(Intent)       // told of every change of a fate; may be nil

	swept     time.Time     // when old intents were left out of memory last
	news      chan struct{} // something is to be written
	closeOnce sync.Once
	closing   chan struct{}
	closed    chan struct{}

	patience time.Duration // how long Gateway may say nothing about an order that it was sent; answerLimit but in tests
}

// Batch is what is sent together, in order and in one session: a single order, or one with those that close its position.
type Batch struct {
	// Orders are sent in this order. Those behind the first are held by Gateway until the first is filled, and all of them
	// until the last has arrived: what comes apart on the way does nothing. References and parents are chosen by the ledger.
	Orders     []conn.Order
	Multiplier float64 // of their contract; 0 stands for 1
	Rule       string  // name of the rule that wants them, empty if none does
	// Notes are written down together with the intents, or not at all; see [Ledger.Notes].
	Notes map[string][]byte
	// Allowed, if set, is asked at the moment when an order's bytes are about to leave; its error holds the order back. It must
	// not block.
	Allowed func() error
}

// reconcileLimit bounds the wait for Gateway's answers, which do not come where its API is set to read-only.
const reconcileLimit = 30 * time.Second

// answerLimit is how long Gateway may say nothing about an order that it was sent before it is asked. It answers at once, unless it
// has thrown the order away: what comes too fast it refuses with an error that names no order (100).
const answerLimit = 10 * time.Second

// keepDone is how long an order is remembered when its fate is known. Gateway tells of it for about a day.
const keepDone = 30 * 24 * time.Hour

var (
	intentBucket = []byte("intents") // by reference
	metaBucket   = []byte("meta")
	noteBucket   = []byte("notes")
	floorKey     = []byte("order_id_floor")
	takenKey     = []byte("journal_taken") // number of the last record of the journal that the database has
)

// OpenLedger opens the ledger at a path, and begins one if there is none. Orders are placed with the given client id.
func OpenLedger(path string, client int, log *slog.Logger) (*Ledger, error) {
	db, err := openStore(path)
	if err != nil {
		return nil, err
	}
	j, waiting, err := openJournal(path + ".journal")
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open orders: %w", err)
	}
	l := &Ledger{
		db: db, journal: j, client: client, log: log, now: func() time.Time { return time.Now().Round(0).UTC() }, intents: map[string]*Intent{},
		ids: map[int64]*Intent{}, sentIn: map[string]uint64{}, leaving: map[string]bool{}, dirty: map[string]bool{}, notes: map[string][]byte{},
		news: make(chan struct{}, 1), closing: make(chan struct{}), closed: make(chan struct{}), patience: answerLimit,
	}
	var taken uint64
	if err = db.Update(func(tx *bbolt.Tx) (err error) {
		taken, err = l.load(tx, waiting)
		return err
	}); err != nil {
		err = damaged(path, err)
	} else {
		err = j.clear(taken)
	}
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	go l.keepUp()
	return l, nil
}

// load reads what the database holds, when it has taken over what waits in the journal. It returns the number of the last record
// that it has then.
func (l *Ledger) load(tx *bbolt.Tx, waiting []entry) (taken uint64, err error) {
	for _, name := range [][]byte{intentBucket, metaBucket, noteBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return 0, err
		}
	}
	taken = count(tx, takenKey)
	for _, e := range waiting {
		if e.Number <= taken {
			continue
		}
		if err := errors.Join(putIntents(tx, e.Intents), putNotes(tx, e.Notes)); err != nil {
			return 0, err
		}
		taken = e.Number
	}
	l.floor = int64(count(tx, floorKey))
	intents := tx.Bucket(intentBucket)
	var old [][]byte
	err = intents.ForEach(func(ref, v []byte) error {
		i := &Intent{}
		if err := json.Unmarshal(v, i); err != nil {
			return fmt.Errorf("order %s: %w", ref, err)
		}
		l.floor = max(l.floor, i.ID)
		if i.old(l.now()) {
			old = append(old, slices.Clone(ref))
			return nil
		}
		l.intents[string(ref)], l.ids[i.ID] = i, i
		l.times = append(l.times, i.At)
		return nil
	})
	slices.SortFunc(l.times, time.Time.Compare)
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
		if err = l.flush(nil); err == nil {
			err = l.journal.leave()
		}
		err = errors.Join(err, l.release())
	})
	return err
}

func (l *Ledger) release() error { return errors.Join(l.db.Close(), l.journal.file.Close()) }

// SetClient has orders be placed with another client id from now on. Those before belong to the id that placed them.
func (l *Ledger) SetClient(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client = id
}

// OnChange has f told of every intent whose fate has changed, and of nothing else. It is called with the ledger locked: it must
// not block, and not call back.
func (l *Ledger) OnChange(f func(Intent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = f
}

// Place sends the orders of a batch through a session, each once. It returns what is known of them when their bytes have left,
// or are known not to. An error is about the first order that was not surely sent, and none behind it were; it means that it
// was not sent, unless its intent's fate is [Unknown]. Without intents nothing was even written down.
func (l *Ledger) Place(s *conn.Session, b Batch) ([]Intent, error) {
	if len(b.Orders) == 0 {
		return nil, errors.New("a batch without orders")
	}
	if err := s.Guard(); err != nil {
		return nil, err
	}
	list := l.plan(s, b)
	written := false
	fates, failed := make([]Fate, len(list)), error(nil)
	for n, i := range list {
		if failed != nil {
			fates[n] = NotSent
			continue
		}
		c := conn.Conditions{Allowed: b.Allowed}
		if n == 0 {
			c.Prepare = func() (err error) {
				written, err = l.writeDown(s, list, b.Notes)
				return err
			}
		}
		failed = s.PlaceIf(i.ID, i.Order, c) // nobody changes the order before Gateway has it
		fates[n] = fateAfter(failed)
	}
	if !written {
		return nil, failed
	}
	if failed != nil && fates[0] == Sent {
		l.takeBack(s, list[0].ID)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	known := make([]Intent, len(list))
	for n, i := range list {
		delete(l.leaving, i.Order.Ref)
		// Gateway may have told of it already; or a newer session knew nothing of what has surely not left.
		if i.Fate == Planned || i.Fate == Unknown && fates[n] == NotSent {
			if i.Fate = fates[n]; i.Fate != Sent {
				i.Detail = failed.Error()
			}
			i.Changed = l.now()
		}
		known[n] = *i
	}
	l.save(list...)
	return known, failed
}

// takeBack cancels the first order of a batch that has not arrived as a whole, and with it those that have.
func (l *Ledger) takeBack(s *conn.Session, id int64) {
	if err := s.Cancel(id); err != nil {
		l.log.Warn("an order without its exits stays in Gateway", "session", s.Number(), "order", id, "err", err)
	}
}

// plan makes the intents of a batch.
func (l *Ledger) plan(s *conn.Session, b Batch) (list []*Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.floor = max(l.floor, s.FirstOrderID()-1)
	for n, o := range b.Orders {
		l.floor++
		o.Ref, o.Parent, o.Hold = "gw-"+rand.Text(), 0, n < len(b.Orders)-1
		if n > 0 {
			o.Parent = list[0].ID
		}
		list = append(list, &Intent{ID: l.floor, Client: l.client, Rule: b.Rule, Multiplier: b.Multiplier, At: now, Changed: now, Order: o, Fate: Planned})
	}
	return list
}

// writeDown has the intents of a batch be on disk when it returns without an error. It reports whether the ledger knows of them,
// which it may with an error, too.
func (l *Ledger) writeDown(s *conn.Session, list []*Intent, notes map[string][]byte) (known bool, err error) {
	if err = l.enter(s, list, notes); err == nil {
		known = true
		err = l.sync()
	}
	if err != nil {
		err = notWritten("order", err)
	}
	return known, err
}

// enter takes the intents of a batch into the ledger, unless they cannot be written.
func (l *Ledger) enter(s *conn.Session, list []*Intent, notes map[string][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, odd := notes[""]; odd {
		return errors.New("a note without a key")
	}
	if l.broken != nil {
		return l.broken
	}
	now := l.now()
	l.forget(now)
	if err := l.journal.write(entry{Intents: list, Notes: notes}); err != nil {
		return err
	}
	for _, i := range list {
		ref := i.Order.Ref
		l.intents[ref], l.ids[i.ID], l.sentIn[ref] = i, i, s.Number()
		l.leaving[ref], l.dirty[ref] = true, true
		l.times = append(l.times, now)
	}
	maps.Copy(l.notes, notes)
	return nil
}

// forget leaves what is old out of memory, now and then; the next start takes it from the disk.
func (l *Ledger) forget(now time.Time) {
	if now.Sub(l.swept).Abs() < time.Hour {
		return
	}
	l.swept = now
	maps.DeleteFunc(l.intents, func(ref string, i *Intent) bool {
		if !i.old(now) {
			return false
		}
		delete(l.ids, i.ID)
		delete(l.sentIn, ref)
		return true
	})
}

// Change changes an order that works. It is not an error that Gateway may refuse it later: then the order stays as it was. The
// intent tells what was asked for. An order of which Gateway has told nothing cannot be changed, since it would be placed anew.
func (l *Ledger) Change(s *conn.Session, id int64, change func(*conn.Order), allowed func() error) (Intent, error) {
	i, order, err := l.begin(id)
	if err != nil {
		return Intent{}, err
	}
	change(&order)
	order.Hold = false
	sent := order
	if l.over(sent.Parent) {
		sent.Parent = 0 // Gateway refuses a parent that it does not have any more (135)
	}
	if err := s.PlaceIf(id, sent, conn.Conditions{Allowed: allowed}); err != nil {
		return Intent{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i.Order, i.Changed = order, l.now()
	l.save(i)
	return *i, nil
}

// over reports whether nothing more is expected of an order.
func (l *Ledger) over(id int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.ids[id]
	return i != nil && i.Fate.Done()
}

// begin finds an order that can be changed, and writes down that it is about to be.
func (l *Ledger) begin(id int64) (*Intent, conn.Order, error) {
	i, order, err := l.alter(id)
	if err != nil {
		return nil, conn.Order{}, err
	}
	if err := l.sync(); err != nil {
		return nil, conn.Order{}, notWritten("change", err)
	}
	return i, order, nil
}

// alter marks an order as one that is about to be changed, if it can be.
func (l *Ledger) alter(id int64) (*Intent, conn.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.ids[id]
	switch {
	case i == nil || i.Fate.Done():
		return nil, conn.Order{}, ErrNotOpen
	case i.Client != l.client:
		return nil, conn.Order{}, fmt.Errorf("%w: it belongs to client id %d; change it in TWS, or connect with that id", ErrNotChanged, i.Client)
	case i.Fate != Working || l.leaving[i.Order.Ref]:
		return nil, conn.Order{}, fmt.Errorf("%w: Gateway has not confirmed it; look for it in TWS", ErrNotChanged)
	case !l.whole(i):
		return nil, conn.Order{}, fmt.Errorf("%w: Gateway holds it, because its exits did not arrive; cancel it", ErrNotChanged)
	}
	err := l.broken
	if i.Altered = true; err == nil {
		err = l.record(entry{Intents: []*Intent{i}})
	}
	if err != nil {
		return nil, conn.Order{}, notWritten("change", err)
	}
	return i, i.Order, nil
}

// whole reports whether the last of the orders that were sent together with one has arrived. Until then Gateway holds them, and
// to send one of them again without Hold would let go those that are there.
func (l *Ledger) whole(i *Intent) bool {
	head := i.ID
	if i.Order.Parent != 0 {
		head = i.Order.Parent
	}
	end := i
	for _, other := range l.intents {
		if other.Order.Parent == head && other.ID > end.ID {
			end = other
		}
	}
	first := l.ids[head]
	return end.Fate == Working || end.Fate == Filled || end.Fate == Cancelled || first != nil && first.Filled > 0
}

var errNotWritten = errors.New("it could not be written down")

func notWritten(what string, err error) error {
	return fmt.Errorf("the %s was not sent: %w: %w; is the disk full?", what, errNotWritten, err)
}

// ErrNotOpen means that an order is not one of ours, or that nothing is expected of it any more.
var ErrNotOpen = errors.New("no such open order")

// ErrNotChanged means that an open order cannot be changed as it stands; the error's text says why, and what to do.
var ErrNotChanged = errors.New("the order cannot be changed")

// Sent returns how many orders were written down since a time, which lies at most two days back.
func (l *Ledger) Sent(since time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, _ := slices.BinarySearchFunc(l.times, l.now().Add(-48*time.Hour), time.Time.Compare)
	l.times = slices.Delete(l.times, 0, old)
	n, _ := slices.BinarySearchFunc(l.times, since, time.Time.Compare)
	return len(l.times) - n
}

// fateAfter says what has become of an order whose placing has ended with err.
func fateAfter(err error) Fate {
	switch {
	case err == nil:
		return Sent
	case errors.Is(err, conn.ErrFateUnknown):
		return Unknown
	}
	return NotSent
}

func (l *Ledger) tell(list ...*Intent) {
	if l.changed != nil {
		for _, i := range list {
			l.changed(*i)
		}
	}
}

// Learn takes in what Gateway says about an order. It returns the intent that it is about, if it is about one of ours and
// says something new.
func (l *Ledger) Learn(n conn.OrderNews) (Intent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.about(n)
	if i == nil || !i.learn(n, l.now()) {
		return Intent{}, false
	}
	l.save(i)
	return *i, true
}

func (l *Ledger) about(n conn.OrderNews) *Intent {
	if n.Ref != "" {
		return l.intents[n.Ref]
	}
	if i := l.ids[n.ID]; i != nil && i.is(n) {
		return i
	}
	return nil
}

// Follow takes in what a session says about orders, until it is over or ctx ends. About an order of which it says nothing it is
// asked.
func (l *Ledger) Follow(ctx context.Context, s *conn.Session) {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := make(chan struct{}, 1) // full while a question is under way
	clock := time.NewTicker(l.patience / 5)
	defer clock.Stop()
	for {
		l.hear(s)
		select {
		case <-s.Orders().Ready():
		case <-clock.C:
			if len(asked) > 0 || s.Guard() != nil || len(l.unanswered(s)) == 0 {
				continue
			}
			asked <- struct{}{}
			asking.Go(func() {
				l.search(ctx, s)
				<-asked
			})
		case <-s.Done():
			l.hear(s)
			return
		case <-ctx.Done():
			return
		}
	}
}

// hear takes in what a session has said. An order one of whose exits was refused is taken back, unless it is too late.
func (l *Ledger) hear(s *conn.Session) {
	for _, n := range s.Orders().Take() {
		if i, news := l.Learn(n); news && i.Fate == Rejected {
			l.bereave(s, i)
		}
	}
}

// bereave takes back the order to which one belongs that Gateway does not have, unless it is too late.
func (l *Ledger) bereave(s *conn.Session, exit Intent) {
	if exit.Order.Parent == 0 {
		return
	}
	l.mu.Lock()
	head := l.ids[exit.Order.Parent]
	early := head != nil && !head.Fate.Done() && head.Filled == 0
	l.mu.Unlock()
	if early {
		l.takeBack(s, exit.Order.Parent)
	}
}

// unanswered returns the references of the orders that a session was sent and has said nothing about for too long.
func (l *Ledger) unanswered(s *conn.Session) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	refs := map[string]bool{}
	for ref, number := range l.sentIn {
		i := l.intents[ref]
		if number == s.Number() && i.Fate == Sent && l.now().Sub(i.Changed) > l.patience {
			refs[ref] = true
		}
	}
	return refs
}

// search asks about the orders that a session says nothing about. What it has no trace of is unknown: it was sent before the
// question, and so was read before it.
func (l *Ledger) search(ctx context.Context, s *conn.Session) {
	refs := l.unanswered(s)
	lost, err := l.compare(ctx, s, func(ref string, i *Intent) bool { return refs[ref] && i.Fate == Sent })
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, conn.ErrSessionOver) {
			l.log.Warn("Gateway says nothing about an order", "session", s.Number(), "err", err)
		}
		return
	}
	for _, i := range lost {
		l.bereave(s, i)
	}
}

// Reconcile compares the ledger with what Gateway knows. It is made for [conn.Config]: the guard opens when it has returned
// nil. Where every fate is known there is nothing to compare, and Gateway is not asked. Orders of another client id than the
// present one cannot be asked for; they stand as they stood.
func (l *Ledger) Reconcile(ctx context.Context, s *conn.Session) error {
	l.mu.Lock()
	client, asks := l.client, false
	for _, i := range l.intents {
		asks = asks || !i.Fate.Done() && i.Client == client
	}
	l.mu.Unlock()
	if !asks {
		return nil
	}
	_, err := l.compare(ctx, s, func(ref string, i *Intent) bool {
		// What was sent in this very session may still be on its way.
		return !i.Fate.Done() && i.Fate != Unknown && i.Client == client && l.sentIn[ref] != s.Number()
	})
	return err
}

// compare asks a session for everything that it knows about orders. Those that it has no trace of and for which lost is true
// are unknown from now on, and returned. lost is called with the ledger locked.
func (l *Ledger) compare(ctx context.Context, s *conn.Session, lost func(ref string, i *Intent) bool) ([]Intent, error) {
	s.Orders() // has news kept from now on, for who follows a moment later
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	open, err := s.OpenOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for open orders: %w", err)
	}
	completed, err := s.CompletedOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for completed orders: %w", err)
	}
	fills, err := s.Executions(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for executions: %w", err)
	}
	there := map[string]bool{}
	for _, n := range slices.Concat(open, completed, fills) {
		l.Learn(n)
		l.mu.Lock()
		if i := l.about(n); i != nil {
			there[i.Order.Ref] = true
		}
		if n.Client == int64(l.client) {
			l.floor = max(l.floor, n.ID)
		}
		l.mu.Unlock()
	}
	known := l.lose(s, func(ref string, i *Intent) bool { return !there[ref] && lost(ref, i) })
	if err := l.flush(nil); err != nil {
		return known, fmt.Errorf("write down orders: %w", err)
	}
	return known, nil
}

// lose notes that the fates of the orders for which lost is true are unknown, and returns them.
func (l *Ledger) lose(s *conn.Session, lost func(ref string, i *Intent) bool) (known []Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ref, i := range l.intents {
		if !lost(ref, i) {
			continue
		}
		i.Fate, i.Changed = Unknown, l.now()
		known = append(known, *i)
		l.log.Warn("the fate of an order is unknown: Gateway has no trace of it", "session", s.Number(), "order", i.ID)
		l.save(i)
	}
	return known
}

// Intents returns all intents, the oldest first.
func (l *Ledger) Intents() []Intent { return l.list(func(*Intent) bool { return true }) }

// Pending returns the intents of which something is still expected, the oldest first.
func (l *Ledger) Pending() []Intent { return l.list(func(i *Intent) bool { return !i.Fate.Done() }) }

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
