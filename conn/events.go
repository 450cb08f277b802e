package conn

import "gatewatch/conn/ib"

// EventStream delivers every event since it was made, in order. It ends with the supervisor.
type EventStream = ib.Queue[Event]

func (s *Supervisor) deliver(now instant, events []Event) {
	if events = s.flood.pass(now, s.m.state, events); len(events) == 0 {
		return
	}
	for i := range events {
		s.eventSeq++
		events[i].Seq = s.eventSeq
	}
	last := events[len(events)-1].Kind == EventStopped
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = s.ended || last
	for st := range s.streams {
		if st.Put(events...); last {
			st.End()
		}
	}
}

// Events returns a stream of all events from now on, and a function that ends it. Make it before Run to get
// [EventStarted].
func (s *Supervisor) Events() (*EventStream, func()) {
	st := ib.NewQueue[Event]()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		st.End()
	}
	s.streams[st] = struct{}{}
	return st, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, st)
	}
}
