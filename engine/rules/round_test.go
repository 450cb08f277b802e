package rules

import (
	"fmt"
	"math"
	"testing"

	"gatewatch/conn/ib"
)

func TestOnStep(t *testing.T) {
	stocks := []ib.PriceStep{{From: 0, Step: 0.0001}, {From: 1, Step: 0.01}}
	tokyo := []ib.PriceStep{
		{From: 0, Step: 0.1},
		{From: 1000, Step: 0.5},
		{From: 3000, Step: 1},
		{From: 10000, Step: 5},
	}
	odd := []ib.PriceStep{{From: 0, Step: 0.3}, {From: 1, Step: 0.25}}
	for _, c := range []struct {
		v                float64
		tick             float64
		steps            []ib.PriceStep
		down, near, over float64
	}{
		{100.02, 0.05, nil, 100, 100, 100.05},
		{100.05, 0.05, nil, 100.05, 100.05, 100.05},
		{0.1 + 0.2, 0.1, nil, 0.3, 0.3, 0.3}, // which is a little more
		{0.7, 0.1, nil, 0.7, 0.7, 0.7},       // and 7 times 0.1 is
		{-1.02, 0.05, nil, -1.05, -1, -1},
		{100.001, 0, nil, 100.001, 100.001, 100.001},
		{100.001, -1, nil, 100.001, 100.001, 100.001},
		{100.001, math.NaN(), nil, 100.001, 100.001, 100.001},
		{math.Inf(1), 0.05, nil, math.Inf(1), math.Inf(1), math.Inf(1)},

		{0.12345, 0.0001, stocks, 0.1234, 0.1235, 0.1235},
		{230.5678, 0.0001, stocks, 230.56, 230.57, 230.57},
		{1.0049, 0.0001, stocks, 1, 1, 1.01},
		{0.99996, 0.0001, stocks, 0.9999, 1, 1},
		{1, 0.0001, stocks, 1, 1, 1},
		{0.9999999999, 0.0001, stocks, 1, 1, 1},
		{2990.3, 0.1, tokyo, 2990, 2990.5, 2990.5},
		{2999.8, 0.1, tokyo, 2999.5, 3000, 3000},
		{3000.4, 0.1, tokyo, 3000, 3000, 3001},
		{9999.6, 0.1, tokyo, 9999, 10000, 10000},
		{10002, 0.1, tokyo, 10000, 10000, 10005},
		{0.95, 0.25, odd, 0.9, 0.9, 1.25}, // 1.2 is none from 1 on
		{-37.63, 0.01, []ib.PriceStep{{From: 0, Step: 0.05}}, -37.65, -37.65, -37.6},
	} {
		r := &resolved{MinTick: c.tick, Steps: c.steps}
		got := fmt.Sprint(onStep(c.v, r, math.Floor), onStep(c.v, r, math.Round), onStep(c.v, r, math.Ceil))
		if want := fmt.Sprint(c.down, c.near, c.over); got != want {
			t.Errorf("%v: %s, want %s", c.v, got, want)
		}
	}
}
