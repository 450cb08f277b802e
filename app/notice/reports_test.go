package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// engine.ReportStream is what Run reads in the program.
var _ Reports = (*engine.ReportStream)(nil)

const apple = "BUY 100 AAPL LMT 230.50"

// The reports as the engine tells them.
var (
	blockedOff = engine.Report{Kind: engine.ReportBlocked, Rule: "dip", Text: apple, Reason: "disarmed"}
	blockedOut = engine.Report{
		Kind: engine.ReportBlocked, Text: apple, Reason: guardShut,
		Detail: string(ib.GuardSocket),
	}
	rejected   = engine.Report{Kind: engine.ReportRejected, Rule: "dip", Text: apple, Code: 201, Detail: "no margin"}
	unknown    = engine.Report{Kind: engine.ReportUnknown, Text: apple}
	ruleFailed = engine.Report{
		Kind: engine.ReportFailed, Rule: "dip", Text: "AAPL", Code: 200,
		Detail: "no such contract",
	}
)

func triggered(rule string) engine.Report {
	return engine.Report{Kind: engine.ReportTriggered, Rule: rule, Text: "AAPL last 229.98"}
}

// on returns an event as an arrival, rep a report.
func on(at time.Duration, e conn.Event) arrival { return arrival{at, Input{Event: e}} }

func rep(at time.Duration, r engine.Report) arrival { return repAt(at, at, r) }

// repAt returns a report of something that was a moment before its arrival.
func repAt(at, was time.Duration, r engine.Report) arrival {
	r.At = begin.Add(was).UTC()
	return arrival{at, Input{Report: r}}
}

// stream returns a report every so often.
func every(gap, from, until time.Duration, r engine.Report) (all []arrival) {
	for at := from; at < until; at += gap {
		all = append(all, rep(at, r))
	}
	return all
}

