package sim_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

var symbols = []string{"AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOG", "META", "QQQ", "BA"}

// readTicks counts price ticks until count have come.
func readTicks(t testing.TB, r *bufio.Reader, count int) {
	var head [8]byte
	for count > 0 {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 4); err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint32(head[4:]) == 201 {
			count--
		}
	}
}

func TestTickRate(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, TickRate: 500})
	w := ready(t, g, 225, 1)
	for i, s := range symbols {
		w.subscribe(int32(i), s)
	}
	_ = w.tcp.SetReadDeadline(time.Now().Add(patience))
	r := bufio.NewReader(w.tcp)
	readTicks(t, r, 7*len(symbols)) // the first quotes
	start := time.Now()
	readTicks(t, r, 2000)
	if d := time.Since(start); d < 300*time.Millisecond || d > 2500*time.Millisecond {
		t.Errorf("2000 ticks at 5000 per second took %v", d)
	}
}

// BenchmarkTicks is the highest rate a reader of one connection gets from ten symbols; an op is one tick.
func BenchmarkTicks(b *testing.B) {
	g := startSim(b, sim.Config{Farms: []sim.Farm{}, TickRate: 1e5})
	w := ready(b, g, 225, 1)
	for i, s := range symbols {
		w.subscribe(int32(i), s)
	}
	_ = w.tcp.SetReadDeadline(time.Time{})
	r := bufio.NewReaderSize(w.tcp, 1<<16)
	b.ReportAllocs()
	start := time.Now()
	for b.Loop() {
		readTicks(b, r, 1)
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "ticks/s")
}
