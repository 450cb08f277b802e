package programs

import (
	"log/slog"
	"sync"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn/port"
	"gatewatch/engine"
)

// events logs and reports what happens at the guarded port. A program can repeat the same as fast as it likes:
// the first is passed on at once, and what follows within a second as one, with its number.
type events struct {
	reports *engine.Reports
	changed func()
	history *recorder
	log     *slog.Logger

	mu      sync.Mutex
	waiting map[eventSubject]*waitingEvent
}

// eventSubject is what a program can repeat.
type eventSubject struct {
	kind     port.EventKind
	client   int64
	reason   port.Reason
	observed bool
}

type waitingEvent struct {
	last  port.Event
	more  int // how many have not been passed on
	timer *time.Timer
}

// gatherTime is how long what repeats is gathered.
const gatherTime = time.Second

// put takes an event. It is called by goroutines that relay, and does not block.
func (g *events) put(e port.Event) {
	s := eventSubject{e.Kind, e.Client.ClientID, e.Reason, e.Observed}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.waiting[s]
	if w != nil && e.Kind != port.OrderUnknown { // of which each is for a person
		w.last = e
		w.more++
		return
	}
	if w == nil {
		if g.waiting == nil {
			g.waiting = map[eventSubject]*waitingEvent{}
		}
		g.waiting[s] = &waitingEvent{timer: time.AfterFunc(gatherTime, func() { g.due(s) })}
	}
	g.pass(e, 0)
}

// due passes on what was gathered, and goes on gathering if there was something.
func (g *events) due(s eventSubject) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.waiting[s]
	switch {
	case w == nil: // flushed
	case w.more == 0:
		delete(g.waiting, s)
	default:
		g.pass(w.last, w.more-1)
		w.more = 0
		w.timer.Reset(gatherTime)
	}
}

// flush passes on all that was gathered. Nothing is passed on after it but what comes after it.
func (g *events) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.waiting {
		w.timer.Stop()
		if w.more > 0 {
			g.pass(w.last, w.more-1)
		}
	}
	clear(g.waiting)
	g.history.flush()
}

// pass logs an event, which stands for more of its kind, and reports it if a person should know. The caller holds the
// lock.
func (g *events) pass(e port.Event, more int) {
	defer g.changed()
	g.history.take(e, more)
	if e.Kind == port.PortOpened || e.Kind == port.PortClosed {
		g.log.Info(string(e.Kind), "detail", e.Detail, "more", more)
		return
	}
	who := wording.Program(e.Client.Name, e.Client.ClientID)
	r := engine.Report{At: e.At.UTC(), Program: who, Reason: string(e.Reason), More: more}
	if e.Order != nil {
		r.Order, r.Text = e.Order.ID, wording.OneLine(e.Order.Words)
	}
	switch {
	case e.Kind == port.OrderRefused && !e.Observed:
		r.Kind = engine.ReportProgramRefused
	case e.Kind == port.OrderUnknown:
		r.Kind = engine.ReportProgramUnknown
	case e.Kind == port.ClientFailed:
		r.Kind, r.Detail = engine.ReportProgramFailed, wording.OneLine(e.Detail)
	default:
		g.log.Info(string(e.Kind), "program", who, "order", r.Order, "text", r.Text, "reason", r.Reason,
			"observed", e.Observed, "detail", wording.OneLine(e.Detail), "more", more)
		return
	}
	g.reports.Put(r)
}
