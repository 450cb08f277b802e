package conn

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
)

// recorder keeps the events of a supervisor.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func record(t testing.TB, s *Supervisor) *recorder {
	r := &recorder{}
	stream, cancel := s.Events()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			e, ok := stream.Next(ctx)
			if !ok {
				return
			}
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
		}
	}()
	t.Cleanup(func() { cancel(); stop(); <-done })
	return r
}

// of returns the events of one kind so far.
func (r *recorder) of(kind EventKind) (list []Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// wantLoss waits for a loss and checks that it is the only one.
func (r *recorder) wantLoss(t testing.TB, cause ib.Cause) {
	t.Helper()
	ibtest.Eventually(t, "loss is told", func() bool { return len(r.of(EventLost)) > 0 })
	if list := r.of(EventLost); len(list) != 1 || list[0].Cause != cause {
		t.Errorf("losses %+v, want one by %s", list, cause)
	}
}

// connect starts a supervisor on a scripted gateway and waits for READY.
func connect(t testing.TB, version int, change func(*Config)) (*ibtest.Scripted, *Supervisor, *recorder) {
	t.Helper()
	g := ibtest.NewScripted(t, version)
	cfg := testConfig(g.Port())
	cfg.Delays = []time.Duration{20 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	s, r := startRecorded(t, cfg)
	await(t, s, "READY", 10*time.Second, func(n *Snapshot) bool { return n.Layers.API })
	return g, s, r
}

func TestCodesOnALiveSession(t *testing.T) {
	type want struct {
		state State
		cause ib.Cause
		code  int
		guard ib.GuardReason
		farm  string
	}
	fine := want{state: Connected}
	lost := func(code int) want {
		return want{UpstreamLost, ib.CauseUpstream, code, ib.GuardUpstream, ""}
	}
	farm := func(name string) want { return want{Degraded, ib.CauseFarm, 0, ib.GuardOpen, name} }
	steps := []struct {
		code int
		text string
		want want
	}{
		{1100, "Connectivity between IB and Trader Workstation has been lost.", lost(1100)},
		{1100, "again", lost(1100)},
		{2110, "the same", lost(1100)},
		{2104, "Market data farm connection is OK:usfarm", lost(1100)},
		{1102, "restored", fine},
		{2110, "Connectivity between TWS and server is broken. It will be restored automatically.", lost(2110)},
		{1101, "restored, data lost", fine},
		{2103, "Market data farm connection is broken:usfarm.nj", farm("usfarm.nj")},
		{2105, "HMDS data farm connection is broken:ushmds", farm("usfarm.nj")}, // the first by name
		{2104, "Market data farm connection is OK:usfarm.nj", farm("ushmds")},
		{2107, "HMDS data farm connection is inactive but should be available upon demand.ushmds", fine},
		{2157, "Sec-def data farm connection is broken:secdefil", farm("secdefil")},
		{2158, "Sec-def data farm connection is OK:secdefil", fine},
		{2103, "kaputt：usfarm", farm("usfarm")},
		{2119, "stellt Verbindung her", farm("usfarm")},
		{2108, "inactive.usfarm", fine},
		{10197, "competing", want{Degraded, ib.CauseCompeting, 0, ib.GuardOpen, ""}},
		{10141, "known before READY only", want{Degraded, ib.CauseCompeting, 0, ib.GuardOpen, ""}},
		{326, "known before READY only", want{Degraded, ib.CauseCompeting, 0, ib.GuardOpen, ""}},
		{1101, "every subscription is made again", fine},
	}
	for _, v := range ibtest.Versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			g, s, r := connect(t, v, nil)
			for i, step := range steps {
				g.Peer().Code(step.code, step.text)
				g.Peer().Code(9000+i, fmt.Sprint(i)) // a notice, which shows that what came before has been heard
				ibtest.Eventually(t, "notice", func() bool {
					list := r.of(EventNotice)
					return len(list) > 0 && list[len(list)-1].Detail == fmt.Sprint(i)
				})
				n := s.Snapshot()
				got := want{n.State, n.Cause, n.Code, n.Guard, ""}
				if n.Cause == ib.CauseFarm {
					got.farm = n.Detail
				}
				if got != step.want {
					t.Errorf("step %d, code %d: %+v, want %+v", i, step.code, got, step.want)
				}
			}
			if n := s.Snapshot(); n.Session != 1 {
				t.Errorf("session %d, want the first", n.Session)
			}
			var restored []int
			for _, e := range r.of(EventUpstreamRestored) {
				restored = append(restored, e.Code)
			}
			if !slices.Equal(restored, []int{1102, 1101}) || len(r.of(EventUpstreamLost)) != 2 ||
				len(r.of(EventCompeting)) != 1 {
				t.Errorf("restored %v, lost %d, competing %d", restored, len(r.of(EventUpstreamLost)),
					len(r.of(EventCompeting)))
			}
		})
	}
}

