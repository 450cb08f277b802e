package port

import (
	"errors"
	"math"
	"net"
	"os"
	"sync/atomic"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

// freshness knows how old what is read from a connection can be: data may have waited in the system's buffer for as
// long as that was not read empty.
type freshness struct {
	net.Conn
	emptied time.Duration // when the connection was last read empty; of the goroutine that reads
	heard   atomic.Int64  // what was read last came after this moment, a time.Duration
}

// began is where times are counted from that a changed clock must not change.
var began = time.Now()

func sinceBegan() time.Duration { return time.Since(began) }

func (f *freshness) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if n > 0 {
		f.heard.Store(int64(f.emptied))
		if n < len(p) {
			f.emptied = sinceBegan()
		}
	}
	return n, err
}

// since returns a moment after which the other side was certainly alive.
func (f *freshness) since() time.Time { return began.Add(time.Duration(f.heard.Load())) }

// receive forwards what Gateway sends. After the program has left it goes on reading for what concerns orders.
func (c *client) receive() {
	defer close(c.read)
	for {
		frames, err := c.fromUp.Frames()
		if head, n := c.fromUp.Long(); err != nil && n > 0 {
			if number, _, _, ok := cutNumber(head, c.version); ok && !concerns(number) {
				frames, err = nil, c.passOn(n)
			} else {
				frames, err = c.fromUp.Whole(maxAboutOrders)
			}
		}
		if err != nil {
			c.end(EndGatewayLost, true)
			return
		}
		if len(frames) == 0 {
			continue
		}
		c.hearing.Store(int64(sinceBegan()))
		c.inspect(frames)
		c.hearing.Store(0)
		c.written(c.write(frames))
	}
}

// passOn forwards a long message in pieces: several programs that do not read them must not fill the memory. Until its
// end nothing else can be said to the program, so that the connection ends if Gateway stops in the middle of it.
func (c *client) passOn(n int) error {
	c.downMu.Lock()
	defer c.downMu.Unlock()
	c.port.toClients.Add(1)
	defer c.hearing.Store(0)
	c.hearing.Store(int64(sinceBegan()))
	return c.fromUp.Pieces(n, func(piece []byte) {
		c.hearing.Store(int64(sinceBegan()))
		c.written(c.writeLocked(piece))
	})
}

// written ends the connection if the program could not be written to.
func (c *client) written(err error) {
	if err == nil {
		return
	}
	cause := EndClientLeft
	if errors.Is(err, os.ErrDeadlineExceeded) {
		cause = EndSlowClient
	}
	c.end(cause, false)
}

// concerns reports whether something is learned from messages with a number.
func concerns(number int) bool { return aboutOrders(number) || number == wire.MsgNextValidID }

// inspect takes in what is said about orders.
func (c *client) inspect(frames []byte) {
	for n := uint64(1); ; n++ {
		payload, rest := wire.CutFrame(frames)
		number, proto, body, ok := cutNumber(payload, c.version)
		switch {
		case !ok:
		case aboutOrders(number):
			if number == wire.MsgError {
				c.errorsInProto.Store(proto)
			}
			c.hear(number, proto, body)
		case number == wire.MsgNextValidID:
			c.accepted(proto, body)
		}
		if frames = rest; len(frames) == 0 {
			c.port.toClients.Add(n)
			return
		}
	}
}

// hear takes in a message about an order.
func (c *client) hear(number int, proto bool, body []byte) {
	n, ok := readNews(number, proto, body, c.version)
	if !ok || c.id.Load() < 0 {
		return
	}
	if number == wire.MsgError {
		n.Client = c.id.Load()
	}
	if c.port.orders.Heard(n) == 0 && number == wire.MsgOpenOrder && n.Client == c.id.Load() && c.ready.Load() {
		c.adopt(n, proto, body)
	}
}

// adopt takes over an open order of the client id that was not sent through the port: its program may change it.
func (c *client) adopt(n record.News, proto bool, body []byte) {
	if n.ID == 0 || n.ID >= math.MaxInt32 {
		return
	}
	in := openInstruction(n.ID, proto, body)
	o := c.order(&in)
	o.PermID, o.Status = n.PermID, n.Status
	c.port.orders.Adopt(o)
}

// accepted takes in that Gateway has accepted the client id, and which order id it offers.
func (c *client) accepted(proto bool, body []byte) {
	first, ok := textInt(body, 1)
	if proto {
		first, ok = protoInt(body, 1)
	}
	if !ok || first < 1 {
		first = math.MaxInt64
	}
	c.first.CompareAndSwap(0, first)
	if c.id.Load() >= 0 && c.ready.CompareAndSwap(false, true) {
		c.log.Info("a program is connected through the guarded port", "id", c.id.Load(), "version", c.version)
		c.greeted.Go(c.greet)
	}
}

// nameLimit is how long the report that a program is connected waits for its name.
const nameLimit = time.Second

// greet reports that the program is connected.
func (c *client) greet() {
	defer c.recovered()
	limit := time.After(nameLimit)
	select {
	case <-c.looked:
	case <-c.over.Done():
	case <-limit:
	}
	c.port.event(Event{Kind: ClientConnected, Client: c.describe()})
}

// write writes whole frames to the program.
func (c *client) write(frames []byte) error {
	c.downMu.Lock()
	defer c.downMu.Unlock()
	return c.writeLocked(frames)
}

func (c *client) writeLocked(frames []byte) error {
	if c.broken {
		return net.ErrClosed
	}
	for len(frames) > 0 {
		n := min(len(frames), pieceSize)
		if c.isOver() {
			c.broken = true
			return net.ErrClosed
		}
		_ = c.down.SetWriteDeadline(time.Now().Add(downLimit))
		if _, err := c.down.Write(frames[:n]); err != nil {
			c.broken = true
			return err
		}
		frames = frames[n:]
	}
	return nil
}

// sendError sends an error by Gatewatch to the program.
func (c *client) sendError(id int64, code int, text string) {
	frame := appendError(nil, c.version, c.errorsInProto.Load(), id, code, text)
	if c.write(frame) == nil {
		c.port.toClients.Add(1)
	}
}

// What notices are about.
const (
	stateFrozen   = 1
	stateUpstream = 2
	stateWoke     = 4
)

// notify says that Gateway is frozen, or not; whether that is not its fault, and whether it is connected to IBKR. It
// does not block.
func (c *client) notify(frozen, woke, upstream bool) {
	var s uint32
	if frozen {
		s |= stateFrozen
	}
	if upstream {
		s |= stateUpstream
	}
	if woke {
		s |= stateWoke
	}
	if c.state.Swap(s) != s {
		nudge.Send(c.notice)
	}
}

// sendNotices sends notices about Gateway. 1102 says that all is as before: if IBKR was lost meanwhile, Gateway says so
// itself, and when it is back.
func (c *client) sendNotices() {
	said := false
	for {
		select {
		case <-c.over.Done():
			return
		case <-c.notice:
		}
		s := c.state.Load()
		frozen := s&stateFrozen != 0
		if frozen == said || !c.ready.Load() || c.port.settings.Load().observes() {
			continue
		}
		said = frozen
		switch {
		case frozen:
			text := "IB Gateway does not answer. Orders are refused until it does."
			if s&stateWoke != 0 {
				text = Reason(ib.GuardWoke).text() + ". Orders are refused until it answers."
			}
			c.sendError(record.NoID, codeLost, "Gatewatch: "+text)
		case s&stateUpstream != 0:
			c.sendError(record.NoID, codeRestored, "Gatewatch: IB Gateway answers again. All data requests are kept.")
		}
	}
}
