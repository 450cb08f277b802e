package port

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPaceBounds: no second has more messages than it may have, also for a gateway that reads some of them a tenth of a
// second late, and a program that always has something to send gets its share.
func TestPaceBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, busy := range []bool{true, false} {
		var p pace
		now := time.Unix(1000, 0)
		var left []time.Time
		for len(left) < 1000 {
			if !busy && random.IntN(60) == 0 {
				now = now.Add(time.Duration(random.IntN(1500)) * time.Millisecond)
			}
			if wait := p.wait(now); wait > 0 {
				now = now.Add(wait)
				continue
			}
			p.note(now)
			left = append(left, now)
		}
		for i, at := range left {
			sent, read := 0, 0
			for _, later := range left[i:] {
				if later.Sub(at) < time.Second {
					sent++
				}
				if later.Sub(at) < 1100*time.Millisecond {
					read++
				}
			}
			if sent > paceCount || read > 50 {
				t.Fatalf("%d messages in a second, %d in a tenth more", sent, read)
			}
		}
		if took := left[len(left)-1].Sub(left[0]); busy && took > 1000*time.Second/40 {
			t.Errorf("1000 messages took %v", took)
		}
	}
}
