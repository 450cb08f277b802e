package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn"
)

var begin = time.Date(2026, 3, 4, 9, 0, 0, 0, time.Local)

// happening is an event at a moment after begin.
type happening struct {
	at time.Duration
	e  conn.Event
}

// told is a notice at a moment after begin.
type told struct {
	at time.Duration
	n  Notice
}

func (t told) String() string { return fmt.Sprintf("%v %s #%d", t.at, t.n.Kind, t.n.Incident) }

// world plays events against a policy, calling it when it wants to be called, and never otherwise.
type world struct {
	p     Policy
	st    State
	muted func(at time.Duration) time.Duration // until when, 0 if not
	quiet Quiet
	ends  conn.Unsupported
	check func(now, again time.Time, st State)
}

func (w *world) step(at time.Duration, e conn.Event) ([]told, time.Time) {
	return w.input(at, Input{Event: e})
}

func (w *world) input(at time.Duration, in Input) ([]told, time.Time) {
	now := begin.Add(at)
	if in.Event.Kind != "" {
		in.Event.At = now
	}
	in.Gateway, in.ClientID, in.Computer, in.Quiet = conn.Gateway{Host: "127.0.0.1", Port: 4002, Mode: conn.Paper}, 7,
		"desk", w.quiet
	in.Unsupported = w.ends
	if w.muted != nil {
		if until := w.muted(at); until > at {
			in.Muted = begin.Add(until)
		}
	}
	st, said, again := w.p.Step(w.st, in, now)
	w.st = st
	if w.check != nil {
		w.check(now, again, st)
	}
	var out []told
	for _, n := range said {
		out = append(out, told{at, n})
	}
	return out, again
}

func (w *world) play(events []happening, end time.Duration) []told {
	var inputs []arrival
	for _, h := range events {
		inputs = append(inputs, arrival{h.at, Input{Event: h.e}})
	}
	return w.playAll(inputs, end)
}

// arrival is an input at a moment after begin.
type arrival struct {
	at time.Duration
	in Input
}

func (w *world) playAll(events []arrival, end time.Duration) []told {
	var all []told
	var again time.Time
	for {
		next, tick := end, true
		if len(events) > 0 && events[0].at <= end {
			next, tick = events[0].at, false
		}
		if !again.IsZero() && again.Sub(begin) < next {
			next, tick = again.Sub(begin), true
		}
		if tick && next >= end {
			return all
		}
		in := Input{}
		if !tick {
			in, events = events[0].in, events[1:]
		}
		var said []told
		said, again = w.input(next, in)
		all = append(all, said...)
	}
}

func ev(kind conn.EventKind, state conn.State) conn.Event {
	return conn.Event{Kind: kind, State: state}
}

// The events as the supervisor tells them.
var (
	started   = ev(conn.EventStarted, conn.Connecting)
	connected = ev(conn.EventConnected, conn.Connected)
	lostNow   = conn.Event{Kind: conn.EventLost, State: conn.Reconnecting, Cause: conn.CauseClosed}
	failed    = conn.Event{Kind: conn.EventAttemptFailed, State: conn.Reconnecting, Cause: conn.CauseRefused}
	farAway   = conn.Event{
		Kind: conn.EventUpstreamLost, State: conn.UpstreamLost, Cause: conn.CauseUpstream,
		Code: 1100,
	}
	farBack     = ev(conn.EventUpstreamRestored, conn.Connected)
	windowOpens = ev(conn.EventWindowStarted, conn.Connected)
	lostWithin  = conn.Event{Kind: conn.EventLost, State: conn.ResetWindow, Cause: conn.CauseClosed}
	windowEnds  = ev(conn.EventWindowEnded, conn.Reconnecting)
	paused      = ev(conn.EventPaused, conn.Paused)
	resumed     = ev(conn.EventResumed, conn.Connecting)
	woke        = ev(conn.EventWoke, conn.Degraded)
	competing   = conn.Event{Kind: conn.EventCompeting, State: conn.Degraded, Cause: conn.CauseCompeting, Code: 10197}
	readOnly    = conn.Event{Kind: conn.EventOrdersBlocked, State: conn.Degraded, Cause: conn.CauseReadOnly}
	unconfirmed = conn.Event{
		Kind: conn.EventOrdersBlocked, State: conn.Degraded, Cause: conn.CauseUnconfirmed,
		Detail: "open_orders",
	}
	confirmed   = ev(conn.EventOrdersConfirmed, conn.Connected)
	farmDown    = conn.Event{Kind: conn.EventFarm, State: conn.Degraded, Detail: "usfarm", Farm: conn.FarmBroken}
	stopped     = ev(conn.EventStopped, conn.Reconnecting)
	reconfigure = conn.Event{Kind: conn.EventDisconnected, State: conn.Connecting, Cause: conn.CauseReconfigured}
)

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
)

