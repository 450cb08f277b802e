package rules

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/ib"
)

// This file compares the whole way from the socket to 100 rules with the bare client library, whose callbacks do
// nothing. Both are given the same by the same gateway, in turns and in one run: what counts are the ratios.

const (
	comparedRules  = 100
	comparedStocks = 50
)

// bare is a client of the library.
type bare struct {
	ibapi.Wrapper
	client *ibapi.EClient
	lost   <-chan struct{}
	ready  chan struct{}
	see    func(kind int64, price float64)
}

func (c *bare) NextValidID(int64) { close(c.ready) }

func (c *bare) TickPrice(_ int64, kind ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	if c.see != nil {
		c.see(kind, price)
	}
}

// startBare connects a client and subscribes to so many stocks.
func startBare(b *testing.B, port, stocks int, see func(kind int64, price float64)) *bare {
	b.Helper()
	ibapi.SetLogLevel(7) // none
	c := &bare{ready: make(chan struct{}), see: see}
	c.client = ibapi.NewEClient(c)
	c.lost = c.client.Ctx().Done()
	if err := c.client.Connect("127.0.0.1", port, 18); err != nil {
		b.Fatal(err)
	}
	<-c.ready
	for i := range stocks {
		c.client.ReqMktData(int64(1+i),
			&ibapi.Contract{Symbol: symbol(i), SecType: "STK", Exchange: "SMART", Currency: "USD"}, "",
			false, false, nil)
	}
	return c
}

// startCompared connects everything, and waits until orders could leave.
func startCompared(b *testing.B, port, stocks int, see func(ib.Tick)) *stack {
	b.Helper()
	st := startWatched(b, b.TempDir(), port, many(comparedRules, stocks), see)
	awaitOpen(b, st, 0)
	return st
}

// awaitOpen waits for a session after the given one on which the guard is open.
func awaitOpen(b *testing.B, st *stack, after uint64) *ib.Session {
	b.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if s := st.sup.Session(); s != nil && s.Number() > after && s.Guard() == nil {
			return s
		}
		if time.Now().After(end) {
			b.Fatalf("the guard stays closed: %+v", *st.sup.Snapshot())
		}
	}
}

