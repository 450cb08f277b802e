package conn_test

import (
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// TestTimeRequestsOnTheWire has a session that wants to know all the time whether Gateway is there, and one that
// follows it: the gateway, which answers no second time request within a second, sees none.
func TestTimeRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sim.Config{TickRate: 0.001}, func(c *conn.Config) { c.Poll = 100 * time.Millisecond })
	d.session()
	time.Sleep(3500 * time.Millisecond)
	d.do("drop")
	time.Sleep(2500 * time.Millisecond)
	last, count := map[int64]time.Time{}, 0
	for _, r := range d.gw.Requests("reqCurrentTime") {
		if before, ok := last[r.Conn]; ok && r.At.Sub(before) < time.Second {
			t.Errorf("connection %d: asked %v after the time before", r.Conn, r.At.Sub(before))
		}
		last[r.Conn] = r.At
		count++
	}
	if count < 4 || len(last) < 2 {
		t.Errorf("asked %d times on %d connections", count, len(last))
	}
	if s := d.sup.Snapshot(); s.State != conn.Connected {
		t.Errorf("it is %s", s.State)
	}
}
