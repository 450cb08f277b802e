// Package ibtest has a gateway for tests that says exactly what they tell it to.
package ibtest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/wire"
)

// Versions are server versions that are spoken, the oldest one included.
var Versions = []int{213, 219, 225}

// An instrument, and an order for it.
var (
	SomeStock = wire.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}
	SomeOrder = wire.Order{Ref: "ref", Contract: SomeStock, Side: "BUY", Type: "MKT", Quantity: 1}
)

// Scripted is a gateway written from the protocol tables alone, apart from conn/sim: it says exactly what a test
// tells it to.
type Scripted struct {
	t        testing.TB
	Listener net.Listener
	version  int
	account  string

	mu      sync.Mutex
	conns   []net.Conn
	frozen  bool
	onConn  func(n int, c net.Conn, r *bufio.Reader) bool // true: the test has dealt with it
	onStart func(c *Peer) bool                            // true: the test sends the login itself
	dials   int
	latest  *Peer
	seen    []Sighted // requests since startApi
}

// Sighted is a request that has reached the gateway.
type Sighted struct {
	Number int
	At     time.Time
}

// Requests returns what has come since startApi.
func (g *Scripted) Requests() []Sighted {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen)
}

// Peer is one client's connection after its startApi.
type Peer struct {
	net.Conn
	Version int
	mu      sync.Mutex
}

// Close ends the connection by FIN, as where Gateway has read everything. Requests that are on their way are read: to a
// socket that is closed before them the answer would be RST.
func (p *Peer) Close() error {
	tcp, ok := p.Conn.(*net.TCPConn)
	if !ok {
		return p.Conn.Close()
	}
	go func() {
		_, _ = io.Copy(io.Discard, tcp)
		tcp.Close()
	}()
	return tcp.CloseWrite()
}

// Send sends frames.
func (p *Peer) Send(frames ...[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range frames {
		_, _ = p.Write(f)
	}
}

// Frame returns payload with its length before it.
func Frame(payload []byte) []byte {
	framed, start := wire.BeginFrame(nil)
	return wire.EndFrame(append(framed, payload...), start)
}

// TextFrame returns a frame of fields that a NUL ends.
func TextFrame(fields ...string) []byte { return Frame([]byte(strings.Join(fields, "\x00") + "\x00")) }

// text sends fields as a message in text.
func (p *Peer) text(id int, fields ...string) { p.Send(TextMessage(id, fields...)) }

// TextMessage returns a message in text.
func TextMessage(id int, fields ...string) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(id))
	if len(fields) > 0 {
		body = append(body, strings.Join(fields, "\x00")+"\x00"...)
	}
	return Frame(body)
}

// ProtoMessage returns a message in protobuf whose fields are numbered from 1 on.
func ProtoMessage(id int, fields ...any) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(id+200))
	for i, f := range fields {
		n := protowire.Number(i + 1)
		switch v := f.(type) {
		case int:
			body = protowire.AppendTag(body, n, protowire.VarintType)
			body = protowire.AppendVarint(body, uint64(int64(v)))
		case float64:
			body = protowire.AppendTag(body, n, protowire.Fixed64Type)
			body = protowire.AppendFixed64(body, math.Float64bits(v))
		case string:
			body = protowire.AppendTag(body, n, protowire.BytesType)
			body = protowire.AppendString(body, v)
		}
	}
	return Frame(body)
}

// Code sends an error message.
func (p *Peer) Code(code int, text string) { p.About(-1, code, text) }

// About sends a code about a request or an order.
func (p *Peer) About(id, code int, text string) {
	p.Send(ProtoMessage(4, id, 1_700_000_000_000, code, text))
}

// Login sends both login messages.
func (p *Peer) Login(account string) { p.Send(p.LoginFrames(account)) }

// LoginFrames returns both login messages.
func (p *Peer) LoginFrames(account string) []byte {
	return append(ProtoMessage(15, account), ProtoMessage(9, 1)...)
}

// OrderID sends the first order id.
func (p *Peer) OrderID(id int) { p.Send(ProtoMessage(9, id)) }

// Accounts sends the accounts of the login.
func (p *Peer) Accounts(list string) { p.Send(ProtoMessage(15, list)) }

