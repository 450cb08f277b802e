package ib

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// bareClient counts what the client library brings.
type bareClient struct {
	ibapi.Wrapper
	mail  *Ticks
	ready chan struct{}
	marks chan string
}

func (c *bareClient) NextValidID(int64) { close(c.ready) }

func (c *bareClient) Error(_, _, code int64, text, _ string) {
	if code == 399 {
		c.marks <- text
	}
}

func (c *bareClient) TickPrice(request int64, _ ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	c.mail.put(Tick{Request: request, Field: Bid, Value: price})
}

func (c *bareClient) TickSize(request int64, _ ibapi.TickType, size ibapi.Decimal) {
	c.mail.put(Tick{Request: request, Field: BidSize, Value: size.Float()})
}

func newBareClient(b *testing.B) (*bareClient, net.Conn) {
	ibapi.SetLogLevel(7) // none: it logs account data at info level
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		accepted <- c
		_, _ = io.ReadFull(c, make([]byte, len("API\x00")))
		_, _ = wire.ReadFrame(c)
		p := &ibtest.Peer{Conn: c, Version: 225}
		p.Send(ibtest.TextFrame("225", "20261123"))
		_, _ = wire.ReadFrame(c)
		p.Login("DU1")
		_, _ = io.Copy(io.Discard, c)
	}()
	c := &bareClient{mail: newTicks(), ready: make(chan struct{}), marks: make(chan string, 10)}
	if err := ibapi.NewEClient(c).Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, 1); err != nil {
		b.Fatal(err)
	}
	<-c.ready
	gateway := <-accepted
	b.Cleanup(func() { gateway.Close() })
	return c, gateway
}

// BenchmarkTicks sends the same batches through a session and through the bare library, in turns.
func BenchmarkTicks(b *testing.B) {
	const batch = 10_000
	var frames []byte
	for i := range batch {
		frames = append(frames, ibtest.ProtoMessage(1, marketBase+1+i%50, 1, float64(i)/100, "300", 0)...)
	}
	ours := newOnline(b)
	bare, gateway := newBareClient(b)
	var through, direct time.Duration
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		ours.Send(frames)
		ours.Code(399, "mark")
		<-ours.said
		through += time.Since(begin)
		begin = time.Now()
		_, _ = gateway.Write(frames)
		(&ibtest.Peer{Conn: gateway}).Code(399, "mark")
		<-bare.marks
		direct += time.Since(begin)
		n++
	}
	if got, _ := ours.s.ticks.Counts(); got != uint64(2*batch*n) {
		b.Errorf("%d values of %d ticks", got, batch*n)
	}
	b.ReportMetric(float64(batch*n)/through.Seconds(), "ticks/s")
	b.ReportMetric(float64(batch*n)/direct.Seconds(), "bare-ticks/s")
	b.ReportMetric(direct.Seconds()/through.Seconds(), "ratio")
}
