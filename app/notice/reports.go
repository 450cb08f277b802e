package notice

import (
	"fmt"
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/engine"
)

// burst is reports of one kind that come close together; those that a rule triggered are of one rule alone.
type burst struct {
	kind   engine.ReportKind
	rule   string // empty but for ReportTriggered
	number int
	since  time.Time // of the first report
	count  int
	fresh  int // how many have not been reported
	last   engine.Report
	gap    time.Duration // until the next notice; 0 before the first
	due    time.Time     // when the fresh ones are reported; without any the burst is over then
	held   bool          // it was due while it was quiet
}

const (
	// guardShut is the reason of a blocked order that is about the connection.
	guardShut = "guard_shut"
	// guardLead is how much sooner than it is reported as lost the guard may close.
	guardLead = 2 * time.Second
	// digestLines is how many rules are named in one notice.
	digestLines = 8
)

// takeReport adds a report to its burst.
func (st *State) takeReport(r engine.Report, now time.Time) {
	at := r.At.Round(0)
	if at.IsZero() || at.After(now) {
		at = now
	}
	if r.Kind == engine.ReportBlocked && r.Reason == guardShut {
		st.refused(at)
	}
	rule := ""
	if r.Kind == engine.ReportTriggered {
		rule = r.Rule
	}
	i := slices.IndexFunc(st.bursts, func(b burst) bool {
		over := b.fresh == 0 && !now.Before(b.due)
		return b.kind == r.Kind && b.rule == rule && !over
	})
	if i < 0 {
		st.burst++
		i = len(st.bursts)
		st.bursts = append(st.bursts, burst{kind: r.Kind, rule: rule, number: st.burst, since: at, due: now})
	}
	b := &st.bursts[i]
	b.count += counts(r)
	b.fresh += counts(r)
	b.last = r
}

// refused counts an order that the guard refused. Reports and events come by different ways, so one from an outage may
// be here before the outage, or after its end.
func (st *State) refused(at time.Time) {
	if st.open && (!st.up || !at.After(st.since)) {
		st.blocked++
		return
	}
	st.shut = slices.DeleteFunc(st.shut, func(t time.Time) bool { return at.Sub(t) > guardLead })
	st.shut = append(st.shut, at)
}

// fall adds to an outage the orders that were refused just before it was reported.
func (st *State) fall(at time.Time) {
	st.before = st.blocked
	for _, t := range st.shut {
		if at.Sub(t) <= guardLead {
			st.blocked++
		}
	}
	st.shut = nil
}

// forget leaves the orders of the present outage alone, which is an incident of its own now.
func (st *State) forget() { st.blocked, st.before = st.blocked-st.before, 0 }

// counts returns for how many of its kind a report stands.
func counts(r engine.Report) int {
	if r.Kind == engine.ReportProgramRefused {
		return 1 + r.More
	}
	return 1
}

// repeats reports whether reports of a kind go on as long as their cause does: orders that are not let through. They
// can wait, and are gathered for longer and longer.
func repeats(k engine.ReportKind) bool {
	return k == engine.ReportBlocked || k == engine.ReportProgramRefused
}

// hushed returns until when reports of a kind are held back, the zero time if they are not.
func (t *turn) hushed(k engine.ReportKind) (until time.Time) {
	until = t.in.Muted.Round(0)
	if k == engine.ReportTriggered || repeats(k) {
		until = t.awake()
	}
	if !t.now.Before(until) {
		return time.Time{}
	}
	return until
}

// report reports the bursts that are due, and those that were held back as one for each kind.
func (t *turn) report() {
	st := t.st
	st.bursts = slices.DeleteFunc(st.bursts, func(b burst) bool { return b.fresh == 0 && t.due(b.due) })
	held := map[engine.ReportKind][]burst{}
	for i := range st.bursts {
		b := &st.bursts[i]
		switch {
		case b.fresh == 0, !t.due(b.due) && !t.in.Ending:
		case !t.hushed(b.kind).IsZero():
			b.held = true
		case b.held:
			held[b.kind] = append(held[b.kind], *b)
		default:
			t.notifyBurst(b)
		}
	}
	for i := range st.bursts { // again, so that they come in their order
		switch b := &st.bursts[i]; len(held[b.kind]) {
		case 0:
		case 1:
			if b.held {
				t.notifyBurst(b)
			}
		default:
			t.notify(t.digestOfRules(held[b.kind]))
			delete(held, b.kind)
		}
	}
	// What a digest has reported is over: the next report of it is reported at once.
	st.bursts = slices.DeleteFunc(st.bursts, func(b burst) bool { return b.held && t.hushed(b.kind).IsZero() })
}

