package conn

import "context"

// EventStream delivers every event since it was made, in order. It holds what its reader has not taken yet. One reader.
type EventStream struct{ queue *Queue[Event] }

// Next waits for the next event. ok is false when the supervisor has ended and every event has been delivered, or
// when ctx ends.
func (s *EventStream) Next(ctx context.Context) (e Event, ok bool) { return s.queue.Next(ctx) }
