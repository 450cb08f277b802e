package conn_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

func withExit(c *conn.Config) { c.CloseBeforeExit, c.ExitQuiet = 5*time.Second, 15*time.Minute }

// TestSettingsFromTheWire: each part of Gateway's settings may be missing, or all of them refused, and none of that
// does any harm.
func TestSettingsFromTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		version  int
		refuse   bool
		without  []string
		exit     ib.ExitKind
		resubmit ib.Switch
	}{
		"all":             {exit: ib.ExitLogOff, resubmit: ib.SwitchOn},
		"no exit":         {without: []string{"lock-and-exit"}, resubmit: ib.SwitchOn},
		"no API settings": {without: []string{"api"}, exit: ib.ExitLogOff},
		"refused":         {refuse: true},
		"too old for it":  {version: 218},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, sim.Config{ServerVersion: c.version}, withExit)
			d.gw.RefuseConfig(c.refuse)
			if err := d.gw.WithoutConfig(c.without...); err != nil {
				t.Fatal(err)
			}
			if err := d.gw.PlanExit(sim.Exit{At: "+10h", LogOff: true}); err != nil {
				t.Fatal(err)
			}
			before := d.sup.Snapshot().Session
			d.gw.Drop() // the next session asks again
			d.until("it is connected again", func() bool {
				n := d.sup.Snapshot()
				return n.Session > before && n.GuardOpen() && n.Exit.Kind == c.exit && n.Resubmit == c.resubmit
			})
			n := d.sup.Snapshot()
			if in := n.Exit.At.Sub(n.At); c.exit != "" &&
				(in < 10*time.Hour-time.Minute || in > 10*time.Hour+2*time.Minute) {
				t.Errorf("it exits in %v", in)
			}
			if n.State != conn.Connected || n.Gateway.Accounts == 0 {
				t.Errorf("%+v", n)
			}
			seen := conn.Look(t.Context(), "127.0.0.1", d.gw.Port(), 99, 10*time.Second)
			if seen.Err != nil || seen.Settings.Exit.Kind != c.exit ||
				(c.resubmit != "") != (seen.Settings.Port == d.gw.Port() && len(seen.Settings.Trusted) == 1) {
				t.Errorf("seen from outside: %+v", seen)
			}
		})
	}
}

// TestReadOnlyFromTheWire: the guard is closed with the reason when Gateway's settings say so.
func TestReadOnlyFromTheWire(t *testing.T) {
	d := newDesk(t, sim.Config{}, withExit)
	d.gw.ReadOnly(true)
	before := d.sup.Snapshot().Session
	d.gw.Drop()
	d.until("the guard says that the API is read-only", func() bool {
		n := d.sup.Snapshot()
		return n.Session > before && n.Guard == ib.GuardReadOnly && n.Cause == ib.CauseReadOnly
	})
}

// TestAnnouncedRestartsOnTheWire counts the bytes of orders before a hundred restarts, and the restarts as planned.
func TestAnnouncedRestartsOnTheWire(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a refusal on loopback takes two seconds there")
	}
	restarts := conn.AnnouncedRestarts
	var recorder history.Recorder
	line, losses := history.NewTimeline(), 0
	var from, until time.Time
	for _, e := range conn.PlayAnnouncedRestarts(t, restarts) {
		for _, r := range recorder.Take(e) {
			line.Add(r)
		}
		if e.Kind == conn.EventLost {
			losses++
		}
		if from.IsZero() {
			from = e.At
		}
		until = e.At
	}
	a := line.Account(from, until, nil)
	planned := a.Terms[history.Planned]
	if losses != restarts || a.Outages != 0 || a.Terms[history.Down] != 0 ||
		planned < time.Duration(restarts)*10*time.Second {
		t.Errorf("%d losses, %d outages, %v down, %v planned", losses, a.Outages, a.Terms[history.Down], planned)
	}
}

// TestRestartFromTheWire sends orders until a restart that Gateway has announced: none leaves in the last seconds, and
// the next session takes orders as soon as the port is back.
func TestRestartFromTheWire(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sim.Config{}, withExit)
	if err := d.gw.PlanExit(sim.Exit{At: "+2m", Takes: time.Second}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	due := now.Add(2 * time.Minute).Truncate(time.Minute).Add(time.Minute)
	d.gw.ClockSkew(due.Sub(now) - 12*time.Second)
	d.gw.Drop()
	d.until("it knows the restart", func() bool { return d.sup.Snapshot().Exit.Kind == ib.ExitRestart })
	session := d.session()
	var last time.Time
	for id := int64(1); ; id++ {
		if err := session.Place(id, buy(fmt.Sprint("r", id), 1, 90), ib.Conditions{}); err == nil {
			last = time.Now()
		} else if id == 1 {
			t.Log(err)
		}
		select {
		case <-session.Done():
		case <-time.After(50 * time.Millisecond):
			continue
		}
		break
	}
	ended := time.Now()
	// 5 s, but Gateway says the time in whole seconds
	if quiet := ended.Sub(last); last.IsZero() || quiet < 3*time.Second {
		t.Errorf("the last order left %v before the restart", quiet)
	}
	d.until("it is back", func() bool {
		n := d.sup.Snapshot()
		return n.Session > session.Number() && n.GuardOpen() && n.Window.Name == conn.ExitWindow
	})
}
