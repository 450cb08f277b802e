package port_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatewatch/conn/port"
	"gatewatch/conn/wire"

	"github.com/scmhub/ibapi"
)

// echo is a gateway that answers each request for the time at once, and sends ticks when it is asked to.
type echo struct {
	l     net.Listener
	wg    sync.WaitGroup
	peers chan net.Conn
}

func newEcho(b testing.TB) *echo {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	g := &echo{l: l, peers: make(chan net.Conn, 64)}
	g.wg.Go(func() {
		for {
			tcp, err := l.Accept()
			if err != nil {
				return
			}
			g.peers <- tcp
			g.wg.Go(func() { g.serve(tcp) })
		}
	})
	b.Cleanup(func() {
		l.Close()
		g.wg.Wait()
	})
	return g
}

func (g *echo) number() int { return g.l.Addr().(*net.TCPAddr).Port }

func (g *echo) serve(tcp net.Conn) {
	defer tcp.Close()
	var sign [4]byte
	if _, err := io.ReadFull(tcp, sign[:]); err != nil {
		return
	}
	in := wire.NewReader(tcp)
	if _, err := in.Greeting(); err != nil {
		return
	}
	reply, start := wire.BeginFrame(nil)
	_, _ = tcp.Write(wire.EndFrame(append(reply, "226\x0020261201 01:00:00 UTC\x00"...), start))
	ready := textFrame(226, 9, "1", "1")
	answer := frameOf([]byte{0, 0, 0, 249}, 8, 1)
	for {
		payload, err := in.Next()
		if err != nil {
			return
		}
		switch binary.BigEndian.Uint32(payload) {
		case 271:
			_, _ = tcp.Write(ready)
		case 249:
			_, _ = tcp.Write(answer)
		}
	}
}

// sides are a direct connection to a gateway and one through the port.
func sides(b *testing.B, g *echo) map[string]*raw {
	r := newRig(b, g.number(), func(c *port.Config) { c.Settings.Mode = port.Observe }) // without a pace
	return map[string]*raw{"direct": startRaw(b, g.number(), 226, 1), "port": startRaw(b, r.number, 226, 2)}
}

func percentile(list []time.Duration, share float64) time.Duration {
	return list[min(len(list)-1, int(share*float64(len(list))))]
}

// BenchmarkLatency measures a question and its answer directly and through the port in turn, and what the port adds.
func BenchmarkLatency(b *testing.B) {
	g := newEcho(b)
	both := sides(b, g)
	question := frameOf([]byte{0, 0, 0, 249})
	ask := func(c *raw) time.Duration {
		since := time.Now()
		if _, err := c.tcp.Write(question); err != nil {
			b.Fatal(err)
		}
		if _, err := c.in.Next(); err != nil {
			b.Fatal(err)
		}
		return time.Since(since)
	}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, c := range both {
			took[name] = append(took[name], ask(c))
		}
	}
	for _, list := range took {
		slices.Sort(list)
	}
	for _, p := range []struct {
		name  string
		share float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		added := percentile(took["port"], p.share) - percentile(took["direct"], p.share)
		b.ReportMetric(float64(added.Nanoseconds())/1000, "added-"+p.name+"-µs")
	}
	b.ReportMetric(float64(percentile(took["direct"], 0.5).Nanoseconds())/1000, "direct-p50-µs")
}

// BenchmarkOpenClosed measures how long after a change of the connection's snapshot the port is open, or closed. Each
// operation is one transition in each direction.
func BenchmarkOpenClosed(b *testing.B) {
	r := newRig(b, newTap(b, 176).port(), nil)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		took = append(took, r.lateness(b, false, transitions[i%len(transitions)]), r.lateness(b, true, usableAgain))
	}
	slices.Sort(took)
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
		b.ReportMetric(float64(percentile(took, share).Nanoseconds())/1e6, name+"-ms")
	}
}

// counter is a program that counts ticks.
type counter struct {
	ibapi.Wrapper
	ready chan struct{}
	ticks atomic.Int64
}

func (c *counter) NextValidID(int64)                                 { close(c.ready) }
func (c *counter) TickPrice(int64, int64, float64, ibapi.TickAttrib) { c.ticks.Add(1) }

var tickFrame = frameOf([]byte{0, 0, 0, 201}, 8, 1, 16, 4, 25, 0, 0, 0, 0, 0, 0, 89, 64, 34, 3, '1', '0', '0')

