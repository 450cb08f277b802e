package history

import (
	"testing"
	"time"
)

// TestClockSetAtLast has a run whose clock was years ahead, and one that begins with a clock that is not set, which is
// set while it runs: the account of today is of the latter.
func TestClockSetAtLast(t *testing.T) {
	line := NewTimeline()
	today := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ahead, unset := today.AddDate(9, 0, 0), time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, r := range []Record{
		{Time: today.Add(-2 * time.Hour), What: Started},
		{Time: today.Add(-2 * time.Hour), What: Recovered, Counts: Connected},
		{Time: today.Add(-time.Hour), What: Stopped},
		{Time: ahead, What: Started},
		{Time: ahead, What: Recovered, Counts: Connected},
		{Time: ahead.Add(time.Hour), What: Stopped},
		{Time: unset, What: Started},
		{Time: unset, What: Recovered, Counts: Connected},
		{Time: today, What: Woke, Counts: Connected},
		{Time: today.Add(10 * time.Minute), What: Lost, Counts: Down},
		{Time: today.Add(20 * time.Minute), What: Recovered, Counts: Connected},
	} {
		line.Add(r)
	}
	a := line.Account(today.Add(-2*time.Hour), today.Add(time.Hour), nil)
	if a.Terms[Connected] != 110*time.Minute || a.Terms[Down] != 10*time.Minute {
		t.Errorf("connected for %v, down for %v", a.Terms[Connected], a.Terms[Down])
	}
}

// TestClockWildlyWrong has a run whose clock was years ahead, one whose clock was not set (1971), and one whose clock
// is right: the account of today is of the last.
func TestClockWildlyWrong(t *testing.T) {
	line := NewTimeline()
	today := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ahead, unset := today.AddDate(9, 0, 0), time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, start := range []time.Time{ahead, unset, today} {
		line.Add(Record{Time: start, What: Started})
		line.Add(Record{Time: start.Add(time.Second), What: Recovered, Counts: Connected})
		if start != today {
			line.Add(Record{Time: start.Add(time.Hour), What: Stopped})
		}
	}
	a := line.Account(today, today.Add(time.Hour), nil)
	if a.Terms[Connected] != time.Hour-time.Second {
		t.Errorf("today: %v", a.Terms)
	}
}
