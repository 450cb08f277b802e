package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/conn/port/record"
)

// Config is what a port is made of.
type Config struct {
	// Connection is Gatewatch's own connection, which decides: see [Supervised].
	Connection Connection
	// Record keeps orders on disk: see [record.OpenJournal]. The caller closes it after Run.
	Record record.Keeper
	// Settings are the first ones.
	Settings Settings
	// Connections is how many connections may be without a greeting at once, 64 at most, beyond which the oldest is
	// closed; 0 means 64. Half as many programs are served, each of which takes a connection to Gateway, too.
	Connections int
	// Events receives what happens, if it is set. It is called by the goroutines that relay: it must not block.
	Events func(Event)
	// Log is for what a person who looks for a fault needs; nil: nothing is logged.
	Log *slog.Logger
}

// Counters count since the start.
type Counters struct {
	Connections uint64            `json:"connections"` // that got as far as Gateway
	Rejected    uint64            `json:"rejected"`    // that did not: no greeting, a wrong one, too many
	ToGateway   uint64            `json:"to_gateway"`  // messages
	ToClients   uint64            `json:"to_clients"`  // messages, those of Gatewatch included
	Sent        uint64            `json:"sent"`        // orders and changes
	Refused     map[Reason]uint64 `json:"refused"`     // orders, changes and other requests
	Observed    map[Reason]uint64 `json:"observed"`    // the same that were forwarded nevertheless
	Unknown     uint64            `json:"unknown"`     // orders whose connection ended before Gateway mentioned them
	Failures    uint64            `json:"failures"`    // of relays
}

// Status is the state of the port.
type Status struct {
	Listening bool  // the port is open
	Err       error // why the port could not be opened
	Clients   int
	Counters  Counters
}

// Port is the guarded port. Its methods may be called from any goroutine.
type Port struct {
	cfg      Config
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	changed  chan struct{}
	asks     chan struct{} // there may be something to ask about
	orders   *record.Table
	wg       sync.WaitGroup

	stall time.Duration // see closeStalled

	toGateway, toClients, numbers atomic.Uint64

	session uint64 // of Gatewatch's own connection at the last look; of the goroutine that runs

	mu        sync.Mutex
	counters  Counters
	clients   map[*client]struct{}
	greeting  []*net.TCPConn // connections that have not sent their greeting, oldest first
	rates     map[int64]*rates
	listener  *net.TCPListener
	listenErr error
	running   bool
	lookup    chan struct{} // one look for a process at a time
}

// New returns a port that does nothing until [Port.Run].
func New(cfg Config) (*Port, error) {
	if err := cfg.Settings.Validate(); err != nil {
		return nil, err
	}
	if cfg.Connection == nil || cfg.Record == nil {
		return nil, errors.New("a connection and a record of orders are needed")
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Connections = min(cmp.Or(cfg.Connections, maxConnections), maxConnections)
	p := &Port{
		cfg: cfg, log: cfg.Log, changed: make(chan struct{}, 1),
		asks: make(chan struct{}, 1), clients: map[*client]struct{}{}, rates: map[int64]*rates{},
		lookup: make(chan struct{}, 1), stall: stallLimit,
		counters: Counters{
			Refused: map[Reason]uint64{}, Observed: map[Reason]uint64{},
		},
	}
	settings := cfg.Settings.clone()
	p.settings.Store(&settings)
	p.orders = record.NewTable(cfg.Record)
	return p, nil
}

// Configure puts settings in effect. Programs that are connected stay connected, unless the port is turned off.
func (p *Port) Configure(s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	s = s.clone()
	p.settings.Store(&s)
	nudge.Send(p.changed)
	return nil
}

// Clients returns the programs that are connected, in the order in which they came.
func (p *Port) Clients() []Client {
	p.mu.Lock()
	all := slices.Collect(maps.Keys(p.clients))
	p.mu.Unlock()
	list := make([]Client, 0, len(all))
	for _, c := range all {
		list = append(list, c.describe())
	}
	slices.SortFunc(list, func(a, b Client) int { return int(int64(a.Number) - int64(b.Number)) })
	return list
}

// Orders returns the orders of programs, newest first: those that are not done, and the last ones that are.
func (p *Port) Orders() []record.Order { return p.orders.All() }

// Status returns the state of the port.
func (p *Port) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := Status{Listening: p.listener != nil, Err: p.listenErr, Clients: len(p.clients), Counters: p.counters}
	st.Counters.Refused, st.Counters.Observed = maps.Clone(p.counters.Refused), maps.Clone(p.counters.Observed)
	st.Counters.ToGateway, st.Counters.ToClients = p.toGateway.Load(), p.toClients.Load()
	return st
}