// flaps returns drops of one length with the connection up for another in between.
func flaps(at time.Duration, n int, down, up time.Duration) (list []happening) {
	for range n {
		list = append(list, happening{at, lostNow}, happening{at + down, connected})
		at += down + up
	}
	return list
}

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
		{name: "too short to tell", events: after(happening{m, lostNow}, happening{
			m + 4900*time.Millisecond,
			connected,
		}), end: h},
		{
			name: "a longer limit", after: 2 * m, events: after(happening{m, lostNow}, happening{m + 90*s, connected},
				happening{10 * m, lostNow}), end: h,
			want: []string{"12m0s lost #3"},
		},
		{
			name: "failed attempts do not tell it again", events: after(happening{m, lostNow}, happening{m + s, failed},
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
		{name: "paused before it is told", events: after(happening{m, lostNow}, happening{m + s, paused}), end: 2 * h},
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
			name: "told before the reset window, back in it", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)}, happening{h + 10*m, connected},
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h0m0s back #2"},
		},
		{
			name: "told before the reset window, comes and goes in it", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
				happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{h + 40*m, connected},
				happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h0m0s back #2"},
		},
		{
			name: "told before the reset window, down throughout", events: after(happening{h - m, lostNow},
				happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)}, happening{2 * h, windowEnds},
				happening{2*h + m, connected}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h1m10s back #2"},
		},
		{
			name: "a new outage after the reset window is told as ever", events: after(happening{h, windowOpens},
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
			name: "four drops, each told", events: after(flaps(m, 4, 20*s, 60*s)...), end: 2 * h,
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
			name:   "drops within one incident that was told",
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
			name: "told before the reset window, back in it, and gone again after it",
			events: after(happening{h - m, lostNow}, happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
				happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{2 * h, windowEnds},
				happening{3 * h, connected}), end: 4 * h,
			want: []string{"59m5s lost #2", "2h2m0s lost #3", "3h0m10s back #3"},
		},
		{name: "competing session in the reset window", events: after(happening{h, windowOpens},
			happening{h + m, competing}), end: 3 * h},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: DefaultPolicy(), muted: c.muted}
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

