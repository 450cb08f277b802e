package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn/ib"
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
	l, err := Open(Crash{}, dir, now, quiet)
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
			Time: noon.Add(2 * time.Second), What: Lost, Counts: Down, Session: 1, Cause: ib.CauseClosed, Code: 1300,
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
