package conn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestAlive: an answer proves that Gateway is there, and what another connection heard counts; without an answer there
// is no proof, and none after the end.
func TestAlive(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sim.Config{}, usualLimits)
	s := d.session()
	d.until("an answer is measured", func() bool { return d.sup.Snapshot().Probe != 0 })
	const within = 100 * time.Millisecond
	for range 3 {
		d.until("Gateway answers in time", func() bool { return s.Alive(t.Context(), within, 0) == nil })
	}
	time.Sleep(3 * within) // what was heard is too old, unless it was heard elsewhere
	asked := len(d.gw.Requests("reqCurrentTime"))
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Alive(done, 24*time.Hour, d.sup.Clock()()); err != nil {
		t.Errorf("what another connection heard does not count: %v", err)
	}
	if n := len(d.gw.Requests("reqCurrentTime")) - asked; n > 1 {
		t.Errorf("%d time requests", n)
	}
	d.gw.Freeze()
	if err := s.Alive(t.Context(), within, 0); !errors.Is(err, ib.ErrGatewaySilent) {
		t.Errorf("frozen: %v", err)
	}
	d.gw.Drop()
	d.until("the session is over", func() bool { return d.sup.Session() != s })
	if err := s.Alive(t.Context(), within, d.sup.Clock()()); !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("over: %v", err)
	}
}
