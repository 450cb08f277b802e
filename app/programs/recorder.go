package programs

import (
	"maps"
	"slices"
	"sync"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn/history"
	"gatewatch/conn/port"
)

// recorder puts what programs do into the connection log. A program can repeat the same as fast as it likes: of
// each kind the first ones of an hour are recorded one by one, and all that follow as one record at the hour's end.
type recorder struct {
	note func(history.Record)

	mu    sync.Mutex
	kinds map[history.What]*recordedHour
}

// recordedHour is what was recorded of a kind since the first record of the hour.
type recordedHour struct {
	records int
	more    history.Record // those that were not recorded one by one
	timer   *time.Timer
}

// recordsAnHour is how many records of a kind are made one by one.
const recordsAnHour = 20

// whatOf are the records that stand for events at the guarded port.
var whatOf = map[port.EventKind]history.What{
	port.PortOpened:         history.PortOpened,
	port.PortClosed:         history.PortClosed,
	port.ClientConnected:    history.ProgramConnected,
	port.ClientDisconnected: history.ProgramDisconnected,
	port.OrderRefused:       history.ProgramRefused,
	port.OrderUnknown:       history.ProgramUnknown,
}

// take records an event that stands for more of its kind.
func (h *recorder) take(e port.Event, more int) {
	r := history.Record{What: whatOf[e.Kind], Reason: string(e.Reason), Count: 1 + more}
	switch {
	case r.What == "", e.Detail == string(port.EndStopping): // that Gatewatch stops is recorded
		return
	case e.Observed:
		r.What = history.ProgramObserved
	case e.Kind == port.PortOpened:
		r.Detail = e.Detail
	case e.Kind == port.PortClosed, e.Kind == port.ClientDisconnected:
		r.Reason = e.Detail
	}
	if e.Client.Number != 0 {
		r.Program = wording.Program(e.Client.Name, e.Client.ClientID)
	}
	h.put(r)
}

// put records something, now or with the others of its hour.
func (h *recorder) put(r history.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hour := h.kinds[r.What]
	if hour == nil {
		if h.kinds == nil {
			h.kinds = map[history.What]*recordedHour{}
		}
		hour = &recordedHour{}
		hour.timer = time.AfterFunc(time.Hour, func() { h.end(r.What) })
		h.kinds[r.What] = hour
	}
	if hour.records < recordsAnHour {
		hour.records++
		h.record(r)
		return
	}
	if hour.more.Count == 0 {
		hour.more = history.Record{What: r.What, Program: r.Program, Reason: r.Reason}
	}
	if hour.more.Program != r.Program {
		hour.more.Program = ""
	}
	if hour.more.Reason != r.Reason {
		hour.more.Reason = ""
	}
	hour.more.Count += r.Count
}

func (h *recorder) record(r history.Record) {
	if r.Count == 1 {
		r.Count = 0
	}
	h.note(r)
}

// end records what is left of an hour.
func (h *recorder) end(kind history.What) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hour := h.kinds[kind]
	if hour == nil {
		return
	}
	hour.timer.Stop()
	delete(h.kinds, kind)
	if hour.more.Count > 0 {
		h.record(hour.more)
	}
}

// flush ends all hours.
func (h *recorder) flush() {
	h.mu.Lock()
	kinds := slices.Collect(maps.Keys(h.kinds))
	h.mu.Unlock()
	for _, kind := range kinds {
		h.end(kind)
	}
}
