package ib

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"gatewatch/conn/wire"
)

// This file is the way of market data from the socket to the mailbox from which the engine takes it, and the end of
// that way.

// stamped notes the time of every byte that is read.
type stamped struct {
	r  io.Reader
	to *Socket
}

func (s stamped) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.to.heard.Store(int64(s.to.mono()))
	}
	return n, err
}

// rawReader reads from a socket without Go's scheduler knowing of each system call. If it knew of one in a program that
// was idle, it would wake its monitor, which takes longer than to read and evaluate some ticks.
type rawReader struct {
	net.Conn
	raw  syscall.RawConn
	take func(fd uintptr) bool
	p    []byte
	n    int
	err  syscall.Errno
}

// newRawReader returns what reads from a connection at the least cost.
func newRawReader(c net.Conn) io.Reader {
	if tcp, ok := c.(*net.TCPConn); ok && rawSyscall != nil {
		if raw, err := tcp.SyscallConn(); err == nil {
			r := &rawReader{Conn: c, raw: raw}
			r.take = r.now
			return r
		}
	}
	return c
}

func (r *rawReader) Read(p []byte) (int, error) {
	r.p = p
	switch err := r.raw.Read(r.take); {
	case err != nil:
		return 0, err
	case r.err != 0:
		return 0, &net.OpError{
			Op: "read", Net: "tcp", Source: r.LocalAddr(), Addr: r.RemoteAddr(), Err: os.NewSyscallError("read", r.err),
		}
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// now reads what is there. It returns false if that is nothing.
func (r *rawReader) now(fd uintptr) bool {
	for {
		n, _, err := rawSyscall(sysRead, fd, uintptr(unsafe.Pointer(&r.p[0])), uintptr(len(r.p)))
		r.n, r.err = int(n), err
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}

// read takes in what Gateway sends until the connection ends. It hands everything over and waits for no one but for the
// supervisor and the reader of news of orders, when too much waits there.
func (s *Socket) read() {
	defer s.leave()
	defer close(s.readDone)
	defer func() {
		if p := recover(); p != nil { // a message from outside must not end the program
			s.close(CauseGarbage, fmt.Sprintf("panic: %v", p))
		}
	}()
	for {
		m, err := s.in.Message()
		if err == nil {
			err = s.receive(m)
			if !s.in.HasFrame() {
				runtime.Gosched() // those who wait for the message go first: the next read may wait long
			}
		}
		if err != nil {
			s.close(causeOf(err))
			return
		}
	}
}

// close ends the session. Only the first call counts.
func (s *Socket) close(cause Cause, detail string) {
	s.onceClose.Do(func() {
		s.cause, s.detail = cause, detail
		close(s.closed)
		s.conn.Close()
	})
}

// leave says that one of the two goroutines has ended.
func (s *Socket) leave() {
	if s.parts.Add(-1) == 0 {
		close(s.allGone)
	}
}

// causeOf says what a failed read or write means.
func causeOf(err error) (Cause, string) {
	if _, ok := errors.AsType[*wire.ProtocolError](err); ok {
		return CauseGarbage, err.Error()
	}
	switch {
	case errors.Is(err, io.EOF):
		return CauseClosed, ""
	case errors.Is(err, io.ErrUnexpectedEOF):
		return CauseBroken, "the stream ended inside a message"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return CauseSilent, "gateway takes no more data"
	}
	return CauseBroken, err.Error()
}

// Outcome says why the session is over, once gone is closed.
func (s *Socket) Outcome() (cause Cause, code int, detail string) {
	if e := s.reason; e != nil {
		return e.Cause, e.Code, e.Text
	}
	return s.cause, 0, s.detail
}

// receive hands over one message. The error says that it is not the protocol.
func (s *Socket) receive(m wire.Message) error {
	switch m.Number {
	case 0:
		s.skipped.Add(1)
		return nil
	case wire.MsgTickPrice, wire.MsgTickSize, wire.MsgTickString, wire.MsgTickGeneric, wire.MsgMarketDataType:
		t, err := m.Tick()
		if err == nil {
			s.receiveTick(m.Number, t)
		}
		return err
	case wire.MsgError:
		return take(m.Error, s.receiveError)
	case wire.MsgCurrentTime:
		return take(m.CurrentTime, s.receiveTime)
	case wire.MsgNextValidID:
		return take(m.NextValidID, func(id int64) {
			s.pending.first.CompareAndSwap(0, max(1, id))
			s.logIn()
		})
	case wire.MsgManagedAccounts:
		list, err := m.ManagedAccounts()
		if err == nil {
			err = s.receiveAccounts(list)
		}
		return err
	case wire.MsgContractDetails, wire.MsgBondDetails:
		request, d, err := m.ContractDetails()
		if err == nil && d != nil {
			s.pending.putContract(request-detailsBase, *d)
		}
		return err
	case wire.MsgReroute:
		return take(m.Reroute, s.reroute)
	case wire.MsgMarketRule:
		rule, steps, err := m.MarketRule()
		if err == nil {
			s.pending.putRule(rule, steps)
		}
		return err
	case wire.MsgContractDetailsEnd:
		return take(m.End, func(request int64) { s.pending.endContract(request-detailsBase, nil) })
	case wire.MsgExecutionsEnd:
		return take(m.End, func(request int64) { s.pending.endExecutions(request-executions, nil) })
	case wire.MsgOpenOrdersEnd:
		return take(m.End, func(int64) { s.pending.end(QuestionOpenOrders) })
	case wire.MsgCompletedOrdersEnd:
		return take(m.End, func(int64) { s.pending.end(QuestionCompletedOrders) })
	case wire.MsgPosition:
		return take(m.Position, s.pending.positions.Load().put)
	case wire.MsgPortfolio:
		return take(m.Portfolio, func(one wire.Portfolio) { s.pending.positions.Load().value(one, WallClock()) })
	case wire.MsgPositionsEnd:
		p := s.pending.positions.Load()
		p.end(p.all)
	case wire.MsgAccountEnd:
		p := s.pending.positions.Load()
		p.end(p.valued)
	case wire.MsgConfig:
		return take(m.Config, s.receiveConfig)
	default:
		return take(m.OrderNews, s.receiveNews)
	}
	return nil
}

// take decodes a message and hands over what it says.
func take[T any](decode func() (T, error), to func(T)) error {
	v, err := decode()
	if err == nil {
		to(v)
	}
	return err
}

// receiveTick takes in a message about market data. Types that are not kept are not in the table.
func (s *Socket) receiveTick(message int, t wire.Tick) {
	var kept tickType
	if t.Type >= 0 && t.Type < len(tickTypes) {
		kept = tickTypes[t.Type]
	}
	switch message {
	case wire.MsgTickPrice:
		s.marketAt.Store(s.heard.Load())
		s.keep(t.Request, kept.field, kept.delayed, realPrice(kept.field, t))
		if t.Size >= 0 {
			s.keep(t.Request, kept.size, kept.delayed, t.Size)
		}
	case wire.MsgTickSize:
		s.marketAt.Store(s.heard.Load())
		if t.Size >= 0 {
			s.keep(t.Request, kept.field, kept.delayed, t.Size)
		}
	case wire.MsgTickString:
		if kept.field != LastTime {
			return
		}
		if at, ok := t.Seconds(); ok {
			s.keep(t.Request, LastTime, kept.delayed, float64(at))
		}
	case wire.MsgMarketDataType:
		s.receiveDataKind(t.Request, t.Type)
	}
}

// keep puts a value into the mailbox, of the kind of data that its subscription has now.
func (s *Socket) keep(request int64, field TickField, delayed bool, value float64) {
	if field == 0 {
		return
	}
	data := s.kinds[request]
	s.ticks.put(Tick{
		Request: request - marketBase, Field: field, Delayed: delayed || data.delayed, Old: data.old, Value: value,
		At: time.Duration(s.heard.Load()),
	})
}

// realPrice returns a price, 0 if there is none. IBKR writes -1 for none, so that a spread or a future at exactly -1
// has none, too; other negative prices are possible. Where prices are in pence or cents ([Details.Magnifier]) none is
// -100, with a size of 0: of so many shares there is no bid or ask at any other price below 0 either.
func realPrice(field TickField, t wire.Tick) float64 {
	quote := field == Bid || field == Ask
	if t.Value == -1 || t.Size == 0 && (t.Value == -100 || quote && t.Value < 0) {
		return 0
	}
	return wire.Real(t.Value)
}

// Ticks is a mailbox that conflates: an unread value is replaced by a newer one of the same field, so that a slow
// reader sees the present and never holds up the session. One reader; writing never blocks.
type Ticks struct {
	mu       sync.Mutex
	at       map[int64]int // index into waiting
	waiting  []Tick
	received uint64
	replaced uint64
	ready    chan struct{}
	routes   map[int64]Contract // by request, where Gateway has named another contract
}

func newTicks() *Ticks {
	return &Ticks{at: map[int64]int{}, ready: make(chan struct{}, 1)}
}

func (t *Ticks) put(k Tick) {
	key := k.Request<<8 | int64(k.Field)
	t.mu.Lock()
	t.received++
	i, ok := t.at[key]
	if ok {
		t.waiting[i] = k
		t.replaced++
	} else {
		t.at[key] = len(t.waiting)
		t.waiting = append(t.waiting, k)
	}
	t.mu.Unlock()
	if !ok {
		select {
		case t.ready <- struct{}{}:
		default:
		}
	}
}

func (t *Ticks) reroute(request int64, to Contract) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[int64]Contract{}
	}
	t.routes[request] = to
}

// Rerouted returns the contract whose data stands for that of a subscription's contract, and forgets it.
func (t *Ticks) Rerouted(request int64) Contract {
	t.mu.Lock()
	defer t.mu.Unlock()
	to := t.routes[request]
	delete(t.routes, request)
	return to
}

// Ready returns a channel that yields a value when there may be something to take.
func (t *Ticks) Ready() <-chan struct{} { return t.ready }

// Take appends what is waiting to buf, in order of first arrival, and empties the mailbox.
func (t *Ticks) Take(buf []Tick) []Tick {
	t.mu.Lock()
	defer t.mu.Unlock()
	buf = append(buf, t.waiting...)
	t.waiting = t.waiting[:0]
	clear(t.at)
	return buf
}

// Counts returns how many values have arrived and how many of them were replaced unread.
func (t *Ticks) Counts() (received, replaced uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.received, t.replaced
}
