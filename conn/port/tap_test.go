package port_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"gatewatch/conn/wire"
)

// tap is a gateway that keeps every byte it gets, answers greetings and client ids, and sends what a test wants.
type tap struct {
	t       testing.TB
	l       net.Listener
	version int

	mu    sync.Mutex
	peers []*tapped
}

// tapped is one connection to a tap.
type tapped struct {
	tcp net.Conn
	mu  sync.Mutex
	got []byte // behind the greeting
}

func newTap(t testing.TB, version int) *tap {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &tap{t: t, l: l, version: version}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { g.serve(tcp) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		g.mu.Lock()
		for _, p := range g.peers {
			p.tcp.Close()
		}
		g.mu.Unlock()
		wg.Wait()
	})
	return g
}

func (g *tap) port() int { return g.l.Addr().(*net.TCPAddr).Port }

func (g *tap) serve(tcp net.Conn) {
	defer tcp.Close()
	p := &tapped{tcp: tcp}
	g.mu.Lock()
	g.peers = append(g.peers, p)
	g.mu.Unlock()
	var sign [4]byte
	if _, err := io.ReadFull(tcp, sign[:]); err != nil {
		return
	}
	if _, err := wire.ReadFrame(tcp); err != nil {
		return
	}
	reply, start := wire.BeginFrame(nil)
	_, _ = tcp.Write(wire.EndFrame(fmt.Appendf(reply, "%d\x0020261201 01:00:00 UTC\x00", g.version), start))
	answered := false
	b := make([]byte, 64<<10)
	for {
		n, err := tcp.Read(b)
		p.mu.Lock()
		p.got = append(p.got, b[:n]...)
		p.mu.Unlock()
		if n > 0 && !answered { // whatever comes first is taken for startApi
			answered = true
			p.send(g.version, 9, "1", "1")
		}
		if err != nil {
			return
		}
	}
}

// send sends a message in text.
func (p *tapped) send(version, number int, fields ...string) {
	_, _ = p.tcp.Write(textFrame(version, number, fields...))
}

func (p *tapped) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.got)
}

// peer returns a connection to the tap.
func (g *tap) peer(i int) *tapped {
	g.t.Helper()
	var p *tapped
	until(g.t, "the gateway has a connection", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if i < len(g.peers) {
			p = g.peers[i]
		}
		return p != nil
	})
	return p
}

// got waits until a connection has got so many bytes, and returns them.
func (p *tapped) await(t testing.TB, n int) []byte {
	t.Helper()
	until(t, "the gateway has got it all", func() bool { return len(p.bytes()) >= n })
	return p.bytes()
}
