package conn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// placing is a session without a wire below it, whose guard is open: the test decides what becomes of an order.
func placing(version int) (*Session, *fakeLink) {
	l := &fakeLink{g: &fakeGateway{}, book: newBooks(version), closed: make(chan struct{})}
	s := &Session{number: 1, link: l, gate: openGate(1), reason: func() GuardReason { return GuardReconciling }}
	return s, l
}

// openGate is open for a session, and its clock stands still.
func openGate(session uint64) *gate {
	g := &gate{clock: func() instant { return instant{wall: time.Unix(0, 0)} }}
	g.open.Store(session)
	return g
}

// begin places an order and waits until it is on its way.
func (s *Session) begin(o Order) chan error {
	done := make(chan error, 1)
	go func() { done <- s.Place(1, o) }()
	synctest.Wait()
	return done
}

var someOrder = Order{Ref: "ref", Contract: someStock, Side: Buy, Type: Market, Quantity: 1}

// TestPlaceWaitsForWhatIsBeingWritten has time and the session run out while an order's bytes are written: what the writer says
// counts.
func TestPlaceWaitsForWhatIsBeingWritten(t *testing.T) {
	for name, c := range map[string]struct {
		runsOut func(*fakeLink)
		settled error // of an order that nobody has begun to write
	}{
		"session": {func(l *fakeLink) { l.end(CauseClosed) }, ErrSessionOver},
		"time":    {func(*fakeLink) { time.Sleep(2 * passLimit) }, ErrNotSent},
	} {
		for _, fate := range []error{nil, ErrFateUnknown} {
			synctest.Test(t, func(t *testing.T) {
				s, l := placing(newestVersion)
				done := s.begin(someOrder)
				one := l.book.passage.take(1)
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
				one.done <- fate
				if err := <-done; !errors.Is(err, fate) {
					t.Errorf("%s: placed: %v, the writer says %v", name, err, fate)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			s, l := placing(newestVersion)
			done := s.begin(someOrder)
			c.runsOut(l)
			if err := <-done; !errors.Is(err, c.settled) {
				t.Errorf("%s: placed: %v, want %v", name, err, c.settled)
			}
			if one := l.book.passage.take(1); one != nil {
				t.Errorf("%s: the order may still leave", name)
			}
		})
	}
}

// TestPrepare has an order be prepared while it is on its way. With an error, with a panic, and after the library has refused it,
// it never leaves; what comes late does not count against the time that it may take afterwards.
func TestPrepare(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		prepare func(*fakeLink) error
		want    error
		leaves  bool
	}{
		"done":                   {func(*fakeLink) error { return nil }, nil, true},
		"done late":              {func(*fakeLink) error { time.Sleep(2 * passLimit); return nil }, nil, true},
		"failed":                 {func(*fakeLink) error { return no }, no, false},
		"panic":                  {func(*fakeLink) error { panic(no) }, no, false},
		"refused by the library": {func(l *fakeLink) error { l.book.passage.drop(1, ErrNotSent); return nil }, ErrNotSent, false},
		"the session ends":       {func(l *fakeLink) error { l.end(CauseClosed); return nil }, ErrSessionOver, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, l := placing(newestVersion)
			calls, begun, prepared := 0, make(chan struct{}), make(chan struct{})
			done := make(chan error, 1)
			go func() {
				defer func() {
					if p := recover(); p != nil {
						done <- p.(error)
					}
				}()
				done <- s.PlaceIf(1, someOrder, Conditions{Prepare: func() error {
					calls++
					close(begun)
					<-prepared
					return c.prepare(l)
				}})
			}()
			<-begun
			one := l.book.passage.going[1]
			if one.waits() == nil {
				t.Fatalf("%s: it may leave before it is prepared", name)
			}
			close(prepared)
			<-one.waits()
			synctest.Wait()
			leaves := one.claim()
			if leaves != c.leaves {
				t.Errorf("%s: it leaves: %v", name, leaves)
			}
			if leaves {
				one.done <- nil
			}
			if err := <-done; !errors.Is(err, c.want) || calls != 1 || len(l.book.passage.going) != 0 {
				t.Errorf("%s: placed: %v, prepared %d times", name, err, calls)
			}
		})
	}
	// Nothing is prepared for an order that the library never gets.
	s, l := placing(newestVersion)
	l.refusal = no
	if err := s.PlaceIf(1, someOrder, Conditions{Prepare: func() error { t.Error("prepared"); return nil }}); !errors.Is(err, no) {
		t.Errorf("placed: %v", err)
	}
	if (*passing)(nil).waits() != nil || (&passing{}).waits() != nil {
		t.Error("what needs no preparation waits for it")
	}
}

