package sim

import "time"

// clock is the gateway's time. It starts with the machine's and then runs speed times as fast.
type clock struct {
	start time.Time
	speed float64
}

func newClock(speed float64) clock { return clock{start: time.Now(), speed: speed} }

func (c clock) now() time.Time {
	if c.speed == 1 {
		return time.Now()
	}
	return c.start.Add(time.Duration(float64(time.Since(c.start)) * c.speed))
}

// real is how long a time of the gateway takes on the machine's clock.
func (c clock) real(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }

// after is [time.After] on the gateway's clock.
func (c clock) after(d time.Duration) <-chan time.Time { return time.After(c.real(d)) }
