package notice

import (
	"fmt"
	"strings"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// snapshot returns as much of a snapshot as the words for a problem need.
func (t *turn) snapshot(state conn.State, p problem) *conn.Snapshot {
	return &conn.Snapshot{
		State: state, Since: t.st.since, Cause: p.cause, Code: p.code, Detail: p.detail, Tried: p.tried,
		Gateway: t.in.Gateway,
	}
}

// words returns cause and remedy.
func (t *turn) words(s *conn.Snapshot) string {
	return lines(wording.Cause(s), wording.Hint(s, t.in.ClientID))
}

func (t *turn) about(kind Kind, title, body string) Notice {
	return Notice{
		Kind: kind, Title: title, Body: body,
		Incident: t.st.incident, Key: incidentKey(t.st.incident),
	}
}

func incidentKey(incident int) string { return fmt.Sprintf("incident-%d", incident) }

func (t *turn) lost() Notice {
	st, title, state := t.st, "Connection to Gateway lost", conn.Reconnecting
	switch {
	case st.problem.far:
		title, state = wording.Unreachable, conn.UpstreamLost
	case st.lastUp.IsZero():
		title = "No connection to Gateway"
	}
	opening := "Since " + clock(st.begun, t.now) + "."
	if st.since.Before(st.afterRest) {
		opening = "The reset window is over, and the connection is not back. " + opening
	}
	if !st.held.IsZero() {
		opening = "It came back and was lost again. " + opening
	}
	words := t.words(t.snapshot(state, st.problem))
	if st.signIn {
		title, words = "Sign-in needed", wording.SignIn
	}
	n := t.about(Lost, title, lines(opening, words))
	n.Urgent, n.Connect = true, !st.problem.far
	return n
}

func (t *turn) back() Notice {
	st, verb := t.st, "Reconnected"
	if st.first {
		verb = "Connected"
	}
	if !st.held.IsZero() && !st.held.Equal(st.since) {
		// It was up in between, so the whole time was no outage.
		return t.about(Back, "Connected again since "+clock(st.since, t.now),
			lines("It was lost at "+clock(st.begun, t.now)+" and came and went in between.", blockedInAll(st.blocked)))
	}
	text := fmt.Sprintf("%s after %s (%s–%s)", verb, wording.Duration(st.since.Sub(st.begun)),
		clock(st.begun, st.since), clock(st.since, st.since))
	if st.blocked > 0 {
		text += ", " + wording.Count(st.blocked, "order blocked", "orders blocked")
	}
	return t.about(Back, text, "The connection has been stable since "+clock(st.since, t.now)+".")
}

func blockedInAll(n int) string {
	if n == 0 {
		return ""
	}
	return "In all, " + wording.Count(n, "order was blocked.", "orders were blocked.")
}

func (t *turn) unstable() Notice {
	st := t.st
	n := t.about(Unstable, "The connection is unstable", lines(
		fmt.Sprintf("%d drops since %s. Single drops are not shown until it has been up for %s.",
			st.storm.drops, clock(st.storm.since, t.now), span(t.p.Quiet)),
		wording.Cause(t.snapshot(t.down(), st.problem))))
	n.Urgent = true
	return n
}

func (t *turn) digest() Notice {
	n := t.about(Digest, "The connection is still unstable", t.account()+" "+t.present())
	n.Connect = !t.st.up && !t.st.problem.far
	return n
}

func (t *turn) calm() Notice {
	return t.about(Calm, "The connection is stable again", t.account()+" "+t.present())
}

// account sums up the unstable time.
func (t *turn) account() string {
	st := t.st
	down := st.storm.down
	if !st.up {
		down += max(0, t.now.Sub(st.since))
	}
	return fmt.Sprintf("%d drops since %s, not connected for %s in all.", st.storm.drops, clock(st.storm.since, t.now),
		wording.Duration(down))
}

func (t *turn) present() string {
	if t.st.up {
		return "Connected since " + clock(t.st.since, t.now) + "."
	}
	return "Not connected now."
}

func (t *turn) down() conn.State {
	if t.st.problem.far {
		return conn.UpstreamLost
	}
	return conn.Reconnecting
}

// stopped reports that a pause has ended an incident that is on the screen.
func (t *turn) stopped() Notice {
	e := t.st.ended
	what := "The connection was lost at "
	if e.unstable {
		what = "The connection had been unstable since "
	}
	stays := ""
	if t.st.paused {
		stays = "Gatewatch stays disconnected until you connect."
	}
	return Notice{
		Kind: Paused, Incident: e.incident, Key: incidentKey(e.incident), Title: wording.DisconnectedByYou,
		Body: lines(what+clock(e.begun, t.now)+"; you disconnected at "+clock(e.at, t.now)+".", stays),
	}
}

func (t *turn) competing() Notice {
	s := t.snapshot(conn.Degraded, problem{cause: ib.CauseCompeting, code: t.in.Event.Code})
	return Notice{
		Kind: Competing, Key: string(Competing), Title: "Market data taken by another session",
		Body: t.words(s),
	}
}

func (t *turn) guardClosed() Notice {
	s := t.snapshot(conn.Degraded, t.st.closed)
	return Notice{
		Kind: GuardClosed, Key: string(GuardClosed), Title: wording.OrdersAreBlocked, Body: t.words(s),
		Urgent: true,
	}
}

// reminder reports that the weekly login ends at the given time.
func (t *turn) reminder(end time.Time) Notice {
	title := "Gateway's weekly login ends Sunday 01:00 New York"
	if here := end.Local(); !sameOffset(here, end) {
		switch {
		case t.p.Remote:
			title += here.Format(" (Mon 15:04 MST)")
		case here.Weekday() != end.Weekday():
			title += here.Format(" (Mon 15:04 here)")
		default:
			title += here.Format(" (15:04 here)")
		}
	}
	return Notice{
		Kind: Reminder, Key: string(Reminder), Title: title,
		Body: "Log in again after that time: restart Gateway and confirm the second factor on the phone. Gatewatch " +
			"reconnects by itself.",
	}
}

// place says which Gateway a notice is about, for readers elsewhere.
func (t *turn) place() string {
	text := "Gateway: " + wording.Address(t.snapshot(conn.Reconnecting, t.st.problem))
	if mode := wording.Mode(t.in.Gateway.Mode); mode != "" {
		text += ", " + mode
	}
	if t.in.Computer != "" {
		text += ", seen from " + wording.OneLine(t.in.Computer)
	}
	return text + "."
}

// lines joins what is not empty and drops what cannot be shown.
func lines(texts ...string) string {
	var kept []string
	for _, text := range texts {
		for part := range strings.SplitSeq(text, "\n") {
			if part = printable(part); part != "" {
				kept = append(kept, part)
			}
		}
	}
	return strings.Join(kept, "\n")
}

// printable is wording.OneLine without its limit: sentences of our own are longer, and outside text in them has been
// through it.
func printable(text string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(text) {
		if word = wording.OneLine(word); word != "" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(word)
		}
	}
	return b.String()
}

// clock returns the time of day, with the day if that is not the day of the other moment, and with the zone if the
// clocks were changed in between.
func clock(t, other time.Time) string {
	t, other = t.Local(), other.Local()
	layout := wording.WithDay("15:04:05", t, other)
	if !sameOffset(t, other) {
		layout += " MST"
	}
	return t.Format(layout)
}

func sameOffset(a, b time.Time) bool {
	_, x := a.Zone()
	_, y := b.Zone()
	return x == y
}

// span returns a round length of time, such as "10 minutes".
func span(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return wording.Duration(d)
}