func TestReports(t *testing.T) {
	night := Quiet{22, 0, 7, 0, time.Local} // begin is at 9
	for _, c := range []struct {
		name   string
		inputs []arrival
		end    time.Duration
		quiet  Quiet
		muted  func(at time.Duration) time.Duration
		want   []string // when, and the title
	}{
		{name: "one", inputs: []arrival{rep(m, blockedOff)}, want: []string{"1m0s Order blocked"}},
		{
			name: "seven within half a minute", inputs: every(4*s, m, m+28*s, blockedOff),
			want: []string{"1m0s Order blocked", "1m30s 7 orders blocked since 09:01:00"},
		},
		{
			name: "after half a minute it is news again", inputs: []arrival{rep(m, rejected), rep(m+30*s, rejected)},
			want: []string{"1m0s Order rejected", "1m30s Order rejected"},
		},
		{
			name: "kinds are gathered apart", inputs: []arrival{
				rep(m, blockedOff), rep(m+s, rejected),
				rep(m+2*s, unknown), rep(m+3*s, ruleFailed), rep(m+4*s, unknown),
			},
			want: []string{
				"1m0s Order blocked", "1m1s Order rejected", "1m2s Order unknown: look in TWS",
				"1m3s Rule stopped: dip", "1m32s 2 orders unknown since 09:01:02: look in TWS",
			},
		},
		{
			name: "rules that trigger are gathered each by itself", inputs: []arrival{
				rep(m, triggered("a")), rep(m, triggered("b")), rep(m+s, triggered("a")), rep(m+2*s, triggered("a")),
			},
			want: []string{
				"1m0s Rule triggered: a", "1m0s Rule triggered: b",
				"1m30s Rule triggered: a (3 times since 09:01:00)",
			},
		},
		{
			name: "rules that stop are gathered together", inputs: []arrival{rep(m, ruleFailed), rep(m+s, ruleFailed)},
			want: []string{"1m0s Rule stopped: dip", "1m30s 2 rules stopped since 09:01:00"},
		},
		{
			name:   "a rule that keeps triggering is reported every half a minute",
			inputs: every(10*s, m, 3*m, triggered("a")),
			end:    h,
			want: []string{
				"1m0s Rule triggered: a", "1m30s Rule triggered: a (4 times since 09:01:00)",
				"2m0s Rule triggered: a (7 times since 09:01:00)",
				"2m30s Rule triggered: a (10 times since 09:01:00)", "3m0s Rule triggered: a (12 times since 09:01:00)",
			},
		},
		{
			name:   "orders that go on being blocked are reported less and less often",
			inputs: every(10*s, 0, 90*m, blockedOff), end: 3 * h,
			want: []string{
				"0s Order blocked", "30s 4 orders blocked since 09:00:00", "1m30s 10 orders blocked since 09:00:00",
				"3m30s 22 orders blocked since 09:00:00",
				"7m30s 46 orders blocked since 09:00:00", "15m30s 94 orders blocked since 09:00:00",
				"31m30s 190 orders blocked since 09:00:00",
				"1h1m30s 370 orders blocked since 09:00:00", "1h31m30s 540 orders blocked since 09:00:00",
			},
		},

		{
			name: "within the grace, the reset window and a pause", inputs: []arrival{
				on(0, started), rep(s, blockedOff), on(m, connected), on(2*m, windowOpens), rep(3*m, rejected),
				on(4*m, windowEnds), on(5*m, paused), rep(6*m, triggered("a")),
				on(7*m, stopped), rep(8*m, unknown),
			}, want: []string{
				"1s Order blocked", "3m0s Order rejected", "6m0s Rule triggered: a",
				"8m0s Order unknown: look in TWS",
			},
		},

		{
			name: "quiet hours", quiet: night, inputs: []arrival{
				rep(14*h, triggered("a")), rep(15*h, triggered("a")), rep(15*h, blockedOff), rep(16*h, rejected),
				rep(16*h, unknown), rep(16*h, ruleFailed), rep(17*h, blockedOff),
			}, end: 30 * h, want: []string{
				"16h0m0s Order rejected", "16h0m0s Order unknown: look in TWS", "16h0m0s Rule stopped: dip",
				"22h0m0s Rule triggered: a (2 times since Wed 23:00:00)", "22h0m0s 2 orders blocked since 00:00:00",
			},
		},
		{
			name: "several rules in quiet hours are one digest", quiet: night, inputs: []arrival{
				rep(14*h, triggered("a")), rep(15*h, triggered("b")), rep(16*h, triggered("a")),
				rep(22*h+s, triggered("a")),
			}, end: 30 * h, want: []string{
				"22h0m0s 2 rules triggered since Wed 23:00:00, 3 times in all",
				"22h0m1s Rule triggered: a",
			},
		},
		{
			name: "gathered when quiet hours begin", quiet: night, inputs: []arrival{
				rep(13*h-10*s, triggered("a")),
				rep(13*h-5*s, triggered("a")),
			},
			end: 30 * h, want: []string{
				"12h59m50s Rule triggered: a",
				"22h0m0s Rule triggered: a (2 times since Wed 21:59:50)",
			},
		},

		{
			name: "muted", muted: func(time.Duration) time.Duration { return h }, inputs: []arrival{
				rep(m, unknown), rep(2*m, unknown), rep(3*m, rejected), rep(4*m, triggered("a")), rep(5*m, ruleFailed),
				rep(h+s, unknown),
			}, end: 3 * h, want: []string{
				"1h0m0s 2 orders unknown since 09:01:00: look in TWS", "1h0m0s Order rejected",
				"1h0m0s Rule triggered: a", "1h0m0s Rule stopped: dip",
				"1h0m30s 3 orders unknown since 09:01:00: look in TWS",
			},
		},
		{
			name: "a mute that is ended by hand is noticed within a minute",
			muted: func(at time.Duration) time.Duration {
				if at < 10*m {
					return 24 * h
				}
				return 0
			}, inputs: []arrival{rep(m+30*s, unknown)}, want: []string{"10m30s Order unknown: look in TWS"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy(), quiet: c.quiet, muted: c.muted}
			var got []string
			for _, n := range w.playAll(c.inputs, max(c.end, h)) {
				if n.n.Kind.reported() { // outages have tests of their own
					got = append(got, fmt.Sprintf("%v %s", n.at, n.n.Title))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if len(w.st.bursts) > 0 {
				t.Errorf("left: %+v", w.st.bursts)
			}
		})
	}
}

func TestDigestOfRules(t *testing.T) {
	w := &world{p: defaultPolicy(), muted: func(time.Duration) time.Duration { return h }}
	w.p.Remote = true
	var inputs []arrival
	for i := range 11 {
		for range 1 + i%2 {
			inputs = append(inputs, rep(time.Duration(i)*m, triggered(fmt.Sprintf("r%d", i))))
		}
	}
	got := w.playAll(inputs, 2*h)
	want := Notice{
		Kind: RuleTriggered, Key: "rule_fired-1", At: begin.Add(h),
		Title: "11 rules triggered since 09:00:00, 16 times in all",
		Body: "r0: AAPL last 229.98\nr1: 2 times, last: AAPL last 229.98\nr2: AAPL last 229.98\nr3: 2 times, last: " +
			"AAPL last 229.98\n" +
			"r4: AAPL last 229.98\nr5: 2 times, last: AAPL last 229.98\nr6: AAPL last 229.98\nr7: 2 times, last: " +
			"AAPL last 229.98\n… and 3 more.\n" +
			"Gateway: 127.0.0.1:4002, PAPER, seen from desk.",
	}
	if len(got) != 1 || got[0].n != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestBlockedInAnOutage holds how many orders the end of an outage speaks of.
func TestBlockedInAnOutage(t *testing.T) {
	out := func(at time.Duration) arrival { return rep(at, blockedOut) }
	for _, c := range []struct {
		name   string
		inputs []arrival
		want   []string
	}{
		{
			"none",
			[]arrival{on(31*m+2*s, lostNow), rep(32*m, blockedOff), on(35*m+14*s, connected)},
			[]string{"Reconnected after 4 min 12 s (09:31:02–09:35:14)"},
		},
		{
			"one",
			[]arrival{on(31*m+2*s, lostNow), out(32 * m), on(35*m+14*s, connected)},
			[]string{"Reconnected after 4 min 12 s (09:31:02–09:35:14), 1 order blocked"},
		},
		{
			"two",
			[]arrival{on(31*m+2*s, lostNow), out(32 * m), out(33 * m), on(35*m+14*s, connected)},
			[]string{"Reconnected after 4 min 12 s (09:31:02–09:35:14), 2 orders blocked"},
		},
		{"before it, and after it", []arrival{
			out(31 * m), on(31*m+10*s, lostNow), on(33*m+10*s, connected), out(33*m + 12*s),
		}, []string{"Reconnected after 2 min (09:31:10–09:33:10)"}},
		{"reported before the outage, and after its end", []arrival{
			out(31*m + 9*s), on(31*m+10*s, lostNow), on(33*m+10*s, connected), repAt(33*m+11*s, 33*m+9*s, blockedOut),
		}, []string{"Reconnected after 2 min (09:31:10–09:33:10), 2 orders blocked"}},
		{"of two outages each its own", []arrival{
			on(31*m, lostNow), out(32 * m), out(32 * m), on(33*m, connected), on(41*m, lostNow), out(42 * m),
			on(43*m, connected),
		}, []string{
			"Reconnected after 2 min (09:31:00–09:33:00), 2 orders blocked",
			"Reconnected after 2 min (09:41:00–09:43:00), 1 order blocked",
		}},
		{"it comes and goes", []arrival{
			on(31*m, lostNow), out(31*m + 10*s), on(31*m+20*s, connected), on(31*m+25*s, lostNow), out(31*m + 30*s),
			on(33*m, connected),
		}, []string{"Reconnected after 2 min (09:31:00–09:33:00), 2 orders blocked"}},
		{"through the reset window, an incident of its own after it", []arrival{
			on(31*m, lostNow), out(32 * m), on(33*m, ev(conn.EventWindowStarted, conn.ResetWindow)),
			on(34*m, connected), on(36*m, lostWithin), out(37 * m),
			on(40*m, windowEnds), on(46*m, connected),
		}, []string{"Reconnected after 10 min (09:36:00–09:46:00), 1 order blocked"}},
		{"after a storm", slices.Concat([]arrival{
			on(30*m, lostNow), out(30 * m), on(30*m+s, connected),
			on(31*m, lostNow), on(31*m+s, connected), on(32*m, lostNow), on(32*m+s, connected),
		}, []arrival{
			on(33*m, lostNow), out(33 * m), on(33*m+s, connected), on(34*m, lostNow), out(35 * m), out(35 * m),
			on(44*m, connected),
		}), []string{"Reconnected after 10 min (09:34:00–09:44:00), 2 orders blocked"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy()}
			var got []string
			for _, n := range w.playAll(append([]arrival{on(0, started), on(2*s, connected)}, c.inputs...), 2*h) {
				if n.n.Kind == Back {
					got = append(got, n.n.Title)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	w := &world{p: defaultPolicy()}
	all := w.playAll([]arrival{
		on(0, started), on(2*s, connected), on(30*m, lostNow), out(31 * m),
		on(40*m, ev(conn.EventWindowStarted, conn.ResetWindow)),
		on(41*m, connected), on(50*m, lostWithin), out(51 * m), on(52*m, connected),
		on(h, ev(conn.EventWindowEnded, conn.Connected)),
	}, 2*h)
	if last := all[len(all)-1].n; last.Kind != Back || last.Body != "It was lost at 09:30:00 and came and went in "+
		"between.\nIn all, 2 orders were blocked." {
		t.Errorf("%+v", last)
	}
}

// TestReportsAndAClockThatIsSet sets a clock back: that neither delays what is gathered nor reports it twice.
func TestReportsAndAClockThatIsSet(t *testing.T) {
	w := &world{p: defaultPolicy()}
	for i, in := range []arrival{rep(2*h, blockedOff), rep(2*h+s, blockedOff)} {
		if said, _ := w.input(in.at, in.in); len(said) != 1-i {
			t.Fatalf("%d: %v", i, said)
		}
	}
	back := h + 5*s
	if said, again := w.input(back, Input{}); len(said) != 0 || again.Sub(begin) > back+30*s {
		t.Fatalf("said %v, again after %v", said, again.Sub(begin)-back)
	}
	if said, _ := w.input(back+30*s, Input{}); len(said) != 1 || said[0].n.Title != "2 orders blocked since 10:00:04" {
		t.Errorf("said %+v", said)
	}
}

func TestStepDoesNotChangeReports(t *testing.T) {
	w := &world{p: defaultPolicy()}
	w.playAll([]arrival{on(0, started), on(s, connected), rep(m, blockedOut), rep(m, triggered("a"))}, m+s)
	st, bursts, shut := w.st, slices.Clone(w.st.bursts), slices.Clone(w.st.shut)
	for range 3 {
		w.st = st
		w.input(m+s, rep(m+s, blockedOut).in)
		w.input(m+2*s, rep(m+2*s, triggered("a")).in)
		w.step(m+3*s, lostNow)
	}
	if !slices.Equal(st.bursts, bursts) || !slices.Equal(st.shut, shut) {
		t.Errorf("bursts %+v, before %+v\nshut %v, before %v", st.bursts, bursts, st.shut, shut)
	}
}
