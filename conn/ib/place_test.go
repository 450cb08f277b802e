package ib

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// placing is a session whose guard is open, on a socket without a writer: the test decides what becomes of an order.
func placing() (*Session, *unserved) {
	l := &unserved{Socket: offline(func(News) {})}
	s := &Session{socket: l.Socket, gate: openGate(1), reason: func() GuardReason { return GuardReconciling }}
	return s, l
}

// unserved keeps what is handed over to be written.
type unserved struct {
	*Socket
	sent []*request
}

// handed returns what was handed over to be written.
func (l *unserved) handed() []*request {
	for len(l.requests) > 0 {
		l.sent = append(l.sent, <-l.requests)
	}
	return l.sent
}

// fill leaves no room for a request.
func (l *unserved) fill() {
	for len(l.requests) < cap(l.requests) {
		l.requests <- &request{}
	}
}

// openGate is open for a session, and its clock stands still.
func openGate(session uint64) *Gate {
	g := &Gate{clock: &Clock{
		Wall: func() time.Time { return time.Unix(0, 0) }, Mono: func() time.Duration { return 0 },
	}}
	g.open.Store(session)
	return g
}

// begin places an order and waits until it is on its way.
func (s *Session) begin(o Order) chan error {
	done := make(chan error, 1)
	go func() { done <- s.Place(1, o, Conditions{}) }()
	synctest.Wait()
	return done
}

// placed returns the last order that was handed over to be written, nil if there is none.
func (l *unserved) placed() *request {
	list := l.handed()
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// sending counts the orders on their way.
func (b *pending) sending() (n int) {
	b.placing.Range(func(any, any) bool { n++; return true })
	return n
}

// offline is a socket that no one serves and nothing is read from.
func offline(post func(News)) *Socket {
	ours, _ := net.Pipe()
	return NewSocket(ours, 1, 17, func() time.Duration { return 0 }, post)
}

// TestPlaceWaitsForWhatIsBeingWritten has time and the session run out while an order's bytes are written: what the
// writer says counts.
func TestPlaceWaitsForWhatIsBeingWritten(t *testing.T) {
	for name, c := range map[string]struct {
		runsOut func(*unserved)
		settled error // of an order that no one has begun to write
	}{
		"session": {func(l *unserved) { l.End(CauseStopping) }, ErrSessionOver},
		"time":    {func(*unserved) { time.Sleep(2 * placeLimit) }, ErrNotSent},
	} {
		for _, state := range []error{nil, ErrOrderUnknown} {
			synctest.Test(t, func(t *testing.T) {
				s, l := placing()
				done := s.begin(ibtest.SomeOrder)
				one := l.placed()
				if one == nil || !one.claim() {
					t.Fatal("the order is not on its way")
				}
				c.runsOut(l)
				synctest.Wait()
				select {
				case err := <-done:
					t.Errorf("%s: placed: %v, while it is written", name, err)
					return
				default:
				}
				one.done <- state
				if err := <-done; !errors.Is(err, state) {
					t.Errorf("%s: placed: %v, the writer says %v", name, err, state)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			s, l := placing()
			done := s.begin(ibtest.SomeOrder)
			c.runsOut(l)
			if err := <-done; !errors.Is(err, c.settled) {
				t.Errorf("%s: placed: %v, want %v", name, err, c.settled)
			}
			if l.placed().claim() {
				t.Errorf("%s: the order may still leave", name)
			}
		})
	}
}

// TestPrepare has an order be prepared while it is on its way. With an error, with a panic, and after it was refused,
// it never leaves; what comes late does not count against the time that it may take afterwards.
func TestPrepare(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		prepare func(*unserved) error
		want    error
		leaves  bool
	}{
		"done":      {func(*unserved) error { return nil }, nil, true},
		"done late": {func(*unserved) error { time.Sleep(2 * placeLimit); return nil }, nil, true},
		"failed":    {func(*unserved) error { return no }, no, false},
		"panic":     {func(*unserved) error { panic(no) }, no, false},
		"refused": {func(l *unserved) error {
			l.placed().refuse(ErrGatewaySilent)
			return nil
		}, ErrGatewaySilent, false},
		"the session ends": {func(l *unserved) error { l.End(CauseStopping); return nil }, ErrSessionOver, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, l := placing()
			calls, begun, prepared := 0, make(chan struct{}), make(chan struct{})
			done := make(chan error, 1)
			go func() {
				defer func() {
					if p := recover(); p != nil {
						done <- p.(error)
					}
				}()
				done <- s.Place(1, ibtest.SomeOrder, Conditions{Prepare: func() error {
					calls++
					close(begun)
					<-prepared
					return c.prepare(l)
				}})
			}()
			<-begun
			one := l.placed()
			if isClosed(one.ready) {
				t.Fatalf("%s: it may leave before it is prepared", name)
			}
			close(prepared)
			<-one.ready
			synctest.Wait()
			leaves := one.claim()
			if leaves != c.leaves {
				t.Errorf("%s: it leaves: %v", name, leaves)
			}
			if leaves {
				one.done <- nil
			}
			if err := <-done; !errors.Is(err, c.want) || calls != 1 || l.pending.sending() != 0 {
				t.Errorf("%s: placed: %v, prepared %d times", name, err, calls)
			}
		})
	}
	// Nothing is prepared for an order that cannot be handed over.
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		l.fill()
		time.AfterFunc(time.Second, func() { l.End(CauseClosed) })
		if err := s.Place(1, ibtest.SomeOrder, Conditions{Prepare: func() error {
			t.Error("prepared")
			return nil
		}}); !errors.Is(err, ErrSessionOver) {
			t.Errorf("placed: %v", err)
		}
	})
}

