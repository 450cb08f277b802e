package notice

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn"
)

func TestClockThatIsSet(t *testing.T) {
	w := &world{p: defaultPolicy()}
	w.play([]happening{{0, started}, {2 * s, connected}, {10 * m, lostNow}}, 10*m+s)
	// Back by an hour, two seconds into an outage.
	back := -h
	said, again := w.step(10*m+2*s+back, conn.Event{})
	if len(said) != 0 || again.Sub(begin) > 10*m+8*s+back {
		t.Fatalf("said %v, again %v", said, again.Sub(begin))
	}
	if said, _ = w.step(10*m+8*s+back, conn.Event{}); len(said) != 1 || said[0].n.Kind != Lost {
		t.Errorf("an outage after the clock was set back: %v", said)
	}
	// A sleep that the supervisor has not reported yet.
	w = &world{p: defaultPolicy()}
	w.play([]happening{{0, started}, {2 * s, connected}, {10 * m, lostNow}}, 10*m+s)
	if said, _ := w.step(8*h, conn.Event{}); len(said) != 0 {
		t.Errorf("reported right after a sleep: %v", said)
	}
	if said, _ := w.step(8*h+30*s, conn.Event{}); len(said) != 1 {
		t.Errorf("not reported after the grace: %v", said)
	}
}

func TestStepDoesNotChangeItsArgument(t *testing.T) {
	w := &world{p: defaultPolicy()}
	w.play(append([]happening{{0, started}, {2 * s, connected}}, flaps(m, 3, 2*s, 60*s)...), 10*m)
	before := slices.Clone(w.st.drops)
	st := w.st
	for range 3 {
		w.st = st
		w.step(11*m, lostNow)
		w.step(12*m, connected)
	}
	if !slices.Equal(st.drops, before) {
		t.Errorf("drops %v, before %v", st.drops, before)
	}
}

// TestInvariants plays random but possible stories.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			events  []happening
			at      time.Duration
			up      bool
			far     bool
			pausing bool
			window  bool
		)
		state := func() conn.State {
			switch {
			case pausing:
				return conn.Paused
			case up && far:
				return conn.UpstreamLost
			case up:
				return rapid.SampledFrom([]conn.State{conn.Connected, conn.Degraded}).Draw(t, "state")
			case window:
				return conn.ResetWindow
			}
			return conn.Reconnecting
		}
		send := func(kind conn.EventKind) { events = append(events, happening{at, ev(kind, state())}) }
		send(conn.EventStarted)
		var windows [][2]time.Duration
		for range rapid.IntRange(1, 120).Draw(t, "length") {
			at += time.Duration(rapid.SampledFrom([]int64{
				0, 1, 900, 3000, 5000, 9000, 11000, 40000, 150000, 700000,
				4000000,
			}).Draw(t, "wait")) * time.Millisecond
			switch rapid.SampledFrom([]string{
				"turn", "turn", "turn", "turn", "far", "far", "window", "pause", "wake",
				"fail", "farm", "competing",
			}).Draw(t, "what") {
			case "turn":
				if pausing {
					break
				}
				if up = !up; up {
					far = false
					send(conn.EventConnected)
				} else {
					send(conn.EventLost)
				}
			case "far":
				if !up {
					break
				}
				if far = !far; far {
					send(conn.EventUpstreamLost)
				} else {
					send(conn.EventUpstreamRestored)
				}
			case "window":
				if window = !window; window {
					windows = append(windows, [2]time.Duration{at, 1 << 62})
					send(conn.EventWindowStarted)
				} else {
					windows[len(windows)-1][1] = at
					send(conn.EventWindowEnded)
				}
			case "pause":
				if pausing = !pausing; pausing {
					up = false
					send(conn.EventPaused)
				} else {
					send(conn.EventResumed)
				}
			case "wake":
				send(conn.EventWoke)
			case "fail":
				if !up && !pausing {
					send(conn.EventAttemptFailed)
				}
			case "farm":
				send(conn.EventFarm)
			case "competing":
				if up {
					send([]conn.EventKind{conn.EventCompeting, conn.EventOrdersBlocked}[len(events)%2])
				}
			}
		}
		mutedFrom := time.Duration(rapid.Int64Range(-1, int64(at)).Draw(t, "muted from"))
		mutedTo := mutedFrom + time.Duration(rapid.Int64Range(0, int64(2*h)).Draw(t, "muted for"))
		w := &world{p: defaultPolicy(), muted: func(at time.Duration) time.Duration {
			if at >= mutedFrom && at < mutedTo {
				return mutedTo
			}
			return 0
		}}
		w.check = func(now, again time.Time, st State) {
			switch {
			case !again.IsZero() && !again.After(now):
				t.Fatalf("at %v it wants to be called at %v", now.Sub(begin), again.Sub(begin))
			case st.open && again.IsZero():
				t.Fatalf("at %v an incident is open and it never wants to be called", now.Sub(begin))
			case st.open && again.Sub(now) > longestWait || again.Sub(now) > longestRest:
				t.Fatalf("at %v it wants to be called as late as %v", now.Sub(begin), again.Sub(begin))
			}
		}
		all := w.play(events, at+24*h)
		count := map[int]map[Kind]int{}
		open := 0 // number of the incident that has been reported and not ended
		for _, n := range all {
			for _, win := range windows {
				if n.at >= win[0] && n.at < win[1] && !(n.at == win[0]) && n.n.Kind != Paused {
					t.Fatalf("%v within the reset window %v", n, win)
				}
			}
			if n.at >= mutedFrom && n.at < mutedTo {
				t.Fatalf("%v while muted from %v to %v", n, mutedFrom, mutedTo)
			}
			if n.n.Title == "" || n.n.Body == "" || n.n.Key == "" {
				t.Fatalf("%v says nothing: %+v", n, n.n)
			}
			i := n.n.Incident
			if count[i] == nil {
				count[i] = map[Kind]int{}
			}
			count[i][n.n.Kind]++
			switch n.n.Kind {
			case Lost:
				if count[i][Lost] > 1 || count[i][Back] > 0 {
					t.Fatalf("%v again, or after its end: %v", n, all)
				}
				open = i
			case Back:
				if open != i || count[i][Lost] != 1 || count[i][Back] != 1 {
					t.Fatalf("%v without having been lost: %v", n, all)
				}
				open = 0
			case Unstable:
				if count[i][Unstable] > 1 {
					t.Fatalf("%v again: %v", n, all)
				}
				open = i
			case Digest:
				if open != 0 && open != i {
					t.Fatalf("%v of another incident than %d", n, open)
				}
				open = i
			case Paused:
				if open != i {
					t.Fatalf("%v without having been reported: %v", n, all)
				}
				open = 0
			case Calm:
				if open != i {
					t.Fatalf("%v without having been reported: %v", n, all)
				}
				open = 0
			}
		}
		// An outage that is not over, not in a window and not muted has been reported in the end.
		if !up && !pausing && !window && open == 0 {
			t.Fatalf("down at the end and nobody knows: %v", all)
		}
		if far && up && !window && open == 0 {
			t.Fatalf("IBKR unreachable at the end and nobody knows: %v", all)
		}
		if (up && !far && !window || pausing) && open != 0 {
			t.Fatalf("up or paused at the end, and still reported as lost: %v", all)
		}
	})
}
