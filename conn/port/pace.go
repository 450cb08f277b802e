package port

import "time"

// paceCount is how many messages leave in a second at most. Gateway's own limit is 50, beyond which it refuses them
// with code 100, or closes the connection.
const paceCount = 45

const (
	// paceBurst is how many messages may leave at once. What follows within a second is spread evenly: Gateway counts
	// when it reads, which may be later than they leave, and two bursts must not come together.
	paceBurst = 20
	paceGap   = time.Second / paceCount
)

// pace spreads the messages of a client. It is guarded by [upward.mu].
type pace struct {
	sent [paceCount]time.Time // ring of the moments of the last messages
	i    int
}

// wait returns how long it takes until the next message may leave.
func (p *pace) wait(now time.Time) time.Duration {
	wait := p.sent[p.i].Add(time.Second).Sub(now)
	if before := p.sent[(p.i+paceCount-paceBurst)%paceCount]; now.Sub(before) < time.Second {
		last := p.sent[(p.i+paceCount-1)%paceCount]
		wait = max(wait, last.Add(paceGap).Sub(now))
	}
	return max(0, wait)
}

// note counts a message that leaves.
func (p *pace) note(now time.Time) {
	p.sent[p.i] = now
	p.i = (p.i + 1) % paceCount
}

// rates count what a client id has done in the last minute.
type rates struct{ orders, refusals rate }

// rate counts what happened in the last minute.
type rate struct{ at []time.Time }

// full reports whether it happened most times in the last minute.
func (r *rate) full(now time.Time, most int) bool {
	for len(r.at) > 0 && now.Sub(r.at[0]) >= time.Minute {
		r.at = r.at[1:]
	}
	return len(r.at) >= most
}

func (r *rate) note(now time.Time) {
	r.full(now, 0)
	r.at = append(r.at, now)
}
