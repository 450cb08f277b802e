package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/wire"
)

// Config says how a simulated gateway behaves. The zero value of every field is usable.
type Config struct {
	// Listen is the API address, loopback only. Default 127.0.0.1:0.
	Listen string
	// Control is the address of the HTTP control port, loopback only. Empty: none.
	Control string
	// ServerVersion is the gateway's own protocol version, 176 to 226. Default 226.
	ServerVersion int
	// TickRate is price ticks per second and symbol. Default 4.
	TickRate float64
	// Speed is how many times as fast as the machine's the gateway's clock runs: its ticks, timers and time stamps.
	// Default 1.
	Speed float64
	// Seed chooses how prices walk, and which orders a fault of some share affects: with the same seed and TickRate
	// every tick is the same.
	Seed uint64
	// Replay is the text of a CSV file of time, symbol, field and value, which the prices of its symbols follow from
	// the first request for data or an order of one of them.
	Replay string
	// Accounts are the managed accounts. Default DU1234567, a paper account.
	Accounts []string
	// Initial is what accounts, orders and instruments begin with; nil: empty accounts with a million USD each. If it
	// names accounts, Accounts is not set.
	Initial *Initial
	// NextOrderID is the first order id handed out. Default 1.
	NextOrderID int64
	// Script is the text of a script of timed faults, run from the start; see [ParseScript].
	Script string
	// Night is the name of one of the [Nights], which is played from the start.
	Night string
	// Log receives what happens. Default: nothing is logged.
	Log *slog.Logger

	// Farms are sent as notices after READY, in this order. Default: 2104, 2106 and 2158 for usual farm names.
	// An empty, non-nil slice sends none.
	Farms []Farm
	// Unsupported is the date, such as 20261215, from which on IBKR does not support the gateway's version. It is told
	// with code 2172 after READY, on each connection; empty: not at all.
	Unsupported string
	// ReuseIDs makes a restarted gateway hand out order ids from NextOrderID again, as real ones may.
	ReuseIDs bool
	// AutoRestart is a time of day such as 23:45, in New York, at which the gateway restarts each day; it is announced
	// to clients that ask for the gateway's configuration. Empty: none.
	AutoRestart string
	// AutoLogoff is the same for a gateway that logs off, and waits for [Gateway.LogIn]. At most one of both is set.
	AutoLogoff string
	// TradingHours cancels DAY orders when the trading day of their instrument ends, and holds auctions at 9:30 and
	// 16:00, in New York. Otherwise no order depends on the time of day: DAY orders stay, and auctions are held by
	// [Gateway.HoldAuction] only.
	TradingHours bool
	// RestartTakes is how long the gateway is not there at AutoRestart. Default 40 s.
	RestartTakes time.Duration
	// ZeroSeesAll tells client id 0 of the orders of all clients, as it does where it is the master client id.
	ZeroSeesAll bool
	// RejectOrdersUpstreamLost refuses orders while upstream is lost (error 201). By default they are held and sent
	// when upstream returns, as gateways do since 10.40.
	RejectOrdersUpstreamLost bool
	// OwnCancelsOnly answers a request to cancel another client's order with error 10147, instead of cancelling it.
	OwnCancelsOnly bool
	// OpenOrdersOnConnect sends a new session its open orders unasked, the gateway setting "Download open orders on
	// connection".
	OpenOrdersOnConnect bool
	// PartialFills is in how many executions an order fills. Default 1.
	PartialFills int
	// SpreadFills lets an order have no more than one of them each time the market moves or its price is set.
	SpreadFills bool
	// AnswerEveryTime answers every time request, as gateways did before 10.19: since then the second within a second
	// of a connection stays unanswered.
	AnswerEveryTime bool
	// NoLiveData makes the user one without a subscription to live market data: requests get 354, or 10167 and delayed
	// data if the client asks for them.
	NoLiveData bool
	// MaxLines is how many instruments all clients together can follow at once before error 101. Default 100; below 0,
	// no limit.
	MaxLines int
	// MaxMessageRate is how many requests per second a client may send before error 100. Default 50; below 0, no
	// limit.
	MaxMessageRate int
}

