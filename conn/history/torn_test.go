package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

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
			l, err := Open(Crash{}, sub, noon.Add(time.Hour), quiet)
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

// TestEditedFile: a log which a person has formatted, or whose middle is damaged, loses no record.
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

// TestAWriteThatFails: a full disk leaves the array whole, and the same records can be written afterwards.
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
	if _, err := Open(Crash{}, filepath.Join(t.TempDir(), "missing"), noon, quiet); err == nil ||
		!errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestNonsense opens a long file in which there is one record and much else: neither the time, of which the number of
// allocations tells, nor the memory that this takes grows with what else there is.
func TestNonsense(t *testing.T) {
	record := `{"seq":7,"time":"2026-11-23T12:00:00Z","event":"started"}`
	deep := strings.Repeat(`{"a":`, 100_000)
	for name, nonsense := range map[string]string{
		"objects":        strings.Repeat("{}\n", 1<<20),
		"one line":       strings.Repeat("x", 4<<20),
		"braces":         strings.Repeat("{", 4<<20),
		"strings":        strings.Repeat(`{"`, 2<<20),
		"zeros":          strings.Repeat("\x00", 4<<20),
		"not UTF-8":      strings.Repeat("\xff{", 2<<20),
		"deep":           deep + "1" + strings.Repeat("}", 100_000),
		"deep in record": `{"seq":6,"time":"2026-11-23T12:00:00Z","event":` + deep + "1" + strings.Repeat("}", 100_001),
		"deep lists":     strings.Repeat(`{"a":[`, 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, text := filepath.Join(dir, current), []byte(nonsense+"\n"+record+"\n"+nonsense)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			l := open(t, dir, noon.Add(time.Hour))
			if _, err := FirstRun(dir); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if n, size := after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc; n > 20_000 || size > 8<<20 {
				t.Errorf("%d allocations, %d KB", n, size>>10)
			}
			put(t, l, Record{Time: noon.Add(time.Hour), What: Stopped})
			if got := array(t, path); len(got) != 3 || got[0].Seq != 7 || got[2].Seq != 9 {
				t.Errorf("%+v", got)
			}
			aside, err := filepath.Glob(filepath.Join(dir, "connection_log.damaged-*"))
			if err != nil || len(aside) != 1 {
				t.Fatal(aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, text) {
				t.Errorf("%d bytes of %d are kept, %v", len(kept), len(text), err)
			}
		})
	}
}

// TestImpossibleRecord opens a log whose last record has numbers or a time behind which none can be written.
func TestImpossibleRecord(t *testing.T) {
	for name, last := range map[string]string{
		"seq":         `"seq":18446744073709551615,"time":"2026-11-23T12:00:00Z","event":"started","run":1`,
		"run":         `"seq":2,"time":"2026-11-23T12:00:00Z","event":"started","run":18446744073709551615`,
		"after 9999":  `"seq":2,"time":"9999-12-31T23:59:59-14:00","event":"started","run":1`,
		"end of 9999": `"seq":2,"time":"9999-12-31T23:59:59Z","event":"started","run":1`,
		"year 0":      `"seq":2,"time":"0000-01-01T00:00:00+14:00","event":"started","run":1`,
	} {
		dir := t.TempDir()
		first := `{"seq":1,"time":"2026-11-23T12:00:00Z","event":"started","run":1}`
		text := "[\n" + first + ",\n{" + last + "}\n]\n"
		if err := os.WriteFile(filepath.Join(dir, current), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, noon.Add(time.Hour))
		put(t, l, record(time.Hour, Started, Unobserved))
		var seqs []uint64
		for _, r := range read(t, dir, time.Time{}) {
			seqs = append(seqs, r.Seq)
		}
		aside, err := filepath.Glob(filepath.Join(dir, "connection_log.damaged-*"))
		if fmt.Sprint(seqs) != "[1 2 3]" || len(aside) != 1 || err != nil {
			t.Errorf("%s: %v, kept aside: %v, %v", name, seqs, aside, err)
		}
	}
}

// TestFarTooLong salvages what is at the end of a file that no log ever fills.
func TestFarTooLong(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, current)
	text := `{"seq":6,"time":"2026-11-23T12:00:00Z","event":"started"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxAtStart+1); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(strings.Replace(text, "6", "7", 1) + "\x00")
	if err = errors.Join(err, f.Truncate(maxAtStart+tailSize), f.Close()); err != nil {
		t.Fatal(err)
	}
	open(t, dir, noon.Add(time.Hour))
	if got := array(t, path); len(got) != 2 || got[0].Seq != 7 {
		t.Errorf("%+v", got)
	}
}

// FuzzOpen: no content of a file makes Open panic or lose a record in it.
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
		before := 0
		if err := records(bytes.NewReader(text), func([]byte) { before++ }); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Crash{}, dir, noon, quiet)
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
