package conn

import (
	"context"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
)

// start runs a supervisor until the test ends.
func start(t testing.TB, cfg Config) *Supervisor {
	t.Helper()
	s, _ := startRecorded(t, cfg)
	return s
}

// startRecorded runs a supervisor until the test ends, and records its events from the first on.
func startRecorded(t testing.TB, cfg Config) (*Supervisor, *recorder) {
	t.Helper()
	s, err := New(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	r := record(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { s.Run(ctx); close(ran) }()
	t.Cleanup(func() { cancel(); <-ran })
	return s, r
}

// await waits until the snapshot satisfies ok.
func await(t testing.TB, s *Supervisor, what string, limit time.Duration, ok func(*Snapshot) bool) *Snapshot {
	t.Helper()
	nudge, cancel := s.Subscribe()
	defer cancel()
	limit *= 6 // for a computer that has much else to do
	timeout := time.After(limit)
	for {
		if n := s.Snapshot(); ok(n) {
			return n
		}
		select {
		case <-nudge:
		case <-timeout:
			t.Fatalf("%s: not within %v; snapshot %+v", what, limit, s.Snapshot())
		}
	}
}

func connected(n *Snapshot) bool { return n.State == Connected && n.GuardOpen() }

func TestReadyAtEveryVersion(t *testing.T) {
	for _, v := range ibtest.Versions {
		g := ibtest.NewScripted(t, v)
		s := start(t, testConfig(g.Port()))
		begin := time.Now()
		n := await(t, s, "READY", 10*time.Second, connected)
		t.Logf("version %d: READY after %v", v, time.Since(begin))
		if n.Gateway.ServerVersion != v || n.Gateway.Mode != ib.Paper || n.Gateway.Accounts != 1 {
			t.Errorf("version %d: gateway %+v", v, n.Gateway)
		}
	}
}

func TestDropIsKnown(t *testing.T) {
	for _, reset := range []bool{false, true} {
		g := ibtest.NewScripted(t, 225)
		s := start(t, testConfig(g.Port()))
		await(t, s, "READY", 10*time.Second, connected)
		begin := time.Now()
		g.Drop(reset)
		n := await(t, s, "loss", time.Second, func(n *Snapshot) bool { return !n.GuardOpen() })
		t.Logf("reset %v: known after %v: %s %s", reset, time.Since(begin), n.State, n.Cause)
		begin = time.Now()
		await(t, s, "READY again", 10*time.Second, connected)
		t.Logf("back after %v", time.Since(begin))
	}
}

// TestLocalPortIsTakenAsSoonAsItOpens waits for a restarted Gateway with delays that would take an hour.
func TestLocalPortIsTakenAsSoonAsItOpens(t *testing.T) {
	g, s, _ := connect(t, 225, func(c *Config) { c.Delays = []time.Duration{time.Millisecond, time.Hour} })
	addr := g.Listener.Addr().String()
	g.Stop()
	await(t, s, "refusal", 10*time.Second, func(n *Snapshot) bool {
		return n.Cause == ib.CauseRefused && !n.Attempt.Running
	})
	g.Listen(addr)
	await(t, s, "READY again", 10*time.Second, connected)
	if n := g.Attempts(); n != 2 {
		t.Errorf("%d connections, want 2: none is thrown away", n)
	}
}

func TestPauseEndsTheWatchOfThePort(t *testing.T) {
	g, s, _ := connect(t, 225, func(c *Config) { c.Delays = []time.Duration{time.Millisecond, time.Hour} })
	addr := g.Listener.Addr().String()
	g.Stop()
	await(t, s, "refusal", 10*time.Second, func(n *Snapshot) bool {
		return n.Cause == ib.CauseRefused && !n.Attempt.Running
	})
	if err := s.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.Listen(addr)
	time.Sleep(2 * watchInterval)
	if n := g.Attempts(); n != 1 {
		t.Errorf("%d connections, want the first alone", n)
	}
	if err := s.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, s, "READY again", 10*time.Second, connected)
}
