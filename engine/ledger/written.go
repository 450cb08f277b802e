package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn/nudge"
	"gatewatch/engine/store"
)

// This file is how a [Ledger] writes down what it knows.

// Notes returns what strategies have written down beside the orders, by key.
func (l *Ledger) Notes() (notes map[string][]byte, err error) {
	if err := l.flush(nil); err != nil {
		return nil, err
	}
	notes = map[string][]byte{}
	err = l.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(noteBucket).ForEach(func(k, v []byte) error {
			notes[string(k)] = slices.Clone(v)
			return nil
		})
	})
	return notes, err
}

// Note writes notes down; a nil value removes one. They are on disk when it returns without an error.
func (l *Ledger) Note(notes map[string][]byte) error { return l.flush(notes) }

// NoteSoon writes notes down, which the program's end cannot undo any more, but the computer's can for a while; a nil
// value removes one. What the journal does not take now is tried again, and lost if the program ends before.
func (l *Ledger) NoteSoon(notes map[string][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record(entry{Notes: notes})
}

func putNotes(tx *bbolt.Tx, notes map[string][]byte) error {
	b := tx.Bucket(noteBucket)
	var err error
	for k, v := range notes {
		if v == nil {
			err = errors.Join(err, b.Delete([]byte(k)))
		} else {
			err = errors.Join(err, b.Put([]byte(k), v))
		}
	}
	return err
}

// put copies into the database what the journal holds up to a number. It is on disk when put returns without an error.
func (l *Ledger) put(number uint64, floor int64, notes map[string][]byte, list ...*Intent) error {
	return l.transact(func(tx *bbolt.Tx) error {
		return errors.Join(
			putIntents(tx, list), putNotes(tx, notes), putCount(tx, floorKey, uint64(floor)),
			putCount(tx, takenKey, number),
		)
	})
}

// transact changes the database. Where that is found to be damaged, nothing can be written down any more.
func (l *Ledger) transact(change func(*bbolt.Tx) error) error {
	err := store.Update(l.db, change)
	if errors.Is(err, store.ErrDamaged) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.broken = err
	}
	return err
}

func putCount(tx *bbolt.Tx, key []byte, n uint64) error {
	return tx.Bucket(metaBucket).Put(key, binary.BigEndian.AppendUint64(nil, n))
}

func count(tx *bbolt.Tx, key []byte) uint64 {
	if v := tx.Bucket(metaBucket).Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putIntents(tx *bbolt.Tx, list []*Intent) error {
	for _, i := range list {
		v, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if err := tx.Bucket(intentBucket).Put([]byte(i.Order.Ref), v); err != nil {
			return err
		}
	}
	return nil
}

// save writes down what is known of intents, and tells of it.
func (l *Ledger) save(list ...*Intent) {
	l.record(entry{Intents: list})
	for _, i := range list {
		if l.changed != nil {
			l.changed(*i)
		}
	}
}

// record writes an entry to the journal and, some time later, to the database. What the journal does not take has that
// time to get lost; then the ledger knows less than there is to know, which leads to a look at Gateway and never to
// another order.
func (l *Ledger) record(e entry) error {
	err := l.journal.write(e)
	for _, i := range e.Intents {
		l.dirty[i.Order.Ref] = true
	}
	maps.Copy(l.notes, e.Notes)
	nudge.Send(l.news)
	return err
}

// writeDelay is for how long nothing must have happened before the database takes over what has: a transaction costs
// syncs, for which an order would have to wait.
const writeDelay = time.Second

// retryDelay is the time between two attempts to write what the disk has refused.
const retryDelay = 5 * time.Second

// keepUp copies the journal into the database until the ledger is closed.
func (l *Ledger) keepUp() {
	defer close(l.closed)
	failed := false
	for l.quiet(failed) {
		err := l.flush(nil)
		l.mu.Lock()
		l.behind = err
		l.mu.Unlock()
		if err != nil {
			if !failed {
				l.log.Error("the state of an order cannot be written", "err", err)
			}
			nudge.Send(l.news)
		}
		failed = err != nil
	}
}

// quiet waits until something has happened and then nothing for a while, or until the journal needs its space. It
// returns false if the ledger is closed.
func (l *Ledger) quiet(failed bool) bool {
	wait := writeDelay
	if failed {
		wait = retryDelay
	}
	var over <-chan time.Time
	for {
		select {
		case <-l.news:
			if l.journal.presses() && !failed {
				return true
			}
			if over == nil || !failed {
				over = time.After(wait)
			}
		case <-over:
			return true
		case <-l.closing:
			return false
		}
	}
}

// flush writes everything that is known into the database, with further notes, all of it or nothing. What the disk
// refuses is kept for the next time, except the further notes.
func (l *Ledger) flush(further map[string][]byte) (err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	var list []*Intent
	for ref := range l.dirty {
		if i := l.intents[ref]; i != nil {
			known := *i
			list = append(list, &known)
		}
	}
	dirty, notes, floor, number := l.dirty, l.notes, l.floor, l.journal.turn()
	l.dirty, l.notes = map[string]bool{}, map[string][]byte{}
	l.mu.Unlock()

	all := maps.Clone(notes)
	maps.Copy(all, further)
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			l.journal.taken(number)
			return
		}
		maps.Copy(l.dirty, dirty)
		maps.Copy(notes, l.notes)
		l.notes = notes
	}()
	return l.put(number, floor, all, list...)
}

// Rewrite writes all that the ledger knows to the place from which its files have gone, for the next start. It
// replaces nothing but what it wrote itself.
func (l *Ledger) Rewrite() error {
	if err := l.flush(nil); err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	path := l.places[0].path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case os.SameFile(info, l.places[0].file): // only the journal has gone, and the database has what it held
		return nil
	case l.copied == nil || !os.SameFile(info, l.copied):
		return fmt.Errorf("%s is another file by now", path)
	}
	if err := store.Copy(l.db, path); err != nil {
		return fmt.Errorf("write orders to %s: %w", path, err)
	}
	l.copied, err = os.Stat(path)
	return err
}