// stop ends what startCompared began, but for what is cleaned up.
func (st *stack) stop(b *testing.B) {
	if err := st.sup.Disconnect(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// priced is the frame of a price with its size, as Gateway sends it.
func priced(request, kind int64, price float64) []byte {
	return message(1, varint(1, request), varint(2, kind), double(3, price), letters(4, "300"), varint(5, 1))
}

// BenchmarkRateToLibrary sends ticks as fast as they are taken.
func BenchmarkRateToLibrary(b *testing.B) {
	var sent atomic.Int64
	feed := func(_ net.Conn, write func([]byte) error, requests []int64) {
		var ticks []byte
		n := 0
		for i := range 20 * len(requests) {
			ticks = append(ticks, priced(requests[i%len(requests)], []int64{1, 2, 4}[i%3], 90+float64(i%2000)/100)...)
			n++
		}
		for write(ticks) == nil {
			sent.Add(int64(n))
		}
	}
	const warm, window = 500 * time.Millisecond, 2 * time.Second
	measure := func() (ticks float64, allocations uint64) {
		for from := sent.Load(); sent.Load() == from; time.Sleep(time.Millisecond) {
			continue
		}
		time.Sleep(warm)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		from, began := sent.Load(), time.Now()
		time.Sleep(window)
		n := sent.Load() - from
		ticks = float64(n) / time.Since(began).Seconds()
		runtime.ReadMemStats(&after)
		return ticks, (after.Mallocs - before.Mallocs) * 1000 / uint64(max(1, n))
	}
	var ours, theirs, allocations float64
	n := 0
	for b.Loop() {
		h := newFeed(b, comparedStocks, feed)
		st := startCompared(b, h.port(), comparedStocks, nil)
		rate, allocated := measure()
		ours, allocations = ours+rate, allocations+float64(allocated)/1000
		if evaluated := st.eng.Counts().Evaluated; evaluated < 1000 {
			b.Fatalf("%d ticks have come to the rules", evaluated)
		}
		st.stop(b)
		c := startBare(b, h.port(), comparedStocks, nil)
		rate, _ = measure()
		theirs += rate
		h.ln.Close()
		go c.client.Disconnect() // in a flood it may wait for ever: its reader for its decoder, which has ended
		n++
	}
	b.ReportMetric(ours/float64(n), "ticks/s")
	b.ReportMetric(theirs/float64(n), "bare-ticks/s")
	b.ReportMetric(ours/theirs, "ratio")
	b.ReportMetric(allocations/float64(n), "allocs/tick")
	b.ReportMetric(0, "ns/op")
}

// samples are times that something took.
type samples struct {
	mu   sync.Mutex
	list []time.Duration
}

func (s *samples) add(d time.Duration) {
	s.mu.Lock()
	s.list = append(s.list, d)
	s.mu.Unlock()
}

func (s *samples) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

// quantile returns what so many percent took at most, in microseconds.
func (s *samples) quantile(percent int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.list)
	return float64(s.list[min(len(s.list)-1, len(s.list)*percent/100)].Nanoseconds()) / 1000
}

// report reports quantiles of both, and their ratios.
func report(b *testing.B, ours, theirs *samples, percents ...int) {
	for _, p := range percents {
		b.ReportMetric(ours.quantile(p), fmt.Sprintf("µs-p%d", p))
		b.ReportMetric(theirs.quantile(p), fmt.Sprintf("bare-µs-p%d", p))
		b.ReportMetric(ours.quantile(p)/theirs.quantile(p), fmt.Sprintf("ratio-p%d", p))
	}
	b.ReportMetric(0, "ns/op")
}

// stamp is what a price of [stamped] counts in, above 90, so that it triggers no rule.
const stamp = 1e-12

// stamped returns a price that says how many nanoseconds have passed since a moment.
func stamped(since time.Time) float64 { return 90 + float64(time.Since(since).Nanoseconds())*stamp }

// age returns how old a price is.
func age(since time.Time, price float64) time.Duration {
	return time.Since(since) - time.Duration((price-90)/stamp)
}

// BenchmarkLatencyToLibrary sends a tick each millisecond, in turns to the rules and to a callback of the library, and
// measures from the moment before it is written.
func BenchmarkLatencyToLibrary(b *testing.B) {
	epoch := time.Now()
	writers := make(chan func(i int) error)
	over := make(chan struct{})
	h := newFeed(b, comparedStocks, func(_ net.Conn, write func([]byte) error, requests []int64) {
		writers <- func(i int) error {
			return write(priced(requests[i%len(requests)], ibapi.BID, stamped(epoch)))
		}
		<-over
	})
	defer close(over)
	var ours, theirs samples
	startCompared(b, h.port(), comparedStocks, func(t ib.Tick) {
		if t.Field == ib.Bid {
			ours.add(age(epoch, t.Value))
		}
	})
	first := <-writers
	c := startBare(b, h.port(), comparedStocks, func(kind int64, price float64) {
		if kind == ibapi.BID {
			theirs.add(age(epoch, price))
		}
	})
	second := <-writers
	const warm, each = 500, 2500
	send := func(from, to int) {
		for i := from; i < to; i++ {
			for _, write := range []func(int) error{first, second} {
				time.Sleep(500 * time.Microsecond)
				if err := write(i); err != nil {
					b.Fatal(err)
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	send(0, warm)
	ours.list, theirs.list = nil, nil
	for b.Loop() {
		send(0, each)
	}
	if n, m := ours.count(), theirs.count(); n < each*9/10 || m < each*9/10 {
		b.Fatalf("%d and %d ticks have come", n, m)
	}
	report(b, &ours, &theirs, 50, 99)
	_ = c.client.Disconnect()
}

// ending is a gateway that closes a connection when it is asked to.
type ending struct {
	*hose
	ask chan struct{}
	at  chan time.Time // the moment before
}

func newEnding(b *testing.B, stocks int, reset bool) *ending {
	e := &ending{ask: make(chan struct{}), at: make(chan time.Time)}
	e.hose = newFeed(b, stocks, func(c net.Conn, _ func([]byte) error, _ []int64) {
		<-e.ask
		if reset {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		now := time.Now()
		c.Close()
		e.at <- now
	})
	return e
}

// BenchmarkDropToLibrary measures from the moment before the gateway closes the connection to the closed guard, or to
// the end of the library's client.
func BenchmarkDropToLibrary(b *testing.B) {
	for _, reset := range []bool{false, true} {
		b.Run(map[bool]string{false: "close", true: "reset"}[reset], func(b *testing.B) {
			const stocks, settled = 5, 50 * time.Millisecond
			gateway, other := newEnding(b, stocks, reset), newEnding(b, stocks, reset)
			st := startCompared(b, gateway.port(), stocks, nil)
			session := st.sup.Session()
			var ours, theirs samples
			for b.Loop() {
				time.Sleep(settled)
				gateway.ask <- struct{}{}
				for <-session.Done(); session.Guard() == nil; {
					runtime.Gosched()
				}
				now := time.Now()
				ours.add(now.Sub(<-gateway.at))
				session = awaitOpen(b, st, session.Number())

				c := startBare(b, other.port(), stocks, nil)
				time.Sleep(settled)
				other.ask <- struct{}{}
				<-c.lost
				now = time.Now()
				theirs.add(now.Sub(<-other.at))
			}
			report(b, &ours, &theirs, 50)
		})
	}
}
