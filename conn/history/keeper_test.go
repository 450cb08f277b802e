package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// TestKeeperRunsAgain has what reads events panic: Run ends in the panic, and called again it goes on where it was, in
// the same run of the program.
func TestKeeperRunsAgain(t *testing.T) {
	dir := t.TempDir()
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: 1, ClientID: 17, Mode: ib.AnyMode, ConnectTimeout: time.Second, Poll: time.Second,
		Soft: time.Second,
		Hard: 10 * time.Second, Delays: []time.Duration{time.Hour},
	}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	events, end := sup.Events()
	defer end()
	k := NewKeeper(dir, time.Now(), Crash{}, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { sup.Run(ctx) })
	line := k.line
	k.line = nil
	func() {
		defer func() {
			if text, _ := recover().(string); !strings.Contains(text, "nil pointer") ||
				!strings.Contains(text, "(*Keeper).take") {
				t.Errorf("Run ended with %q", text)
			}
		}()
		k.Run(context.Background(), events)
	}()
	k.line = line
	running.Go(func() { k.Run(context.Background(), events) })
	written := func() (any bool) { // the file is no array while a record is written
		if err := Read(dir, time.Time{}, func(Record) bool { any = true; return false }); err != nil {
			t.Fatal(err)
		}
		return any
	}
	for until := time.Now().Add(30 * time.Second); !written(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nothing is written any more")
		}
	}
	cancel()
	running.Wait()
	all := array(t, filepath.Join(dir, current))
	for _, r := range all {
		if r.Run != 1 || r.What == Crashed {
			t.Errorf("%+v", r)
		}
	}
	if last := all[len(all)-1]; last.What != Stopped {
		t.Errorf("the last record is %+v", last)
	}
}