func TestMarketDataEndsACompetingSession(t *testing.T) {
	g, s, _ := connect(t, 225, nil)
	g.Peer().Code(10197, "competing")
	await(t, s, "competing session", 10*time.Second, func(n *Snapshot) bool { return n.Cause == ib.CauseCompeting })
	g.Peer().Send(ibtest.TickPrice(1, 1, 100))
	await(t, s, "end of it", 10*time.Second, connected)
}

func TestPortChangedDropsTheSession(t *testing.T) {
	for _, v := range ibtest.Versions {
		g, s, r := connect(t, v, nil)
		g.Peer().Code(1300, "TWS socket port has been reset and this connection is being dropped. Please reconnect "+
			"on the new port - 7497")
		n := await(t, s, "loss", 10*time.Second, func(n *Snapshot) bool { return !n.Layers.Socket && n.Lost == 1 })
		if n.Cause != ib.CausePortChanged || n.Code != 1300 || n.State != Reconnecting {
			t.Errorf("%+v", n)
		}
		await(t, s, "READY again", 10*time.Second, connected)
		r.wantLoss(t, ib.CausePortChanged)
	}
}

// TestPortChangedStaysTheReason: that nothing listens at the port of the settings is what Gateway has said before, and
// to start Gateway would not help. A Gateway that is looked for may have been closed since.
func TestPortChangedStaysTheReason(t *testing.T) {
	for port, want := range map[int][]ib.Cause{
		4002: {ib.CausePortChanged, ib.CausePortChanged, ib.CauseNoAnswer, ib.CauseRefused},
		0:    {ib.CauseRefused, ib.CauseRefused, ib.CauseNoAnswer, ib.CauseRefused},
	} {
		p := newPlay(func(c *Config) { c.Port = port })
		for i, r := range append(opening,
			row{in: func(p *play) input {
				return inLost{session: p.m.session, cause: ib.CausePortChanged, code: 1300, detail: "text"}
			}, emit: "lost", state: Reconnecting, guard: ib.GuardSocket}) {
			p.act(t, i, r)
		}
		for i, cause := range []ib.Cause{ib.CauseRefused, ib.CauseRefused, ib.CauseNoAnswer, ib.CauseRefused} {
			p.act(t, i, row{after: time.Minute, do: "dial", state: Reconnecting, guard: ib.GuardSocket})
			p.act(t, i, row{in: onFailed(cause), emit: "attempt_failed", state: Reconnecting, guard: ib.GuardSocket})
			if n := p.m.snapshot(p.cfg); n.Cause != want[i] || p.last[0].Cause != n.Cause || p.last[0].Code != n.Code ||
				(n.Code == 1300) != (n.Cause == ib.CausePortChanged) {
				t.Errorf("port %d, attempt %d: %s, code %d, and event %+v", port, i, n.Cause, n.Code, p.last[0])
			}
		}
	}
}

