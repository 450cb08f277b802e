package conn

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// signedOn is a session without a supervisor. Its guard is open.
type signedOn struct {
	*Session
	socket *socket
	mu     sync.Mutex
	codes  []inCode
}

// signOn makes a session with what answers at a port, until the test ends.
func signOn(t testing.TB, port int) *signedOn {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		t.Fatal(err)
	}
	s, begin := &signedOn{}, time.Now()
	s.socket = newSocket(c, 1, 17, func() time.Duration { return time.Since(begin) }, func(n news) {
		if in, ok := n.(inCode); ok {
			s.mu.Lock()
			s.codes = append(s.codes, in)
			s.mu.Unlock()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.socket.open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.socket.end(CauseStopping); <-s.socket.gone() })
	s.Session = s.socket.session(s.socket.about("127.0.0.1", port), openGate(1), nil, nil)
	s.gate.proof.Store(int64(time.Minute)) // for a computer that has much else to do
	return s
}

// told waits for a code, and returns those that concern no question alone.
func (s *signedOn) told(t testing.TB, code int) (list []inCode) {
	t.Helper()
	eventually(t, fmt.Sprint("code ", code), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		list = nil
		for _, c := range s.codes {
			if !c.aside {
				list = append(list, c)
			}
		}
		return len(list) > 0 && list[len(list)-1].code == code
	})
	return list
}
