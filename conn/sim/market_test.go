package sim

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

func startMarket(t *testing.T, cfg Config) *Gateway {
	t.Helper()
	cfg.TickRate = max(cfg.TickRate, 0.001)
	g, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// frames splits what was written into payloads.
func frames(t *testing.T, b []byte) (list [][]byte) {
	t.Helper()
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b))
		list = append(list, b[4:4+n])
		b = b[4+n:]
	}
	return list
}

// TestTickWire compares ticks that are written field by field with the library's messages.
func TestTickWire(t *testing.T) {
	for version, want := range map[int][]string{
		176: {"1|6|-7|66|0.05|300|0|", "2|6|-7|74|0|", "46|6|-7|45|1765|"},
		202: {"\x00\x00\x00\x016|-7|66|0.05|300|0|", "\x00\x00\x00\x026|-7|74|0|", "\x00\x00\x00\x2e6|-7|45|1765|"},
	} {
		w := tickWriter{textWriter{version: version}}
		w.tickPrice(-7, 66, 0.05, 300)
		w.tickSize(-7, 74, 0)
		w.tickString(-7, 45, "1765")
		for i, f := range frames(t, w.b) {
			if got := strings.ReplaceAll(string(f), "\x00", "|"); got != strings.ReplaceAll(want[i], "\x00", "|") {
				t.Errorf("version %d: %q, want %q", version, got, want[i])
			}
		}
	}
	w := tickWriter{textWriter{version: 225}}
	w.tickPrice(-7, 66, 0.05, 300)
	w.tickSize(-7, 74, 0)
	w.tickString(-7, 45, "1765")
	id := proto.Int32(-7)
	for i, want := range []proto.Message{
		&protobuf.TickPrice{
			ReqId: id, TickType: proto.Int32(66), Price: new(0.05), Size: new("300"),
			AttrMask: proto.Int32(0),
		},
		&protobuf.TickSize{ReqId: id, TickType: proto.Int32(74), Size: new("0")},
		&protobuf.TickString{ReqId: id, TickType: proto.Int32(45), Value: new("1765")},
	} {
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		head := binary.BigEndian.AppendUint32(nil, uint32([]int{201, 202, 246}[i]))
		if got := frames(t, w.b)[i]; !bytes.Equal(got, append(head, body...)) {
			t.Errorf("%T: % x, want % x", want, got, body)
		}
	}
}

// TestSeed has two gateways with one seed agree on every step of every market, and one with another seed not.
func TestSeed(t *testing.T) {
	one, same, other := startMarket(t, Config{Seed: 5}), startMarket(t, Config{Seed: 5}),
		startMarket(t, Config{Seed: 6})
	differ := 0
	for i, q := range one.quotes {
		w, v, o := q.course(leg{factor: 1}), same.quotes[i].course(leg{factor: 1}),
			other.quotes[i].course(leg{factor: 1})
		for step := int64(-50); step < 50; step++ {
			m := w.at(q.walk, step)
			if n := v.at(same.quotes[i].walk, step); n != m {
				t.Fatalf("%s at step %d: %+v and %+v", q.in.label(), step, m, n)
			}
			if o.at(other.quotes[i].walk, step) != m {
				differ++
			}
			if m.ask <= m.bid || m.last != m.bid && m.last != m.ask || m.bidSize < 100 || m.lastSize < 1 {
				t.Fatalf("%s at step %d: %+v", q.in.label(), step, m)
			}
		}
	}
	if differ < 2000 {
		t.Errorf("with another seed, only %d steps differ", differ)
	}
}