// TestSlowPreparation has an order be prepared for too long: what is behind it passes after a while, and it never does.
func TestSlowPreparation(t *testing.T) {
	orderFrame := frame([]byte{0, 0, 0, reqPlaceOrder + protoBase, 8, 7}) // of id 7
	otherFrame := frame([]byte{0, 0, 0, 201, 8, 9})
	for _, slow := range []time.Duration{passLimit - time.Second, passLimit + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ours, gateways := net.Pipe()
			began := time.Now()
			r := newRelay(ours, func() time.Duration { return time.Since(began) })
			r.version, r.passage = newestVersion, &passage{guard: func() error { return nil }, within: func() time.Duration { return time.Hour }}
			r.times.answered = 1
			one, _ := r.passage.add(7, Conditions{Prepare: func() error { time.Sleep(slow); return nil }})
			over := make(chan struct{})
			go func() {
				r.toGateway()
				close(over)
			}()
			r.out <- orderFrame
			r.out <- otherFrame
			go one.prepare()
			want, first, last := error(nil), orderFrame, slow
			if slow > passLimit { // a cancellation behind it would not even wait so long
				want, first, last = ErrNotSent, otherFrame, passLimit
			}
			got := make([]byte, len(first))
			if _, err := io.ReadFull(gateways, got); err != nil || !bytes.Equal(got, first) || time.Since(began) != last {
				t.Errorf("prepared for %v: % x after %v, %v", slow, got, time.Since(began), err)
			}
			if err := <-one.done; !errors.Is(err, want) {
				t.Errorf("prepared for %v: %v", slow, err)
			}
			if slow < passLimit {
				if _, err := io.ReadFull(gateways, got); err != nil || !bytes.Equal(got, otherFrame) {
					t.Errorf("% x, %v", got, err)
				}
			}
			r.end(CauseClosed, "")
			<-over
			time.Sleep(slow)
		})
	}
}

// TestLateRequestOfAnOrder has the library make something of an order when nobody waits for it any more, and its id is used
// again.
func TestLateRequestOfAnOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing(newestVersion)
		if err := <-s.begin(someOrder); !errors.Is(err, ErrNotSent) {
			t.Fatalf("placed: %v", err)
		}
		done := s.begin(someOrder)
		if one := l.book.passage.take(1); one != nil {
			t.Fatal("the first order's request is taken for that of the second")
		}
		one := l.book.passage.take(1)
		if one == nil || !one.claim() {
			t.Fatal("the second order is not on its way")
		}
		one.done <- nil
		if err := <-done; err != nil {
			t.Errorf("placed: %v", err)
		}
	})
}

// TestPlaceTwiceAtOnce places two orders with one id at the same time. What Gateway told unasked before is out of date then.
func TestPlaceTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing(newestVersion)
		l.book.put(OrderNews{Kind: OrderOpen, ID: 9})
		done := s.begin(someOrder)
		if l.book.early != nil || !l.book.settled {
			t.Error("open orders of before are kept")
		}
		if err := s.Place(1, someOrder); err == nil || errors.Is(err, ErrNotSent) {
			t.Errorf("placed: %v", err)
		}
		one := l.book.passage.take(1)
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
	old, l := placing(versionOrders - 1)
	if err := old.Place(1, someOrder); !errors.Is(err, ErrOldGateway) || l.book.passage.going != nil {
		t.Errorf("placed at an old Gateway: %v", err)
	}
	shut, l := placing(newestVersion)
	shut.gate.open.Store(2)
	var guard *GuardError
	if err := shut.Place(1, someOrder); !errors.As(err, &guard) || guard.Reason != GuardReconciling || l.book.passage.going != nil {
		t.Errorf("placed while the guard is shut: %v", err)
	}
	s, l := placing(newestVersion)
	for _, id := range []int64{-1, 0, MaxOrderID + 1} {
		if err := s.Place(id, someOrder); err == nil || l.book.passage.going != nil {
			t.Errorf("placed with id %d: %v", id, err)
		}
	}
	l.refusal = errors.New("refused")
	for _, id := range []int64{1, MaxOrderID} {
		if err := s.Place(id, someOrder); !errors.Is(err, l.refusal) || len(l.book.passage.going) != 0 {
			t.Errorf("placed, though the library never will: %v", err)
		}
	}
}