func TestWords(t *testing.T) {
	up := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(up), h...) }
	garbled := lostNow
	garbled.Cause, garbled.Detail = conn.CauseBroken, "read: <b>reset</b>\n\x1b[31m & more"
	for _, c := range []struct {
		name   string
		events []happening
		end    time.Duration
		want   []Notice // of these the words, and who may do what
	}{
		{"an outage", after(happening{31*m + 2*s, lostNow}, happening{31*m + 3*s, failed},
			happening{35*m + 14*s, connected}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:31:02.\nConnection refused: nothing listens on 127.0.0.1:4002.\nStart IB Gateway or " +
					"TWS and log in. In its API settings enable “ActiveX and Socket Clients” and compare the port in " +
					"settings.json (gateway.port). `gatewatch doctor` shows which ports are open.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Reconnected after 4 m 12 s (09:31:02–09:35:14)",
				Body: "The connection has been stable since 09:35:14.",
			},
		}},
		{"never connected", []happening{{0, started}, {s, failed}, {2 * m, connected}}, h, []Notice{
			{
				Kind: Lost, Key: "incident-1", Incident: 1, Urgent: true, Connect: true,
				Title: "No connection to Gateway",
				Body: "Since 09:00:00.\nConnection refused: nothing listens on 127.0.0.1:4002.\nStart IB Gateway or " +
					"TWS and log in. In its API settings enable “ActiveX and Socket Clients” and compare the port in " +
					"settings.json (gateway.port). `gatewatch doctor` shows which ports are open.",
			},
			{
				Kind: Back, Key: "incident-1", Incident: 1, Title: "Connected after 2 m 0 s (09:00:00–09:02:00)",
				Body: "The connection has been stable since 09:02:00.",
			},
		}},
		{"upstream", after(happening{m, farAway}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Title: "IBKR unreachable",
				Body: "Since 09:01:00.\nGateway has lost its connection to IBKR's servers (IB code 1100).\nGateway " +
					"restores this by itself. If it lasts, check the internet connection and IBKR's system " +
					"status page.",
			},
		}},
		{"outside text", after(happening{m, garbled}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:01:00.\nThe connection to Gateway broke (read: <b>reset</b> [31m & more).\nGateway " +
					"may be restarting, as it does every day: it is back in about a minute. If not, start it and " +
					"log in.",
			},
		}},
		{"overnight", after(happening{14 * h, lostNow}, happening{16 * h, connected}), 17 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 23:00:00.\nGateway closed the connection.\nGateway may be restarting, as it does every " +
					"day: it is back in about a minute. If not, start it and log in.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Reconnected after 2 h 0 m (Wed 23:00:00–01:00:00)",
				Body: "The connection has been stable since 01:00:00.",
			},
		}},
		{"after the reset window", after(happening{h, windowOpens}, happening{h + 15*m, lostWithin},
			happening{2 * h, windowEnds}), 3 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "The reset window is over, and the connection is not back. Since 10:15:00.\nGateway closed the " +
					"connection.\nGateway may be restarting, as it does every day: it is back in about a minute. If " +
					"not, start it and log in.",
			},
		}},
		{"unstable", after(flaps(m, 40, 2*s, 60*s)...), 2 * h, []Notice{
			{
				Kind: Unstable, Key: "incident-5", Incident: 5, Urgent: true, Title: "The connection is unstable",
				Body: "4 drops since 09:01:00. Single drops are not shown until it has been up for 10 " +
					"minutes.\nGateway closed the connection.",
			},
			{
				Kind: Digest, Key: "incident-5", Incident: 5, Title: "The connection is still unstable",
				Body: "33 drops since 09:01:00, not connected for 1 m 6 s in all. Connected since 09:34:06.",
			},
			{
				Kind: Calm, Key: "incident-5", Incident: 5, Title: "The connection is stable again",
				Body: "40 drops since 09:01:00, not connected for 1 m 20 s in all. Connected since 09:41:20.",
			},
		}},
		{"competing", after(happening{m, competing}), h, []Notice{
			{
				Kind: Competing, Key: "competing_session", Title: "Market data taken by another session",
				Body: "There are no prices: another session of the same user has taken the market data (IB error " +
					"10197).\nLog out of the other session (TWS, mobile, client portal) to get the market data " +
					"back here.",
			},
		}},
		{"orders blocked", after(happening{m, unconfirmed}, happening{m + s, lostNow}, happening{m + 2*s, connected},
			happening{3 * m, unconfirmed},
			happening{4 * m, readOnly}, happening{5 * m, confirmed}), h, []Notice{
			{
				Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
				Body: "Gateway does not answer the question about open orders, so orders cannot be " +
					"confirmed.\nGatewatch asks again, then reconnects by itself. If this lasts, restart Gateway and " +
					"check your orders in TWS.",
			},
			{
				Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
				Body: "Gateway's API is read-only: it takes no orders (IB error 321).\nIn Gateway: Configure, " +
					"Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it within 30 s.",
			},
		}},
		{"orders blocked in the reset window", after(happening{m, windowOpens}, happening{2 * m, readOnly},
			happening{3 * m, unconfirmed},
			happening{4 * m, ev(conn.EventWindowEnded, conn.Degraded)}, happening{5 * m, readOnly},
			happening{6 * m, lostNow}, happening{6*m + s, connected}), h, []Notice{
			{
				Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
				Body: "Gateway does not answer the question about open orders, so orders cannot be " +
					"confirmed.\nGatewatch asks again, then reconnects by itself. If this lasts, restart Gateway and " +
					"check your orders in TWS.",
			},
			{
				Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
				Body: "Gateway's API is read-only: it takes no orders (IB error 321).\nIn Gateway: Configure, " +
					"Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it within 30 s.",
			},
		}},
		{"through the reset window", after(happening{h - m, lostNow},
			happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
			happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{h + 40*m, connected},
			happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), 4 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:59:00.\nGateway closed the connection.\nGateway may be restarting, as it does every " +
					"day: it is back in about a minute. If not, start it and log in.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Connected again since 10:40:00",
				Body: "It was lost at 09:59:00 and came and went in between.",
			},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: DefaultPolicy()}
			var got []Notice
			for _, n := range w.play(c.events, c.end) {
				if !n.n.At.Equal(begin.Add(n.at)) {
					t.Errorf("%v says it was told at %v", n, n.n.At)
				}
				n.n.At = time.Time{}
				got = append(got, n.n)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d notices, want %d: %+v", len(got), len(c.want), got)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got\n%+v\nwant\n%+v", got[i], c.want[i])
				}
			}
		})
	}
}

func TestWordsForReadersElsewhere(t *testing.T) {
	w := &world{p: DefaultPolicy()}
	w.p.Remote = true
	events := []happening{{0, started}, {2 * s, connected}, {m, lostNow}, {2 * m, connected}, {3 * m, competing}}
	events = append(events, flaps(h, 40, 2*s, 60*s)...)
	all := w.play(events, 3*h)
	if len(all) != 6 {
		t.Fatalf("%d notices: %v", len(all), all)
	}
	for _, n := range all {
		if !strings.HasSuffix(n.n.Body, "\nGateway: 127.0.0.1:4002, PAPER, seen from desk.") {
			t.Errorf("%v does not say which Gateway: %q", n, n.n.Body)
		}
	}
}

