package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// cells is an account that is kept a millisecond at a time.
type cells struct {
	from time.Time
	kind []Kind
	cut  []bool // an outage ended and another may have begun within no time, at the start of the millisecond
}

func newCells(from time.Time, n int) *cells {
	return &cells{from, make([]Kind, n), make([]bool, n)}
}

// paint says what counts from a millisecond on, whatever was said before of the time after it.
func (c *cells) paint(at int, kind Kind) {
	for i := at; i < len(c.kind); i++ {
		c.kind[i] = kind
		c.cut[i] = i == at && (c.cut[i] || kind == Connected || kind == Paused)
	}
}

func (c *cells) at(ms int) time.Time { return c.from.Add(time.Duration(ms) * time.Millisecond) }

// account counts cells. Market hours are looked up for each of them on the clock of their zone.
func (c *cells) account(from, until int, hours *Hours) Account {
	a := Account{From: c.at(from), Until: c.at(until)}
	down := time.Duration(0)
	for i := from; i < until; i++ {
		k := c.kind[i]
		a.Terms[k] += time.Millisecond
		if on := c.at(i).In(hours.Location); onMarket(on, hours) {
			a.Market[k] += time.Millisecond
		}
		switch {
		case k == Connected || k == Paused:
			down = 0
		case i > from && c.cut[i]:
			down = 0
		}
		if k == Down {
			if down == 0 {
				a.Outages++
			}
			down += time.Millisecond
			a.Longest = max(a.Longest, down)
		}
	}
	return a
}

// onMarket looks at a moment's own clock only. It does for hours that no change of the clocks touches.
func onMarket(on time.Time, h *Hours) bool {
	minute, opens, shuts := on.Hour()*60+on.Minute(), h.OpenHour*60+h.OpenMinute, h.CloseHour*60+h.CloseMinute
	day := func(w time.Weekday) bool {
		return slices.Contains(h.Days, w)
	}
	today, before := on.Weekday(), (on.Weekday()+6)%7
	if shuts > opens {
		return day(today) && minute >= opens && minute < shuts
	}
	return day(today) && minute >= opens || day(before) && minute < shuts
}

// agree checks that a timeline says of any time what its cells say.
func agree(r *rapid.T, l *Timeline, c *cells, hours *Hours) {
	r.Helper()
	n := len(c.kind)
	for range 4 {
		x, y, z := rapid.IntRange(0, n).Draw(r, "x"), rapid.IntRange(0, n).Draw(r, "y"),
			rapid.IntRange(0, n).Draw(r, "z")
		x, y, z = min(x, y, z), x+y+z-min(x, y, z)-max(x, y, z), max(x, y, z)
		sub := time.Duration(rapid.IntRange(0, 999_999).Draw(r, "below a millisecond"))
		whole := l.Account(c.at(x).Add(sub), c.at(z).Add(sub), hours)
		want := c.account(x, z, hours)
		if !whole.From.Equal(want.From) || !whole.Until.Equal(want.Until) {
			r.Fatalf("%v – %v, want %v – %v", whole.From, whole.Until, want.From, want.Until)
		}
		want.From, want.Until = whole.From, whole.Until
		if whole != want {
			r.Fatalf("%d–%d: got  %+v\nwant %+v", x, z, whole, want)
		}
		one, two := l.Account(c.at(x), c.at(y), hours), l.Account(c.at(y), c.at(z), hours)
		sum := time.Duration(0)
		for k := range Kinds {
			sum += whole.Terms[k]
			if one.Terms[k]+two.Terms[k] != whole.Terms[k] || one.Market[k]+two.Market[k] != whole.Market[k] {
				r.Fatalf("%d–%d–%d: %v and %v make %v", x, y, z, one, two, whole)
			}
		}
		if sum != whole.Length() {
			r.Fatalf("%d–%d: terms sum to %v of %v", x, z, sum, whole.Length())
		}
		next := c.at(x)
		for i, s := range l.Spans(c.at(x), c.at(z)) {
			if !s.From.Equal(next) || !s.Until.After(s.From) {
				r.Fatalf("span %d is %v – %v, wanted from %v", i, s.From, s.Until, next)
			}
			for ms := s.From; ms.Before(s.Until); ms = ms.Add(time.Millisecond) {
				if k := c.kind[ms.Sub(c.from).Milliseconds()]; k != s.Kind {
					r.Fatalf("%v is %v, want %v", ms, s.Kind, k)
				}
			}
			next = s.Until
		}
		if z > x && !next.Equal(c.at(z)) {
			r.Fatalf("spans end at %v, want %v", next, c.at(z))
		}
	}
}

