package notice

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gatewatch/engine"
)

// TestNoReportIsLost plays random reports into random quiet, and checks that each is shown, soon if nothing silences
// it.
func TestNoReportIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := []engine.Report{
			blockedOff, blockedOut, rejected, unknown, ruleFailed, triggered("rule 1"),
			triggered("rule 2"), triggered("rule 3"),
			{Kind: engine.ReportProgramRefused, Text: apple},
		}
		var inputs []arrival
		var at time.Duration
		sent := map[engine.Report]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "length") {
			at += time.Duration(rapid.SampledFrom([]int64{0, 1, 1000, 9000, 29999, 30000, 31000, 200000, 4000000}).Draw(
				t, "wait")) * time.Millisecond
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				inputs = append(inputs, on(at, lostNow))
			case 1:
				inputs = append(inputs, on(at, connected))
			default:
				r := rapid.SampledFrom(kinds).Draw(t, "report")
				sent[r] = true
				inputs = append(inputs, rep(at, r))
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
		if rapid.Bool().Draw(t, "quiet hours") {
			w.quiet = Quiet{
				rapid.IntRange(0, 23).Draw(t, "from"), 0, rapid.IntRange(0, 23).Draw(t, "until"), 0,
				time.Local,
			}
		}
		w.check = func(now, again time.Time, st State) {
			gathered := map[string]int{}
			for _, b := range st.bursts {
				gathered[string(b.kind)+b.rule]++
				until := w.quiet.Until(now)
				hushed := w.muted(now.Sub(begin)) > 0 || !until.IsZero() &&
					(b.kind == engine.ReportTriggered || repeats(b.kind))
				switch {
				case b.fresh > 0 && !now.Before(b.due) && !hushed:
					t.Fatalf("at %v %d of %s have not been reported", now.Sub(begin), b.fresh, b.kind)
				case again.IsZero() || !again.After(now) || b.fresh > 0 && !b.held && again.After(b.due):
					t.Fatalf("at %v it wants to be called at %v", now.Sub(begin), again)
				case !repeats(b.kind) && b.due.Sub(now) > w.p.Gather:
					t.Fatalf("%s would be gathered for %v", b.kind, b.due.Sub(now))
				}
			}
			for what, n := range gathered {
				if n > 1 {
					t.Fatalf("%d bursts of %s at once", n, what)
				}
			}
		}
		said := map[Kind]string{}
		for _, n := range w.playAll(inputs, at+60*h) {
			if !n.n.Kind.reported() {
				continue
			}
			if n.at >= mutedFrom && n.at < mutedTo {
				t.Fatalf("%v while muted from %v to %v", n, mutedFrom, mutedTo)
			}
			if until := w.quiet.Until(begin.Add(n.at)); !until.IsZero() &&
				(n.n.Kind == RuleTriggered || n.n.Kind == OrderBlocked) {
				t.Fatalf("%v in quiet hours", n)
			}
			said[n.n.Kind] += n.n.Title + "\n" + n.n.Body + "\n"
		}
		for r := range sent {
			if text := said[Kind(r.Kind)]; text == "" || r.Kind == engine.ReportTriggered &&
				!strings.Contains(text, r.Rule) {
				t.Fatalf("%+v was never reported", r)
			}
		}
		if len(w.st.bursts) > 0 {
			t.Fatalf("left: %+v", w.st.bursts)
		}
	})
}

func TestReportsWhenTheProgramEnds(t *testing.T) {
	w := &world{p: defaultPolicy()}
	w.playAll([]arrival{
		on(0, started), on(s, connected), on(m, lostNow), rep(m, triggered("a")), rep(m+s, triggered("a")),
	},
		m+2*s)
	said, _ := w.input(m+20*s, Input{Ending: true})
	if len(said) != 1 || said[0].n.Kind != RuleTriggered { // and no outage, however long it has lasted
		t.Errorf("reported at the end: %v", said)
	}
}

// news is a source of reports.
type news chan engine.Report

func (n news) Next(ctx context.Context) (engine.Report, bool) {
	select {
	case r, ok := <-n:
		return r, ok
	case <-ctx.Done():
		return engine.Report{}, false
	}
}

func TestRunShowsReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := make(news)
		r := startRun(t, func(c *Config) { c.Reports, c.Keep = reports, true })
		r.send(connected)
		time.Sleep(m)
		for range 3 {
			reports <- blockedOff
			time.Sleep(s)
		}
		time.Sleep(m)
		r.expect(t, "1m0s order_blocked order_blocked-1", "1m30s order_blocked order_blocked-1")
		reports <- triggered("a")
		reports <- triggered("a")
		close(reports) // outages are reported all the same
		time.Sleep(10 * s)
		r.send(lostNow)
		time.Sleep(6 * s)
		want := []string{
			"1m0s order_blocked order_blocked-1", "1m30s order_blocked order_blocked-1",
			"2m3s rule_fired rule_fired-2", "2m18s lost incident-1",
		}
		r.expect(t, want...)
		r.end() // what is still being gathered is reported, and kept
		r.expect(t, append(want, "2m19s rule_fired rule_fired-2")...)
	})
}

func TestRunEndsWithTheEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := make(news) // which never ends
		r := startRun(t, func(c *Config) { c.Reports = reports })
		close(r.events)
		<-r.done
		r.cancel()
	})
}

// TestOutboxKeepsReports: a desktop that hangs loses no notification about rules and orders, and outages give way to
// them.
func TestOutboxKeepsReports(t *testing.T) {
	o := newOutbox(nil, false, slog.New(slog.DiscardHandler))
	for i := range 5 * outboxLimit {
		o.put(Notice{Kind: RuleTriggered, Key: fmt.Sprint("rule", i)})
		o.put(Notice{Kind: Lost, Key: fmt.Sprint("lost", i)})
	}
	var rules, outages []string
	for n, ok := o.take(); ok; n, ok = o.take() {
		if n.Kind == RuleTriggered {
			rules = append(rules, n.Key)
		} else {
			outages = append(outages, n.Key)
		}
	}
	if len(rules) != 5*outboxLimit || rules[0] != "rule0" || len(outages) != outboxLimit ||
		outages[0] != fmt.Sprint("lost", 4*outboxLimit) {
		t.Errorf("%d rules, outages %v", len(rules), outages)
	}
	for i := range 2 * keptLimit {
		o.put(Notice{Kind: RuleTriggered, Key: fmt.Sprint("rule", i)})
	}
	if n, _ := o.take(); len(o.pending) != keptLimit-1 || n.Key != fmt.Sprint("rule", keptLimit) {
		t.Errorf("%d wait, from %s", len(o.pending), n.Key)
	}
}
