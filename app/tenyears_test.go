//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

const (
	tenYears     = 10 * 365 * 24 * time.Hour
	tenYearsLong = 1_000_000 // records
)

// writeTenYears writes the connection log of ten years up to a minute ago: outages of some minutes, in one run.
func writeTenYears(t *testing.T, home string, now time.Time) {
	t.Helper()
	var out *bufio.Writer
	var file *os.File
	end := func() {
		if file == nil {
			return
		}
		fmt.Fprint(out, "\n]\n")
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	year, until := 0, now.Add(-time.Minute)
	for i := range tenYearsLong {
		r := history.Record{
			Seq: uint64(i + 1), Run: 1, Session: uint64(i/2 + 1),
			Time: until.Add(-tenYears + time.Duration(i+1)*(tenYears/tenYearsLong)).UTC().Truncate(time.Millisecond),
		}
		r.Local = r.Time.In(time.Local)
		switch {
		case i == 0:
			r.What, r.Counts = history.Started, history.Unobserved
		case i == tenYearsLong-1:
			r.What, r.Counts = history.Stopped, history.Unobserved
		case i%2 == 0:
			r.What, r.Counts, r.Cause, r.Seconds = history.Lost, history.Down, ib.CauseClosed, 315.36
		default:
			r.What, r.Counts, r.Seconds = history.Recovered, history.Connected, 315.36
		}
		comma := ","
		if y := r.Time.Year(); y != year {
			end()
			name := fmt.Sprintf("connection_log-%d.json", y)
			if y == until.Year() {
				name = "connection_log.json"
			}
			var err error
			if file, err = os.Create(filepath.Join(home, name)); err != nil {
				t.Fatal(err)
			}
			out, year, comma = bufio.NewWriterSize(file, 1<<20), y, "["
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(out, "%s\n%s", comma, line)
	}
	end()
}

// TestTenYears starts the program on a log of ten years with a million records: it answers as it does on an empty one,
// and is hardly larger.
func TestTenYears(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 250 MB")
	}
	t.Parallel()
	dir := t.TempDir()
	program := buildProgram(t, dir)
	gateway := simtest.Start(t, sim.Config{})
	measure := func(dir string) (status, uptime time.Duration, rss int) {
		settings := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}}`, gateway.Port())
		if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		run := exec.Command(program, "run", "--headless", "--home", dir)
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = run.Process.Signal(syscall.SIGTERM)
			_ = run.Wait()
		}()
		var card api.Card
		if !eventually(func() bool {
			var st api.Status
			var err error
			card, st, err = home.At(dir).Running(t.Context())
			return err == nil && st.Connected
		}) {
			t.Fatal("never connected")
		}
		ask := func(path string) time.Duration {
			var times []time.Duration
			for range 9 {
				began := time.Now()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, card.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+card.Token)
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					t.Fatalf("%s: %s, %v", path, res.Status, err)
				}
				times = append(times, time.Since(began))
			}
			return slices.Min(times) // the others may have had to wait for the processor
		}
		status, uptime = ask("/status"), ask("/uptime?days=90")
		body, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", run.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(body), "VmRSS:")
		if _, err := fmt.Sscanf(strings.TrimSpace(rest), "%d kB", &rss); err != nil {
			t.Fatal(err)
		}
		return status, uptime, rss
	}
	empty, full := filepath.Join(dir, "empty"), filepath.Join(dir, "full")
	for _, home := range []string{empty, full} {
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeTenYears(t, full, time.Now())
	status0, uptime0, rss0 := measure(empty)
	status, uptime, rss := measure(full)
	t.Logf("empty: status %v, uptime of 90 days %v, %d kB; ten years: %v, %v, %d kB", status0, uptime0, rss0, status,
		uptime, rss)
	// Ten times what is asked for: this machine may be busy.
	if status > 50*time.Millisecond || uptime > 500*time.Millisecond {
		t.Errorf("status takes %v, uptime of 90 days %v", status, uptime)
	}
	if rss-rss0 > 20_000 {
		t.Errorf("%d kB more than on an empty log", rss-rss0)
	}
}
