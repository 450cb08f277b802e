package ib

import (
	"math"
	"testing"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// quoted sends ticks and returns what arrives, with At left out.
func quoted(t *testing.T, version int, send func(p *ibtest.Peer)) []Tick {
	t.Helper()
	g := ibtest.NewScripted(t, version)
	s := signOn(t, g.Port())
	send(g.Peer())
	g.Peer().Send(ibtest.TickPrice(marketBase+999, 1, 1)) // shows that what came before has been heard
	var list []Tick
	ibtest.Eventually(t, "ticks", func() bool {
		list = s.Ticks().Take(list)
		return len(list) > 0 && list[len(list)-1].Request == 999
	})
	for i := range list {
		list[i].At = 0
	}
	return list[:len(list)-1]
}

// TestPricesThatAreNone has every way in which Gateway writes that there is no price.
func TestPricesThatAreNone(t *testing.T) {
	for _, v := range ibtest.Versions {
		for price, want := range map[float64]float64{
			230.5: 230.5, -37.63: -37.63, 0.0001: 0.0001, // oil was sold for less than nothing
			-1: 0, 0: 0, math.MaxFloat64: 0, -math.MaxFloat64: 0, math.Inf(1): 0, math.Inf(-1): 0, math.NaN(): 0,
		} {
			list := quoted(t, v, func(p *ibtest.Peer) { p.Send(ibtest.TickPrice(marketBase+1, 1, price)) })
			if len(list) == 0 || list[0].Field != Bid || list[0].Value != want {
				t.Errorf("version %d, %v: %+v, want %v", v, price, list, want)
			}
		}
		for _, c := range []struct {
			kind  int
			price float64
			size  string
			want  float64
		}{
			{1, -100, "0", 0}, {2, -100, "0", 0}, {4, -100, "0", 0}, {66, -10, "0", 0}, // -1, magnified
			{1, -100, "3", -100}, {4, -37.63, "0", -37.63}, {4, -100, "1", -100}, {1, 230.5, "0", 230.5},
		} {
			list := quoted(t, v, func(p *ibtest.Peer) {
				p.Send(ibtest.ProtoMessage(wire.MsgTickPrice, marketBase+1, c.kind, c.price, c.size, 0))
			})
			if len(list) != 2 || list[0].Value != c.want {
				t.Errorf("version %d: %+v: %+v", v, c, list)
			}
		}
	}
}

// TestDataKindChanges has the data of one subscription become frozen, delayed and live again, and that of another stay
// live.
func TestDataKindChanges(t *testing.T) {
	for _, v := range ibtest.Versions {
		for _, c := range []struct {
			types        []int
			delayed, old bool
			told         bool // that the kind has changed
		}{
			{nil, false, false, false},
			{[]int{1}, false, false, false},
			{[]int{2}, false, true, true},
			{[]int{3}, true, false, true},
			{[]int{4}, true, true, true},
			{[]int{2, 1}, false, false, true},
			{[]int{7}, false, true, true},
			{[]int{0}, false, true, true},
		} {
			list := quoted(t, v, func(p *ibtest.Peer) {
				for _, typ := range c.types {
					p.DataType(marketBase+1, typ)
				}
				p.Send(ibtest.TickPrice(marketBase+1, 2, 100), ibtest.TickPrice(marketBase+2, 2, 100))
			})
			told := false
			for _, k := range list {
				switch {
				case k.Field == DataKind:
					told = true
				case k.Request == 2 && (k.Delayed || k.Old), k.Request == 1 &&
					(k.Delayed != c.delayed || k.Old != c.old):
					t.Errorf("version %d, types %v: %+v", v, c.types, k)
				}
			}
			if told != c.told {
				t.Errorf("version %d, types %v: told of a change %v; %+v", v, c.types, told, list)
			}
		}
	}
}

// TestTimeOfTheLastPrice reads when the last price was traded.
func TestTimeOfTheLastPrice(t *testing.T) {
	at := time.Date(2026, 3, 6, 21, 0, 0, 0, time.UTC).Unix()
	for _, v := range ibtest.Versions {
		list := quoted(t, v, func(p *ibtest.Peer) {
			p.TickString(marketBase+1, 45, "1772830800")
			p.TickString(marketBase+2, 88, "1772830800")
			p.TickString(marketBase+3, 45, "soon")
			p.TickString(marketBase+3, 45, "")
			p.TickString(marketBase+3, 45, "-5")
			p.TickString(marketBase+3, 84, "NASDAQ")
		})
		want := []Tick{
			{Request: 1, Field: LastTime, Value: float64(at)},
			{Request: 2, Field: LastTime, Value: float64(at), Delayed: true},
		}
		if len(list) != 2 || list[0] != want[0] || list[1] != want[1] {
			t.Errorf("version %d: %+v", v, list)
		}
	}
}

// TestTicksAreApart checks that a value replaces one of the same field of the same subscription, and no other, also for
// request numbers that are never used.
func TestTicksAreApart(t *testing.T) {
	mail := newTicks()
	requests := []int64{1, 2, 256, 1 << 24, -1, -2, -256, math.MinInt32 - marketBase, 1<<31 - 1}
	for _, v := range []float64{1, 2} {
		for _, r := range requests {
			for f := Bid; f <= DataKind; f++ {
				mail.put(Tick{Request: r, Field: f, Value: v})
			}
		}
	}
	list := mail.Take(nil)
	if want := len(requests) * int(DataKind); len(list) != want {
		t.Errorf("%d values, want %d", len(list), want)
	}
	for _, k := range list {
		if k.Value != 2 {
			t.Errorf("%+v is not the newest", k)
		}
	}
}
