package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/nudge"
	"gatewatch/conn/port/peer"
	"gatewatch/conn/wire"
)

const (
	// upLimit is how long a write to Gateway may take.
	upLimit = 10 * time.Second
	// downLimit is how long a program may leave a piece of what it gets unread.
	downLimit = 30 * time.Second
	// pieceSize is how much is written to a program under one deadline.
	pieceSize = 64 << 10
	// upBuffer and downBuffer are the sizes of the buffers of the two directions.
	upBuffer, downBuffer = 4 << 10, 64 << 10
	// maxRequest bounds a message of a program. The longest are an advisor's groups, with some 60 bytes per account.
	maxRequest = 256 << 10
	// maxAboutOrders bounds a message of Gateway about an order. The longest are open orders with their allocations to
	// an advisor's accounts.
	maxAboutOrders = 1 << 20
	// dialLimit is how long Gateway may take to accept a connection and answer the greeting.
	dialLimit = 10 * time.Second
	// lastWords is how long the connection to Gateway is kept after a program has left, until Gateway has said what
	// became of its last orders: what it has not sent when its client closes is lost.
	lastWords = 2 * time.Second
	// drainLimit is how long what a program still sends is read after its connection was closed, so that it gets all
	// that was written before.
	drainLimit = 200 * time.Millisecond
)

// client relays one program. Four goroutines do: its own, which reads what the program sends; one each that sends what
// had to wait, reads what Gateway sends, and sends notices.
type client struct {
	port   *Port
	log    *slog.Logger
	number uint64
	since  time.Time
	// session is the one of Gatewatch's own connection during which the program came.
	session uint64

	down     *net.TCPConn // to the program
	fromDown *wire.Reader
	up       *net.TCPConn // to Gateway
	fromUp   *wire.Reader
	fresh    *freshness

	greeting []byte
	version  int          // of the protocol, once Gateway has answered the greeting
	shown    atomic.Int64 // the same, for those who look from outside
	id       atomic.Int64 // client id, -1 before it is known
	first    atomic.Int64 // order id that Gateway has offered to it; those from there on were free
	ready    atomic.Bool  // Gateway has accepted it
	program  atomic.Pointer[peer.Program]
	looked   chan struct{}  // closed when the system was asked which program it is
	greeted  sync.WaitGroup // that it is connected is being reported

	errorsInProto           atomic.Bool // the form in which Gateway sends errors to it
	last                    atomic.Int64
	sent, refused, observed atomic.Uint64

	upMu   sync.Mutex // one frame at a time
	downMu sync.Mutex // whole frames at a time
	broken bool       // a frame could not be written to its end; guarded by downMu

	queue  upward
	notice chan struct{}
	state  atomic.Uint32 // what notices are about

	sending, hearing atomic.Int64 // since when a message is being dealt with, 0: none is; see [Port.closeStalled]

	once    sync.Once
	over    context.Context // done when the connection has ended
	stop    context.CancelFunc
	cause   EndCause      // valid after over
	gateway bool          // Gateway was lost, as opposed to the program
	read    chan struct{} // closed when Gateway is not read any more
}

func newClient(p *Port, tcp *net.TCPConn) *client {
	c := &client{
		port: p, number: p.numbers.Add(1), since: time.Now(), down: tcp, notice: make(chan struct{}, 1),
		read: make(chan struct{}), looked: make(chan struct{}), queue: newUpward(),
	}
	c.over, c.stop = context.WithCancel(context.Background())
	c.log = p.log.With("client", c.number)
	c.id.Store(-1)
	c.program.Store(&peer.Program{})
	return c
}

// helloPattern is the greeting behind its sign: versions, and options of the connection.
var helloPattern = regexp.MustCompile(`^v(\d{1,4})(?:\.\.(\d{1,4}))?(?: [[:print:]]*)?$`)

// readGreeting reads the first bytes of a program.
func (c *client) readGreeting() error {
	c.greeting = make([]byte, 4, 64)
	if _, err := io.ReadFull(c.down, c.greeting); err != nil {
		return err
	}
	if string(c.greeting) != "API\x00" {
		return errors.New("the connection does not begin with API")
	}
	c.fromDown = wire.NewReaderSize(c.down, upBuffer, maxRequest)
	hello, err := c.fromDown.Greeting()
	if err != nil {
		return err
	}
	m := helloPattern.FindSubmatch(hello)
	if m == nil {
		return fmt.Errorf("the greeting %.40q is not a range of versions", hello)
	}
	low, _ := strconv.Atoi(string(m[1]))
	high := low
	if len(m[2]) > 0 {
		high, _ = strconv.Atoi(string(m[2]))
	}
	if low > high || high < oldestVersion {
		return fmt.Errorf("versions %d to %d are not served", low, high)
	}
	framed, start := wire.BeginFrame(c.greeting)
	c.greeting = wire.EndFrame(append(framed, hello...), start)
	return nil
}

// connect connects to Gateway, forwards the greeting, and its answer.
func (c *client) connect() error {
	ctx, cancel := context.WithTimeout(c.over, dialLimit)
	defer cancel()
	var dialer net.Dialer
	up, err := dialer.DialContext(ctx, "tcp", upstreamOf(c.port.cfg.Connection.Snapshot()))
	if err != nil {
		return err
	}
	c.up = up.(*net.TCPConn)
	closing := context.AfterFunc(ctx, func() { c.up.Close() })
	c.fresh = &freshness{Conn: up, emptied: sinceBegan()}
	c.fresh.heard.Store(int64(-time.Hour)) // not yet
	c.fromUp = wire.NewReaderSize(c.fresh, downBuffer, downBuffer-4)
	if _, err = c.up.Write(c.greeting); err == nil {
		err = c.answer()
	}
	if !closing() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.up.Close()
	}
	return err
}

