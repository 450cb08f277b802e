package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutbox(t *testing.T) {
	o := newOutbox(nil, false, slog.New(slog.DiscardHandler))
	for i := range 2 * outboxLimit {
		o.put(Notice{Key: fmt.Sprint(i % (outboxLimit + 4)), Title: fmt.Sprint(i)})
	}
	for i := range 10 {
		o.put(Notice{Key: fmt.Sprint(i % 5), Title: fmt.Sprint(2*outboxLimit - 10 + i)})
	}
	seen := map[string]bool{}
	last := ""
	for n, ok := o.take(); ok; n, ok = o.take() {
		if seen[n.Key] {
			t.Errorf("two notices with key %s wait", n.Key)
		}
		seen[n.Key], last = true, n.Title
	}
	if len(seen) > outboxLimit || last != fmt.Sprint(2*outboxLimit-1) {
		t.Errorf("%d wait, the last is %s", len(seen), last)
	}
}

// TestRunKeeps: a sender for readers elsewhere gets each notice, in order, whatever fails in between, and at the end.
func TestRunKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		full, calls, bodies := true, 0, ""
		r := startRun(t, func(c *Config) { c.Keep = true })
		r.desk.show = func(_ context.Context, n Notice) error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; full {
				if calls == 2 {
					panic("bad disk")
				}
				return errors.New("disk full")
			}
			bodies += n.Body + "\n"
			return nil
		}
		outage := func() {
			r.send(lostNow)
			time.Sleep(m)
			r.send(connected)
			time.Sleep(h - m)
		}
		set := func(now bool) { mu.Lock(); defer mu.Unlock(); full = now }
		r.send(connected)
		var want []string
		for i := range 20 { // more than a desktop's notices may wait
			outage()
			want = append(want, fmt.Sprintf("lost incident-%d", i+1), fmt.Sprintf("back incident-%d", i+1))
		}
		r.expect(t)
		mu.Lock()
		if most := int(20 * h / againAfter); calls < most-20 || calls > most {
			t.Errorf("%d calls, want about one in %v", calls, againAfter)
		}
		mu.Unlock()
		set(false)
		time.Sleep(againAfter)
		synctest.Wait()
		set(true)
		r.send(lostNow)
		time.Sleep(6 * s)
		set(false)
		r.end() // before it is tried again
		want = append(want, "lost incident-21")
		got := r.desk.list()
		for i := range got {
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		if !slices.Equal(got, want) {
			t.Errorf("shown\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if n := strings.Count(bodies, "\nGateway: 127.0.0.1:4002"); n != len(want) {
			t.Errorf("%d of %d say which Gateway:\n%s", n, len(want), bodies)
		}
		if log := r.logs.String(); strings.Count(log, "cannot be shown") != 2 ||
			strings.Count(log, "shown again") != 2 || strings.Count(log, "\n") != 4 {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestRunEndsWithNoticesThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, func(c *Config) { c.Keep = true })
		r.desk.show = func(ctx context.Context, _ Notice) error { <-ctx.Done(); return ctx.Err() }
		r.send(connected)
		r.send(lostNow)
		time.Sleep(8 * s)
		begin := time.Now()
		r.end()
		if took := time.Since(begin); took > endLimit {
			t.Errorf("ending took %v", took)
		}
		if log := r.logs.String(); !strings.Contains(log, "notices were lost") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestOutboxThatKeeps(t *testing.T) {
	var logs bytes.Buffer
	o := newOutbox(nil, true, slog.New(slog.NewTextHandler(&logs, nil)))
	for i := range keptLimit + 5 {
		o.put(Notice{Key: "one", Title: fmt.Sprint(i)})
	}
	first, _ := o.take()
	o.putBack(first)
	for i := 5; i < keptLimit+5; i++ {
		if n, ok := o.take(); !ok || n.Title != fmt.Sprint(i) {
			t.Fatalf("%v %v, want %d", n, ok, i)
		}
	}
	if n, ok := o.take(); ok || strings.Count(logs.String(), "given up") != 5 {
		t.Errorf("%v, log:\n%s", n, logs.String())
	}
}
