package ib

import (
	"context"
	"time"
)

// Alive returns nil if Gateway has proved that it is there: something was heard within a time, the last answer took no
// longer, and none is overdue. Otherwise it waits for the answer to one time request, which is shared by all who wait
// and follows the one before it by a second at least; the answer may take as long as the time given. Moments at which
// another connection to the same Gateway was heard count too: heard is the last one, on the clock of
// [Tick.At], or 0.
//
// It returns [ErrGatewaySilent] if there is no proof, and [ErrSessionOver] after the end of the session.
func (s *Session) Alive(ctx context.Context, within, heard time.Duration) error {
	limit := time.NewTimer(MinProbeGap + 2*within) // the request itself may have to wait for a write
	defer limit.Stop()
	for {
		wait, answer, err := s.socket.proof(within, heard)
		if err != nil || wait == 0 {
			return err
		}
		overdue := time.NewTimer(wait)
		select {
		case <-answer:
		case <-overdue.C:
		case <-limit.C:
			err = ErrGatewaySilent
		case <-s.socket.closed:
			err = ErrSessionOver
		case <-ctx.Done():
			err = ctx.Err()
		}
		overdue.Stop()
		if err != nil {
			return err
		}
	}
}

// proof is that of [timeRequests], for a session that is not over.
func (s *Socket) proof(within, heard time.Duration) (wait time.Duration, answer <-chan struct{}, err error) {
	if isClosed(s.closed) {
		return 0, nil, ErrSessionOver
	}
	wait, answer, err = s.times.proof(s.mono(), max(heard, time.Duration(s.heard.Load())), within)
	if wait > 0 {
		s.times.nudge()
	}
	return wait, answer, err
}
