package history

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestQuery(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	const n = 3000 // of more than one look back, and over a year's end
	batch := make([]Record, 0, n)
	for i := range n {
		batch = append(batch, Record{
			Time: noon.Add(time.Duration(i) * time.Hour), What: Recovered, Counts: Connected,
			Detail: strings.Repeat("x", 100),
		})
	}
	put(t, l, batch...)
	seqs := func(list []Record) (first, last uint64, gaps bool) {
		for i, r := range list {
			gaps = gaps || i > 0 && r.Seq != list[i-1].Seq+1
		}
		if len(list) > 0 {
			first, last = list[0].Seq, list[len(list)-1].Seq
		}
		return first, last, gaps
	}
	for _, c := range []struct {
		name        string
		since       time.Time
		after       uint64
		limit       int
		first, last uint64
		more        bool
	}{
		{"newest", time.Time{}, 0, 10, n - 9, n, true},
		{"all", time.Time{}, 0, n, 1, n, false},
		{"more than all", time.Time{}, 0, 2 * n, 1, n, false},
		{"since", noon.Add((n - 5) * time.Hour), 0, 100, n - 4, n, false},
		{"since, too many", noon.Add((n - 500) * time.Hour), 0, 100, n - 99, n, true},
		{"since later", noon.Add(2 * n * time.Hour), 0, 100, 0, 0, false},
		{"after", time.Time{}, 1000, 100, 1001, 1100, true},
		{"after the first", time.Time{}, 1, 5, 2, 6, true},
		{"after, to the end", time.Time{}, n - 3, 100, n - 2, n, false},
		{"after the last", time.Time{}, n, 100, 0, 0, false},
		{"after and since", noon.Add(1500 * time.Hour), 1000, 3, 1501, 1503, true},
	} {
		list, more, err := Query(dir, c.since, c.after, c.limit)
		if first, last, gaps := seqs(list); err != nil || first != c.first || last != c.last || gaps || more != c.more {
			t.Errorf("%s: %d to %d, gaps %v, more %v, %v", c.name, first, last, gaps, more, err)
		}
	}
	for _, hours := range []int{0, 1, 700, 935, 936, 1500, 2999, 5000} { // 936 h is the new year
		since := noon.Add(time.Duration(hours) * time.Hour)
		got := read(t, dir, since)
		want := max(1, min(hours, n)) // the record before since
		if first, last, gaps := seqs(got); first != uint64(want) || last != n || gaps {
			t.Errorf("since %d h: %d to %d", hours, first, last)
		}
	}
	count := 0
	if err := Read(dir, time.Time{}, func(Record) bool { count++; return count < 7 }); err != nil || count != 7 {
		t.Errorf("stopped after %d, %v", count, err)
	}
	if list, more, err := Query(t.TempDir(), time.Time{}, 0, 5); err != nil || more || len(list) != 0 {
		t.Errorf("of nothing: %v %v %v", list, more, err)
	}
}

// TestReadBridgesAClockThatWasWrong: some records of a wrong clock do not hide what was before them.
func TestReadBridgesAClockThatWasWrong(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	var batch []Record
	for i := range 2000 {
		at := noon.Add(time.Duration(i) * time.Minute)
		if i >= 1500 && i < 1520 {
			at = at.AddDate(-6, 0, 0)
		}
		batch = append(batch, Record{Time: at, What: Recovered, Counts: Connected, Detail: strings.Repeat("x", 200)})
	}
	put(t, l, batch...)
	if got := read(t, dir, noon.Add(100*time.Minute)); got[0].Seq != 100 || len(got) != 1901 {
		t.Errorf("from %d, %d records", got[0].Seq, len(got))
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	put(t, l, record(0, Started, Unobserved))
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan uint64, 100), make(chan error, 1)
	go func() {
		done <- Follow(ctx, dir, 0, func(r Record) error { got <- r.Seq; return nil })
	}()
	expect := func(want uint64) {
		t.Helper()
		select {
		case seq := <-got:
			if seq != want {
				t.Fatalf("seq %d, want %d", seq, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("seq %d never came", want)
		}
	}
	expect(1)
	put(t, l, record(time.Second, Recovered, Connected), record(2*time.Second, Lost, Down))
	expect(2)
	expect(3)
	put(t, l, record(60*24*time.Hour, Recovered, Connected)) // in a new year's file
	expect(4)
	l.Close()
	again := open(t, dir, noon.Add(61*24*time.Hour))
	put(t, again, record(61*24*time.Hour, Started, Unobserved))
	expect(5) // the crash
	expect(6)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	err := Follow(t.Context(), dir, 5, func(Record) error { return io.ErrClosedPipe })
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// TestQueryDamaged: a log in which no record can be read is not taken for one that has none.
func TestQueryDamaged(t *testing.T) {
	dir := t.TempDir()
	for text, damaged := range map[string]bool{"": false, opening + closing: false, "what is left of it": true} {
		if err := os.WriteFile(filepath.Join(dir, current), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if list, _, err := Query(dir, time.Time{}, 0, 50); len(list) > 0 || (err != nil) != damaged {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

// TestFirstRun: a run is the first until the log knows of a connection, whatever else it knows, and a log which cannot
// be read is no first run.
func TestFirstRun(t *testing.T) {
	dir := t.TempDir()
	first := func(want bool) {
		t.Helper()
		if got, err := FirstRun(dir); got != want || err != nil {
			t.Errorf("first run: %v, %v", got, err)
		}
	}
	first(true)
	l := open(t, dir, noon)
	put(t, l, record(0, Started, Unobserved), record(time.Second, AttemptFailed, Unobserved))
	first(true)
	put(t, l, record(3*time.Hour, Recovered, Connected), record(4*time.Hour, Lost, Down))
	first(false)
	fresh := t.TempDir()
	if err := os.WriteFile(filepath.Join(fresh, current), []byte("what is left of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also at the next start
		put(t, open(t, fresh, noon), record(0, Started, Unobserved))
		if got, err := FirstRun(fresh); got || err != nil {
			t.Errorf("a damaged log: first run %v, %v", got, err)
		}
	}
	// Windows says of a path through a file that it does not exist.
	if got, err := FirstRun(filepath.Join(dir, current)); got && runtime.GOOS != "windows" {
		t.Errorf("a file in the place of the folder: first run, %v", err)
	}
}
