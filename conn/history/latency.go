package history

import (
	"slices"
	"sync"
	"time"
)

// Latency is how long Gateway took to answer the time requests that it answered in one minute.
type Latency struct {
	Minute      time.Time // its beginning
	Median, Max time.Duration
}

const (
	keptLatency = 24 * time.Hour
	// maxAnswers is how many answers of one minute are kept: requests are a second apart.
	maxAnswers = 64
)

// RoundTrips are those to Gateway in the last 24 hours, of all sessions. Its methods may be called from any goroutine.
type RoundTrips struct {
	mu     sync.Mutex
	list   []Latency       // minutes that are over, in their order
	minute time.Time       // the present one
	trips  []time.Duration // the answers in it
}

// Add takes in that an answer came at a moment of the wall clock.
func (l *RoundTrips) Add(at time.Time, trip time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := at.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.list = l.until(at)
		// The clock may have been set back.
		l.list = slices.DeleteFunc(l.list, func(one Latency) bool { return !one.Minute.Before(minute) })
		l.minute, l.trips = minute, l.trips[:0]
	}
	if len(l.trips) < maxAnswers {
		l.trips = append(l.trips, trip)
	}
}

func (l *RoundTrips) until(now time.Time) []Latency {
	first, _ := slices.BinarySearchFunc(l.list, now.Add(-keptLatency), func(one Latency, t time.Time) int {
		return one.Minute.Compare(t)
	})
	list := slices.Clone(l.list[first:])
	if len(l.trips) > 0 {
		sorted := slices.Sorted(slices.Values(l.trips))
		list = append(list, Latency{l.minute, sorted[(len(sorted)-1)/2], sorted[len(sorted)-1]})
	}
	return list
}

// Until returns how long Gateway took to answer, minute by minute of the 24 hours before now, with the present minute.
// Minutes in which it answered no time request are left out.
func (l *RoundTrips) Until(now time.Time) []Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until(now)
}
