package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
)

// TestReports: each subscriber gets everything since it subscribed, all in one order, and one that does not read
// does not block the writer.
func TestReports(t *testing.T) {
	var r Reports
	r.Put(Report{Text: "nobody listens"})
	fast, endFast := r.Subscribe()
	slow, endSlow := r.Subscribe()
	const writers, each = 4, 250
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				r.Put(Report{Rule: fmt.Sprint(w), Code: i})
			}
		})
	}
	writing.Wait() // without a single read
	late, endLate := r.Subscribe()
	r.Put(Report{Text: "last"})
	endFast()
	endSlow()
	endLate()
	r.Put(Report{Text: "too late"})

	read := func(s *ReportStream) (all []Report) {
		for {
			one, ok := s.Next(t.Context())
			if !ok {
				return all
			}
			all = append(all, one)
		}
	}
	first, second := read(fast), read(slow)
	if len(first) != writers*each+1 || len(second) != len(first) {
		t.Fatalf("%d and %d reports, want %d", len(first), len(second), writers*each+1)
	}
	next := map[string]int{}
	for i := range first {
		if first[i] != second[i] {
			t.Fatalf("the %d. is %+v and %+v", i, first[i], second[i])
		}
		if one := first[i]; one.Text == "" {
			if one.Code != next[one.Rule] {
				t.Fatalf("writer %s: %d comes after %d", one.Rule, one.Code, next[one.Rule]-1)
			}
			next[one.Rule]++
		}
	}
	if all := read(late); len(all) != 1 || all[0].Text != "last" {
		t.Errorf("a late subscriber got %+v", all)
	}
}

func TestReportStreamWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Reports
		s, end := r.Subscribe()
		got := make(chan string)
		go func() {
			defer close(got)
			for {
				one, ok := s.Next(context.Background())
				if !ok {
					return
				}
				got <- one.Text
			}
		}()
		synctest.Wait()
		for _, text := range []string{"a", "b"} {
			r.Put(Report{Text: text})
			if one := <-got; one != text {
				t.Errorf("got %q, want %q", one, text)
			}
			synctest.Wait() // it waits again
		}
		end()
		if one, ok := <-got; ok {
			t.Errorf("got %q after the end", one)
		}
		end() // a second time does nothing

		s, end = r.Subscribe()
		defer end()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if one, ok := s.Next(ctx); ok {
			t.Errorf("got %+v after the context's end", one)
		}
	})
}
