package engine

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

var generous = Limits{Mode: ib.Paper, PerMinute: 1000, PerDay: 1000, Quantity: 1000, Notional: 1e6}

// counter is a desk on a rig on a simulated gateway, and what it reports.
type counter struct {
	*rig
	*Desk
	path    string // of the ledger
	log     *logbook
	mu      sync.Mutex
	reports []Report
}

// waits places an order that waits for its turn behind more requests than may leave within a second, and returns what
// yields its error.
func (c *counter) waits(t *testing.T, s *ib.Session) <-chan error {
	t.Helper()
	for i := range int64(200) {
		if err := s.Unsubscribe(1 + i); err != nil {
			t.Fatal(err)
		}
	}
	placed := make(chan error)
	go func() {
		_, err := c.Place(Ticket{Session: s, Order: order(1, 90)})
		placed <- err
	}()
	eventually(t, "it is written down", func() bool { return len(c.orders.Intents()) == 1 })
	return placed
}

// logbook is a log in memory.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *logbook) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// count returns in how many places a text stands.
func (j *logbook) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func openCounter(t *testing.T, g *sim.Gateway, l Limits) *counter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.db")
	c := &counter{rig: startRig(t, path, g.Port(), true), path: path, log: &logbook{}}
	c.Desk = NewDesk(c.orders, l, func(r Report) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reports = append(c.reports, r)
	}, slog.New(slog.NewTextHandler(c.log, nil)))
	c.orders.OnChange(c.follow)
	return c
}

func (c *counter) told() []Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Report(nil), c.reports...)
}

// reason returns for which reason an error blocks, empty if it does not.
func reason(err error) string {
	if shut, ok := errors.AsType[*BlockedError](err); ok {
		return shut.Reason
	}
	return ""
}

// wanted is what an order is to become, which Gateway may have confirmed by now.
func wanted(i ledger.Intent) ib.Order {
	if i.Asked != nil {
		return *i.Asked
	}
	return i.Order
}