// Oddities sends what is odd and no reason to drop a session, and returns how many messages no one has a use for.
func (p *Peer) Oddities() (useless int) {
	p.text(6, "an account value that was not asked for")
	p.text(199, "an unknown number")
	p.Send(ProtoMessage(4711, "another one"))
	p.text(4, strings.Split("2 -1 399 text1   ", " ")...)
	p.text(4, "-1", "399", "text2", "{}", "")
	p.text(1, "", "", "", "", "", "", "and", "more", "fields")
	p.Login("DU1,DU2") // once more
	p.Send(ProtoMessage(4, -1, 1, 399, "\xff\xfe not UTF-8"), ProtoMessage(49, "text for a number"),
		ProtoMessage(103, "x"))
	return 5
}

// NewScripted starts a gateway of a version, until the test ends.
func NewScripted(t testing.TB, version int) *Scripted {
	t.Helper()
	g := &Scripted{t: t, version: version, account: "DU1234567"}
	g.Listen("127.0.0.1:0")
	t.Cleanup(func() { g.Stop() })
	return g
}

// Listen has the gateway take connections.
func (g *Scripted) Listen(addr string) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.Listener = ln
	g.mu.Unlock()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.dials++
			n := g.dials
			g.conns = append(g.conns, c)
			g.mu.Unlock()
			go g.serve(n, c)
		}
	}()
}

// Port returns where it does.
func (g *Scripted) Port() int { return g.Listener.Addr().(*net.TCPAddr).Port }

// Stop closes the port and all connections.
func (g *Scripted) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Listener.Close()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

// Drop closes all connections and keeps listening.
func (g *Scripted) Drop(reset bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	g.conns = nil
}

// Freeze has time requests stay unanswered, or not any more.
func (g *Scripted) Freeze(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen = on
}

// Answer lets f deal with coming connections; f returns false for those that go the usual way.
func (g *Scripted) Answer(f func(n int, c net.Conn, r *bufio.Reader) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onConn = f
}

// LogIn lets f send the login messages; f returns false for the usual ones.
func (g *Scripted) LogIn(f func(*Peer) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onStart = f
}

// Attempts counts the connections that were made.
func (g *Scripted) Attempts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dials
}

// Peer returns the client that signed on last.
func (g *Scripted) Peer() *Peer {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.latest
}

func (g *Scripted) serve(n int, c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	g.mu.Lock()
	onConn, onStart := g.onConn, g.onStart
	g.mu.Unlock()
	if onConn != nil && onConn(n, c, r) {
		return
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil || string(head) != "API\x00" {
		return
	}
	f, err := wire.ReadFrame(r)
	if err != nil || !strings.HasPrefix(string(f), "v100..") || strings.Contains(string(f), " ") {
		g.t.Errorf("hello %q: %v", f, err)
		return
	}
	p := &Peer{Conn: c, Version: g.version}
	p.Send(TextFrame(fmt.Sprint(g.version), "20261123 10:00:00 EST"))
	first := true
	for {
		f, err := wire.ReadFrame(r)
		if err != nil {
			return
		}
		number := int(binary.BigEndian.Uint32(f)) - wire.ProtoBase
		if first {
			if number != wire.ReqStartAPI {
				g.t.Errorf("first request is %d, want startApi", number)
				return
			}
			first = false
			g.mu.Lock()
			g.latest = p
			g.mu.Unlock()
			if onStart == nil || !onStart(p) {
				p.Login(g.account)
			}
			continue
		}
		g.mu.Lock()
		frozen := g.frozen
		g.seen = append(g.seen, Sighted{number, time.Now()})
		g.mu.Unlock()
		if number == wire.ReqCurrentTime && !frozen {
			p.Send(ProtoMessage(49, int(time.Now().Unix())))
		}
	}
}

// Patience is how long a test waits for what ought to happen soon.
const Patience = 2 * time.Minute

// Eventually waits until something holds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TickPrice is a price without a size.
func TickPrice(request, kind int, price float64) []byte { return ProtoMessage(1, request, kind, price) }

// TCPPair returns both ends of a connection.
func TCPPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	if b, err = net.Dial("tcp4", ln.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if a, err = ln.Accept(); err != nil {
		tb.Fatal(err)
	}
	return a, b
}

// DataType says of which type the data of a subscription is.
func (p *Peer) DataType(request, typ int) {
	p.Send(ProtoMessage(58, request, typ))
}

// TickString sends a value in text.
func (p *Peer) TickString(request, kind int, value string) {
	p.Send(ProtoMessage(46, request, kind, value))
}
