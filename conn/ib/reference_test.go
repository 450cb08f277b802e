package ib

import (
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/conn/wire"
)

// TestSameAsTheClientLibrary records what a simulator says in a session, and gives it to a session of ours and to the
// client library: both understand the same ticks, orders, executions, contracts and codes.
func TestSameAsTheClientLibrary(t *testing.T) {
	for _, version := range ibtest.Versions {
		said := recordSession(t, version)
		ours, theirs := understood(t, said), understoodByLibrary(t, version, said)
		t.Logf("version %d: %d bytes: %d ticks, %d news of orders, %d contracts, %d codes",
			version, len(said), len(ours.ticks), len(ours.news), len(ours.details), len(ours.codes))
		kinds := map[OrderNewsKind]int{}
		for _, n := range ours.news {
			kinds[n.Kind]++
		}
		if len(ours.ticks) < 50 || len(kinds) < 6 || len(ours.details) < 4 || len(ours.codes) < 3 {
			t.Errorf("version %d: the session was too short: %v", version, kinds)
		}
		same(t, "tick", ours.ticks, theirs.ticks)
		same(t, "news", ours.news, theirs.news)
		same(t, "contract", ours.details, theirs.details)
		same(t, "code", ours.codes, theirs.codes)
	}
}

func same[T any](t *testing.T, what string, ours, theirs []T) {
	t.Helper()
	for i := range max(len(ours), len(theirs)) {
		switch {
		case i >= len(ours):
			t.Errorf("%s %d is missing: %+v", what, i, theirs[i])
		case i >= len(theirs):
			t.Errorf("%s %d is one too many: %+v", what, i, ours[i])
		case !reflect.DeepEqual(ours[i], theirs[i]):
			t.Errorf("%s %d:\n%+v\nthe library:\n%+v", what, i, ours[i], theirs[i])
		default:
			continue
		}
		return
	}
}

// recordSession plays a day with a simulator and returns all frames that it has sent.
func recordSession(t *testing.T, version int) []byte {
	t.Helper()
	g := simtest.Start(t, sim.Config{
		ServerVersion: version, TickRate: 50, PartialFills: 2,
		MaxMessageRate: -1,
	})
	r := &recording{}
	port := r.listen(t, g.Addr())
	s := signOn(t, port)
	defer func() { s.socket.End(CauseStopping); r.wait() }()
	playDay(t, g, s.Session)
	return r.taken()
}

// playDay asks for everything that a session can ask for.
func playDay(t *testing.T, g *sim.Gateway, s *Session) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	news := s.Orders()
	var told []OrderNews
	until := func(what string, ok func(OrderNews) bool) {
		t.Helper()
		ibtest.Eventually(t, what, func() bool {
			told = append(told, news.Take(nil)...)
			for _, n := range told {
				if ok(n) {
					return true
				}
			}
			return false
		})
	}
	status := func(id int64, status string) {
		t.Helper()
		until(status, func(n OrderNews) bool { return n.Kind == OrderStatus && n.ID == id && n.Status == status })
	}
	must(s.Subscribe(1, ibtest.SomeStock))
	must(s.Subscribe(2, Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"}))
	must(s.MarketDataType(true))
	must(s.Subscribe(3, Contract{Symbol: "MSFT", Type: "STK", Exchange: "SMART", Currency: "USD"}))
	must(g.SetPrice("AAPL", 100))
	for i, o := range []Order{
		{Ref: "limit", Contract: ibtest.SomeStock, Side: Buy, Type: Limit, Quantity: 4, LimitPrice: 95},
		{Ref: "trail", Contract: ibtest.SomeStock, Side: Sell, Type: Trail, Quantity: 1, TrailPercent: 5, TIF: "GTC"},
		{Ref: "refused", Contract: ibtest.SomeStock, Side: Buy, Type: Limit, Quantity: 1, LimitPrice: 90.001},
		{Ref: "market", Contract: ibtest.SomeStock, Side: Buy, Type: Market, Quantity: 10, OutsideHours: true},
		{
			Ref: "parent", Contract: ibtest.SomeStock, Side: Buy, Type: StopLimit, Quantity: 1, StopPrice: 120,
			LimitPrice: 121,
			Hold:       true,
		},
	} {
		must(s.Place(int64(i+1), o, Conditions{}))
	}
	exit := Order{
		Ref: "exit", Contract: ibtest.SomeStock, Side: Sell, Type: Stop, Quantity: 1, StopPrice: 80, Parent: 5,
	}
	must(s.Place(6, exit, Conditions{}))
	status(4, "Filled")
	status(6, "PreSubmitted")
	until("a refusal", func(n OrderNews) bool { return n.Kind == OrderError && n.ID == 3 })
	_, err := s.OpenOrders(t.Context())
	must(err)
	must(s.Cancel(2))
	status(2, "Cancelled")
	must(g.SetPrice("AAPL", 94))
	status(1, "Filled")
	until("a commission", func(n OrderNews) bool { return n.Kind == OrderCommission })
	must(g.CorrectExecution("limit", 1))
	_, err = s.Executions(t.Context())
	must(err)
	_, err = s.CompletedOrders(t.Context())
	must(err)
	future := Contract{Symbol: "ES", Type: "FUT", Exchange: "CME", Currency: "USD"}
	for _, c := range []Contract{ibtest.SomeStock, future, {Symbol: "NONE", Type: "STK"}} {
		list, err := s.Details(t.Context(), c)
		if err == nil {
			_, err = s.PriceSteps(t.Context(), list[0])
			must(err)
		}
	}
	g.Notice(1100, "")
	g.Notice(1102, "")
	g.Notice(399, "ü")
	received := func() uint64 { n, _ := s.Ticks().Counts(); return n }
	begun := received()
	ibtest.Eventually(t, "ticks", func() bool { return received() > begun+100 })
}

// recording is what went from a gateway to a client.
type recording struct {
	mu    sync.Mutex
	bytes []byte
	parts sync.WaitGroup
}

func (r *recording) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes = append(r.bytes, b...)
	return len(b), nil
}

