package ib

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn/ib/ibtest"
)

const sec, ms = time.Second, time.Millisecond

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// signedOn is a session without a supervisor. Its guard is open.
type signedOn struct {
	*Session
	socket *Socket
	mu     sync.Mutex
	codes  []Said
}

// signOn makes a session with what answers at a port, until the test ends.
func signOn(t testing.TB, port int) *signedOn {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		t.Fatal(err)
	}
	s, begin := &signedOn{}, time.Now()
	s.socket = NewSocket(c, 1, 17, func() time.Duration { return time.Since(begin) }, func(n News) {
		if in, ok := n.(Said); ok {
			s.mu.Lock()
			s.codes = append(s.codes, in)
			s.mu.Unlock()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.socket.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.socket.End(CauseStopping); <-s.socket.Gone() })
	s.Session = s.socket.Session(s.socket.About("127.0.0.1", port), openGate(1), nil, nil)
	s.gate.proof.Store(int64(time.Minute)) // for a computer that has much else to do
	return s
}

// told waits for a code, and returns those that concern no question alone.
func (s *signedOn) told(t testing.TB, code int) (list []Said) {
	t.Helper()
	ibtest.Eventually(t, fmt.Sprint("code ", code), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		list = nil
		for _, c := range s.codes {
			if !c.Aside {
				list = append(list, c)
			}
		}
		return len(list) > 0 && list[len(list)-1].Code == code
	})
	return list
}
