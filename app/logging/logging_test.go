package logging

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/console"
	"gatewatch/engine"
)

// TestRepeatedMessage logs one message without end, as strangers can cause it: the log keeps what was said before, says
// how much was left out at the end of the minute and of the log, and has what else happens.
func TestRepeatedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := os.Create(filepath.Join(t.TempDir(), "gatewatch.log"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		said := &counts{of: map[string]*count{}}
		log := slog.New(bounded{slog.NewTextHandler(file, nil), said})
		log.Info("started")
		const times = 100_000
		for i := range times {
			log.With("client", i).Info("a program is connected", "name", strings.Repeat("x", 1000))
		}
		log.Info("something else")
		has := func(counts map[string]int) {
			t.Helper()
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			for what, want := range counts {
				if n := strings.Count(string(text), what); n != want {
					t.Errorf("%d of %q, not %d", n, what, want)
				}
			}
		}
		has(map[string]int{"msg=started": 1, "a program is connected": perMinute, "something else": 1, "left_out": 0})
		time.Sleep(time.Minute)
		synctest.Wait()
		has(map[string]int{
			"a program is connected": perMinute + 1, "client=99999 name=": 1, "left_out=99899\n": 1,
		})
		for range perMinute + 2 {
			log.Info("a program is connected")
		}
		for range perMinute {
			log.Info("no more than may be written")
		}
		said.end()
		has(map[string]int{
			"a program is connected": 2*perMinute + 2, "left_out=1\n": 1, "left_out": 2,
			"no more than may be written": perMinute,
		})
		time.Sleep(time.Minute) // nothing is written twice
		synctest.Wait()
		has(map[string]int{"left_out": 2})
	})
}

// TestLogCannotBeWritten has a file in the place of the log's folder: that is a problem until it is gone. No entry is
// lost meanwhile, but for those that are too many: their number is written. Messages stay bounded when the file was
// opened again.
func TestLogCannotBeWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(folder, "gatewatch.log")
	log, _, file := New(path, io.Discard, nil, new(slog.LevelVar))
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := file.Problem(); err != nil {
		t.Errorf("before there is anything to write: %v", err)
	}
	log.Info("first")
	log.Info("second")
	long := strings.Repeat("x", mostWaiting/4)
	for i := range 6 {
		log.Info(long[i:])
	}
	log.Info("lost")
	if file.Problem() == nil {
		t.Error("nothing is wrong")
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := file.Problem(); err != nil {
		t.Error(err)
	}
	log.Info("again")
	file.Reopen()
	for range 2 * perMinute {
		log.Info("often")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]int{
		"msg=first": 1, "msg=second": 1, "msg=xx": 3, "msg=lost": 0, "entries=4": 1, "msg=often": perMinute + 1,
		"left_out=99": 1,
	} {
		if n := strings.Count(string(text), what); n != want {
			t.Errorf("%d of %q, not %d", n, what, want)
		}
	}
}

// TestLogEndsWithinALine has a log that ends within a line, as when a program was killed on a full disk: the next start
// begins a line of its own.
func TestLogEndsWithinALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatewatch.log")
	for before, want := range map[string]string{"": "", "whole\n": "whole\n", "whole\nhal": "whole\nhal\n"} {
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		log, _, file := New(path, io.Discard, nil, new(slog.LevelVar))
		log.Info("started")
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		entry, found := strings.CutPrefix(string(text), want)
		if err != nil || !found || !strings.HasPrefix(entry, "time=") {
			t.Errorf("%q became %q, %v", before, text, err)
		}
	}
}

// TestAllReports has much to report in a minute: nothing of what is about the user's own orders is left out.
func TestAllReports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatewatch.log")
	log, _, file := New(path, io.Discard, nil, new(slog.LevelVar))
	reports := &engine.Reports{}
	stream, end := reports.Subscribe()
	for range 5 * perMinute {
		reports.Put(engine.Report{Kind: engine.ReportRejected, Text: "own"})
		reports.Put(engine.Report{Kind: engine.ReportRejected, Text: "other", Program: "bot"})
	}
	end()
	Reports(t.Context(), log, console.New(io.Discard), stream, func() {})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	own, other := strings.Count(string(data), "text=own"), strings.Count(string(data), "text=other")
	if own != 5*perMinute || other != perMinute+1 {
		t.Errorf("%d of own orders, %d of those of programs", own, other)
	}
}
