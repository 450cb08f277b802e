package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		victim(dir)
		return
	}
	time.Local = time.FixedZone("", 11*60*60)
	goleak.VerifyTestMain(m)
}

var (
	quiet = slog.New(slog.DiscardHandler)
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func open(t testing.TB, dir string, now time.Time) *Log {
	t.Helper()
	l, err := Open(dir, now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func put(t *testing.T, l *Log, records ...Record) []Record {
	t.Helper()
	written, err := l.Append(records...)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// array reads a log file as any JSON reader does.
func array(t *testing.T, path string) (records []Record) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &records); err != nil {
		t.Fatalf("%s is no JSON array: %v\n%s", path, err, text)
	}
	return records
}

func read(t *testing.T, dir string, since time.Time) (records []Record) {
	t.Helper()
	if err := Read(dir, since, func(r Record) bool { records = append(records, r); return true }); err != nil {
		t.Fatal(err)
	}
	return records
}

func record(at time.Duration, what What, counts Kind) Record {
	return Record{Time: noon.Add(at), What: what, Counts: counts}
}

func TestLogIsAnArrayAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, current)
	l := open(t, dir, noon)
	if got := array(t, path); len(got) != 0 {
		t.Fatalf("a new log has %v", got)
	}
	var want []Record
	want = append(want, put(t, l, Record{Time: noon.Add(1234567 * time.Nanosecond), What: Started})...)
	want = append(want, put(t, l,
		Record{Time: noon.Add(time.Second), What: Recovered, Counts: Connected, Session: 1},
		Record{
			Time: noon.Add(2 * time.Second), What: Lost, Counts: Down, Session: 1, Cause: conn.CauseClosed, Code: 1300,
			Seconds: 1,
			Detail:  "\"quoted\"\n\x00\xff<b>" + strings.Repeat("ü", 300),
		})...)
	for i, r := range want {
		if r.Seq != uint64(i+1) || r.Run != 1 || r.Time.Location() != time.UTC || !r.Local.Equal(r.Time) ||
			r.Time.Nanosecond()%1e6 != 0 {
			t.Errorf("record %d: %+v", i, r)
		}
		if len(r.Detail) > maxDetail {
			t.Errorf("detail of %d bytes", len(r.Detail))
		}
	}
	if got := array(t, path); len(got) != 3 || got[2].Detail != want[2].Detail || !got[1].Time.Equal(want[1].Time) {
		t.Errorf("got %+v", got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(
		`"time":"2026-11-23T12:00:01Z","local":"2026-11-23T23:00:01+11:00","event":"connected","counts":"connected","run":1,"session":1}`)) {
		t.Errorf("the file reads\n%s", text)
	}
	if got := read(t, dir, time.Time{}); len(got) != 3 || got[0].Seq != 1 {
		t.Errorf("read %+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestACrashIsWrittenByTheNextStart(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	put(t, l, record(0, Started, Unobserved), record(time.Second, Recovered, Connected))
	for _, at := range []time.Duration{30 * time.Second, time.Minute, 90 * time.Second} {
		if err := l.Beat(noon.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	l = open(t, dir, noon.Add(time.Hour))
	l.Close()
	l = open(t, dir, noon.Add(2*time.Hour)) // killed again before its first record
	put(t, l, record(2*time.Hour, Started, Unobserved), record(3*time.Hour, Stopped, Unobserved))
	l.Close()
	l = open(t, dir, noon.Add(4*time.Hour))
	put(t, l, record(4*time.Hour, Started, Unobserved))
	var story []string
	for _, r := range read(t, dir, time.Time{}) {
		story = append(story, fmt.Sprintf("%d %s %v run %d", r.Seq, r.What, r.Time.Sub(noon), r.Run))
	}
	want := []string{
		"1 started 0s run 1", "2 connected 1s run 1", "3 crashed 1m30s run 1", "4 started 2h0m0s run 2",
		"5 stopped 3h0m0s run 2",
		"6 started 4h0m0s run 3",
	}
	if !reflect.DeepEqual(story, want) {
		t.Errorf("got %q", story)
	}
}

func TestHeartbeatSurvivesATornWrite(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	for i := range 3 {
		if err := l.Beat(noon.Add(time.Duration(i) * time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, beatName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) != 2*slotSize {
		t.Fatalf("%d bytes", len(whole))
	}
	for i := range whole { // damage any one byte: the other slot is at most one beat older
		torn := bytes.Clone(whole)
		torn[i] ^= 0x11
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LastBeat(dir); err != nil || got.Before(noon.Add(time.Minute)) ||
			got.After(noon.Add(2*time.Minute)) {
			t.Fatalf("byte %d: %v, %v", i, got, err)
		}
	}
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	if got, err := LastBeat(dir); err != nil || !got.IsZero() {
		t.Errorf("of a stump: %v, %v", got, err)
	}
	// A new run goes on with the slot that is older.
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, noon)
	if err := again.Beat(noon.Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	slots, err := readSlots(f)
	if err != nil || !slots[0].Equal(noon.Add(2*time.Minute)) || !slots[1].Equal(noon.Add(3*time.Minute)) {
		t.Errorf("slots %v, %v", slots, err)
	}
}

func TestAFileForEachYear(t *testing.T) {
	dir := t.TempDir()
	late := time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)
	l := open(t, dir, late)
	at := func(d time.Duration, what What) Record {
		return Record{Time: late.Add(d), What: what, Counts: Connected}
	}
	put(t, l, at(0, Started), at(time.Second, Recovered), at(2*time.Second, Lost)) // one batch over midnight
	// a clock that was set back stays in the file
	put(t, l, at(-time.Hour, Recovered), at(3*time.Second, Recovered))
	put(t, l, at(366*24*time.Hour, Stopped))
	l.Close()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for _, n := range names {
		sizes[filepath.Base(n)] = len(array(t, n))
	}
	if want := map[string]int{
		"connection_log-2025.json": 1, "connection_log-2026.json": 4,
		"connection_log.json": 1,
	}; !reflect.DeepEqual(sizes, want) {
		t.Fatalf("got %v", sizes)
	}
	if got := read(t, dir, time.Time{}); len(got) != 6 || got[0].Seq != 1 || got[5].Seq != 6 {
		t.Errorf("read %+v", got)
	}
	// A name that is taken is not written over.
	if err := os.Remove(filepath.Join(dir, current)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "connection_log-2026.json"), filepath.Join(dir, current)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "connection_log-2026.json"), []byte("[\n]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, late)
	put(t, l, at(366*24*time.Hour, Started))
	if got := array(t, filepath.Join(dir, "connection_log-2026-2.json")); len(got) != 5 { // with the crash
		t.Errorf("%d records", len(got))
	}
}

// TestTornTail cuts and garbles a file at every byte of its last records: what is whole stays, what is not is kept
// aside, and the file is an array that can be written.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	for i := range 4 {
		put(t, l, record(time.Duration(i)*time.Second, Recovered, Connected))
	}
	put(t, l, record(9*time.Second, Stopped, Unobserved))
	l.Close()
	path := filepath.Join(dir, current)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{} // offsets behind each record
	for i := range whole {
		if bytes.HasPrefix(whole[i:], []byte("}\n]")) || bytes.HasPrefix(whole[i:], []byte("},\n")) {
			ends = append(ends, i+1)
		}
	}
	if len(ends) != 5 {
		t.Fatalf("%d records in %s", len(ends), whole)
	}
	damages := map[string]func(n int) []byte{
		"cut":     func(n int) []byte { return bytes.Clone(whole[:n]) },
		"zeros":   func(n int) []byte { return append(bytes.Clone(whole[:n]), make([]byte, 500)...) },
		"garbage": func(n int) []byte { return append(bytes.Clone(whole[:n]), "\x07{\"seq\":99,\n]]}\n"...) },
	}
	for name, damage := range damages {
		for n := ends[1]; n <= len(whole); n++ {
			text := damage(n)
			sub := t.TempDir()
			if err := os.WriteFile(filepath.Join(sub, current), text, 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := Open(sub, noon.Add(time.Hour), quiet)
			if err != nil {
				t.Fatalf("%s at %d: %v", name, n, err)
			}
			if _, err := l.Append(record(time.Hour, Stopped, Unobserved)); err != nil {
				t.Fatal(err)
			}
			l.Close()
			kept := 0
			for _, end := range ends {
				if end <= n {
					kept++
				}
			}
			got := array(t, filepath.Join(sub, current))
			crash := 1
			if kept == 5 {
				crash = 0
			}
			if len(got) != kept+crash+1 || got[kept-1].Seq != uint64(kept) ||
				got[len(got)-1].Seq != uint64(kept+crash+1) {
				t.Fatalf("%s at %d: %d records, want %d: %+v", name, n, len(got), kept+crash+1, got)
			}
			lost := bytes.Trim(text[ends[kept-1]:], ",\n] ")
			aside, err := filepath.Glob(filepath.Join(sub, "connection_log.damaged-*"))
			if err != nil || (len(aside) == 1) != (len(lost) > 0) {
				t.Fatalf("%s at %d: lost %q, kept aside %v", name, n, lost, aside)
			}
			if len(aside) == 1 {
				if saved, err := os.ReadFile(aside[0]); err != nil || !bytes.Contains(saved, lost) {
					t.Fatalf("%s at %d: lost %q, kept %q", name, n, lost, saved)
				}
			}
		}
	}
}

// TestEditedFile holds that a log which a person has formatted, or whose middle is damaged, loses no record.
func TestEditedFile(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, noon)
	written := put(t, l, record(0, Started, Unobserved), record(1, Recovered, Connected),
		record(2, Stopped, Unobserved))
	l.Close()
	path := filepath.Join(dir, current)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, whole, "", "  "); err != nil {
		t.Fatal(err)
	}
	future := bytes.Replace(whole, []byte(`"event":"connected"`), []byte(`"event":"connected","later":{"a":[1,2]}`), 1)
	for name, c := range map[string]struct {
		text []byte
		want int
	}{
		"formatted":     {pretty.Bytes(), 3},
		"one line":      {bytes.ReplaceAll(whole, []byte("\n"), nil), 3},
		"CRLF":          {bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")), 3},
		"no bracket":    {whole[2:], 3},
		"middle broken": {bytes.Replace(whole, []byte(`"event":"connected"`), []byte(`"event":"conn`), 1), 2},
		"empty":         {nil, 0},
		"white space":   {[]byte(" \n"), 0},
		"not a log":     {[]byte("hello"), 0},
		"another array": {[]byte(`[1, {"a": "b"}]`), 0},
		"future keys":   {future, 3},
	} {
		t.Run(name, func(t *testing.T) {
			sub := t.TempDir()
			if err := os.WriteFile(filepath.Join(sub, current), c.text, 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, sub, noon.Add(time.Hour))
			put(t, l, record(time.Hour, Stopped, Unobserved))
			got := array(t, filepath.Join(sub, current))
			if len(got) != c.want+1 {
				t.Fatalf("%d records, want %d: %+v", len(got), c.want+1, got)
			}
			for i, r := range got[:c.want] {
				if c.want == 3 && (r.Seq != written[i].Seq || !r.Time.Equal(written[i].Time) ||
					r.What != written[i].What) {
					t.Errorf("record %d: %+v", i, r)
				}
			}
			text, err := os.ReadFile(filepath.Join(sub, current))
			if err != nil || bytes.Contains(c.text, []byte("later")) &&
				!bytes.Contains(text, []byte(`"later":{"a":[1,2]}`)) {
				t.Errorf("what a later version wrote is gone: %s", text)
			}
		})
	}
}

// TestAWriteThatFails holds that a full disk leaves the array whole, and that the same records can be written
// afterwards.
func TestAWriteThatFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, current)
	l := open(t, dir, noon)
	put(t, l, record(0, Started, Unobserved))
	good := l.file
	broken, err := os.Open(path) // not for writing
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	l.file = broken
	for range 2 {
		if _, err := l.Append(record(time.Second, Recovered, Connected)); err == nil ||
			!strings.Contains(err.Error(), "is the disk full") {
			t.Fatalf("%v", err)
		}
	}
	if got := array(t, path); len(got) != 1 {
		t.Errorf("%d records", len(got))
	}
	// Half a record is on disk when the disk takes something again.
	if _, err := good.WriteAt([]byte(",\n{\"seq\":2,"), l.end); err != nil {
		t.Fatal(err)
	}
	l.file = good
	put(t, l, record(time.Second, Recovered, Connected))
	if got := array(t, path); len(got) != 2 || got[1].Seq != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestOpenWhereNothingCanBeWritten(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "missing"), noon, quiet); err == nil ||
		!errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

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

// TestReadBridgesAClockThatWasWrong holds that some records of a wrong clock do not hide what was before them.
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

// FuzzOpen holds that no content of a file makes Open panic or lose a record in it.
func FuzzOpen(f *testing.F) {
	one := `{"seq":1,"time":"2026-11-23T12:00:00Z","local":"2026-11-23T12:00:00Z","event":"started","counts":"connected","run":1}`
	for _, text := range []string{
		"", "[", "[\n]\n", "[\n" + one + "\n]\n", "[\n" + one + ",\n" + one, one, "{{{{",
		"[\n" + one + ",\n\x00\x00\n]\n", "]\n[" + one + one + "}", "[\n" + strings.Replace(one, "2026", "2021", 1),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, current)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before := len(records(text))
		l, err := Open(dir, noon, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := l.Append(record(0, Started, Unobserved)); err != nil {
			t.Fatal(err)
		}
		got := len(array(t, path))
		years, _ := filepath.Glob(filepath.Join(dir, "connection_log-*.json")) // where those of former years are
		for _, year := range years {
			got += len(array(t, year))
		}
		if got < before+1 {
			aside, _ := filepath.Glob(filepath.Join(dir, "connection_log.damaged-*"))
			if len(aside) == 0 {
				t.Fatalf("%d records of %d, and nothing kept aside: %q", got-1, before, text)
			}
		}
	})
}

// TestFirstRun holds that a run is the first until the log knows of a connection, whatever else it knows, and that a
// log which cannot be read is no first run.
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
	// Windows says of a path through a file that it does not exist.
	if got, err := FirstRun(filepath.Join(dir, current)); got && runtime.GOOS != "windows" {
		t.Errorf("a file in the place of the folder: first run, %v", err)
	}
}
