package conn

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
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

// versions are server versions that are spoken, the oldest one included.
var versions = []int{213, 219, 225}

var (
	someStock = wire.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}
	someOrder = wire.Order{Ref: "ref", Contract: someStock, Side: "BUY", Type: "MKT", Quantity: 1}
)

// scripted is a gateway written from the protocol tables alone, apart from conn/sim: it says exactly what a test
// tells it to.
type scripted struct {
	t       testing.TB
	ln      net.Listener
	version int
	account string

	mu      sync.Mutex
	conns   []net.Conn
	frozen  bool
	onConn  func(n int, c net.Conn, r *bufio.Reader) bool // true: the test has dealt with it
	onStart func(c *peer) bool                            // true: the test sends the login itself
	dials   int
	latest  *peer
	seen    []sighted // requests since startApi
}

// sighted is a request that has reached the gateway.
type sighted struct {
	number int
	at     time.Time
}

func (g *scripted) requests() []sighted {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen)
}

// peer is one client's connection after its startApi.
type peer struct {
	net.Conn
	version int
	mu      sync.Mutex
}

// Close ends the connection by FIN, as where Gateway has read everything. Requests that are on their way are read: to a
// socket that is closed before them the answer would be RST.
func (p *peer) Close() error {
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

func (p *peer) send(frames ...[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range frames {
		_, _ = p.Write(f)
	}
}

// frame returns payload with its length before it.
func frame(payload []byte) []byte {
	framed, start := wire.BeginFrame(nil)
	return wire.EndFrame(append(framed, payload...), start)
}

// textFrame returns a frame of fields that a NUL ends.
func textFrame(fields ...string) []byte { return frame([]byte(strings.Join(fields, "\x00") + "\x00")) }

// text sends fields as a message in text.
func (p *peer) text(id int, fields ...string) { p.send(textMessage(id, fields...)) }

func textMessage(id int, fields ...string) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(id))
	if len(fields) > 0 {
		body = append(body, strings.Join(fields, "\x00")+"\x00"...)
	}
	return frame(body)
}

func protoMessage(id int, fields ...any) []byte {
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
	return frame(body)
}

// code sends an error message.
func (p *peer) code(code int, text string) { p.about(-1, code, text) }

// about sends a code about a request or an order.
func (p *peer) about(id, code int, text string) {
	p.send(protoMessage(4, id, 1_700_000_000_000, code, text))
}

func (p *peer) login(account string) { p.send(p.loginFrames(account)) }

func (p *peer) loginFrames(account string) []byte {
	return append(protoMessage(15, account), protoMessage(9, 1)...)
}

func (p *peer) orderID(id int)       { p.send(protoMessage(9, id)) }
func (p *peer) accounts(list string) { p.send(protoMessage(15, list)) }

// oddities sends what is odd and no reason to drop a session, and returns how many messages no one has a use for.
func (p *peer) oddities() (useless int) {
	p.text(6, "an account value that nobody asked for")
	p.text(199, "an unknown number")
	p.send(protoMessage(4711, "another one"))
	p.text(4, strings.Split("2 -1 399 text1   ", " ")...)
	p.text(4, "-1", "399", "text2", "{}", "")
	p.text(1, "", "", "", "", "", "", "and", "more", "fields")
	p.login("DU1,DU2") // once more
	p.send(protoMessage(4, -1, 1, 399, "\xff\xfe not UTF-8"), protoMessage(49, "text for a number"),
		protoMessage(103, "x"))
	return 5
}

func newScripted(t testing.TB, version int) *scripted {
	t.Helper()
	g := &scripted{t: t, version: version, account: "DU1234567"}
	g.listen("127.0.0.1:0")
	t.Cleanup(func() { g.stop() })
	return g
}

func (g *scripted) listen(addr string) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.ln = ln
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

func (g *scripted) port() int { return g.ln.Addr().(*net.TCPAddr).Port }

func (g *scripted) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ln.Close()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

// drop closes all connections and keeps listening.
func (g *scripted) drop(reset bool) {
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

func (g *scripted) freeze(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen = on
}

// answer lets f deal with coming connections; f returns false for those that go the usual way.
func (g *scripted) answer(f func(n int, c net.Conn, r *bufio.Reader) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onConn = f
}

// logIn lets f send the login messages; f returns false for the usual ones.
func (g *scripted) logIn(f func(*peer) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onStart = f
}

func (g *scripted) attempts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dials
}

func (g *scripted) peer() *peer {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.latest
}

func (g *scripted) serve(n int, c net.Conn) {
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
	p := &peer{Conn: c, version: g.version}
	p.send(textFrame(fmt.Sprint(g.version), "20261123 10:00:00 EST"))
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
				p.login(g.account)
			}
			continue
		}
		g.mu.Lock()
		frozen := g.frozen
		g.seen = append(g.seen, sighted{number, time.Now()})
		g.mu.Unlock()
		if number == wire.ReqCurrentTime && !frozen {
			p.send(protoMessage(49, int(time.Now().Unix())))
		}
	}
}

func testConfig(port int) Config {
	return Config{
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: AnyMode, ConnectTimeout: 10 * time.Second,
		Poll: time.Second, Soft: 1500 * time.Millisecond, Hard: 10 * time.Second,
		Delays: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second},
		Jitter: 0.2, Stable: 10 * time.Second, WatchLocalPort: true,
	}
}

var quiet = slog.New(slog.DiscardHandler)