// aroundOpening is market hours that open, shut or go on over midnight a second into the cells.
func aroundOpening(r *rapid.T) (time.Time, *Hours) {
	loc := zone(r, "America/New_York")
	h := &Hours{Days: workdays, OpenHour: 9, OpenMinute: 30, CloseHour: 16, Location: loc}
	if rapid.Bool().Draw(r, "over midnight") {
		h.OpenHour, h.OpenMinute, h.CloseHour = 18, 0, 17
	}
	hour := rapid.SampledFrom([][2]int{{h.OpenHour, h.OpenMinute}, {h.CloseHour, 0}, {24, 0}}).Draw(r, "edge")
	day := rapid.IntRange(22, 29).Draw(r, "day")
	return time.Date(2026, 11, day, hour[0], hour[1], -1, 0, loc), h
}

// TestAnyRecords: records in whatever order, with the clock set back at will, make a timeline that is exact.
func TestAnyRecords(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const n = 2500
		from, hours := aroundOpening(r)
		c, l := newCells(from, n), NewTimeline()
		now, floor, seen := 0, 0, 0
		for range rapid.IntRange(0, 40).Draw(r, "records") {
			if rapid.IntRange(0, 7).Draw(r, "back") == 0 {
				now = rapid.IntRange(0, now).Draw(r, "to")
			} else {
				now = min(n-1, now+rapid.IntRange(0, 200).Draw(r, "later"))
			}
			what := rapid.SampledFrom([]What{Started, Lost, Recovered, Woke, WindowEnded, "never heard of"}).Draw(r,
				"what")
			kind := rapid.SampledFrom(Kinds[:]).Draw(r, "kind")
			if what == Started {
				seen = min(seen, now)
				c.paint(seen, Unobserved)
				floor = seen
			}
			seen = max(now, floor)
			c.paint(seen, kind)
			l.Add(Record{Time: c.at(now), What: what, Counts: kind})
		}
		agree(r, l, c, hours)
		end := rapid.IntRange(0, n-1).Draw(r, "end")
		c.paint(max(end, seen), Unobserved)
		l.End(c.at(end))
		agree(r, l, c, hours)
	})
}

// life is a program that keeps a connection, with the events that the supervisor would emit. What is true it knows from
// its own deeds.
type life struct {
	*rapid.T
	c   *cells
	l   *Timeline
	rec *Recorder
	now int

	running, up, upstream, paused, trying, failed, window bool

	recorded int // when the last record was made
}

func (w *life) kind() Kind {
	switch {
	case !w.running:
		return Unobserved
	case w.up && w.upstream:
		return Connected
	case w.paused:
		return Paused
	case w.window && (w.up || !w.trying || w.failed):
		return Planned
	case w.up || w.failed:
		return Down
	}
	return Unobserved
}

func (w *life) state() conn.State {
	switch {
	case w.up && w.upstream:
		return rapid.SampledFrom([]conn.State{conn.Connected, conn.Degraded}).Draw(w.T, "state")
	case w.up:
		return conn.UpstreamLost
	case w.paused:
		return conn.Paused
	case w.window && !w.trying:
		return conn.ResetWindow
	case w.failed:
		return conn.Reconnecting
	}
	return conn.Connecting
}

// tell ends a step: the events of it, and what is true from then on.
func (w *life) tell(events ...conn.Event) {
	state := w.state()
	for _, e := range events {
		e.At, e.State = w.c.at(w.now).Add(321*time.Microsecond), state
		for _, r := range w.rec.Take(e) {
			w.l.Add(r)
			w.recorded = w.now
		}
	}
	w.c.paint(w.now, w.kind())
}

func (w *life) draw(name string, n int) int { return rapid.IntRange(0, n-1).Draw(w.T, name) }

// edge begins or ends the reset window; attempts rest in it.
func (w *life) edge() conn.Event {
	w.window = !w.window
	if w.window {
		return conn.Event{Kind: conn.EventWindowStarted}
	}
	w.trying = w.trying || !w.up && !w.paused
	return conn.Event{Kind: conn.EventWindowEnded}
}

// begin starts the program.
func (w *life) begin() {
	w.rec = &Recorder{}
	w.running, w.up, w.paused, w.failed, w.trying = true, false, false, false, true
	events := []conn.Event{{Kind: conn.EventStarted}}
	if w.window = w.draw("window", 4) == 0; w.window {
		w.trying = false
		events = append(events, conn.Event{Kind: conn.EventWindowStarted})
	}
	w.tell(events...)
}

// finish ends the program: in an orderly way, by a crash, or by one that the log does not know of.
func (w *life) finish() {
	var events []conn.Event
	if w.up {
		events = append(events, conn.Event{Kind: conn.EventDisconnected, Cause: ib.CauseStopping})
	}
	w.up, w.running = false, false
	switch w.draw("end", 3) {
	case 0:
		w.tell(append(events, conn.Event{Kind: conn.EventStopped})...)
	case 1:
		w.l.Add(Record{Time: w.c.at(w.now), What: Crashed, Counts: Unobserved})
		w.tell()
	case 2:
		w.c.paint(w.recorded, Unobserved)
	}
}

