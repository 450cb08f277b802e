package conn

import (
	"testing"
	"time"
)

// TestCompetingIsNotForEver has another session take the market data, and nobody ask for any afterwards.
func TestCompetingIsNotForEver(t *testing.T) {
	p := newPlay(nil)
	for i, r := range append(opening,
		row{in: onCode(10197), tell: "competing_session", state: Degraded},
		row{after: 9 * time.Minute, in: onCode(10197), state: Degraded}, // told again
		row{after: 9 * time.Minute, state: Degraded},
		row{after: 2 * time.Minute, state: Connected},
		row{in: onCode(10197), tell: "competing_session", state: Degraded},
	) {
		p.act(t, i, r)
	}
}
