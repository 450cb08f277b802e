package conn

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// slow is a Gateway in a bubble that takes its time for each time request, one after the other. Two that it comes to
// within a second it answers once.
type slow struct {
	mono func() time.Duration
	here bool // on this computer

	mu     sync.Mutex
	writes time.Duration // so long its answers take on their way, with their time in them
	takes  time.Duration // so long a request waits for its turn
	froze  time.Time     // until then it does nothing
}

func (g *slow) set(takes, freeze time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.takes, g.froze = takes, time.Now().Add(freeze)
}

func (g *slow) delay(writes time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes = writes
}

func (g *slow) onItsWay() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writes
}

// turn returns when it comes to a request that is read now.
func (g *slow) turn() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := time.Now().Add(g.takes)
	if at.Before(g.froze) {
		at = g.froze
	}
	return at
}

type local struct{ net.Conn }

func (local) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (g *slow) connect(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, ib.Gateway,
	*ib.AttemptError,
) {
	ours, theirs := net.Pipe()
	post(inSocket{session: d.session, port: cfg.Port, up: true})
	go g.serve(theirs)
	if g.here {
		ours = local{ours}
	}
	l := ib.NewSocket(ours, d.session, cfg.ClientID, g.mono, func(n ib.News) { post(inNews{n}) })
	if err := l.Open(ctx); err != nil {
		return nil, ib.Gateway{}, err
	}
	return l, l.About(cfg.Host, cfg.Port), nil
}

func (g *slow) serve(c net.Conn) {
	defer c.Close()
	_, _ = io.ReadFull(c, make([]byte, len(wire.Hello())))
	p := &ibtest.Peer{Conn: c, Version: 225}
	p.Send(ibtest.TextFrame("225", "20261123"))
	in := wire.NewReader(c)
	var mu sync.Mutex
	var last time.Time
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		switch int(binary.BigEndian.Uint32(f)) - wire.ProtoBase {
		case wire.ReqStartAPI:
			p.Login("DU1")
		case wire.ReqCurrentTime:
			time.AfterFunc(time.Until(g.turn()), func() {
				mu.Lock()
				defer mu.Unlock()
				if now := time.Now(); now.Sub(last) >= time.Second {
					last = now
					time.AfterFunc(g.onItsWay(), func() { p.Send(ibtest.ProtoMessage(49, int(now.Unix()))) })
				}
			})
		}
	}
}

// newSlow returns a supervisor that is connected to such a Gateway, in time.
func newSlow(t *testing.T, g *slow) *bubble {
	b := &bubble{T: t}
	cfg := testConfig(4002)
	b.s = newSupervisor(&cfg, quiet, g.connect)
	g.mono = b.s.clock.Mono
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); b.s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ran })
	if n := b.after(10 * time.Second); !n.GuardOpen() {
		t.Fatalf("%+v", n)
	}
	return b
}

// TestGuardStaysShutWhileAnswersAreSlow has all answers take longer than the soft limit, whether its requests
// wait for their turn or its answers are long on their way: the guard shuts once and stays so, and what is measured is
// never less than it takes. When Gateway is well again, it opens.
func TestGuardStaysShutWhileAnswersAreSlow(t *testing.T) {
	for _, here := range []bool{true, false} {
		for _, takes := range []time.Duration{1600, 2000, 2200, 2500, 3000, 4000, 5000, 5500, 7000} {
			for _, onItsWay := range []bool{false, true} {
				takes := takes * ms
				t.Run(fmt.Sprintf("%v, %v, on its way %v", here, takes, onItsWay), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g := &slow{here: here}
						b := newSlow(t, g)
						if onItsWay {
							g.delay(takes)
						} else {
							g.set(takes, 0)
						}
						b.after(takes + 3*time.Second)
						for range 1200 {
							n := b.after(100*ms + 17*time.Microsecond)
							if n.GuardOpen() || n.Probe < takes || n.Lost != 0 || n.State != Degraded {
								t.Fatalf("%+v", n)
							}
						}
						g.delay(0)
						g.set(ms, 0)
						b.after(4 * takes)
						if n := b.s.Snapshot(); !n.GuardOpen() || n.Opened != 2 || n.Probe > 10*ms {
							t.Errorf("afterwards: %+v", n)
						}
					})
				})
			}
		}
	}
}

// TestGuardOpensSoonAfterAFreeze has Gateway do nothing for a while, and then all at once.
func TestGuardOpensSoonAfterAFreeze(t *testing.T) {
	for _, here := range []bool{true, false} {
		for _, freeze := range []time.Duration{2 * sec, 3 * sec, 4 * sec, 6 * sec, 9 * sec} {
			for _, offset := range []time.Duration{0, 300 * ms, 800 * ms, 1300 * ms, 1900 * ms} {
				synctest.Test(t, func(t *testing.T) {
					g := &slow{here: here}
					b := newSlow(t, g)
					b.after(offset)
					g.set(ms, freeze)
					n := b.after(freeze - ms)
					shut := !n.GuardOpen()
					if !shut && freeze > 2*sec+b.s.cfg.Soft {
						t.Errorf("frozen for %v: the guard is open", freeze)
					}
					within := sec + 100*ms
					if freeze > 5*sec { // the request was repeated
						within = 2*sec + 100*ms
					}
					if n = b.after(within); !n.GuardOpen() || n.Lost != 0 {
						t.Errorf("frozen for %v, here %v, from %v: %+v", freeze, here, offset, n)
					}
					if n = b.after(5 * sec); !n.GuardOpen() || n.Probe > 10*ms || n.Opened > 2 {
						t.Errorf("frozen for %v, here %v, from %v, then: %+v", freeze, here, offset, n)
					}
				})
			}
		}
	}
}
