package engine

import (
	"cmp"
	"crypto/rand"
	"slices"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
)

// This file is how a [Ledger] sends an order without a wait for the disk: its reference, and what the order is for, were written down
// before it was wanted, and the journal has the rest when its bytes leave, on its way to the disk. A program that is killed loses
// nothing of that. A computer that goes down may lose the rest: then the orders that were ready are expected, and taken in should
// Gateway have them.

// Ready gives orders references that no order had before, to be written down by a strategy with [Ledger.Note] before it wants them;
// see [Ticket.Ready].
func Ready(orders ...conn.Order) []conn.Order {
	orders = slices.Clone(orders)
	for i := range orders {
		orders[i].Ref = newRef()
	}
	return orders
}

func newRef() string { return "gw-" + rand.Text() }

// SetArmed writes down whether orders may leave from now on; a [Desk] calls it. Where that cannot be written down, orders wait for the
// disk.
func (l *Ledger) SetArmed(armed bool) error {
	l.setPrompt(false)
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.disarmed = false
	l.mu.Unlock()
	err := l.transact(func(tx *bbolt.Tx) error {
		if !armed {
			return tx.Bucket(metaBucket).Delete(armedKey)
		}
		return tx.Bucket(metaBucket).Put(armedKey, []byte(cmp.Or(boot(), "unknown")))
	})
	l.setPrompt(armed && err == nil)
	return err
}

// ClearArmed is SetArmed(false) that does not wait for the disk: it is written down in a moment. Until then a computer that goes down
// leaves behind that trading was armed, which stops rules that need not be stopped.
func (l *Ledger) ClearArmed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prompt, l.disarmed = false, true
	l.nudge()
}

func (l *Ledger) isPrompt() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.prompt
}

func (l *Ledger) setPrompt(prompt bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prompt = prompt && !l.disarmed
}

// lookBack finds out whether the computer went down while trading was armed. If it was but the program, the journal has everything.
func (l *Ledger) lookBack(tx *bbolt.Tx) error {
	b := tx.Bucket(metaBucket)
	armed := b.Get(armedKey)
	if thisBoot(string(armed)) {
		return b.Delete(armedKey)
	}
	l.wentDown = armed != nil
	return nil
}

// WentDown reports whether the computer went down, some time before the ledger was opened, while trading was armed: an order that was
// ready may have left and be nowhere on the disk. A strategy then has to take its orders for sent, to [Ledger.Expect] them, and to
// write that down; it says so with [Ledger.Recovered], before trading is on.
func (l *Ledger) WentDown() bool { return l.wentDown }

// Recovered says that what has to be done after [Ledger.WentDown] is done, and on disk. Until then the next start says the same.
func (l *Ledger) Recovered() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.transact(func(tx *bbolt.Tx) error {
		b := tx.Bucket(metaBucket)
		if thisBoot(string(b.Get(armedKey))) {
			return nil // trading has been armed since
		}
		return b.Delete(armedKey)
	})
}

// Expect has the ledger take in an order that was ready when the computer went down, should Gateway tell of it. Of the intent count
// the order as it was written down, its multiplier, its rule and the time.
func (l *Ledger) Expect(i Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ref := i.Order.Ref; l.intents[ref] == nil {
		l.expected[ref] = i
	}
}

// number gives news of a completed order that is expected, of which Gateway does not tell the id, one that no order has.
func (l *Ledger) number(s *conn.Session, n conn.OrderNews) conn.OrderNews {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.expected[n.Ref]; ok && n.ID == 0 {
		n.Client = int64(s.ClientID())
		if ids := l.free(s.ClientID(), l.floor+1, 1); ids != nil {
			n.ID = ids[0]
		}
	}
	return n
}

// adopt takes in an order that was expected; nil if that with the reference was not, or its id is not told.
func (l *Ledger) adopt(n conn.OrderNews) *Intent {
	i, ok := l.expected[n.Ref]
	if !ok || !inRange(n.ID) {
		return nil
	}
	delete(l.expected, n.Ref)
	i.ID, i.Client, i.Fate, i.Changed, i.Found = n.ID, int(n.Client), Planned, l.now(), true
	l.floor, l.top = max(l.floor, i.ID), max(l.top, i.ID)
	l.intents[n.Ref], l.ids[i.key()], l.dirty[n.Ref] = &i, &i, true
	l.sentAt(i.At)
	l.log.Warn("an order was found at Gateway that was sent when the computer went down", "order", i.ID, "rule", i.Rule)
	return &i
}

// ready reports whether the orders of a batch may leave without a wait for the disk.
func (l *Ledger) ready(b *Batch) bool {
	refs := map[string]bool{}
	for _, o := range b.Orders {
		if o.Ref == "" || refs[o.Ref] || l.intents[o.Ref] != nil { // written down for another firing
			return false
		}
		refs[o.Ref] = true
	}
	return b.Ready && l.prompt
}