// TestGuardSaysWhy asks a session whether orders may leave.
func TestGuardSaysWhy(t *testing.T) {
	s, l := placing(newestVersion)
	said := func() GuardReason {
		err := s.Guard()
		if err == nil {
			return GuardOpen
		}
		guard := (*GuardError)(nil)
		if !errors.As(err, &guard) || guard.Session != 1 {
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
	s.gate.open.Store(1) // nobody has noticed yet
	l.end(CauseClosed)
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
		p := &passage{guard: func() error {
			if c.guard == nil { // not an error that holds a nil
				return nil
			}
			return c.guard
		}}
		if got := p.permit(&passing{conditions: Conditions{Allowed: c.allowed}}); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// TestAtTheLastPlace has requests come to the last place before Gateway's socket.
func TestAtTheLastPlace(t *testing.T) {
	shut := errors.New("shut")
	var orderFrame, otherFrame []byte
	orderFrame = append(binary.BigEndian.AppendUint32(orderFrame, 6), 0, 0, 0, reqPlaceOrder+protoBase, 8, 7) // of id 7
	otherFrame = append(binary.BigEndian.AppendUint32(otherFrame, 6), 0, 0, 0, 201, 8, 7)
	for name, c := range map[string]struct {
		frame   []byte
		before  func(*passage, *passing)
		guard   error
		fails   bool // the write
		written bool
		alive   bool
		want    []error // what the order's placing ends with
	}{
		"no order":                    {frame: otherFrame, written: true, alive: true, guard: shut},
		"no order, the write fails":   {frame: otherFrame, fails: true, written: true, guard: shut},
		"an order":                    {frame: orderFrame, written: true, alive: true, want: []error{nil}},
		"an order, the write fails":   {frame: orderFrame, fails: true, written: true, want: []error{ErrFateUnknown}},
		"the guard is shut":           {frame: orderFrame, guard: shut, alive: true, want: []error{shut}},
		"nobody waits for it":         {frame: orderFrame, before: func(p *passage, one *passing) { p.take(one.id) }, alive: true},
		"nobody waits for it anymore": {frame: orderFrame, before: func(p *passage, one *passing) { p.leave(one) }, alive: true},
		"its time is over":            {frame: orderFrame, before: func(_ *passage, one *passing) { one.claim() }, alive: true},
	} {
		p := &passage{guard: func() error { return c.guard }}
		one, _ := p.add(7, Conditions{})
		if c.before != nil {
			c.before(p, one)
		}
		r := &relay{version: newestVersion, passage: p, mono: func() time.Duration { return 0 }}
		written := false
		alive := r.letOut(r.outgoing(c.frame), func([]byte) bool {
			written = true
			return !c.fails
		})
		var got []error
		if len(one.done) > 0 {
			got = append(got, <-one.done)
		}
		if written != c.written || alive != c.alive || !slices.Equal(got, c.want) {
			t.Errorf("%s: written %v, alive %v, placed %v", name, written, alive, got)
		}
	}
}

// TestGuardSince opens the gate, also anew for the same session.
func TestGuardSince(t *testing.T) {
	g := &gate{}
	for _, c := range []struct {
		session   uint64
		now, want time.Duration
	}{{1, 0, 1}, {1, 5, 1}, {0, 6, 1}, {1, 7, 7}, {2, 8, 8}, {2, 9, 8}} {
		if c.session == 0 {
			g.open.Store(0)
		} else {
			g.let(c.session, c.now)
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
		"": AnyMode, "DU1": Paper, "DF1,DU1,": Paper, "U1": Live, "DU1,U1": Live, "U1,DU1": Live, "U1,": Live,
	} {
		l := &library{relay: &relay{}}
		list := strings.Split(accounts, ",")
		l.accounts.Store(&list)
		if g := l.about("", 0); g.Mode != want {
			t.Errorf("%q: %s, want %s", accounts, g.Mode, want)
		}
	}
}