// TestPlaceTwiceAtOnce places two orders with one id at the same time.
func TestPlaceTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		done := s.begin(ibtest.SomeOrder)
		if err := s.Place(1, ibtest.SomeOrder, Conditions{}); err == nil || errors.Is(err, ErrNotSent) {
			t.Errorf("placed: %v", err)
		}
		one := l.placed()
		if one == nil || !one.claim() {
			t.Fatal("the first order is not on its way any more")
		}
		one.done <- nil
		if err := <-done; err != nil {
			t.Errorf("placed: %v", err)
		}
	})
}

// TestNothingIsPlaced has what keeps an order from being begun.
func TestNothingIsPlaced(t *testing.T) {
	shut, l := placing()
	shut.gate.open.Store(2)
	var guard *GuardError
	if err := shut.Place(1, ibtest.SomeOrder, Conditions{}); !errors.As(err, &guard) ||
		guard.Reason != GuardReconciling || l.pending.sending() != 0 {
		t.Errorf("placed while the guard is shut: %v", err)
	}
	s, l := placing()
	for _, id := range []int64{-1, 0, MaxOrderID + 1} {
		if err := s.Place(id, ibtest.SomeOrder, Conditions{}); err == nil || l.pending.sending() != 0 {
			t.Errorf("placed with id %d: %v", id, err)
		}
	}
	for _, id := range []int64{1, MaxOrderID} {
		synctest.Test(t, func(t *testing.T) {
			s, l := placing()
			l.fill()
			time.AfterFunc(time.Second, func() { l.End(CauseClosed) })
			if err := s.Place(id, ibtest.SomeOrder, Conditions{}); !errors.Is(err, ErrSessionOver) ||
				l.pending.sending() != 0 {
				t.Errorf("placed, though the session is over: %v", err)
			}
		})
	}
}

// TestGuardSaysWhy asks a session whether orders may leave.
func TestGuardSaysWhy(t *testing.T) {
	s, l := placing()
	said := func() GuardReason {
		err := s.Guard()
		if err == nil {
			return GuardOpen
		}
		guard := (*GuardError)(nil)
		if !errors.As(err, &guard) {
			t.Fatalf("%v", err)
		}
		return guard.Reason
	}
	for _, reason := range []GuardReason{GuardUpstream, GuardProbe, GuardOpen} {
		s.reason = func() GuardReason { return reason }
		s.gate.open.Store(1)
		if got := said(); got != GuardOpen {
			t.Errorf("%q while it is open", got)
		}
		want := reason
		if reason == GuardOpen { // of another session, or by now
			want = GuardReconciling
		}
		for _, open := range []uint64{0, 2} {
			s.gate.open.Store(open)
			if got := said(); got != want {
				t.Errorf("%q while it is open for %d, want %q", got, open, want)
			}
		}
	}
	s.gate.open.Store(1) // no one has noticed yet
	l.End(CauseStopping)
	if got := said(); got != GuardSocket {
		t.Errorf("%q after the end", got)
	}
}

