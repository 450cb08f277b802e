package ledger

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// listener is a desk on a simulated gateway, and what its ledger has told.
type listener struct {
	*desk
	mu      sync.Mutex
	changes []Intent
	overdue [][]Cancellation
	alike   []resemblance
}

// resemblance is an order of others that may be taken for one of ours.
type resemblance struct {
	ours   Intent
	theirs ib.OrderNews
}

// listen opens a ledger with limits of the test's, and listens.
func listen(t *testing.T, g *sim.Gateway, limits func(*Ledger)) *listener {
	t.Helper()
	l := openLedger(t, filepath.Join(t.TempDir(), "orders.db"))
	limits(l)
	c := &listener{}
	l.OnChange(func(i Intent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changes = append(c.changes, i)
	})
	l.OnAlarm(func(list []Cancellation) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.overdue = append(c.overdue, list)
	}, func(i Intent, n ib.OrderNews) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.alike = append(c.alike, resemblance{i, n})
	}, nil)
	d, err := runDesk(l, g.Port(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	c.desk = d
	return c
}

// livesOn waits until orders are told that live on though they were to be cancelled, and returns the first of these.
func (c *listener) livesOn(t *testing.T) (list []Cancellation) {
	t.Helper()
	eventually(t, "it is told that orders live on", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.overdue) > 0 {
			list = c.overdue[0]
		}
		return len(list) > 0
	})
	return list
}

// strangers waits until an order of others is told that may be taken for one of ours, and returns all of these.
func (c *listener) strangers(t *testing.T) (list []resemblance) {
	t.Helper()
	eventually(t, "an order of others is told", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		list = slices.Clone(c.alike)
		return len(list) > 0
	})
	return list
}

// alarms returns what was told of an order that a person should know, in order: states that are not good, that it is a
// stop that does not work, and that a change was refused.
func (c *listener) alarms(of Intent) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var before Intent
	for _, i := range c.changes {
		if i.Order.Ref != of.Order.Ref {
			continue
		}
		if bad := i.State == Rejected || i.State == Inactive || i.State == Unknown; bad && i.State != before.State {
			list = append(list, string(i.State))
		}
		if i.Unprotected && !before.Unprotected {
			list = append(list, unprotected)
		}
		if i.Refused != nil && i.Refused != before.Refused {
			list = append(list, refused)
		}
		before = i
	}
	return list
}

// The alarms that are no states.
const (
	unprotected = "unprotected"
	refused     = "refused"
)

// alarmed waits until these are the alarms about an order.
func (c *listener) alarmed(t *testing.T, i Intent, want ...OrderState) {
	t.Helper()
	eventually(t, "it is told", func() bool { return len(c.alarms(i)) >= len(want) })
	if got := c.alarms(i); !slices.EqualFunc(got, want, func(a string, b OrderState) bool { return a == string(b) }) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// intent returns what is known of an order now.
func (d *desk) intent(of Intent) (found Intent) {
	for _, i := range d.ledger.Intents() {
		if i.Order.Ref == of.Order.Ref {
			found = i
		}
	}
	return found
}
