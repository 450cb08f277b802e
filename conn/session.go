package conn

import (
	"sync/atomic"
)

// gate holds the number of the session whose guard is open, or 0. The supervisor alone opens it.
type gate struct{ open atomic.Uint64 }

// link is what the supervisor and a Session need from the wire below them.
type link interface {
	seen() evidence
	probe()
	end(cause Cause)        // ends it now; tidying up goes on behind
	over() <-chan struct{}  // closed at the end, before anything is tidied up
	ended() <-chan struct{} // closed a moment later, when outcome is settled
	outcome() (Cause, int, string)
	gone() <-chan struct{} // closed when everything is tidied up
	call(func(*library)) error
}

// Session is one connection to Gateway from READY to its loss. It is used once; whoever holds one after its end
// gets errors and can do no harm with it. Its methods may be called from any goroutine.
type Session struct {
	number  uint64
	gateway Gateway
	link    link
	gate    *gate
	reason  func() GuardReason
	ticks   *Ticks
}

// Number returns the session's number, which no other session of this process has.
func (s *Session) Number() uint64 { return s.number }

// Gateway returns what is known about the other side.
func (s *Session) Gateway() Gateway { return s.gateway }

// Done returns a channel that is closed at the moment the session ends.
func (s *Session) Done() <-chan struct{} { return s.link.over() }

// Guard returns nil while orders may leave through this session, else a *[GuardError].
func (s *Session) Guard() error {
	select {
	case <-s.link.over():
		return &GuardError{Session: s.number, Reason: GuardSocket}
	default:
	}
	if s.gate.open.Load() == s.number {
		return nil
	}
	r := s.reason()
	if r == GuardOpen { // it opened, or another session did, since the look at the gate
		r = GuardReconciling
	}
	return &GuardError{Session: s.number, Reason: r}
}

// Contract names an instrument. Either ConID or Symbol, Type, Exchange and Currency are needed.
type Contract struct {
	ConID    int64
	Symbol   string
	Type     string // STK, CASH, FUT, …
	Exchange string // SMART, IDEALPRO, …
	Primary  string // primary exchange, where SMART is ambiguous
	Currency string
	Local    string // local symbol, for futures
}

// Subscribe asks for streaming market data; it arrives at Ticks under the given request number, which the caller
// chooses and which must be above 0 and unused. It returns [ErrSessionOver] after the end of the session.
func (s *Session) Subscribe(request int64, c Contract) error {
	return s.link.call(func(l *library) { l.subscribe(request, c) })
}

// Unsubscribe ends the subscription with the given request number.
func (s *Session) Unsubscribe(request int64) error {
	return s.link.call(func(l *library) { l.unsubscribe(request) })
}

// Ticks returns the mailbox in which the session's market data arrives.
func (s *Session) Ticks() *Ticks { return s.ticks }
