package conn_test

import (
	"errors"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// watched returns a desk that gets market data many times a second.
func watched(t *testing.T, limits func(*conn.Config)) (*desk, *ib.Session) {
	d := newDesk(t, sim.Config{TickRate: 20}, limits)
	s := d.session()
	if err := s.Subscribe(1, apple); err != nil {
		t.Fatal(err)
	}
	d.until("market data flows", func() bool { return len(s.Ticks().Take(nil)) > 0 })
	id := s.FirstOrderID()
	d.until("an order is sent", func() bool {
		id++
		return s.Place(id, buy("before", 1, 1), ib.Conditions{}) == nil
	})
	d.until("an answer is measured", func() bool { return d.sup.Snapshot().Probe != 0 })
	return d, s
}

// blocked tries to place orders for a while; none may leave.
func (d *desk) blocked(s *ib.Session, from int64, during time.Duration) (silent, shut int) {
	d.t.Helper()
	before := d.gw.State().Counters.Orders
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		from++
		err, guard := s.Place(from, buy("late", 1, 1), ib.Conditions{}), (*ib.GuardError)(nil)
		switch {
		case errors.Is(err, ib.ErrGatewaySilent):
			silent++
		case errors.As(err, &guard):
			shut++
		default:
			d.t.Errorf("placed: %v", err)
		}
	}
	if n := d.gw.State().Counters.Orders; n != before {
		d.t.Errorf("%d orders left", n-before)
	}
	return silent, shut
}

// TestNoOrderOnALatePrice has everything that Gateway sends lag by two seconds: prices flow all the time, and no
// order leaves on one of them. It goes on when the lag ends.
func TestNoOrderOnALatePrice(t *testing.T) {
	t.Parallel()
	d, s := watched(t, usualLimits)
	d.gw.Lag(2 * time.Second)
	time.Sleep(400 * time.Millisecond) // what was heard before is older than the proof of life by now
	silent, shut := d.blocked(s, 1000, 5*time.Second)
	if silent == 0 || shut == 0 {
		t.Errorf("%d orders were blocked as Gateway did not answer, %d by the guard", silent, shut)
	}
	if n := d.sup.Snapshot(); n.Lost != 0 || n.Guard != ib.GuardProbe || n.State != conn.Degraded {
		t.Errorf("%+v", n)
	}
	d.gw.Lag(0)
	d.until("the guard is open", func() bool { return s.Guard() == nil })
	if err := s.Place(5000, buy("after", 1, 1), ib.Conditions{}); err != nil {
		t.Error(err)
	}
}

// TestTicksOnly has Gateway send market data and answer nothing: no order leaves for long, the guard shuts, and the
// session is given up.
func TestTicksOnly(t *testing.T) {
	t.Parallel()
	d, s := watched(t, func(c *conn.Config) { usualLimits(c); c.Hard = 5 * time.Second })
	d.gw.TicksOnly(true)
	d.until("the guard is shut", func() bool { return s.Guard() != nil })
	if n := d.sup.Snapshot(); n.Guard != ib.GuardProbe || n.State != conn.Degraded || n.Cause != ib.CauseSilent {
		t.Errorf("%+v", n)
	}
	d.blocked(s, 1000, 3*time.Second)
	d.until("the session is lost", func() bool { return d.sup.Snapshot().Lost == 1 })
}

// TestTimeRequestsWhileTicksFlow counts what a gateway is asked while market data flows.
func TestTimeRequestsWhileTicksFlow(t *testing.T) {
	t.Parallel()
	d, s := watched(t, nil)
	before, opened := d.gw.State().Counters.Requests, d.sup.Snapshot().Opened
	time.Sleep(5 * time.Second)
	asked := d.gw.State().Counters.Requests - before
	if n := d.sup.Snapshot(); asked < 1 || asked > 5 || n.Opened != opened || s.Guard() != nil {
		t.Errorf("%d time requests in 5 s, the guard was opened %d more times; %+v", asked, n.Opened-opened, n)
	}
}