// Run works until ctx ends. It closes all connections before it returns, also if it panics. It is called once.
func (p *Port) Run(ctx context.Context) {
	news, unsubscribe := p.cfg.Connection.Subscribe()
	defer unsubscribe()
	defer p.wg.Wait()
	p.mu.Lock()
	p.running = true
	p.mu.Unlock()
	defer p.closeAll()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.wg.Go(func() { p.inquire(ctx) })
	look := time.Tick(p.stall / 4)
	for {
		var again <-chan time.Time
		if !p.follow() {
			again = time.After(listenAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-p.changed:
		case <-again:
		case <-look:
			p.closeStalled()
		}
	}
}

// stallLimit is how long a relay may deal with one message. All that it waits for has a shorter limit.
const stallLimit = 40 * time.Second

// closeStalled closes the sockets of relays that deal with one message for too long: a program must not be left with a
// connection on which nothing moves.
func (p *Port) closeStalled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		for _, since := range []int64{c.sending.Load(), c.hearing.Load()} {
			if since == 0 || sinceBegan()-time.Duration(since) < p.stall {
				continue
			}
			p.log.Error("the relay of a program stalls and was closed", "client", c.number)
			p.counters.Failures++
			c.sending.Store(0)
			c.hearing.Store(0)
			c.down.Close()
			c.up.Close()
			break
		}
	}
}

// listenAgain is after how long a port that could not be opened is tried again: where its number is one that the system
// gives to outgoing connections, it may be taken for a moment.
const listenAgain = 100 * time.Millisecond

// follow does what the connection and the settings ask for now. It returns false if it has to be tried again. The port
// is closed first: what became of orders is recorded while connections end, and takes its time.
func (p *Port) follow() bool {
	s, n := p.settings.Load(), p.cfg.Connection.Snapshot()
	cause := EndNotUsable
	if s.Port == 0 {
		cause = EndTurnedOff
	}
	ok := p.listen(s.Port, s.Port != 0 && usable(n), cause)
	switch {
	case s.Port == 0, !served(n):
		p.closeClients(cause, 0)
	default:
		p.closeClients(EndNotUsable, n.Session)
		p.notify(n)
	}
	if p.session != n.Session {
		p.session = n.Session
		nudge.Send(p.asks)
	}
	return ok
}

// notify says to all clients that Gateway is frozen, or answers again.
func (p *Port) notify(n *conn.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		c.notify(frozen(n), n.Guard == ib.GuardWoke, n.Layers.Upstream)
	}
}

// closeClients ends the connections of all clients, except those that came during a session of Gatewatch's own
// connection; 0: none is excepted. What was between two sessions nothing has watched.
func (p *Port) closeClients(cause EndCause, except uint64) {
	p.mu.Lock()
	var list []*client
	for c := range p.clients {
		if except == 0 || c.session != except {
			list = append(list, c)
		}
	}
	p.mu.Unlock()
	for _, c := range list {
		c.end(cause, cause == EndNotUsable)
	}
}

// closeAll ends everything.
func (p *Port) closeAll() {
	p.mu.Lock()
	p.running = false
	for _, c := range p.greeting {
		c.Close()
	}
	p.mu.Unlock()
	p.listen(0, false, EndStopping)
	p.closeClients(EndStopping, 0)
}

// event reports what happened.
func (p *Port) event(e Event) {
	if p.cfg.Events != nil {
		e.At = time.Now()
		p.cfg.Events(e)
	}
}

// withRates runs a function on the rates of a client id.
func (p *Port) withRates(client int64, do func(*rates) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rates[client]
	if r == nil {
		r = &rates{}
		p.rates[client] = r
	}
	return do(r)
}

// upstreamOf returns Gateway's address.
func upstreamOf(n *conn.Snapshot) string {
	return net.JoinHostPort(n.Gateway.Host, fmt.Sprint(n.Gateway.Port))
}
