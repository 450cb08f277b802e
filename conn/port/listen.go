package port

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"time"
)

const (
	// maxConnections is the most that [Config.Connections] may be: half as many programs are what Gateway serves.
	maxConnections = 64
	// greetingLimit is how long a program may take for its greeting.
	greetingLimit = 10 * time.Second
)

func addressOf(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listen opens or closes the port, and reports that; cause says why it closes. It returns false if it could not be
// opened.
func (p *Port) listen(port int, open bool, cause EndCause) bool {
	was, now, err := p.setListener(port, open)
	switch {
	case was == now:
	case now != nil:
		p.event(Event{Kind: PortOpened, Detail: now.Addr().String()})
		p.wg.Go(func() { p.accept(now) })
	default:
		p.event(Event{Kind: PortClosed, Detail: string(cause)})
	}
	return err == nil
}

// setListener returns the listeners before and after, nil while the port is closed.
func (p *Port) setListener(port int, open bool) (was, now *net.TCPListener, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was = p.listener
	if was != nil && (!open || was.Addr().(*net.TCPAddr).Port != port) {
		was.Close()
		p.listener = nil
	}
	if open && p.listener == nil {
		var l net.Listener
		if l, err = net.Listen("tcp4", addressOf(port)); err == nil {
			p.listener = l.(*net.TCPListener)
		} else if p.listenErr == nil {
			p.log.Warn("the guarded port cannot be opened", "port", port, "err", err)
		}
	}
	p.listenErr = err
	return was, p.listener, err
}

// accept hands connections over until the listener closes.
func (p *Port) accept(l *net.TCPListener) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			if !p.listens(l) {
				return
			}
			time.Sleep(10 * time.Millisecond) // too many open files
			continue
		}
		if !p.admit(l, c) {
			c.Close()
		}
	}
}

func (p *Port) listens(l *net.TCPListener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener == l
}

// admit waits for the greeting of a connection, in a goroutine of its own.
func (p *Port) admit(l *net.TCPListener, tcp *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running || p.listener != l || !usable(p.cfg.Connection.Snapshot()) {
		return false // the port is about to be closed
	}
	if len(p.greeting) >= p.cfg.Connections {
		p.greeting[0].Close()
		p.greeting = slices.Delete(p.greeting, 0, 1)
	}
	p.greeting = append(p.greeting, tcp)
	p.wg.Go(func() { p.serve(tcp) })
	return true
}

// serve relays one connection until it ends.
func (p *Port) serve(tcp *net.TCPConn) {
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(greetingLimit))
	c := newClient(p, tcp)
	defer c.recovered()
	err := c.readGreeting()
	p.mu.Lock()
	p.greeting = slices.DeleteFunc(p.greeting, func(t *net.TCPConn) bool { return t == tcp })
	n := p.cfg.Connection.Snapshot()
	room, open := len(p.clients) < p.cfg.Connections/2, p.running && p.settings.Load().Port != 0 && usable(n)
	c.session = n.Session
	if err == nil && room && open {
		p.clients[c] = struct{}{}
	} else {
		p.counters.Rejected++
	}
	p.mu.Unlock()
	switch {
	case errors.Is(err, io.EOF): // it has only looked whether the port is open
		return
	case err == nil && !room:
		err = errors.New("as many programs are connected as Gateway serves")
	case err == nil && !open:
		err = errors.New("the gateway cannot be used any more")
	}
	if err != nil {
		p.log.Info("a program was turned away at the guarded port", "err", err)
		return
	}
	defer func() {
		p.mu.Lock()
		delete(p.clients, c)
		p.mu.Unlock()
	}()
	c.relay()
}
