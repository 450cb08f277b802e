package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/sse"
	"gatewatch/conn/ib"
)

// bare is a backend whose rules are always the same ones.
type bare struct {
	fakeBackend
	rules api.Rules
}

func (b *bare) Rules() api.Rules { return b.rules }

func TestGuard(t *testing.T) {
	for name, s := range snapshots {
		st := told(&s)
		b := &fakeBackend{status: st}
		var got api.Guarded
		if err := json.Unmarshal(quick(unheard(b), "GET", "/guard", "", "").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := api.Guarded{
			Open: st.Guard.Open, Reason: st.Guard.Reason, ReasonID: st.Guard.ReasonID, Session: st.Session,
			Opened: st.Guard.Opened, Mode: st.Gateway.Mode, Armed: true, Seq: st.Seq,
		}
		if got != want || got.Open == (got.Reason != "") {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// piped serves a backend without a network and returns a client for it.
func piped(t *testing.T, b Backend) (c *api.Client, end func()) {
	t.Helper()
	s := unheard(b)
	s.quit = make(chan struct{})
	srv, ln := s.limited(), &pipes{make(chan net.Conn), make(chan struct{})}
	ended := make(chan error)
	go func() { ended <- srv.Serve(ln) }()
	wire := &http.Transport{DialContext: ln.dial}
	c = api.ClientOver(wire, api.Card{URL: "http://" + s.hosts[0], Token: s.token})
	return c, func() {
		wire.CloseIdleConnections()
		close(s.quit)
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

// TestGuardEvents changes a status bit by bit: the stream tells at once of what concerns the guard, and of nothing
// else.
func TestGuardEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &player{st: api.Status{
			Seq: 1, Session: 3, Guard: api.Guard{Open: true}, Gateway: api.Gateway{Mode: "paper"},
		}}
		c, end := piped(t, p)
		defer end()
		ctx, cancel := context.WithCancel(t.Context())
		var heard []api.Guarded
		ended := make(chan error)
		go func() { ended <- c.FollowGuard(ctx, func(g api.Guarded) { heard = append(heard, g) }) }()
		synctest.Wait()
		want := []api.Guarded{{Open: true, Session: 3, Mode: "paper", Seq: 1}}
		seq := uint64(1)
		step := func(what string, news int, change func(*api.Status)) {
			t.Helper()
			p.mu.Lock()
			change(&p.st)
			p.mu.Unlock()
			began := time.Now()
			seq++
			p.set(seq)
			synctest.Wait()
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: told after %v", what, took)
			}
			for range news {
				want = append(want, api.GuardedOf(p.st))
			}
			if !slices.Equal(heard, want) {
				t.Errorf("%s: heard %+v, want %+v", what, heard, want)
			}
		}
		step("nothing", 0, func(*api.Status) {})
		step("another headline", 0, func(st *api.Status) { st.Headline, st.Probe.RoundTripMillis = "Connected", 3 })
		step("a rule more", 0, func(st *api.Status) { st.Trading.RulesActive, st.Trading.MayTrade = 1, true })
		step("armed", 1, func(st *api.Status) { st.Trading.Armed = true })
		step("connection lost", 1, func(st *api.Status) {
			st.Guard, st.Session = api.Guard{Reason: "not connected to Gateway", ReasonID: ib.GuardSocket}, 0
		})
		step("another attempt", 0, func(st *api.Status) { st.Attempt.Number++ })
		step("another reason", 1, func(st *api.Status) {
			st.Guard.Reason, st.Guard.ReasonID = "waiting for Gateway to confirm open orders", ib.GuardReconciling
		})
		step("the next session", 1, func(st *api.Status) { st.Guard, st.Session = api.Guard{Open: true}, 4 })
		step("another session at a stroke", 1, func(st *api.Status) { st.Session = 5 })
		step("shut and open again at a stroke", 1, func(st *api.Status) { st.Guard.Opened++ })
		step("live", 1, func(st *api.Status) { st.Gateway.Mode = "live" })
		time.Sleep(10 * sse.Silence) // the stream lives on although it has nothing to tell
		step("disarmed", 1, func(st *api.Status) { st.Trading.Armed = false })
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestGuardStreamEnds checks that a client of the guard learns that no one watches it any more.
func TestGuardStreamEnds(t *testing.T) {
	p := &player{st: api.Status{Guard: api.Guard{Open: true}}}
	s, err := Listen(0, p, unheard(p).log)
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(s.Card())
	first, ended := make(chan api.Guarded, 1), make(chan error)
	go func() { ended <- c.FollowGuard(context.Background(), func(g api.Guarded) { first <- g }) }()
	if g := <-first; !g.Open {
		t.Errorf("first %+v", g)
	}
	if n := s.ShowWindow(); n != 0 {
		t.Errorf("%d windows listen", n)
	}
	s.Close(context.Background())
	if err := <-ended; !errors.Is(err, sse.ErrEnded) {
		t.Errorf("ended with %v", err)
	}
	if err := c.FollowGuard(context.Background(), nil); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("without a server: %v", err)
	}
	if _, err := c.Guard(context.Background()); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("asked without a server: %v", err)
	}
}
