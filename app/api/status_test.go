package api

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestRound(t *testing.T) {
	for in, want := range map[float64]float64{0: 0, 0.0004: 0, 0.0005: 0.001, 1.2345: 1.235, 90: 90, 11.4004: 11.4} {
		if got := round(in); math.Abs(got-want) > 1e-9 {
			t.Errorf("round(%v) = %v, want %v", in, got, want)
		}
	}
}

// TestAnswersOfThePast: what Gateway answered before is not shown while it does not answer: neither how fast nor what
// its clock said.
func TestAnswersOfThePast(t *testing.T) {
	st := Status{
		Gateway: Gateway{ServerVersion: 225}, Probe: Probe{RoundTripMillis: 1, ClockSkewSeconds: 5},
		Layers: Layers{Socket: true},
	}
	past := fmt.Sprint(detailsOf(&st, time.Now()))
	st.Layers.API, st.Unanswered = true, true // frozen a moment ago
	past += fmt.Sprint(detailsOf(&st, time.Now()))
	st.Unanswered = false
	now := fmt.Sprint(detailsOf(&st, time.Now()))
	for _, words := range []string{"answers in 1 ms", "5 s ahead of this one"} {
		if strings.Contains(past, words) {
			t.Errorf("shown while Gateway does not answer: %s", past)
		}
		if !strings.Contains(now, words) {
			t.Errorf("not shown while it answers: %s", now)
		}
	}
}
