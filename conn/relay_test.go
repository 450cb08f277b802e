package conn

import (
	"errors"
	"testing"
	"time"
)

// TestRequestsArePaced floods a session with requests: Gateway must not see more than its limit in any second, and the
// probes must not wait behind them.
func TestRequestsArePaced(t *testing.T) {
	g := newScripted(t, 225)
	s := start(t, testConfig(g.port()))
	await(t, s, "READY", 10*time.Second, connected)
	session := s.Session()
	const flood = 130
	go func() {
		for i := range int64(flood) {
			if session.Subscribe(i+1, Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}) != nil {
				return
			}
		}
	}()
	var data, all []time.Time
	for end := time.Now().Add(30 * time.Second); len(data) < flood; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d requests arrived", len(data), flood)
		}
		data, all = nil, nil
		for _, r := range g.requests() {
			all = append(all, r.at)
			if r.id == "1" {
				data = append(data, r.at)
			}
		}
	}
	for i := 50; i < len(all); i++ {
		// Written a second apart they can be read a little closer together.
		if gap := all[i].Sub(all[i-50]); gap < 900*time.Millisecond {
			t.Fatalf("51 requests within %v", gap)
		}
	}
	if len(all) == len(data) {
		t.Error("no probe got through the flood")
	}
	if n := s.Snapshot(); n.State != Connected || n.Lost != 0 {
		t.Errorf("after the flood %s, %d sessions lost", n.State, n.Lost)
	}
}

// TestNothingWaitsBehindHalfAFrame sends an upstream loss and the beginning of a frame whose rest never comes.
func TestNothingWaitsBehindHalfAFrame(t *testing.T) {
	for _, version := range []int{176, 225} {
		g := newScripted(t, version)
		cfg := testConfig(g.port())
		s := start(t, cfg)
		await(t, s, "READY", 10*time.Second, connected)
		p := g.peer()
		var code []byte
		if version == 225 {
			code = protoMessage(4, -1, 1_700_000_000_000, 1100, "lost")
		} else {
			code = textMessage(version, 4, "2", "-1", "1100", "lost", "")
		}
		p.send(append(code, currentTimeFrame(version, 1)[:6]...)) // one write, so that both are read at once
		// Well before the probes run out, which would end the session anyway.
		n := await(t, s, "upstream lost", 800*time.Millisecond, func(n *Snapshot) bool { return n.State != Connected })
		if n.State != UpstreamLost || n.Code != 1100 {
			t.Errorf("version %d: %s, code %d", version, n.State, n.Code)
		}
	}
}

// TestLetOut has orders come to the relay that may leave, and that must not.
func TestLetOut(t *testing.T) {
	no := errors.New("no")
	for _, v := range []int{176, 225} {
		request := textFrame("3", "7", "")
		if v == 225 {
			request = frame([]byte{0, 0, 0, 203, 8, 7})
		}
		for name, c := range map[string]struct {
			begin   func(*passage) *passing // nil: nobody waits for it
			guard   error
			broken  bool // the socket
			written bool
			done    error
		}{
			"nobody waits":      {begin: func(*passage) *passing { return nil }},
			"another is waited": {begin: func(p *passage) *passing { p.add(8, Conditions{}); return nil }},
			"nobody any more":   {begin: func(p *passage) *passing { one, _ := p.add(7, Conditions{}); p.leave(one); return nil }},
			"settled":           {begin: func(p *passage) *passing { one, _ := p.add(7, Conditions{}); one.claim(); return nil }},
			"may leave":         {begin: func(p *passage) *passing { one, _ := p.add(7, Conditions{}); return one }, written: true},
			"is allowed": {begin: func(p *passage) *passing {
				one, _ := p.add(7, Conditions{Allowed: func() error { return nil }})
				return one
			}, written: true},
			"is not allowed": {begin: func(p *passage) *passing {
				one, _ := p.add(7, Conditions{Allowed: func() error { return no }})
				return one
			}, done: no},
			"the guard is shut":   {begin: func(p *passage) *passing { one, _ := p.add(7, Conditions{}); return one }, guard: no, done: no},
			"the socket is broke": {begin: func(p *passage) *passing { one, _ := p.add(7, Conditions{}); return one }, broken: true, written: true, done: ErrFateUnknown},
		} {
			p := &passage{guard: func() error { return c.guard }}
			r := &relay{version: v, passage: p, mono: func() time.Duration { return 0 }}
			one := c.begin(p)
			written := false
			goesOn := r.letOut(r.outgoing(request), func([]byte) bool { written = true; return !c.broken })
			if written != c.written || goesOn == c.broken {
				t.Errorf("version %d, %s: written %v, the session goes on %v", v, name, written, goesOn)
			}
			if one != nil {
				if err := <-one.done; !errors.Is(err, c.done) {
					t.Errorf("version %d, %s: %v, want %v", v, name, err, c.done)
				}
			}
		}
		// What places no order asks nobody.
		r := &relay{version: v, mono: func() time.Duration { return 0 }}
		for _, worked := range []bool{true, false} {
			if got := r.letOut(r.outgoing(probeFrame(v)), func([]byte) bool { return worked }); got != worked {
				t.Errorf("version %d: a probe whose write was %v: %v", v, worked, got)
			}
		}
	}
}