// TestACrashThatIsKnown holds what a start makes of a crash of which more is known than the log can say.
func TestACrashThatIsKnown(t *testing.T) {
	dir := t.TempDir()
	start := func(at time.Duration, crash Crash) {
		t.Helper()
		l, err := Open(crash, dir, noon.Add(at), quiet)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	start(-2*time.Minute, Crash{at(time.Hour), "panic: before any record, and the clock was set back"})
	start(0, Crash{at(-time.Minute), "panic: before any record"})
	l := open(t, dir, noon)
	put(t, l, record(0, Started, Unobserved))
	if err := l.Beat(at(time.Minute)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	start(time.Hour, Crash{at(70 * time.Second), "panic: one"})
	start(time.Hour, Crash{at(70 * time.Second), "panic: one"}) // reported already
	start(2*time.Hour, Crash{at(90 * time.Minute), "panic: before the log was open"})
	start(2*time.Hour, Crash{})
	l = open(t, dir, at(3*time.Hour))
	put(t, l, record(3*time.Hour, Started, Unobserved), record(4*time.Hour, Stopped, Unobserved))
	l.Close()
	start(5*time.Hour, Crash{})
	start(5*time.Hour, Crash{at(4*time.Hour + time.Second), "panic: on the way out"})
	var told []string
	for _, r := range array(t, filepath.Join(dir, current)) {
		told = append(told, strings.TrimSpace(r.Time.Sub(noon).String()+" "+string(r.What)+" "+r.Detail))
	}
	want := "-2m0s crashed panic: before any record, and the clock was set back, " +
		"-1m0s crashed panic: before any record, 0s started, 1m10s crashed panic: one, " +
		"1h30m0s crashed panic: before the log was open, 3h0m0s started, " +
		"4h0m0s stopped, 4h0m1s crashed panic: on the way out"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestYearTurnsOnAFullDisk has the disk take the records of the old year, and none of the new one: each record is
// written once.
func TestYearTurnsOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	late := time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)
	k := NewKeeper(dir, late, Crash{}, quiet)
	defer func() { k.file.Close() }()
	var batch []Record
	for n, what := range []What{Started, Recovered, Lost, Recovered} {
		batch = append(batch, Record{
			Time: late.Add(time.Duration(n) * 500 * time.Millisecond), What: what,
			Counts: Connected,
		})
	}
	k.file.dir = filepath.Join(dir, "gone") // no file of a new year can be made there
	k.take(batch)
	for range 2 {
		k.flush()
		if k.Problem() == nil || len(k.pending) != 2 {
			t.Fatalf("%v, %d records wait", k.Problem(), len(k.pending))
		}
	}
	k.file.dir = dir
	k.flush()
	all := read(t, dir, time.Time{})
	if k.Problem() != nil || len(all) != len(batch) {
		t.Fatalf("%v, %d records", k.Problem(), len(all))
	}
	for n, r := range all {
		if r.What != batch[n].What || r.Seq != uint64(n+1) || !r.Time.Equal(batch[n].Time) {
			t.Errorf("record %d: %+v", n, r)
		}
	}
}

// TestLongLog opens a log that is longer than a start can wait for: its end is read, and the rest when it is asked for.
func TestLongLog(t *testing.T) {
	dir := t.TempDir()
	const n = 3 * maxAtStart / (32 << 10) / 2
	long := strings.Repeat("x", 32<<10)
	var text strings.Builder
	for i := range n {
		at := noon.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		junk, detail := "\n"+long, "" // which costs less to read than records do
		if i >= n-4 {                 // where a start looks for what is damaged
			junk, detail = "", long
		}
		fmt.Fprintf(&text, "%s%s\n{\"seq\":%d,\"time\":%q,\"event\":\"lost\",\"counts\":\"down\",\"detail\":%q}",
			[]string{"[", ","}[min(i, 1)], junk, i+1, at, detail)
	}
	if err := os.WriteFile(filepath.Join(dir, current), []byte(text.String()+closing), 0o600); err != nil {
		t.Fatal(err)
	}
	k := NewKeeper(dir, noon.Add(n*time.Minute), Crash{}, quiet)
	k.file.Close()
	since := k.Timeline().Since()
	if read := noon.Add(n * time.Minute).Sub(since); read < n/2*time.Minute || read > (n*2/3+3)*time.Minute {
		t.Errorf("the newest %v of %v were read", read, n*time.Minute)
	}
	if held, err := k.Held(since.Add(time.Minute)); err != nil || held != k.line {
		t.Errorf("what is held is read again: %v", err)
	}
	if held, err := k.Held(noon); err != nil || !held.Since().Equal(noon) {
		t.Errorf("since %v, %v", held.Since(), err)
	}
	if first, err := FirstRun(dir); !first || err != nil {
		t.Errorf("first run: %v, %v", first, err)
	}
}

// TestNote records what does not change how time counts: it counts as before, also if it comes between what does, and
// nothing is recorded before the start and after the end.
func TestNote(t *testing.T) {
	dir := t.TempDir()
	k := NewKeeper(dir, time.Now(), Crash{}, quiet)
	k.Note(Record{What: ProgramRefused})
	begin := time.Now().Add(-time.Hour)
	counted := []Kind{Unobserved, Connected, Down, Connected, Unobserved}
	for i, what := range []What{Started, Recovered, Lost, Recovered, Stopped} {
		k.take([]Record{{Time: begin.Add(time.Duration(i) * time.Minute), What: what, Counts: counted[i]}})
		k.Note(Record{What: ProgramRefused, Program: "client id 7", Count: 3, Reason: "read_only"})
	}
	k.flush()
	k.file.Close()
	all := array(t, filepath.Join(dir, current))
	if len(all) != 9 {
		t.Fatalf("%d records", len(all))
	}
	for i, r := range all {
		if want := counted[i/2]; r.Counts != want {
			t.Errorf("record %d counts as %v, not %v", i, r.Counts, want)
		}
		if i%2 == 1 && (r.What != ProgramRefused || r.Count != 3 || r.Reason != "read_only" || r.Program == "") {
			t.Errorf("%+v", r)
		}
	}
	line, err := Load(dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Timeline{line, k.Timeline()} {
		a := l.Account(begin, begin.Add(time.Hour), nil)
		if a.Terms[Connected] != 2*time.Minute || a.Terms[Down] != time.Minute || a.Outages != 1 {
			t.Errorf("%+v", a)
		}
	}
}