// TestPermit asks the guard and the permission of an order.
func TestPermit(t *testing.T) {
	shut, withdrawn := &GuardError{}, errors.New("withdrawn")
	for _, c := range []struct {
		guard, want error
		allowed     func() error
	}{
		{nil, nil, nil},
		{nil, nil, func() error { return nil }},
		{nil, withdrawn, func() error { return withdrawn }},
		{shut, shut, nil},
		{shut, shut, func() error { return nil }},
		{shut, shut, func() error { return withdrawn }},
	} {
		p := &request{allowed: c.allowed, guard: func() error {
			if c.guard == nil { // not an error that holds a nil
				return nil
			}
			return c.guard
		}}
		if got := p.permit(); !errors.Is(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// TestGuardSince opens the gate, also again for the same session.
func TestGuardSince(t *testing.T) {
	g := &Gate{}
	for _, c := range []struct {
		session   uint64
		now, want time.Duration
	}{{1, 0, 1}, {1, 5, 1}, {0, 6, 1}, {1, 7, 7}, {2, 8, 8}, {2, 9, 8}} {
		if c.session == 0 {
			g.open.Store(0)
		} else {
			g.Open(c.session, c.now)
		}
		s := &Session{gate: g}
		if g.open.Load() != c.session || s.GuardSince() != c.want {
			t.Errorf("%+v: open for %d since %v", c, g.open.Load(), s.GuardSince())
		}
	}
}

// TestModeOfAccounts is about logins with several accounts: one with money in it makes the login a live one.
func TestModeOfAccounts(t *testing.T) {
	for accounts, want := range map[string]Mode{
		"DU1": Paper, "DF1,DU1,": Paper, "U1": Live, "DU1,U1": Live, "U1,DU1": Live, "U1,": Live,
	} {
		s := offline(func(News) {})
		s.peerSays(t, ibtest.ProtoMessage(wire.MsgManagedAccounts, accounts))
		if g := s.About("", 0); g.Mode != want {
			t.Errorf("%q: %s, want %s", accounts, g.Mode, want)
		}
	}
}

// TestModeOfAccountsChanges has Gateway name accounts once more in a session: of another kind than before, they end it.
func TestModeOfAccountsChanges(t *testing.T) {
	s := offline(func(News) {})
	s.peerSays(t, ibtest.ProtoMessage(wire.MsgManagedAccounts, ""))
	s.peerSays(t, ibtest.ProtoMessage(wire.MsgNextValidID, 1))
	if isClosed(s.loggedIn) {
		t.Error("ready without an account")
	}
	s.peerSays(t, ibtest.ProtoMessage(wire.MsgManagedAccounts, "DU1"))
	s.peerSays(t, ibtest.ProtoMessage(wire.MsgManagedAccounts, "DU1,DF2"))
	if !isClosed(s.loggedIn) {
		t.Error("not ready")
	}
	if err := s.take(ibtest.ProtoMessage(wire.MsgManagedAccounts, "U1")); err == nil {
		t.Error("live accounts in a session with paper accounts")
	}
}

// TestNewsOfOrdersIsBounded: news of orders which no one reads fills no memory, none of it is lost, and the end of the
// session does not wait.
func TestNewsOfOrdersIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(func(News) {})
		s.pending.wanted.Store(true)
		put := make(chan struct{})
		go func() {
			defer close(put)
			for i := range int64(3*maxNews + 1) {
				s.pending.put(OrderNews{Kind: OrderStatus, ID: i})
			}
		}()
		var got []OrderNews
		for range 2 {
			synctest.Wait()
			got = s.pending.news.Take(got)
			if len(got)%maxNews != 0 {
				t.Fatalf("%d have come", len(got))
			}
		}
		synctest.Wait()
		s.End(CauseStopping)
		<-put
		got = s.pending.news.Take(got)
		if len(got) != 3*maxNews+1 {
			t.Errorf("%d have come", len(got))
		}
		for i, n := range got {
			if n.ID != int64(i) {
				t.Fatalf("news %d is of order %d", i, n.ID)
			}
		}
	})
}

// TestGuardShutsWithTheSocket asks before the supervisor has heard of the end.
func TestGuardShutsWithTheSocket(t *testing.T) {
	s, l := placing()
	s.socket.number, s.gate, s.reason = 7, openGate(0), func() GuardReason { return GuardOpen }
	var shut *GuardError
	if err := s.Guard(); !errors.As(err, &shut) || shut.Reason == GuardOpen {
		t.Errorf("never opened: %v", err)
	}
	s.gate.open.Store(8)
	if s.Guard() == nil {
		t.Error("opened by another session")
	}
	s.gate.open.Store(7)
	if err := s.Guard(); err != nil {
		t.Error(err)
	}
	l.End(CauseStopping)
	if err := s.Guard(); !errors.As(err, &shut) || shut.Reason != GuardSocket {
		t.Errorf("after the end: %v", err)
	}
}
