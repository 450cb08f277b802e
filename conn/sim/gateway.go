package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gatewatch/conn/wire"
)

// Gateway is a running simulated gateway. Its methods may be called from any goroutine.
type Gateway struct {
	cfg     Config
	log     *slog.Logger
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	addr    *net.TCPAddr
	ctl     *controlServer
	zone    *time.Location
	started time.Time
	clock   clock
	ticks   atomic.Int64 // for Counters.Ticks

	mu           sync.Mutex
	ctx          context.Context // ends with Close; kept so that faults can start timed work
	listener     *net.TCPListener
	conns        map[*conn]struct{}
	nextConn     int64
	quotes       []*quote
	farms        []Farm
	step         int64     // of the market
	dayEnd       time.Time // on the gateway's clock
	replaying    bool      // Config.Replay has begun
	book         book
	faults       faults
	chance       *rand.Rand // of faults that affect a share of the orders
	requests     requestLog
	frozen       chan struct{}       // nil unless frozen; closed by Thaw
	down         bool                // restarting or logged off: the process is "not there"
	loggedOff    bool                // until LogIn
	exits        *exitPlan           // nil: none
	oldIDs       map[int32]time.Time // client ids of before a restart, and until when they are in use
	restarts     int                 // guards a delayed comeback against a later Restart or Accept
	upstreamLost bool
	counters     Counters
	rejected     map[string]int64
	scripts      int // running parts of scripts
	scriptCtx    context.Context
	stopScripts  context.CancelFunc
	closed       bool
}

// Counters count since Start.
type Counters struct {
	Accepted   int64 `json:"accepted"`   // TCP connections
	Handshakes int64 `json:"handshakes"` // version replies sent
	Ready      int64 `json:"ready"`      // sessions that reached READY
	Requests   int64 `json:"requests"`   // frames read after the handshake
	Ticks      int64 `json:"ticks"`      // price ticks sent after the first ones of a subscription
	Orders     int64 `json:"orders"`     // orders accepted, modifications not counted
	Executions int64 `json:"executions"`
	Faulted    int64 `json:"faulted"` // orders and changes that took a fault
}

// Start opens the API port and, if asked for, the control port, and returns the running gateway. It runs until
// Close or until ctx ends. An address that is not on loopback, an unusable setting or a script that does not parse is
// an error.
func Start(ctx context.Context, cfg Config) (*Gateway, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	var script *Script
	if cfg.Script != "" {
		var err error
		if script, err = ParseScript(cfg.Script); err != nil {
			return nil, err
		}
	}
	if cfg.Night != "" {
		if _, err := findNight(cfg.Night); err != nil {
			return nil, err
		}
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		zone = time.UTC
	}
	clock := newClock(cfg.Speed)
	g := &Gateway{
		cfg: cfg, log: cfg.Log, zone: zone, clock: clock, started: clock.start,
		conns: map[*conn]struct{}{}, rejected: map[string]int64{}, chance: rand.New(rand.NewPCG(cfg.Seed, 1)),
	}
	if err := g.openMarket(); err != nil {
		return nil, err
	}
	g.book.next = cfg.NextOrderID
	g.farms = slices.Clone(cfg.Farms)
	if cfg.Initial != nil {
		if err := g.fillBook(cfg.Initial); err != nil {
			return nil, err
		}
	}
	addr, err := loopbackAddr(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", cfg.Listen, err)
	}
	g.listener, err = listen(addr)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", cfg.Listen, err)
	}
	g.addr = g.listener.Addr().(*net.TCPAddr)
	g.ctx, g.cancel = context.WithCancel(ctx)
	if cfg.Control != "" {
		if g.ctl, err = startControl(g, cfg.Control); err != nil {
			g.cancel()
			_ = g.listener.Close()
			return nil, err
		}
	}
	g.wg.Go(func() { g.runMarket(g.ctx) })
	g.wg.Go(func() { g.every(g.ctx, timeQuantum, g.passTime) })
	g.wg.Go(func() { g.every(g.ctx, streamQuantum, g.sendStreams) })
	g.mu.Lock()
	g.serveLocked()
	g.mu.Unlock()
	_ = g.PlanExit(cfg.exit()) // checked above
	if script != nil {
		_ = g.RunScript(script) // fails only once closed
	}
	if cfg.Night != "" {
		_ = g.PlayNight(cfg.Night)
	}
	g.wg.Go(func() { // the end of ctx is a Close
		<-g.ctx.Done()
		g.shut()
		if g.ctl != nil {
			_ = g.ctl.close() // Close gets the error too
		}
	})
	g.log.Info("simulated gateway listening", "addr", g.Addr(), "version", cfg.ServerVersion, "control",
		g.ControlAddr())
	return g, nil
}