func (r *recording) wait() { r.parts.Wait() }

// taken returns the whole frames that were recorded so far.
func (r *recording) taken() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := 0
	for whole+4 <= len(r.bytes) {
		next := whole + 4 + int(binary.BigEndian.Uint32(r.bytes[whole:]))
		if next > len(r.bytes) {
			break
		}
		whole = next
	}
	return slices.Clone(r.bytes[:whole])
}

// listen passes one connection on to a gateway, and returns where it is to be made.
func (r *recording) listen(t *testing.T, gateway string) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.parts.Go(func() {
		defer ln.Close()
		client, err := ln.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp4", gateway)
		if err != nil {
			t.Error(err)
			return
		}
		r.parts.Go(func() {
			_, _ = io.Copy(server, client)
			server.Close()
		})
		_, _ = io.Copy(io.MultiWriter(r, client), server)
	})
	return ln.Addr().(*net.TCPAddr).Port
}

// understanding is what was understood of a recording, in order.
type understanding struct {
	ticks   []Tick
	news    []OrderNews
	details []Details
	codes   []Said
}

// code notes a code; which of them concern one question alone is not the library's to know.
func (u *understanding) code(code int, text string) {
	u.codes = append(u.codes, Said{Code: code, Text: text})
}

// understood gives a recording to a session of ours.
func understood(t *testing.T, said []byte) *understanding {
	t.Helper()
	u := &understanding{}
	s := offline(func(in News) {
		switch in := in.(type) {
		case Said:
			u.code(in.Code, in.Text)
		}
	})
	s.pending.wanted.Store(true)
	var asked []*answer[Details]
	for range 3 {
		_, one, err := s.pending.askContract()
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, one)
	}
	reply := 4 + int(said[3])
	for framed := said[reply:]; len(framed) > 0; {
		n := 4 + int(binary.BigEndian.Uint32(framed))
		s.peerSays(t, framed[:n])
		framed = framed[n:]
		for _, k := range s.ticks.Take(nil) {
			k.At = 0
			u.ticks = append(u.ticks, k)
		}
		u.news = append(u.news, s.pending.news.Take(nil)...)
	}
	for _, one := range asked {
		u.details = append(u.details, one.list...)
	}
	return u
}

// understoodByLibrary gives a recording to the client library.
func understoodByLibrary(t *testing.T, version int, said []byte) *understanding {
	t.Helper()
	ibapi.SetLogLevel(7) // none: it logs account data at info level
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l := &reference{kinds: map[int64]dataKind{}, over: make(chan struct{})}
	client := ibapi.NewEClient(l)
	ended := client.Ctx().Done()
	connected := make(chan error, 1)
	go func() { connected <- client.Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, 17) }()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.ReadFull(c, make([]byte, 4))
	_, _ = wire.ReadFrame(c)
	reply := 4 + int(said[3])
	if _, err := c.Write(said[:reply]); err != nil {
		t.Fatal(err)
	}
	if err := <-connected; err != nil {
		t.Fatal(err)
	}
	client.ReqCurrentTime()
	for range 2 { // with startApi: all of the library's goroutines run then, as they have to before the connection ends
		if _, err := wire.ReadFrame(c); err != nil {
			t.Fatal(err)
		}
	}
	rest := append(slices.Clone(said[reply:]), ibtest.ProtoMessage(wire.MsgCurrentTime, -5)...)
	if _, err := c.Write(rest); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.over:
	case <-ended:
		t.Fatalf("version %d: the library gave up", version)
	case <-time.After(time.Minute):
		t.Fatalf("version %d: the library is stuck", version)
	}
	return &l.understanding
}