func (w *life) turn() {
	w.now += w.draw("pass", 40)
	if !w.running {
		w.begin()
		return
	}
	switch act := w.draw("act", 13); {
	case act == 0:
		w.finish()
	case act == 1:
		w.tell(w.edge())
	case act == 2: // sleep, and maybe a window's edge in it
		slept := 1 + w.draw("sleep", 60)
		w.c.paint(w.now, Asleep)
		w.now += slept
		var events []conn.Event
		if w.draw("edge", 3) == 0 {
			events = append(events, w.edge())
		}
		w.tell(append(events, conn.Event{Kind: conn.EventWoke, Duration: time.Duration(slept) * time.Millisecond})...)
	case act == 3 && !w.paused:
		var events []conn.Event
		if w.up {
			events = append(events, conn.Event{Kind: conn.EventDisconnected, Cause: ib.CauseUser})
		}
		w.up, w.trying, w.paused = false, false, true
		w.tell(append(events, conn.Event{Kind: conn.EventPaused})...)
	case act == 3:
		w.paused, w.failed, w.trying = false, false, true
		w.tell(conn.Event{Kind: conn.EventResumed})
	case act == 4 && w.up: // settings of another Gateway
		w.up, w.trying = false, !w.window
		w.tell(conn.Event{Kind: conn.EventDisconnected, Cause: ib.CauseReconfigured},
			conn.Event{Kind: conn.EventReconfigured})
	case act == 5:
		w.tell(conn.Event{Kind: rapid.SampledFrom([]conn.EventKind{
			conn.EventNotice, conn.EventFarm, conn.EventCompeting, conn.EventReconfigured, conn.EventSuspected,
			conn.EventAnswered,
		}).Draw(w.T, "told")})
	case act <= 7 && w.trying:
		w.failed, w.trying = true, !w.window
		w.tell(conn.Event{Kind: conn.EventAttemptFailed, Cause: []ib.Cause{
			ib.CauseRefused, ib.CauseNoAnswer,
		}[w.draw("cause", 2)]})
	case act <= 9 && w.trying:
		w.up, w.trying, w.upstream = true, false, w.draw("upstream", 4) > 0
		events := []conn.Event{{Kind: conn.EventConnected}}
		if !w.upstream {
			events = append(events, conn.Event{Kind: conn.EventUpstreamLost})
		}
		w.tell(events...)
	case act <= 8 && w.up:
		w.up, w.failed, w.trying = false, true, !w.window
		w.tell(conn.Event{Kind: conn.EventLost, Cause: ib.CauseClosed})
	case w.up:
		w.upstream = !w.upstream
		if w.upstream {
			w.tell(conn.Event{Kind: conn.EventUpstreamRestored})
		} else {
			w.tell(conn.Event{Kind: conn.EventUpstreamLost})
		}
	}
}

// TestAnyLife: the events of the supervisor make an account that agrees with what was true, a millisecond at a time.
func TestAnyLife(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, hours := aroundOpening(r)
		w := &life{T: r, c: newCells(from, 5000), l: NewTimeline()}
		for range rapid.IntRange(0, 45).Draw(r, "turns") {
			w.turn()
		}
		if !w.running { // what reads the log then says when the program was last known to run
			w.l.End(w.c.at(w.recorded))
		}
		agree(r, w.l, w.c, hours)
	})
}

// TestAnyHours: market hours are those that the clock of the zone shows, over both changes of the clocks.
func TestAnyHours(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := &Hours{
			Days: rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday {
				return time.Weekday(d)
			}), 1, 7).Draw(r, "days"),
			OpenHour: rapid.IntRange(4, 22).Draw(r, "open"), OpenMinute: rapid.IntRange(0, 59).Draw(r, "minute"),
			CloseHour: rapid.IntRange(4, 22).Draw(r, "shut"), CloseMinute: rapid.IntRange(0, 59).Draw(r, "minute"),
			Location: zone(r, rapid.SampledFrom([]string{
				"America/New_York", "Europe/Zurich", "Asia/Hong_Kong",
				"America/Havana",
			}).Draw(r, "zone")),
		}
		from := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(r, "month")),
			rapid.IntRange(1, 31).Draw(r, "day"), 0, rapid.IntRange(0, 1439).Draw(r, "from"), 0, 0, time.UTC)
		minutes := rapid.IntRange(0, 10*1440).Draw(r, "minutes")
		open := map[int64]bool{}
		last := int64(0)
		for _, s := range h.between(from.UnixMilli(), from.Add(time.Duration(minutes)*time.Minute).UnixMilli()) {
			if s.from < last || s.from >= s.until {
				r.Fatalf("stretch %v after one that ends at %d", s, last)
			}
			last = s.until
			for ms := s.from; ms < s.until; ms += 60_000 {
				open[ms] = true
			}
		}
		for i := range minutes {
			if on := from.Add(time.Duration(i) * time.Minute); open[on.UnixMilli()] != onMarket(on.In(h.Location), h) {
				r.Fatalf("%s: open at %v is %v", fmt.Sprint(h), on.In(h.Location), open[on.UnixMilli()])
			}
		}
	})
}