// BenchmarkThroughput measures how many ticks a second a program gets through the port, as a share of those that it
// gets directly.
func BenchmarkThroughput(b *testing.B) {
	g := newEcho(b)
	r := newRig(b, g.number(), nil)
	batch := bytes.Repeat(tickFrame, 1000)
	const rounds = 200
	speed := func(number int, client int64) float64 {
		c := &counter{ready: make(chan struct{})}
		e := ibapi.NewEClient(c)
		if err := e.Connect("127.0.0.1", number, client); err != nil {
			b.Fatal(err)
		}
		defer e.Disconnect()
		<-c.ready
		gateway := <-g.peers
		since := time.Now()
		for range rounds {
			if _, err := gateway.Write(batch); err != nil {
				b.Fatal(err)
			}
		}
		until(b, "all ticks came", func() bool { return c.ticks.Load() == rounds*1000 })
		return rounds * 1000 / time.Since(since).Seconds()
	}
	var direct, through float64
	for b.Loop() {
		direct += speed(g.number(), 1)
		through += speed(r.number, 2)
	}
	b.ReportMetric(through/direct, "of-direct")
	b.ReportMetric(through/float64(b.N), "ticks/s")
}

// BenchmarkPrograms measures the processor's share that the port adds for 32 programs that get 5 ticks a second of each
// of 100 lines, and the memory for each program, in which what the test itself needs for it is contained.
func BenchmarkPrograms(b *testing.B) {
	const programs = 32
	g := newEcho(b)
	r := newRig(b, g.number(), nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	through := feed(b, g, r.number, programs)
	until(b, "all are connected", func() bool { return len(r.saw(port.ClientConnected)) == programs })
	runtime.GC()
	runtime.ReadMemStats(&after)
	perProgram := float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse) / programs
	direct := feed(b, g, g.number(), programs)
	var added float64
	for b.Loop() {
		added += load(b, through) - load(b, direct)
	}
	b.ReportMetric(100*added/float64(b.N), "added-%-of-a-core")
	b.ReportMetric(perProgram/1000, "KB/program")
}

// feed connects programs to a port, and returns the gateway's ends of their connections.
func feed(b *testing.B, g *echo, number, programs int) (gateways []net.Conn) {
	for i := range programs {
		tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { tcp.Close() })
		_, _ = tcp.Write(append(hello("v100..226"), startFrame(226, int64(i))...))
		gateways = append(gateways, <-g.peers)
		go func() { _, _ = io.Copy(io.Discard, tcp) }()
	}
	return gateways
}

// load sends 500 ticks within a second to each program, ten at a time, and returns which share of a processor that
// took.
func load(b *testing.B, gateways []net.Conn) float64 {
	const batches = 50
	batch := bytes.Repeat(tickFrame, 10)
	used, since := cpuTime(), time.Now()
	for range batches {
		for _, gw := range gateways {
			if _, err := gw.Write(batch); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(time.Second / batches)
	}
	return (cpuTime() - used).Seconds() / time.Since(since).Seconds()
}

// BenchmarkForward measures the allocations for a message in each direction.
func BenchmarkForward(b *testing.B) {
	g := newEcho(b)
	c := sides(b, g)["port"]
	question := frameOf([]byte{0, 0, 0, 249})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.tcp.Write(question); err != nil {
			b.Fatal(err)
		}
		if _, err := c.in.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestForwardingAllocates nothing: what passes is in buffers that are used again.
func TestForwardingAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	g := newEcho(t)
	r := newRig(t, g.number(), func(c *port.Config) { c.Settings.Mode = port.Observe })
	c := startRaw(t, r.number, 226, 2)
	question := frameOf([]byte{0, 0, 0, 249})
	if runtime.GOOS == "linux" { // looking for the program allocates
		until(t, "the program is known", func() bool { return r.Clients()[0].PID != 0 })
	}
	answer := make([]byte, len(question)+2)
	_ = c.tcp.SetReadDeadline(time.Time{})
	n := testing.AllocsPerRun(2000, func() {
		_, _ = c.tcp.Write(question)
		_, _ = io.ReadFull(c.tcp, answer)
	})
	if n >= 1 {
		t.Errorf("%v allocations for a message and its answer", n)
	}
	if !strings.HasPrefix(string(answer[4:]), "\x00\x00\x00\xf9") {
		t.Errorf("%q", answer)
	}
}
