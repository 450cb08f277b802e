package port

import (
	"context"
	"errors"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Connection is Gatewatch's own connection to Gateway, as far as the port depends on it. Its methods may be called from
// any goroutine.
type Connection interface {
	// Snapshot returns what is true of the connection now.
	Snapshot() *conn.Snapshot
	// Subscribe returns a channel that yields a value when there is a new snapshot to look at, and a function that ends
	// that.
	Subscribe() (<-chan struct{}, func())
	// Guard returns nil while orders may leave, else a [*ib.GuardError]. It must not block.
	Guard() error
	// Alive returns nil once Gateway has proved within a time that it is there; see [ib.Session.Alive]. Heard is when
	// the client's own connection was heard last.
	Alive(ctx context.Context, within time.Duration, heard time.Time) error
}

// Supervised returns the connection of a supervisor.
func Supervised(s *conn.Supervisor) Connection { return supervised{s} }

type supervised struct{ *conn.Supervisor }

func (s supervised) Guard() error {
	if session := s.Session(); session != nil {
		return session.Guard()
	}
	n := s.Snapshot()
	reason := n.Guard
	if reason == ib.GuardOpen {
		reason = ib.GuardSocket
	}
	return &ib.GuardError{Reason: reason}
}

func (s supervised) Alive(ctx context.Context, within time.Duration, heard time.Time) error {
	session := s.Session()
	if session == nil {
		return ib.ErrSessionOver
	}
	at := s.Clock()() - time.Since(heard)
	return session.Alive(ctx, within, max(0, at))
}

// guardReason returns why the guard is closed, [Allowed] if it is open.
func guardReason(c Connection) Reason {
	err := c.Guard()
	if err == nil {
		return Allowed
	}
	if e, ok := errors.AsType[*ib.GuardError](err); ok {
		return Reason(e.Reason)
	}
	return Reason(ib.GuardSocket)
}

// guard returns why orders of the client must not leave, [Allowed] if they may. They may not during another session of
// Gatewatch's own connection than the one in which the client came: its connection is about to be closed.
func (c *client) guard() Reason {
	reason := guardReason(c.port.cfg.Connection)
	if reason == Allowed && c.port.cfg.Connection.Snapshot().Session != c.session {
		return Reason(ib.GuardSocket)
	}
	return reason
}

// frozen reports whether Gateway has left a time request unanswered for longer than the soft limit. While Gateway has
// lost IBKR, programs know from Gateway itself that they cannot trade.
func frozen(n *conn.Snapshot) bool { return n.Layers.API && n.Cause == ib.CauseSilent }

// served reports whether connections of programs may exist.
func served(n *conn.Snapshot) bool { return n.Layers.Socket && n.Layers.API }

// usable reports whether programs may connect.
func usable(n *conn.Snapshot) bool { return served(n) && !frozen(n) }
