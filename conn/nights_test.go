package conn_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// view is what matters of a snapshot during a night.
type view struct {
	state conn.State
	cause ib.Cause
	guard ib.GuardReason
}

// views records how what the snapshot says changes, until the test ends.
func (d *desk) views() func() []view {
	nudge, cancel := d.sup.Subscribe()
	seen := make(chan []view, 1)
	first := d.sup.Snapshot()
	seen <- []view{{first.State, first.Cause, first.Guard}}
	done := make(chan struct{})
	d.t.Cleanup(func() { cancel(); close(done) })
	go func() {
		for {
			n := d.sup.Snapshot()
			all := <-seen
			if v := (view{n.State, n.Cause, n.Guard}); all[len(all)-1] != v {
				all = append(all, v)
			}
			seen <- all
			select {
			case <-nudge:
			case <-done:
				return
			}
		}
	}()
	return func() []view {
		all := <-seen
		defer func() { seen <- all }()
		return slices.Clone(all)
	}
}

// inOrder reports whether all of want were seen one after the other, whatever was seen between. A wanted view without a
// cause fits every cause, unless it is Connected, which has none.
func inOrder(seen, want []view) bool {
	for _, v := range seen {
		if len(want) == 0 {
			break
		}
		w := want[0]
		anyCause := w.cause == "" && w.state != conn.Connected
		if w.state == v.state && (anyCause || w.cause == v.cause) && w.guard == v.guard {
			want = want[1:]
		}
	}
	return len(want) == 0
}

// TestNights plays every night that comes with the simulator, many times as fast as it would be: if another test took
// the processors, that would look like sleep.
func TestNights(t *testing.T) {
	open := view{state: conn.Connected}
	upstream := view{conn.UpstreamLost, ib.CauseUpstream, ib.GuardUpstream}
	for name, c := range map[string]struct {
		speed float64
		want  []view
		lost  uint64 // sessions
	}{
		"server-reset": {60, []view{
			open, upstream, {conn.Degraded, ib.CauseFarm, ib.GuardOpen}, open, upstream, open,
		}, 0},
		"auto-restart": {30, []view{
			open,
			{state: conn.Reconnecting, guard: ib.GuardSocket},
			{conn.Reconnecting, ib.CauseRefused, ib.GuardSocket},
			{conn.Reconnecting, ib.CauseClientIDInUse, ib.GuardSocket},
			open,
		}, 1},
		"sunday-logoff": {
			60,
			[]view{open, upstream, {conn.Reconnecting, ib.CauseRefused, ib.GuardSocket}, open},
			1,
		},
		"frozen-jvm": {10, []view{
			open,
			{conn.Degraded, ib.CauseSilent, ib.GuardProbe},
			{conn.Reconnecting, ib.CauseSilent, ib.GuardSocket},
			{conn.Reconnecting, ib.CauseRefused, ib.GuardSocket},
			open,
		}, 1},
		"competing-login": {20, []view{
			open, {conn.Degraded, ib.CauseCompeting, ib.GuardOpen}, open, upstream, open,
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, sim.Config{Speed: c.speed, TickRate: 1}, func(c *conn.Config) {
				c.Soft, c.Hard, c.ConnectTimeout = 500*time.Millisecond, 3*time.Second, 2*time.Second
			})
			if err := d.session().Subscribe(1, apple); err != nil {
				t.Fatal(err)
			}
			views := d.views()
			t.Cleanup(func() { t.Logf("seen: %v", views()) })
			if err := d.gw.PlayNight(name); err != nil {
				t.Fatal(err)
			}
			d.until(fmt.Sprint("the night is over: ", c.want), func() bool { return inOrder(views(), c.want) })
			if n := d.sup.Snapshot(); n.Lost != c.lost || c.lost == 0 && n.Session != 1 {
				t.Errorf("%d sessions lost, the present one is %d", n.Lost, n.Session)
			}
		})
	}
	var names []string
	for _, n := range sim.Nights() {
		names = append(names, n.Name)
	}
	want := []string{"auto-restart", "competing-login", "frozen-jvm", "server-reset", "sunday-logoff"}
	if !slices.Equal(names, want) {
		t.Errorf("nights %v, tested %v", names, want)
	}
}
