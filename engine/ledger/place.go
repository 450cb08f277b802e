package ledger

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"gatewatch/conn/ib"
)

// This file is the way of an order through the ledger to its session: the ids, what is written down, and the sync that
// has it on disk before its bytes leave.

// Batch is what is sent together, in order and in one session: a single order, or one with those that close its
// position.
type Batch struct {
	// Orders are sent in this order. Those behind the first are held by Gateway until the first is filled, and all of
	// them until the last has arrived: what comes apart on the way does nothing. The ledger chooses their parents and
	// references.
	Orders     []ib.Order
	Multiplier float64 // of their contract; 0: Gateway has named none
	Rule       string  // name of the rule that wants them, empty if none does
	// Notes, if set, is called once while the first order is on its way, for what is written down together with the
	// intents, or not at all; see [Ledger.Notes].
	Notes func() map[string][]byte
	// Allowed, if set, is asked at the moment when an order's bytes are about to leave; its error holds the order back.
	// It must not block.
	Allowed func() error
}

// Place sends the orders of a batch through a session, each once. It returns what is known of them when their bytes
// have left, or are known not to. An error is about the first order that was not surely sent, and none behind it were;
// it means that it was not sent, unless its intent's state is [Unknown]. Without intents nothing was even written down.
func (l *Ledger) Place(s *ib.Session, b Batch) ([]Intent, error) {
	if len(b.Orders) == 0 {
		return nil, errors.New("a batch without orders")
	}
	if err := s.Guard(); err != nil {
		return nil, err
	}
	list, err := l.plan(s, b)
	if err != nil {
		return nil, err
	}
	written := false
	states, failed := make([]OrderState, len(list)), error(nil)
	for n, i := range list {
		if failed != nil {
			states[n] = NotSent
			continue
		}
		c := ib.Conditions{Allowed: b.Allowed}
		if n == 0 {
			c.Prepare = func() (err error) {
				written, err = l.writeDown(s, list, b.Notes)
				return err
			}
		}
		failed = s.Place(i.ID, i.Order, c) // no one changes the order before Gateway has it
		states[n] = stateAfter(failed)
	}
	if !written {
		return nil, failed
	}
	if failed != nil && states[0] == Sent {
		l.takeBack(s, list[0].ID)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	known := make([]Intent, len(list))
	for n, i := range list {
		delete(l.leaving, i.Order.Ref)
		// Gateway may have reported it already; or a newer session knew nothing of what has surely not left.
		if i.State == Planned || i.State == Unknown && states[n] == NotSent {
			if i.State = states[n]; i.State != Sent {
				i.Detail = failed.Error()
			}
			i.Changed = l.now()
		}
		known[n] = *i
	}
	l.save(list...)
	l.protect(list[0], false)
	return known, failed
}

// plan makes the intents of a batch.
func (l *Ledger) plan(s *ib.Session, b Batch) (list []*Intent, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	ids, err := l.takeIDs(s.ClientID(), s.FirstOrderID(), len(b.Orders))
	if err != nil {
		return nil, err
	}
	for n, o := range b.Orders {
		o.Ref, o.Parent, o.Hold = "gw-"+rand.Text(), 0, n < len(b.Orders)-1
		if n > 0 {
			o.Parent = list[0].ID
		}
		list = append(list, &Intent{
			ID: ids[n], Client: s.ClientID(), Rule: b.Rule, Multiplier: b.Multiplier, At: now,
			Changed: now, Order: o, State: Planned,
		})
	}
	return list, nil
}

// takeIDs chooses ids for orders that are to be sent together, above all that were used and from the first that Gateway
// offers on. When few or none are left and Gateway counts from 1 again, they are the first that no known order has.
func (l *Ledger) takeIDs(client int, first int64, count int) ([]int64, error) {
	if !inRange(first) {
		first = 0 // it has counted orders that were made by hand
	}
	above := []int64{max(l.floor+1, l.highest[client]+1, first), max(l.floor+1, first)}
	// a high id would put Gateway's count up again
	if ib.MaxOrderID-l.floor < fewIDs && inRange(first) && first < l.floor-fewIDs {
		above = nil
	}
	for _, from := range append(above, first) {
		if ids := l.free(client, from, count); ids != nil {
			l.floor = ids[count-1]
			l.warnOfFew(client)
			return ids, nil
		}
	}
	return nil, ErrNoOrderID
}

// fewIDs is how many order ids are left when a person is notified, once in each run, that they come to an end.
const fewIDs = 10_000

func (l *Ledger) warnOfFew(client int) {
	left := ib.MaxOrderID - l.floor
	if left >= fewIDs || l.warned {
		return
	}
	l.warned = true
	l.log.Warn("few order ids are left", "client", client, "left", left)
	if l.few != nil {
		l.few(int(left))
	}
}

// free returns ids from one on that no known order has, nil if there are not that many.
func (l *Ledger) free(client int, from int64, count int) (ids []int64) {
	if from < 1 {
		return nil
	}
	var known map[int64]bool // of all client ids: for people an order of ours is named by its id alone
	if from <= l.top {
		known = map[int64]bool{}
		for _, i := range l.intents {
			known[i.ID] = true
		}
	}
	for id := from; id <= ib.MaxOrderID && len(ids) < count; id++ {
		if _, used := l.used[orderKey{client, id}]; !used && !known[id] {
			ids = append(ids, id)
		}
	}
	if len(ids) < count {
		return nil
	}
	return ids
}

// inRange reports whether an order of ours can have an id.
func inRange(id int64) bool { return id >= 1 && id <= ib.MaxOrderID }

func (i *Intent) key() orderKey { return orderKey{i.Client, i.ID} }

// writeDown writes the intents of a batch to disk, and waits until they are there. It reports whether the ledger knows
// of them, which it may with an error, too.
func (l *Ledger) writeDown(s *ib.Session, list []*Intent, notes func() map[string][]byte) (known bool, err error) {
	var also map[string][]byte
	if notes != nil {
		also = notes()
	}
	if err = l.enter(s, list, also); err == nil {
		known, err = true, l.sync()
	}
	if err != nil {
		err = notWritten("order", err)
	}
	return known, err
}

// enter takes the intents of a batch into the ledger, unless they cannot be written.
func (l *Ledger) enter(s *ib.Session, list []*Intent, notes map[string][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, odd := notes[""]; odd {
		return errors.New("a note without a key")
	}
	if l.broken != nil {
		return l.broken
	}
	if err := l.inPlace(); err != nil {
		return err
	}
	now := l.now()
	l.forget(now)
	if err := l.journal.write(entry{Intents: list, Notes: notes}); err != nil {
		return err
	}
	for _, i := range list {
		ref := i.Order.Ref
		l.intents[ref], l.ids[i.key()], l.sentIn[ref] = i, i, s.Number()
		l.top = max(l.top, i.ID)
		l.leaving[ref], l.dirty[ref] = true, true
		l.sentAt(now)
	}
	maps.Copy(l.notes, notes)
	return nil
}

var errJournalFull = errors.New("what is waiting to be written down has filled its space")

// write adds a record, which is on disk for sure after the next [journal.sync]. What cannot be written leaves no trace.
func (j *journal) write(e entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Number = j.last + 1
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	record := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	record = binary.BigEndian.AppendUint32(record, crc32.ChecksumIEEE(body))
	record = append(record, body...)
	if j.full = j.used[j.half]+int64(len(record)) > halfSize; j.full {
		return errJournalFull
	}
	if _, err := j.file.WriteAt(record, int64(j.half)*halfSize+j.used[j.half]); err != nil {
		return err
	}
	j.last = e.Number
	j.used[j.half] += int64(len(record))
	j.holding[j.half] = e.Number
	return nil
}

// sync has everything that was written be on disk when it returns without an error, without the times of the file where
// the system can leave those out. After an error no one knows what is.
func (j *journal) sync() error {
	if fdatasync == nil {
		return j.file.Sync()
	}
	for {
		if err := fdatasync(int(j.file.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// sync has everything that was written be on disk. After an error no one knows what is, and nothing can be written down
// any more.
func (l *Ledger) sync() error {
	err := l.journal.sync()
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = err
	}
	return err
}

// ErrMoved means that the files of a ledger are not where they were opened: they were deleted, moved or replaced. What
// is written to them would not be found by the next start, so nothing can be written down any more.
var ErrMoved = errors.New("the record of orders was deleted or moved while Gatewatch runs")

// place is where a file was opened, and which one it was.
type place struct {
	path string
	file fs.FileInfo
}

// holds returns [ErrMoved] if the place has no file or another one. Another error means that no one can say.
func (p place) holds() error {
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, p.file) {
		return fmt.Errorf("%w: %s", ErrMoved, p.path)
	}
	return err
}

// InPlace looks whether the files are still where they were opened. If not, it returns [ErrMoved], and no order leaves
// any more until the ledger is opened again.
func (l *Ledger) InPlace() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inPlace()
}

// inPlace is InPlace for who has the lock.
func (l *Ledger) inPlace() error {
	for _, p := range l.places {
		err := p.holds()
		if errors.Is(err, ErrMoved) && l.broken == nil {
			l.broken = err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Trouble returns why no order can be written down, so that none leaves: until the next start, or until the database
// takes what has filled the journal. It also returns why the database does not take what is known, which is tried
// again. Both are nil if all is well.
func (l *Ledger) Trouble() (stopped, behind error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil && l.behind != nil && l.journal.isFull() {
		return fmt.Errorf("%w: %w", errJournalFull, l.behind), l.behind
	}
	return l.broken, l.behind
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
		delete(l.ids, i.key())
		delete(l.sentIn, ref)
		delete(l.metIn, ref)
		return true
	})
}

// The wall clock can be set: what was written down before that would lie in the future for hours, or in the past. So
// the time since is measured on the monotonic clock as well.

// sending is when an intent was written down.
type sending struct {
	at   time.Time     // by the wall clock
	mono time.Duration // since the ledger was opened; before that it is what the wall clock said then
}

// keepSent is how long it is known when orders were sent.
const keepSent = 48 * time.Hour

// sentAt notes that an intent was written down at a time. One that lies in the future, because the clock has been set
// back since, counts from now on.
func (l *Ledger) sentAt(at time.Time) {
	one := sending{at: at, mono: l.mono() - max(0, l.now().Sub(at))}
	i := len(l.sendings)
	for i > 0 && l.sendings[i-1].mono > one.mono {
		i--
	}
	l.sendings = slices.Insert(l.sendings, i, one)
}

// Sent returns how many orders were written down since a time, which lies at most two days back, by the wall clock.
// Those that lie in the future count: the clock was set back since.
func (l *Ledger) Sent(since time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sendings = slices.Delete(l.sendings, 0, l.sentBefore(l.mono()-keepSent))
	for _, one := range l.sendings {
		if !one.at.Before(since) {
			n++
		}
	}
	return n
}

// SentInMinute returns how many orders were written down in the last minute, whatever the wall clock says.
func (l *Ledger) SentInMinute() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sendings) - l.sentBefore(l.mono()-time.Minute)
}

func (l *Ledger) sentBefore(mono time.Duration) int {
	n, _ := slices.BinarySearchFunc(l.sendings, mono, func(s sending, at time.Duration) int {
		return cmp.Compare(s.mono, at)
	})
	return n
}

// moments returns what says the time by a wall clock, and never the same time twice in a row, so that what came first
// can be told also while the clock stands still: that of Windows goes on every 16 ms.
func moments(clock func() time.Time) func() time.Time {
	const standstill = 20 * time.Millisecond
	var last atomic.Int64
	return func() time.Time {
		for {
			now, before := clock().UnixNano(), last.Load()
			if now <= before && before-now < int64(standstill) {
				now = before + 1
			}
			if last.CompareAndSwap(before, now) {
				return time.Unix(0, now).UTC()
			}
		}
	}
}

// stopwatch returns what says how much time has passed since.
func stopwatch() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
