package sim_test

import (
	"testing"
	"time"

	"github.com/scmhub/ibapi/protobuf"

	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// TestSecondTimeRequest asks for the time twice within a second, and once more later.
func TestSecondTimeRequest(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := simtest.Start(t, sim.Config{Farms: []sim.Farm{}, TickRate: 0.001})
		w := ready(t, g, v, 1)
		w.alive()
		if _, err := w.currentTime(500 * time.Millisecond); err == nil {
			t.Errorf("version %d: the second time request within a second is answered", v)
		}
		time.Sleep(time.Second)
		w.alive()
		_ = g.Close()
	}
}

// TestLag has ticks and answers come late alike, in order, and at once when that ends.
func TestLag(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, ServerVersion: v, TickRate: 20})
		w := ready(t, g, v, 1)
		w.subscribe(1, "AAPL")
		w.next(1)
		const lag = 300 * time.Millisecond
		g.Lag(lag)
		begin := time.Now()
		w.alive()
		if took := time.Since(begin); took < lag {
			t.Errorf("version %d: an answer after %v", v, took)
		}
		w.next(1) // one that was made behind it
		if took := time.Since(begin); took < lag {
			t.Errorf("version %d: a tick after %v", v, took)
		}
		g.Lag(time.Hour)
		if _, err := w.currentTime(lag + 25*time.Millisecond); err == nil {
			t.Errorf("version %d: an answer, which lags by an hour", v)
		}
		g.Lag(0)
		if _, err := w.awaitTime(patience); err != nil {
			t.Errorf("version %d: %v", v, err)
		}
		w.alive()
	}
}

// TestTicksOnly has a session get market data and no answer.
func TestTicksOnly(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, ServerVersion: v, TickRate: 20})
		w := ready(t, g, v, 1)
		w.subscribe(1, "AAPL")
		w.next(1)
		g.TicksOnly(true)
		if v == 225 {
			w.sendProto(49, &protobuf.CurrentTimeRequest{})
		} else {
			w.send(49, 1)
		}
		for range 10 { // half a second
			b, err := w.frame(patience)
			if err != nil {
				t.Fatal(err)
			}
			if m := w.parse(b); m.id == 49 {
				t.Errorf("version %d: an answer", v)
			}
		}
		g.TicksOnly(false)
		w.alive()
	}
}
