package notice

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestPolicy(t *testing.T) {
	up := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(up), h...) }
	for _, c := range []struct {
		name   string
		events []happening
		end    time.Duration
		after  time.Duration
		muted  func(at time.Duration) time.Duration
		want   []string
	}{
		{name: "nothing happens", events: up, end: 24 * h},
		{
			name: "an outage", events: after(happening{m, lostNow}, happening{m + 252*s, connected}), end: h,
			want: []string{"1m5s lost #2", "5m22s back #2"},
		},
		{name: "too short to report", events: after(happening{m, lostNow}, happening{
			m + 4900*time.Millisecond,
			connected,
		}), end: h},
		{
			name: "a longer limit", after: 2 * m, events: after(happening{m, lostNow}, happening{m + 90*s, connected},
				happening{10 * m, lostNow}), end: h,
			want: []string{"12m0s lost #3"},
		},
		{
			name: "failed attempts are no news", events: after(happening{m, lostNow}, happening{m + s, failed},
				happening{m + 20*s, failed}, happening{m + 40*s, failed}), end: 12 * h,
			want: []string{"1m5s lost #2"},
		},
		{
			name: "it comes and goes, and is one incident",
			events: after(happening{m, lostNow}, happening{m + 20*s, connected}, happening{m + 29*s, lostNow},
				happening{m + 50*s, connected}), end: h,
			want: []string{"1m5s lost #2", "2m0s back #2"},
		},
		{
			name: "stable for a while, then two incidents",
			events: after(happening{m, lostNow}, happening{m + 20*s, connected}, happening{m + 31*s, lostNow},
				happening{m + 50*s, connected}), end: h,
			want: []string{"1m5s lost #2", "1m30s back #2", "1m36s lost #3", "2m0s back #3"},
		},
		{
			name: "back, and then silent: not stable before Gateway answers",
			events: after(happening{m, lostNow}, happening{m + 20*s, connected}, happening{m + 28*s, silent},
				happening{m + 33*s, ev(conn.EventAnswered, conn.Connected)}), end: h,
			want: []string{"1m5s lost #2", "1m33s back #2"},
		},
		{
			name: "back, silent, and lost again",
			events: after(happening{m, lostNow}, happening{m + 20*s, connected}, happening{m + 28*s, silent},
				happening{m + 38*s, lostNow}, happening{2 * m, connected}), end: h,
			want: []string{"1m5s lost #2", "2m10s back #2"},
		},
		{
			name: "silent for long while it was unstable",
			events: after(append(flaps(m, 4, 2*s, 60*s), happening{6 * m, silent},
				happening{20 * m, ev(conn.EventAnswered, conn.Connected)})...), end: 2 * h,
			want: []string{"4m6s unstable #5", "20m0s calm #5"},
		},
		{
			name: "upstream", events: after(happening{m, farAway}, happening{2 * m, farBack}), end: h,
			want: []string{"1m5s lost #2", "2m10s back #2"},
		},
		{
			name: "upstream, then the socket", events: after(happening{m, farAway}, happening{m + 30*s, lostNow},
				happening{2 * m, connected}), end: h,
			want: []string{"1m5s lost #2", "2m10s back #2"},
		},
		{name: "a farm is no outage", events: after(happening{m, farmDown}), end: h},

		{
			name: "no connection at the start", events: []happening{
				{0, started},
				{s, failed},
				{20 * s, failed},
				{2 * m, connected},
			}, end: h,
			want: []string{"30s lost #1", "2m10s back #1"},
		},
		{name: "grace after the start", events: []happening{{0, started}, {s, failed}, {25 * s, connected}}, end: h},
		{
			name:   "the first connection ends the grace",
			events: []happening{{0, started}, {2 * s, connected}, {5 * s, lostNow}, {29 * s, connected}}, end: h,
			want: []string{"10s lost #1", "39s back #1"},
		},
		{name: "grace after a wake", events: after(happening{h, woke}, happening{h + 8*s, lostNow},
			happening{h + 29*s, connected}), end: 2 * h},
		{
			name: "a wake, and it does not come back", events: after(happening{h, woke}, happening{h + 8*s, lostNow}),
			end:  2 * h,
			want: []string{"1h0m30s lost #2"},
		},

		{name: "paused by the user", events: after(happening{m, ev(conn.EventDisconnected, conn.Paused)},
			happening{m, paused}), end: 12 * h},
		{
			name: "paused while it is lost", events: after(happening{m, lostNow}, happening{2 * m, paused},
				happening{h, resumed}, happening{h + 5*s, connected}), end: 2 * h,
			want: []string{"1m5s lost #2", "2m0s paused #2"},
		},
		{name: "paused before that", events: after(happening{m, lostNow}, happening{m + s, paused}), end: 2 * h},
		{
			name:   "paused while it is unstable",
			events: after(append(flaps(m, 4, 2*s, 60*s), happening{6 * m, paused})...), end: 2 * h,
			want: []string{"4m6s unstable #5", "6m0s paused #5"},
		},
		{
			name: "paused while it is unstable, in the reset window",
			events: after(append(flaps(m, 4, 2*s, 60*s), happening{5*m + s, windowOpens}, happening{6 * m, paused},
				happening{h, ev(conn.EventWindowEnded, conn.Paused)})...), end: 2 * h,
			want: []string{"4m6s unstable #5", "6m0s paused #5"},
		},
		{
			name: "paused while it is unstable and muted, and resumed", muted: func(at time.Duration) time.Duration {
				if at > 5*m {
					return h
				}
				return 0
			}, events: after(append(flaps(m, 4, 2*s, 60*s), happening{6 * m, paused}, happening{7 * m, resumed},
				happening{8 * m, connected})...), end: 2 * h,
			want: []string{"4m6s unstable #5", "1h0m0s paused #5"},
		},
		{
			name: "unstable before the mute, stable in it", muted: func(at time.Duration) time.Duration {
				if at > 5*m {
					return h
				}
				return 0
			}, events: after(flaps(m, 4, 2*s, 60*s)...), end: 2 * h,
			want: []string{"4m6s unstable #5", "1h0m0s calm #5"},
		},
		{
			name: "resumed, and it does not come", events: after(happening{m, paused}, happening{h, resumed},
				happening{h + s, failed}), end: 2 * h,
			want: []string{"1h0m30s lost #2"},
		},
		{name: "new settings", events: after(happening{m, reconfigure}, happening{m + 2*s, connected}), end: h},
		{name: "the program ends", events: after(happening{m, lostNow}, happening{m + 2*s, stopped}), end: h},

		{name: "reset window", events: after(happening{h, windowOpens}, happening{h + 15*m, lostWithin},
			happening{h + 20*m, connected}, happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), end: 4 * h},
		{name: "back a minute after the reset window", events: after(happening{h, windowOpens},
			happening{h + 15*m, lostWithin}, happening{2 * h, windowEnds}, happening{2*h + m, connected}), end: 4 * h},
		{
			name: "still down two minutes after the reset window", events: after(happening{h, windowOpens},
				happening{h + 15*m, lostWithin}, happening{2 * h, windowEnds}, happening{3 * h, connected}), end: 4 * h,
			want: []string{"2h2m0s lost #2", "3h0m10s back #2"},
		},
		{
			name: "upstream lost through the reset window", events: after(happening{h, windowOpens},
				happening{h + 15*m, farAway}, happening{2 * h, ev(conn.EventWindowEnded, conn.UpstreamLost)}),
			end:  4 * h,
			want: []string{"2h2m0s lost #2"},
		},
		{name: "lost just before the reset window", events: after(happening{h - 3*s, lostNow},
			happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)}, happening{2 * h, windowEnds},
			happening{2*h + s, connected}), end: 4 * h},
		{
			name: "reported before the reset window, back in it", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)}, happening{h + 10*m, connected},
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h0m0s back #2"},
		},
		{
			name: "reported before the reset window, comes and goes in it", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
				happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{h + 40*m, connected},
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h0m0s back #2"},
		},
		{
			name: "reported before the reset window, down throughout", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)}, happening{2 * h, windowEnds},
				happening{2*h + m, connected}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h1m10s back #2"},
		},
		{
			name: "a new outage after the reset window is reported as ever", events: after(happening{h, windowOpens},
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}, happening{2*h + s, lostNow}), end: 4 * h,
			want: []string{"2h0m6s lost #2"},
		},
		{
			name: "started within the reset window", events: []happening{
				{0, started}, {0, ev(conn.EventWindowStarted, conn.ResetWindow)}, {h, windowEnds},
			}, end: 2 * h,
			want: []string{"1h2m0s lost #1"},
		},
		{
			name: "drops in the reset window are no storm",
			events: after(append(append([]happening{{h, windowOpens}}, flaps(h+s, 6, s, 20*s)...),
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)})...), end: 4 * h,
		},

		{
			name: "an outage within the reset window does not count for the next",
			events: after(happening{h, windowOpens}, happening{h + 15*m, lostWithin}, happening{h + 20*m, connected},
				happening{h + 50*m, lostWithin}, happening{2 * h, windowEnds}), end: 4 * h,
			want: []string{"2h2m0s lost #3"},
		},
		{
			name: "drops in the reset window do not count after it",
			events: after(append(append([]happening{{h, windowOpens}}, flaps(2*h-4*m, 3, s, 60*s)...),
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}, happening{2*h + m, lostNow},
				happening{2*h + m + 2*s, connected})...), end: 4 * h,
		},
		{
			name:   "drops right after a wake are no storm",
			events: after(append([]happening{{h, woke}}, flaps(h+s, 4, 2*s, 5*s)...)...), end: 4 * h,
		},

		{name: "three drops", events: after(flaps(m, 3, 2*s, 60*s)...), end: 2 * h},
		{name: "four drops in more than ten minutes", events: after(flaps(m, 4, 2*s, 199*s)...), end: 2 * h},
		{
			name: "four drops", events: after(flaps(m, 4, 2*s, 60*s)...), end: 2 * h,
			want: []string{"4m6s unstable #5", "14m8s calm #5"},
		},
		{
			name: "four drops, each reported", events: after(flaps(m, 4, 20*s, 60*s)...), end: 2 * h,
			want: []string{
				"1m5s lost #2", "1m30s back #2", "2m25s lost #3", "2m50s back #3", "3m45s lost #4",
				"4m10s back #4", "5m0s unstable #5", "15m20s calm #5",
			},
		},
		{
			name: "an hour of drops", events: after(flaps(m, 60, 10*s, 60*s)...), end: 3 * h,
			want: []string{
				"1m5s lost #2", "1m20s back #2", "2m15s lost #3", "2m30s back #3", "3m25s lost #4",
				"3m40s back #4", "4m30s unstable #5", "34m30s digest #5", "1h4m30s digest #5", "1h20m0s calm #5",
			},
		},
		{
			name: "drops that end in an outage", events: after(append(flaps(m, 4, 2*s, 60*s), happening{6 * m, lostNow},
				happening{h, connected})...), end: 3 * h,
			want: []string{"4m6s unstable #5", "11m0s lost #6", "1h0m10s back #6"},
		},
		{
			name:   "drops within one incident that was reported",
			events: after(append(flaps(m, 1, 20*s, 5*s), flaps(m+25*s, 3, s, 5*s)...)...), end: 3 * h,
			want: []string{"1m5s lost #2", "1m37s unstable #2", "11m38s calm #2"},
		},

		{name: "muted", muted: func(time.Duration) time.Duration {
			return 24 * h
		}, events: after(happening{m, lostNow}, happening{h, connected}, happening{2 * h, competing}), end: 23 * h},
		{name: "lost while muted, back after it", muted: func(time.Duration) time.Duration {
			return h
		}, events: after(happening{m, lostNow}, happening{h - 5*s, connected}), end: 3 * h},
		{
			name: "still down when the mute ends", muted: func(time.Duration) time.Duration {
				return h
			}, events: after(happening{m, lostNow}, happening{2 * h, connected}), end: 3 * h,
			want: []string{"1h0m0s lost #2", "2h0m10s back #2"},
		},
		{
			name: "lost before the mute, back in it", muted: func(at time.Duration) time.Duration {
				if at > 2*m {
					return h
				}
				return 0
			}, events: after(happening{m, lostNow}, happening{3 * m, connected}), end: 3 * h,
			want: []string{"1m5s lost #2", "1h0m0s back #2"},
		},
		{
			name: "unmuted early", muted: func(at time.Duration) time.Duration {
				if at < 10*m {
					return 24 * h
				}
				return 0
			}, events: after(happening{m, lostNow}), end: 3 * h,
			want: []string{"10m0s lost #2"},
		},
		{name: "four drops while muted", muted: func(time.Duration) time.Duration {
			return 20 * m
		}, events: after(flaps(m, 4, 2*s, 60*s)...), end: 2 * h},
		{
			name: "drops go on when the mute ends", muted: func(time.Duration) time.Duration {
				return 20 * m
			}, events: after(flaps(m, 40, 2*s, 60*s)...), end: 2 * h,
			want: []string{"20m0s unstable #5", "50m0s digest #5", "51m20s calm #5"},
		},

		{
			name: "competing session", events: after(happening{m, competing}, happening{h, competing},
				happening{30 * h, competing}), end: 31 * h,
			want: []string{"1m0s competing_session #0", "30h0m0s competing_session #0"},
		},
		{
			name: "reported before the reset window, back in it, and gone again after it",
			events: after(happening{h - m, lostNow}, happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
				happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{2 * h, windowEnds},
				happening{3 * h, connected}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h2m0s lost #3", "3h0m10s back #3"},
		},
		{name: "competing session in the reset window", events: after(happening{h, windowOpens},
			happening{h + m, competing}), end: 3 * h},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy(), muted: c.muted}
			if c.after != 0 {
				w.p.After = c.after
			}
			var got []string
			for _, n := range w.play(c.events, c.end) {
				got = append(got, n.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestBeforeTheFirstConnection: nothing is reported while Gatewatch looks for its first Gateway ever, not after a reset
// window or a pause either, and what follows is reported as always.
func TestBeforeTheFirstConnection(t *testing.T) {
	looking := conn.Event{Kind: conn.EventAttemptFailed, State: conn.Connecting, Cause: ib.CauseNotReady}
	w := world{p: defaultPolicy()}
	events := []happening{
		{0, started},
		{s, looking},
		{10 * s, looking},
		{20 * m, ev(conn.EventWindowStarted, conn.Connecting)},
		{21 * m, looking},
		{40 * m, ev(conn.EventWindowEnded, conn.Connecting)},
		{h, ev(conn.EventPaused, conn.Paused)},
		{2 * h, ev(conn.EventResumed, conn.Connecting)},
		{2*h + s, looking},
		{100 * h, looking},
		{101 * h, connected},
		{102 * h, lostNow},
	}
	var got []string
	for _, one := range w.play(events, 103*h) {
		got = append(got, one.String())
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "102h0m5s lost") {
		t.Errorf("reported %v", got)
	}
}
