package conn

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type rapidChooser struct{ *rapid.T }

func (r rapidChooser) pick(n int) int { return rapid.IntRange(0, n-1).Draw(r.T, "pick") }
func (r rapidChooser) more() bool     { return true }

type randChooser struct{ *rand.Rand }

func (r randChooser) pick(n int) int { return r.IntN(n) }
func (r randChooser) more() bool     { return true }

func TestNextKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		newWorld(r, rapidChooser{r}).liveThrough(150)
	})
}

// TestMonthsOfFaults is the same over a long time, without the shrinking that rapid's bookkeeping is for.
func TestMonthsOfFaults(t *testing.T) {
	turns := 60_000
	if testing.Short() || raceEnabled { // one goroutine alone
		turns /= 10
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, randChooser{rand.New(rand.NewPCG(1, seed))})
	w.liveThrough(turns)
	t.Logf("%d steps over %v: %d attempts, %d connections, %d losses", w.steps, w.mono.Round(time.Hour), w.dials,
		w.connects, w.losses)
}