// answer reads Gateway's answer to the greeting and forwards it.
func (c *client) answer() error {
	reply, err := c.fromUp.Greeting()
	if err != nil {
		return err
	}
	first, ok := textInt(reply, 0)
	if !ok || first < oldestVersion || first > maxNumber {
		return fmt.Errorf("the answer to the greeting starts with %.20q", reply)
	}
	c.version = int(first)
	c.shown.Store(first)
	c.errorsInProto.Store(c.version >= versionBinaryID)
	framed, start := wire.BeginFrame(nil)
	return c.write(wire.EndFrame(append(framed, reply...), start))
}

// relay relays until one side ends.
func (c *client) relay() {
	if err := c.connect(); err != nil {
		c.log.Info("a program could not be connected to Gateway", "err", err)
		c.end(EndRefused, false)
		c.close()
		return
	}
	_ = c.down.SetDeadline(time.Time{})
	c.port.mu.Lock()
	c.port.counters.Connections++
	c.port.mu.Unlock()
	for _, part := range []func(){c.receive, c.send, c.sendNotices, c.identify} {
		c.port.wg.Go(func() {
			defer c.recovered()
			part()
		})
	}
	c.port.wg.Go(func() {
		defer c.recovered()
		c.take()
	})
	<-c.over.Done()
	c.finish()
}

// recovered ends the connection of a client whose relay has panicked. The others go on.
func (c *client) recovered() {
	if r := recover(); r != nil {
		c.log.Error("the relay of a program has failed", "panic", r, "stack", string(debug.Stack()))
		c.port.mu.Lock()
		c.port.counters.Failures++
		c.port.mu.Unlock()
		c.port.event(Event{Kind: ClientFailed, Client: c.describe(), Detail: fmt.Sprint(r)})
		c.end(EndFailed, false)
	}
}

// end ends the connection. Only the first call counts; gateway says that Gateway was lost.
func (c *client) end(cause EndCause, gateway bool) {
	c.once.Do(func() {
		c.cause, c.gateway = cause, gateway
		defer c.stop()
		if gateway { // before the program can notice
			c.lose()
		}
	})
}

// finish closes both sides, in the order in which that loses least.
func (c *client) finish() {
	if c.gateway || c.cause == EndTurnedOff || c.cause == EndStopping {
		c.up.Close()
		c.close()
		<-c.read
	} else {
		if c.cause == EndClientLeft {
			c.down.Close()
		}
		cancelled := c.cancelAll()
		c.close()
		c.settle(cancelled)
		c.up.Close()
		<-c.read
	}
	c.lose()
	nudge.Send(c.port.asks)
	c.greeted.Wait()
	if c.ready.Load() {
		c.port.event(Event{Kind: ClientDisconnected, Client: c.describe(), Detail: string(c.cause)})
	}
	c.log.Info("a program is not connected to the guarded port any more", "cause", c.cause)
}

// settle waits until Gateway has mentioned all orders of this connection, and for those that were cancelled until they
// are done; not for long.
func (c *client) settle(cancelled bool) {
	limit := time.After(lastWords)
	for c.ready.Load() && c.port.orders.Awaited(c.id.Load(), c.number, cancelled) {
		select {
		case <-c.read:
			return
		case <-limit:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// close closes the program's side so that it gets all that was written to it.
func (c *client) close() {
	_ = c.down.SetWriteDeadline(time.Now())
	_ = c.down.CloseWrite()
	_ = c.down.SetReadDeadline(time.Now().Add(drainLimit))
	_, _ = io.Copy(io.Discard, c.down)
	c.down.Close()
}

// lose marks the orders whose state is not known.
func (c *client) lose() {
	if !c.ready.Load() {
		return
	}
	for _, o := range c.port.orders.Lost(c.id.Load(), c.number, c.gateway) {
		c.port.unknown(o, c.describe())
	}
}

func (c *client) isOver() bool { return c.over.Err() != nil }

// mayHave reports whether Gateway has, or may have, the order that the program means by an id.
func (c *client) mayHave(id int64) bool {
	return c.port.orders.MayHave(c.id.Load(), c.number, c.first.Load(), id)
}

// options returns the options of the client id.
func (c *client) options() ClientOptions {
	return c.port.settings.Load().Clients[int(c.id.Load())]
}

// describe returns what is shown of the client.
func (c *client) describe() Client {
	id, who := c.id.Load(), c.program.Load()
	d := Client{
		Number: c.number, ClientID: id, Name: who.Name, PID: who.PID, Address: c.down.RemoteAddr().String(),
		Version: int(c.shown.Load()), Since: c.since, LastMessage: c.since,
		Sent: c.sent.Load(), Refused: c.refused.Load(), Observed: c.observed.Load(), ReadOnly: c.options().ReadOnly,
	}
	if last := c.last.Load(); last != 0 {
		d.LastMessage = time.Unix(0, last)
	}
	if id >= 0 {
		d.Working, d.Unknown = c.port.orders.Count(id)
	}
	return d
}

// identify looks for the program behind the connection. One look may take a hundredth of a second, so that all of them
// together get a tenth of a processor.
func (c *client) identify() {
	defer close(c.looked)
	select {
	case c.port.lookup <- struct{}{}:
	case <-c.over.Done():
		return
	}
	since := time.Now()
	if who, ok := peer.Of(c.down); ok {
		who.Name = word([]byte(who.Name))
		c.program.Store(&who)
	}
	time.AfterFunc(9*time.Since(since), func() { <-c.port.lookup })
}
