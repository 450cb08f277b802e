package sim_test

import (
	"net"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// TestSpeed has the clock, the ticks, the scripts and the limits of a gateway run 200 times as fast.
func TestSpeed(t *testing.T) {
	const speed = 200
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, Speed: speed, TickRate: 1, Script: "at 1m notice code=354"})
	w := ready(t, g, 176, 1)
	w.subscribe(1, "AAPL")
	w.errorCode(354) // after 300 ms
	start := time.Now()
	first, err := w.currentTime(patience)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // 10 s if it did not follow the clock
		w.nextTick()
	}
	second, err := w.currentTime(patience)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start).Seconds()
	if passed := float64(second - first); passed < took*speed/2 || passed > took*speed*2+2 {
		t.Errorf("%v s passed in %.2f s", passed, took)
	}
	if took > 5 {
		t.Errorf("20 ticks took %.1f s", took)
	}
	begin := time.Now()
	g.Restart(20 * time.Second)
	_ = w.end()
	for {
		if c, err := net.Dial("tcp", g.Addr()); err == nil {
			_ = c.Close()
			break
		}
		if time.Since(begin) > patience {
			t.Fatal("the gateway is not back")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("a restart of 20 s took %v", d)
	}
	for _, bad := range []float64{-1, 0.001, 1e6} {
		if g, err := sim.Start(t.Context(), sim.Config{Speed: bad}); err == nil {
			_ = g.Close()
			t.Errorf("a speed of %v is taken", bad)
		}
	}
}
