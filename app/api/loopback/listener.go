// Package loopback has what a server on the loopback needs, which every user of the computer can reach: bounded
// connections, of which the owner's matter most, and whose process is at the other end.
package loopback

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// minConns and maxConns bound how many connections are open at once.
	minConns, maxConns = 8, 256
	// share is the part of the process's descriptors that the connections of the API may have: the one to Gateway and
	// the files must never lack them.
	share = 4
)

// Share returns how many connections a server of this process may have open at once.
func Share() int { return limitFor(descriptors()) }

// limitFor returns how many connections may be open at once, for a process with so many descriptors.
func limitFor(descriptors uint64) int {
	return int(max(minConns, min(maxConns, descriptors/share)))
}

// Listener is a listener of which only so many connections are open at once. For another one the least important of the
// others is closed; those over which the token has come are the last.
type Listener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[net.Conn]*use
}

// use is what is known of an open connection.
type use struct {
	owner  bool // the token has come over it
	stream bool // the request that is answered is a stream of events
	state  http.ConnState
	since  time.Time // when the state was entered
}

// PortsAhead is how many ports after a taken one are tried before any free one is taken.
const PortsAhead = 20

// Listen listens on 127.0.0.1 at a port, or at the next free one; 0 means any.
func Listen(port int) (net.Listener, error) {
	for p := port; port > 0 && p <= min(port+PortsAhead, 65535); p++ {
		if ln, err := ListenAt(p); err == nil {
			return ln, nil
		}
	}
	return ListenAt(0)
}

// ListenAt listens on 127.0.0.1 at a port and no other one; 0 means any.
func ListenAt(port int) (net.Listener, error) {
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	return ln, nil
}

// Limit returns a listener with at most so many open connections.
func Limit(ln net.Listener, most int) *Listener {
	return &Listener{Listener: ln, most: most, open: map[net.Conn]*use{}}
}

// Most returns how many connections may be open at once.
func (l *Listener) Most() int { return l.most }

// Accept returns the next connection, and closes another one if there are too many.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	var victim net.Conn
	if len(l.open) >= l.most {
		victim = l.least() // not the new one: it may be the owner's
		delete(l.open, victim)
	}
	l.open[c] = &use{state: http.StateNew, since: time.Now()}
	l.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
	return c, nil
}

// least returns the connection that matters least.
func (l *Listener) least() (least net.Conn) {
	for c := range l.open {
		if least == nil || l.open[c].before(l.open[least]) {
			least = c
		}
	}
	return least
}

// before reports whether a matters less than b: those of others before the owner's, idle before busy, old before new.
func (a *use) before(b *use) bool {
	if a.owner != b.owner {
		return b.owner
	}
	if a.busy() != b.busy() {
		return b.busy()
	}
	return a.since.Before(b.since)
}

// busy reports whether a request is being answered. Of others only a stream counts, which the server bounds: a client
// that sends half a request must not keep its place.
func (a *use) busy() bool { return a.state == http.StateActive && (a.owner || a.stream) }

// ConnState is for the hook of the HTTP server with that name.
func (l *Listener) ConnState(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch u := l.open[c]; {
	case u == nil: // closed to make room
	case state == http.StateClosed, state == http.StateHijacked:
		delete(l.open, c)
	case state != u.state:
		u.state, u.stream, u.since = state, false, time.Now()
	}
}

type connKey struct{}

// ConnContext is for the hook of the HTTP server with that name: requests know their connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Owned notes that the token has come over the connection of a request.
func (l *Listener) Owned(r *http.Request) { l.note(r, func(u *use) { u.owner = true }) }

// Streams notes that the answer to a request is a stream of events.
func (l *Listener) Streams(r *http.Request) { l.note(r, func(u *use) { u.stream = true }) }

func (l *Listener) note(r *http.Request, set func(*use)) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	l.mu.Lock()
	defer l.mu.Unlock()
	if u := l.open[c]; u != nil {
		set(u)
	}
}
