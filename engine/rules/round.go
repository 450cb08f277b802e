package rules

import (
	"math"
	"strconv"

	"gatewatch/conn"
)

// onStep rounds a price to one that a contract can have. Its steps are in order; which one counts depends on the price. Where they are
// not known, its least step does.
func onStep(v float64, c *resolved, round func(float64) float64) float64 {
	steps := c.Steps
	if len(steps) == 0 {
		if !(c.MinTick > 0) {
			return v
		}
		steps = []conn.PriceStep{{Step: c.MinTick}}
	}
	for range steps { // rounding may lead to a price that has another step
		step := stepAt(v, steps)
		n := v / step
		if near := math.Round(n); math.Abs(n-near) < 1e-6 {
			n = near // it is one already, but for the last bits
		}
		if v = decimal(round(n) * step); stepAt(v, steps) == step {
			break
		}
	}
	return v
}

// stepAt returns the step at a price. A price below all of them has the first step.
func stepAt(v float64, steps []conn.PriceStep) float64 {
	step := steps[0].Step
	for _, s := range steps[1:] {
		if v >= s.From-s.Step*1e-6 {
			step = s.Step
		}
	}
	return step
}

// decimal leaves out the last bits that a multiplication leaves behind.
func decimal(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 10, 64), 64)
	if err != nil {
		return v // infinite, which is refused further on
	}
	return rounded
}
