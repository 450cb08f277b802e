package logging

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRepeatedMessage logs one message without end, as strangers can cause it: the log keeps what was said before, says
// how much was left out, and has what else happens.
func TestRepeatedMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatewatch.log")
	log, events, file := New(path, nil, nil, new(slog.LevelVar))
	log.Info("started")
	const times = 100_000
	for i := range times {
		log.With("client", i).Info("a program is connected", "name", strings.Repeat("x", 1000))
	}
	log.Info("something else")
	for _, l := range []*slog.Logger{log, events} {
		later := slog.NewRecord(time.Now().Add(time.Minute), slog.LevelInfo, "a program is connected", 0)
		if err := l.Handler().Handle(t.Context(), later); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]int{
		"msg=started": 1, "a program is connected": perMinute + 2, "left_out=99900\n": 1, "something else": 1,
	} {
		if n := strings.Count(string(data), what); n != want {
			t.Errorf("%d of %q, not %d", n, what, want)
		}
	}
}