func TestClockWords(t *testing.T) {
	was := time.Local
	defer func() { time.Local = was }()
	time.Local = zone(t, "America/New_York")
	for _, c := range []struct{ at, other, want string }{
		{"2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z", "10:00:00"},
		{"2026-11-24T04:00:00Z", "2026-11-24T16:00:00Z", "Mon 23:00:00"},
		{"2026-11-10T15:00:00Z", "2026-11-24T16:00:00Z", "10 Nov 10:00:00"},
		{"2026-11-01T05:30:00Z", "2026-11-01T06:40:00Z", "01:30:00 EDT"}, // 01:30 comes twice
		{"2026-11-01T06:30:00Z", "2026-11-01T06:40:00Z", "01:30:00"},
		{"2026-03-08T02:00:00Z", "2026-03-08T12:00:00Z", "Sat 21:00:00 EST"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		other, err2 := time.Parse(time.RFC3339, c.other)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := clock(at, other); got != c.want {
			t.Errorf("%s as of %s: %q, want %q", c.at, c.other, got, c.want)
		}
	}
}

func TestClockThatIsSet(t *testing.T) {
	w := &world{p: DefaultPolicy()}
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
	// A sleep that the supervisor has not told yet.
	w = &world{p: DefaultPolicy()}
	w.play([]happening{{0, started}, {2 * s, connected}, {10 * m, lostNow}}, 10*m+s)
	if said, _ := w.step(8*h, conn.Event{}); len(said) != 0 {
		t.Errorf("told right after a sleep: %v", said)
	}
	if said, _ := w.step(8*h+30*s, conn.Event{}); len(said) != 1 {
		t.Errorf("not told after the grace: %v", said)
	}
}

func TestStepDoesNotChangeItsArgument(t *testing.T) {
	w := &world{p: DefaultPolicy()}
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
		tell := func(kind conn.EventKind) { events = append(events, happening{at, ev(kind, state())}) }
		tell(conn.EventStarted)
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
					tell(conn.EventConnected)
				} else {
					tell(conn.EventLost)
				}
			case "far":
				if !up {
					break
				}
				if far = !far; far {
					tell(conn.EventUpstreamLost)
				} else {
					tell(conn.EventUpstreamRestored)
				}
			case "window":
				if window = !window; window {
					windows = append(windows, [2]time.Duration{at, 1 << 62})
					tell(conn.EventWindowStarted)
				} else {
					windows[len(windows)-1][1] = at
					tell(conn.EventWindowEnded)
				}
			case "pause":
				if pausing = !pausing; pausing {
					up = false
					tell(conn.EventPaused)
				} else {
					tell(conn.EventResumed)
				}
			case "wake":
				tell(conn.EventWoke)
			case "fail":
				if !up && !pausing {
					tell(conn.EventAttemptFailed)
				}
			case "farm":
				tell(conn.EventFarm)
			case "competing":
				if up {
					tell([]conn.EventKind{conn.EventCompeting, conn.EventOrdersBlocked}[len(events)%2])
				}
			}
		}
		mutedFrom := time.Duration(rapid.Int64Range(-1, int64(at)).Draw(t, "muted from"))
		mutedTo := mutedFrom + time.Duration(rapid.Int64Range(0, int64(2*h)).Draw(t, "muted for"))
		w := &world{p: DefaultPolicy(), muted: func(at time.Duration) time.Duration {
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
		open := 0 // number of the incident that has been told and not ended
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
					t.Fatalf("%v without having been told: %v", n, all)
				}
				open = 0
			case Calm:
				if open != i {
					t.Fatalf("%v without having been told: %v", n, all)
				}
				open = 0
			}
		}
		// An outage that is not over, not in a window and not muted has been told in the end.
		if !up && !pausing && !window && open == 0 {
			t.Fatalf("down at the end and nobody knows: %v", all)
		}
		if far && up && !window && open == 0 {
			t.Fatalf("IBKR unreachable at the end and nobody knows: %v", all)
		}
		if (up && !far && !window || pausing) && open != 0 {
			t.Fatalf("up or paused at the end, and still told as lost: %v", all)
		}
	})
}

// TestBeforeTheFirstConnection holds that nothing is told while Gatewatch looks for its first Gateway ever, not after a
// reset window or a pause either, and that what follows is told as always.
func TestBeforeTheFirstConnection(t *testing.T) {
	looking := conn.Event{Kind: conn.EventAttemptFailed, State: conn.Connecting, Cause: conn.CauseNotReady}
	w := world{p: DefaultPolicy()}
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
		t.Errorf("told %v", got)
	}
}
