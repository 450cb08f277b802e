package history

import (
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Recorder turns the events of one run of the program into records, without what only the log can know: Seq, Run and
// Local. The zero Recorder is ready for the first event.
type Recorder struct {
	window  bool      // a reset window is active
	counts  Kind      // of the last record
	last    time.Time // of the last record
	at      time.Time // of the events that are being recorded
	before  time.Time // of the last record before them
	begun   time.Time // when the run began
	paused  time.Time // when the present pause began
	attempt series
}

// series is failed attempts in a row with one cause.
type series struct {
	n           int
	cause       ib.Cause
	code        int
	first, last time.Time
	session     uint64
}

// whats are the records that stand for an event of their own.
var whats = map[conn.EventKind]What{
	conn.EventStarted:          Started,
	conn.EventStopped:          Stopped,
	conn.EventConnected:        Recovered,
	conn.EventLost:             Lost,
	conn.EventDisconnected:     Disconnected,
	conn.EventAttemptFailed:    AttemptFailed,
	conn.EventUpstreamLost:     UpstreamLost,
	conn.EventUpstreamRestored: UpstreamRestored,
	conn.EventFarm:             FarmChanged,
	conn.EventCompeting:        Competing,
	conn.EventOrdersBlocked:    OrdersBlocked,
	conn.EventOrdersConfirmed:  OrdersConfirmed,
	conn.EventWindowStarted:    WindowStarted,
	conn.EventWindowEnded:      WindowEnded,
	conn.EventPaused:           UserPaused,
	conn.EventResumed:          UserResumed,
	conn.EventWoke:             Woke,
}

// Take returns the records that an event makes, in order. There are none for what changes nothing.
func (r *Recorder) Take(e conn.Event) []Record {
	var list []Record
	at := e.At.UTC().Truncate(time.Millisecond)
	if !at.Equal(r.at) {
		r.at, r.before = at, r.last
	}
	switch e.Kind {
	case conn.EventWindowStarted:
		r.window = true
	case conn.EventWindowEnded:
		r.window = false
	case conn.EventStarted:
		r.begun = at
	}
	counts := r.count(&e)
	one := Record{
		Time: at, What: whats[e.Kind], Counts: counts, Session: e.Session, Cause: e.Cause, Code: e.Code,
		Detail:  e.Detail,
		Seconds: seconds(e.Duration),
	}
	switch e.Kind {
	case conn.EventAttemptFailed:
		if r.attempt.n > 0 && r.attempt.cause == e.Cause && r.attempt.code == e.Code {
			r.attempt.n++
			r.attempt.last, r.attempt.session = at, e.Session
			if counts == r.counts {
				return nil
			}
		} else {
			list = r.endAttempts(list, at)
			r.attempt = series{1, e.Cause, e.Code, at, at, e.Session}
		}
	case conn.EventConnected, conn.EventPaused, conn.EventWindowStarted, conn.EventStopped:
		list = r.endAttempts(list, at)
	case conn.EventWoke:
		// A window's edge that was slept over is recorded before the waking that found it, and must not shorten the
		// sleep.
		asleep := earlier(at, later(r.before, at.Add(-e.Duration).Truncate(time.Millisecond)))
		list = r.endAttempts(list, asleep)
		list = append(list, Record{Time: asleep, What: FellAsleep, Counts: Asleep})
	}
	switch e.Kind {
	case conn.EventPaused:
		r.paused = at
	case conn.EventResumed:
		one.Seconds = since(r.paused, at)
	case conn.EventStopped:
		one.Seconds = since(r.begun, at)
	case conn.EventFarm:
		one.Detail = e.Detail + " " + string(e.Farm)
	}
	if one.What == "" {
		if counts == r.counts {
			return list
		}
		one.What = What(e.Kind) // it changes how time counts, so it has to be recorded
	}
	list = append(list, one)
	r.counts, r.last = counts, at
	return list
}

// endAttempts adds the end of the series of failed attempts, if there was more than one.
func (r *Recorder) endAttempts(list []Record, at time.Time) []Record {
	a := r.attempt
	r.attempt = series{}
	if a.n < 2 {
		return list
	}
	return append(list, Record{
		Time: at, What: AttemptsEnded, Counts: r.counts, Session: a.session, Cause: a.cause, Code: a.code,
		Attempts: a.n,
		Seconds:  since(a.first, a.last),
	})
}

// count says how the time after an event counts. The first attempt after a start or a pause is no one's outage.
func (r *Recorder) count(e *conn.Event) Kind {
	switch {
	case e.Kind == conn.EventStopped || e.Cause == ib.CauseStopping:
		return Unobserved
	case e.State == conn.Connected || e.State == conn.Degraded:
		return Connected
	case e.State == conn.Paused:
		return Paused
	case e.State == conn.Connecting:
		return Unobserved
	case r.window || e.State == conn.ResetWindow:
		return Planned
	}
	return Down
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// since returns the time from a to b in seconds, 0 if there is no a or b is before it.
func since(a, b time.Time) float64 {
	if a.IsZero() || b.Before(a) {
		return 0
	}
	return seconds(b.Sub(a))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