// notifyBurst reports a burst as it is. What can wait is reported less and less often, if it goes on.
func (t *turn) notifyBurst(b *burst) {
	t.notify(t.gathered(*b))
	switch {
	case b.gap == 0 || !repeats(b.kind):
		b.gap = t.p.Gather
	default:
		b.gap = min(2*b.gap, max(t.p.Every, t.p.Gather))
	}
	b.fresh, b.held, b.due = 0, false, t.now.Add(b.gap)
}

// reportNext returns by when Step has to be called again because of reports; zero if only a report can change anything.
func (t *turn) reportNext() (at time.Time) {
	for _, b := range t.st.bursts {
		if b.held { // a mute can be ended before its time
			at = sooner(at, sooner(t.hushed(b.kind), t.now.Add(longestWait)))
			continue
		}
		at = sooner(at, b.due)
	}
	return at
}

// manyTitles are the titles of several reports of a kind: how many, and since when.
var manyTitles = map[engine.ReportKind]string{
	engine.ReportFailed:         "%d rules stopped since %s",
	engine.ReportBlocked:        "%d orders blocked since %s",
	engine.ReportProgramRefused: "%d orders of programs refused since %s",
	engine.ReportProgramUnknown: "%d orders of programs unknown since %s: look in TWS",
	engine.ReportRejected:       "%d orders rejected since %s",
	engine.ReportUnprotected:    "%d open positions without their stops since %s",
	engine.ReportInactive:       "%d orders inactive since %s",
	engine.ReportUnknown:        "%d orders unknown since %s: look in TWS",
}

// gathered returns the notice of one burst.
func (t *turn) gathered(b burst) Notice {
	n := Notice{Kind: Kind(b.kind), Key: fmt.Sprintf("%s-%d", b.kind, b.number)}
	switch b.kind {
	case engine.ReportFailed, engine.ReportRejected, engine.ReportInactive, engine.ReportUnprotected,
		engine.ReportNotChanged, engine.ReportUnknown, engine.ReportNotCancelled, engine.ReportForeign,
		engine.ReportHalted, engine.ReportMoved, engine.ReportCrashed, engine.ReportProgramUnknown:
		n.Urgent = true
	}
	text, since, rule := wording.Report(b.last), clock(b.since, t.now), ""
	if b.last.Rule != "" && b.kind != engine.ReportTriggered && b.kind != engine.ReportFailed {
		rule = "Rule: " + wording.OneLine(b.last.Rule)
	}
	if b.count == 1 {
		n.Title, n.Body = wording.ReportTitle(b.last), lines(text, rule, wording.ReportHint(b.kind))
		return n
	}
	if title := manyTitles[b.kind]; title != "" {
		n.Title = fmt.Sprintf(title, b.count, since)
	} else {
		n.Title = fmt.Sprintf("%s (%d times since %s)", wording.ReportTitle(b.last), b.count, since)
	}
	hint := wording.ReportHint(b.kind)
	switch b.kind {
	case engine.ReportFailed:
		hint, rule = "They watch nothing until they are activated again.", "Rule: "+wording.OneLine(b.last.Rule)
	case engine.ReportProgramRefused, engine.ReportProgramUnknown:
		rule = "Program: " + wording.OneLine(b.last.Program)
	case engine.ReportInactive:
		hint = "Gateway has them, and they are not at the exchange. Look at them in TWS."
	case engine.ReportUnknown:
		hint = "Look in TWS whether they are there. Gatewatch does not send them again."
	}
	n.Body = lines("Last: "+text, rule, hint)
	return n
}

// digestOfRules returns one notice of several rules that triggered while it was quiet.
func (t *turn) digestOfRules(all []burst) Notice {
	since, count := all[0].since, 0
	var named []string
	for i, b := range all {
		count += b.count
		if b.since.Before(since) {
			since = b.since
		}
		switch {
		case i == digestLines:
			named = append(named, fmt.Sprintf("… and %d more.", len(all)-i))
		case i < digestLines && b.count > 1:
			named = append(named, fmt.Sprintf("%s: %d times, last: %s", wording.OneLine(b.rule), b.count,
				wording.Report(b.last)))
		case i < digestLines:
			named = append(named, wording.OneLine(b.rule)+": "+wording.Report(b.last))
		}
	}
	return Notice{
		Kind: RuleTriggered, Key: fmt.Sprintf("%s-%d", RuleTriggered, all[0].number),
		Title: fmt.Sprintf("%d rules triggered since %s, %d times in all", len(all), clock(since, t.now), count),
		Body:  lines(named...),
	}
}