// TestSearchBeginsAtTheChangedPort: where no port is configured, the one that Gateway has named is tried first, whether
// a session or an attempt ended with that.
func TestSearchBeginsAtTheChangedPort(t *testing.T) {
	const text = "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new " +
		"port - 7497"
	for name, end := range map[string]cue{
		"session": func(p *play) input {
			return inLost{session: p.m.session, cause: ib.CausePortChanged, code: 1300, detail: text}
		},
		"attempt": func(p *play) input {
			p.feed(inLost{session: p.m.session, cause: ib.CauseClosed})
			p.pass(time.Second)
			return inFailed{session: p.m.session, err: &ib.AttemptError{
				Cause: ib.CausePortChanged, Code: 1300, Text: text,
			}}
		},
	} {
		p := newPlay(func(c *Config) { c.Port = 0 })
		for i, r := range opening {
			p.act(t, i, r)
		}
		p.feed(end(p))
		if ports := p.m.ports(p.cfg); ports[0] != 7497 {
			t.Errorf("%s: ports %v", name, ports)
		}
	}
}

func TestUpstreamLostDuringLogin(t *testing.T) {
	for _, v := range ibtest.Versions {
		g := ibtest.NewScripted(t, v)
		g.LogIn(func(p *ibtest.Peer) bool {
			p.Code(1100, "no servers")
			p.Login("DU1")
			return true
		})
		s, r := startRecorded(t, testConfig(g.Port()))
		n := await(t, s, "READY", 10*time.Second, func(n *Snapshot) bool { return n.Layers.API })
		if n.State != UpstreamLost || n.Cause != ib.CauseUpstream || n.Code != 1100 || n.Guard != ib.GuardUpstream {
			t.Errorf("version %d: %+v", v, n)
		}
		g.Peer().Code(1102, "servers")
		await(t, s, "restore", 10*time.Second, connected)
		ibtest.Eventually(t, "the restore is told", func() bool { return len(r.of(EventUpstreamRestored)) > 0 })
		if list := r.of(EventUpstreamLost); len(list) != 1 || list[0].Code != 1100 {
			t.Errorf("version %d: %+v", v, list)
		}
	}
}

// TestLostTail sends what matters right before the end, behind more than the library has room for.
func TestLostTail(t *testing.T) {
	for _, v := range ibtest.Versions {
		for _, ticks := range []int{0, 10, 1000, 100_000} {
			t.Run(fmt.Sprintf("%d/%d ticks", v, ticks), func(t *testing.T) {
				g, s, r := connect(t, v, nil)
				mailbox := s.Session().Ticks()
				p := g.Peer()
				var flood []byte
				for i := range ticks {
					flood = append(flood, ibtest.TickPrice(1+i%50, 1, float64(i))...)
				}
				p.Send(flood)
				p.Code(399, "the last words")
				p.Close()
				ibtest.Eventually(t, "last words", func() bool {
					list := r.of(EventNotice)
					return len(list) > 0 && list[0].Detail == "the last words" && list[0].Session == 1
				})
				await(t, s, "READY again", 20*time.Second, connected)
				if received, _ := mailbox.Counts(); received != uint64(ticks) {
					t.Errorf("%d ticks of %d", received, ticks)
				}
				r.wantLoss(t, ib.CauseClosed)
			})
		}
	}
}

// TestCompetingIsNotForEver has another session take the market data, and no one ask for any afterwards.
func TestCompetingIsNotForEver(t *testing.T) {
	p := newPlay(nil)
	for i, r := range append(opening,
		row{in: onCode(10197), emit: "competing_session", state: Degraded},
		row{after: 9 * time.Minute, in: onCode(10197), state: Degraded}, // said again
		row{after: 9 * time.Minute, state: Degraded},
		row{after: 2 * time.Minute, state: Connected},
		row{in: onCode(10197), emit: "competing_session", state: Degraded},
	) {
		p.act(t, i, r)
	}
}
