package port

import "time"

// paceCount is how many messages leave in a second at most. Gateway's own limit is 50, beyond which it refuses them
// with code 100, or closes the connection.
const paceCount = 45

// pace spreads the messages of a client. It is guarded by [upward.mu].
type pace struct {
	sent [paceCount]time.Time // ring of the moments of the last messages
	i    int
}

// wait returns how long it takes until the next message may leave.
func (p *pace) wait(now time.Time) time.Duration {
	return max(0, p.sent[p.i].Add(time.Second).Sub(now))
}

// note counts a message that leaves.
func (p *pace) note(now time.Time) {
	p.sent[p.i] = now
	p.i = (p.i + 1) % paceCount
}

// rate counts the orders of a client id in the last minute.
type rate struct{ sent []time.Time }

// full reports whether most orders have left in the last minute already.
func (r *rate) full(now time.Time, most int) bool {
	for len(r.sent) > 0 && now.Sub(r.sent[0]) >= time.Minute {
		r.sent = r.sent[1:]
	}
	return len(r.sent) >= most
}

func (r *rate) note(now time.Time) { r.sent = append(r.sent, now) }