func (cfg *Config) setDefaults() error {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.ServerVersion == 0 {
		cfg.ServerVersion = MaxVersion
	}
	if cfg.ServerVersion < MinVersion || cfg.ServerVersion > MaxVersion {
		return fmt.Errorf("server version %d: must be %d to %d", cfg.ServerVersion, MinVersion, MaxVersion)
	}
	if cfg.TickRate == 0 {
		cfg.TickRate = 4
	}
	if !(cfg.TickRate > 0 && cfg.TickRate <= 1e6) {
		return fmt.Errorf("tick rate %v: must be above 0 and at most 1000000 per second", cfg.TickRate)
	}
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	if !(cfg.Speed >= 0.01 && cfg.Speed <= 10_000) {
		return fmt.Errorf("speed %v: must be 0.01 to 10000", cfg.Speed)
	}
	if cfg.Initial != nil {
		if err := cfg.Initial.check(); err != nil {
			return err
		}
		if ids := cfg.Initial.ids(); len(ids) > 0 {
			if len(cfg.Accounts) > 0 && !slices.Equal(cfg.Accounts, ids) {
				return errors.New("accounts are named twice: as such, and in what the gateway begins with")
			}
			cfg.Accounts = ids
		}
	}
	if len(cfg.Accounts) == 0 {
		cfg.Accounts = []string{"DU1234567"}
	}
	for i, id := range cfg.Accounts {
		if id == "" || strings.ContainsAny(id, ", \x00") || slices.Contains(cfg.Accounts[:i], id) {
			return fmt.Errorf("account %q: must be an id such as DU1234567, and named once", id)
		}
	}
	for _, f := range cfg.Farms {
		if _, ok := farmNotices[f.Code]; !ok || f.Name == "" {
			return fmt.Errorf("farm %d:%s: must be one of %v and a name", f.Code, f.Name, farmCodes())
		}
	}
	if cfg.NextOrderID == 0 {
		cfg.NextOrderID = 1
	}
	if cfg.NextOrderID < 1 || cfg.NextOrderID > 1<<31-2 {
		return fmt.Errorf("next order id %d: must be 1 to %d", cfg.NextOrderID, 1<<31-2)
	}
	if cfg.Farms == nil {
		cfg.Farms = []Farm{
			{2104, "usfarm.nj"},
			{2104, "usfuture"},
			{2104, "cashfarm"},
			{2104, "usfarm"},
			{2106, "ushmds"},
			{2158, "secdefil"},
		}
	}
	if cfg.AutoRestart != "" && cfg.AutoLogoff != "" {
		return errors.New("auto restart and auto logoff: only one of them can be set")
	}
	if exit := cfg.exit(); exit != (Exit{}) {
		if _, err := exit.plan(time.Time{}); err != nil {
			return err
		}
	}
	if cfg.PartialFills < 1 {
		cfg.PartialFills = 1
	}
	if cfg.MaxLines == 0 {
		cfg.MaxLines = 100
	}
	if cfg.MaxMessageRate == 0 {
		cfg.MaxMessageRate = 50
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// exit is the planned exit of AutoRestart or AutoLogoff.
func (cfg *Config) exit() Exit {
	if cfg.AutoLogoff != "" {
		return Exit{At: cfg.AutoLogoff, LogOff: true}
	}
	if cfg.AutoRestart != "" {
		return Exit{At: cfg.AutoRestart, Takes: cfg.RestartTakes}
	}
	return Exit{}
}

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

// loopbackAddr resolves an address and refuses one that other machines could reach: this gateway has no password.
func loopbackAddr(s string) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return nil, err
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address; the simulated gateway listens on 127.0.0.1, ::1 or "+
			"localhost only", host)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return &net.TCPAddr{IP: ip, Port: int(n)}, nil
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
// could take it while the gateway is closed.
func listen(addr *net.TCPAddr) (*net.TCPListener, error) {
	for range 1000 {
		if addr.Port != 0 {
			break
		}
		at := net.TCPAddr{IP: addr.IP, Port: 15_000 + rand.IntN(15_000)}
		if ln, err := net.ListenTCP("tcp", &at); err == nil {
			return ln, nil
		}
	}
	return net.ListenTCP("tcp", addr)
}

// listenLocked opens the API port again, on the same port.
func (g *Gateway) listenLocked() error {
	if g.listener != nil || g.closed {
		return nil
	}
	ln, err := net.ListenTCP("tcp", g.addr)
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
				g.log.Error("accept failed", "error", err)
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
	log.Debug("connection ended", "error", err)
	g.mu.Lock()
	delete(g.conns, c)
	if c.ready && !g.closed {
		g.fillAwayLocked(c)
	}
	g.mu.Unlock()
	c.drop()
	c.drain()
}
