package history

import (
	"slices"
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	var l RoundTrips
	add := func(at time.Duration, trips ...time.Duration) {
		for _, trip := range trips {
			l.Add(noon.Add(at), trip)
		}
	}
	want := func(now time.Duration, want ...Latency) {
		t.Helper()
		if got := l.Until(noon.Add(now)); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	want(0)
	add(59*time.Second, ms(9), ms(1), ms(2))
	first := Latency{noon, ms(2), ms(9)}
	want(time.Minute, first)
	add(3*time.Minute, ms(7)) // nothing in the minutes between
	second := Latency{noon.Add(3 * time.Minute), ms(7), ms(7)}
	want(4*time.Minute, first, second)
	want(keptLatency+time.Minute, second)
	add(4*time.Minute, ms(4), ms(3))
	third := Latency{noon.Add(4 * time.Minute), ms(3), ms(4)}
	want(5*time.Minute, first, second, third)
	add(time.Minute, ms(5)) // the clock was set back
	want(2*time.Minute, first, Latency{noon.Add(time.Minute), ms(5), ms(5)})

	// It stays bounded, however long and however many.
	for i := range 4 * 24 * 60 * 100 {
		add(time.Duration(i)*600*time.Millisecond, ms(1))
	}
	if n := len(l.Until(l.minute)); n != 24*60+1 || cap(l.trips) > 2*maxAnswers {
		t.Errorf("%d minutes and room for %d answers are kept", n, cap(l.trips))
	}
}