// TestDayValues follows the values of a day through trades and over midnight.
func TestDayValues(t *testing.T) {
	g := startMarket(t, Config{TickRate: 0.01})
	q := g.quotes[0]
	s := &subscription{reqID: 1, q: q, walk: *q.walk, high: q.last, low: q.last, day: q.day.from}
	read := func(from, to int64) map[int32][]float64 {
		w, f := tickWriter{textWriter{version: 225}}, s.feed(0)
		for step := from; step < to; step++ {
			f.next(&w, step, time.Now())
		}
		got := map[int32][]float64{}
		for _, b := range frames(t, w.b) {
			var p protobuf.TickPrice
			var v protobuf.TickSize
			switch binary.BigEndian.Uint32(b) {
			case 201:
				_ = proto.Unmarshal(b[4:], &p)
				got[p.GetTickType()] = append(got[p.GetTickType()], p.GetPrice())
			case 202:
				_ = proto.Unmarshal(b[4:], &v)
				got[v.GetTickType()] = append(got[v.GetTickType()], float64(len(v.GetSize())))
			}
		}
		return got
	}
	got := read(1, 3000)
	high, low := q.last, q.last
	for _, last := range got[tickLast] {
		high, low = max(high, last), min(low, last)
	}
	if h, l := got[tickHigh], got[tickLow]; len(h) == 0 || len(l) == 0 || h[len(h)-1] != high || l[len(l)-1] != low {
		t.Errorf("highs %v, lows %v; want the last ones %v and %v", h, l, high, low)
	}
	if len(got[tickVolume]) != len(got[tickLast]) || len(got[tickOpen])+len(got[tickClose]) > 0 {
		t.Errorf("%d volumes, %d trades, opens %v, closes %v", len(got[tickVolume]), len(got[tickLast]), got[tickOpen],
			got[tickClose])
	}
	q.beginDay(3000, 3000)
	if got = read(3000, 3001); len(got[tickOpen]) != 1 || len(got[tickClose]) != 1 || got[tickOpen][0] != q.day.open ||
		got[tickClose][0] != q.momentAt(2999).last {
		t.Errorf("a new day begins with %v, want open %v", got, q.day.open)
	}
	if v := q.momentAt(3000).volume; v != 0 {
		t.Errorf("it begins with a volume of %d", v)
	}
}

// TestFullQueue has a client leave its answers unread: it is closed, and not one of them is left out before.
func TestFullQueue(t *testing.T) {
	g := startMarket(t, Config{})
	c := &conn{g: g, version: 225, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	c.closeOnce.Do(func() {}) // there is no socket
	g.mu.Lock()
	defer g.mu.Unlock()
	text := strings.Repeat("x", 1<<20)
	for i := range 100 {
		c.sendLocked(g.errorMessage(1, 1, text))
		if c.refused {
			if want := maxQueue>>20 - 1; i < want {
				t.Errorf("closed with %d MiB unread, want %d", i, want)
			}
			if g.rejected[reasonSlowClient] != 1 {
				t.Errorf("counted %v", g.rejected)
			}
			return
		}
	}
	t.Error("100 MiB wait for a client")
}

// TestBehind makes the ticks of clients that are far behind: bounded in number, and the last ones the present.
func TestBehind(t *testing.T) {
	g := startMarket(t, Config{TickRate: 100_000})
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range []int{1, 10} {
		var feeds []feed
		for i, q := range g.quotes[:n] {
			s := &subscription{reqID: int32(i), q: q, walk: *q.walk, day: q.day.from, step: 5}
			feeds = append(feeds, s.feed(0))
		}
		const now = 10_000_000
		before := g.ticks.Load()
		b := g.appendTicks(nil, 225, feeds, maxTicks, now, time.Now())
		if made := g.ticks.Load() - before; made > maxTicks || made < maxTicks/2 {
			t.Errorf("%d symbols: %d ticks", n, made)
		}
		want := map[int32]moment{}
		for _, f := range feeds {
			want[f.s.reqID] = f.course.at(&f.s.walk, now)
			if f.s.step != now {
				t.Errorf("the next ticks begin at step %d", f.s.step)
			}
		}
		for _, f := range frames(t, b) {
			var p protobuf.TickPrice
			if binary.BigEndian.Uint32(f) == 201 && proto.Unmarshal(f[4:], &p) == nil && p.GetTickType() == tickBid {
				if m, ok := want[p.GetReqId()]; ok && m.bid == p.GetPrice() {
					delete(want, p.GetReqId())
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("%d of %d symbols do not end at the present bid", len(want), n)
		}
	}
}