// Addr is the API address, host and port. It stays the same while the listener is closed by Refuse or Restart.
func (g *Gateway) Addr() string { return g.apiAddr().String() }

// Port is the API port.
func (g *Gateway) Port() int { return g.apiAddr().Port }

func (g *Gateway) apiAddr() *net.TCPAddr {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addr
}

// ControlAddr is the control port's address, empty if there is none.
func (g *Gateway) ControlAddr() string {
	if g.ctl == nil {
		return ""
	}
	return g.ctl.addr
}

// Conns is how many client connections are open, handshake done or not.
func (g *Gateway) Conns() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for c := range g.conns {
		if !c.closed() {
			n++
		}
	}
	return n
}

// Close closes ports and connections and waits until every goroutine of the gateway has ended.
func (g *Gateway) Close() error {
	g.shut()
	var err error
	if g.ctl != nil {
		err = g.ctl.close()
	}
	g.wg.Wait()
	return err
}

// shut ends everything without waiting.
func (g *Gateway) shut() {
	g.cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.stopListeningLocked()
	for c := range g.conns {
		c.drop()
	}
	g.thawLocked()
}

// serveLocked starts accepting on the listener.
func (g *Gateway) serveLocked() {
	ln := g.listener
	g.wg.Go(func() { g.accept(ln) })
}

func (g *Gateway) stopListeningLocked() {
	if g.listener != nil {
		_ = g.listener.Close()
		g.listener = nil
	}
}

// listen opens the API port. Without a number it gets one that no system gives to outgoing connections: one of these
// could take it while the gateway is closed. A port that is taken is asked for again for a second: each process that
// was being started while the port was open has a copy of it, for some milliseconds, until it runs its own program.
func listen(addr *net.TCPAddr) (ln *net.TCPListener, err error) {
	for range 1000 {
		if addr.Port != 0 {
			break
		}
		at := net.TCPAddr{IP: addr.IP, Port: 15_000 + rand.IntN(15_000)}
		if ln, err := net.ListenTCP("tcp", &at); err == nil {
			return ln, nil
		}
	}
	for range 100 {
		if ln, err = net.ListenTCP("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ln, err
}

// listenLocked opens the API port again, on the same port.
func (g *Gateway) listenLocked() error {
	if g.listener != nil || g.closed {
		return nil
	}
	ln, err := listen(g.addr)
	if err != nil {
		return fmt.Errorf("listen %s again: %w", g.addr, err)
	}
	g.listener = ln
	g.serveLocked()
	return nil
}

// accept hands connections to their goroutines until ln closes.
func (g *Gateway) accept(ln *net.TCPListener) {
	for {
		tcp, err := ln.AcceptTCP()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				g.log.Error("accept failed", "err", err)
			}
			return
		}
		g.mu.Lock()
		if g.closed || g.listener != ln {
			g.mu.Unlock()
			_ = tcp.Close()
			continue
		}
		g.counters.Accepted++
		if g.faults.acceptClose {
			g.mu.Unlock()
			_ = tcp.Close()
			continue
		}
		g.nextConn++
		c := newConn(g, tcp, g.nextConn)
		g.conns[c] = struct{}{}
		g.wg.Go(c.write)
		g.wg.Go(func() { g.serve(c) })
		g.mu.Unlock()
	}
}

// serve is a connection's reader goroutine.
func (g *Gateway) serve(c *conn) {
	log := g.log.With("conn", c.id)
	err := g.handshake(c)
	for err == nil {
		var payload []byte
		if payload, err = wire.ReadFrame(c.br); err == nil {
			c.requests.Add(1)
			g.pace(c)
			g.handle(c, payload)
			continue
		}
		if _, bad := errors.AsType[*wire.ProtocolError](err); bad {
			g.refuse(c, &requestError{Reason: reasonFrame, Text: err.Error()})
		}
	}
	log.Debug("connection ended", "err", err)
	g.mu.Lock()
	delete(g.conns, c)
	if c.ready && !g.closed {
		g.fillAwayLocked(c)
	}
	g.mu.Unlock()
	c.drop()
	c.drain()
}
