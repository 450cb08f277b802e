package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
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

// NoteSoon writes notes down a moment later, with what became of orders until then; a nil value removes one. It is for what can
// be found out again.
func (l *Ledger) NoteSoon(notes map[string][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.notes, notes)
	l.nudge()
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

// put writes notes, intents and the floor. They are on disk when it returns without an error.
func (l *Ledger) put(floor int64, notes map[string][]byte, list ...*Intent) error {
	return l.db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(
			putIntents(tx, list), putNotes(tx, notes),
			tx.Bucket(metaBucket).Put(floorKey, binary.BigEndian.AppendUint64(nil, uint64(floor))),
		)
	})
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

// save has intents written down a moment later. What stands on disk until then is older and leads to a look at Gateway, never to
// another order.
func (l *Ledger) save(list ...*Intent) {
	for _, i := range list {
		l.dirty[i.Order.Ref] = true
	}
	l.nudge()
	l.tell(list...)
}

func (l *Ledger) nudge() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// writeDelay is for how long what became of orders is collected before it is written down: a transaction costs two syncs, for which
// the next order would have to wait.
const writeDelay = 50 * time.Millisecond

// retryDelay is the time between two attempts to write what the disk has refused.
const retryDelay = 5 * time.Second

// keepUp writes down what became of orders, until the ledger is closed.
func (l *Ledger) keepUp() {
	defer close(l.closed)
	failed, wait := false, writeDelay
	for {
		select {
		case <-l.news:
		case <-l.closing:
			return
		}
		select {
		case <-time.After(wait):
		case <-l.closing:
			return
		}
		err := l.flush(nil)
		wait = writeDelay
		if err != nil {
			if !failed {
				l.log.Error("the fate of an order cannot be written down", "err", err)
			}
			wait = retryDelay
			l.nudge()
		}
		failed = err != nil
	}
}

// flush writes down what the database does not have yet, with further notes, all of it or nothing. A batch goes there as a whole:
// what is in the database is not looked for in the journal. What the disk refuses is kept for the next time, but the further notes.
func (l *Ledger) flush(further map[string][]byte) (err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	var list []*Intent
	for ref := range l.dirty {
		if i := l.intents[ref]; i != nil && !l.leaving[ref] {
			known := *i
			list = append(list, &known)
		}
	}
	for _, i := range list {
		delete(l.dirty, i.Order.Ref)
	}
	notes, batches, floor := l.notes, l.batches, l.floor
	l.notes, l.batches = map[string][]byte{}, 0
	l.mu.Unlock()

	all := maps.Clone(notes)
	maps.Copy(all, further)
	defer func() {
		p := recover()
		l.mu.Lock()
		defer l.mu.Unlock()
		if p != nil { // bbolt has found the file damaged
			l.broken = fmt.Errorf("the file is damaged: %v", p)
			err = l.broken
		}
		if err == nil {
			l.journal.taken(batches)
			return
		}
		for _, i := range list {
			l.dirty[i.Order.Ref] = true
		}
		maps.Copy(notes, l.notes)
		l.notes, l.batches = notes, l.batches+batches
	}()
	return l.put(floor, all, list...)
}
