package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"gatewatch/conn/history"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// chaos is what the simulated gateway does to a program that is killed again and again.
const chaos = `
at 150ms drop
at 400ms 1100
at 500ms 1102
at 650ms restart for=250ms
at 1s 1100
at 1100ms drop
loop 1300ms
`

// TestKill kills the program itself at random records under chaos and starts it again: the log stays a JSON array that
// only grows, each run but the last ends in a crash, no outage is counted twice, and the account adds up.
// GATEWATCH_KILLS sets how often it is killed.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 20
	if testing.Short() {
		kills = 3
	}
	if text := os.Getenv("GATEWATCH_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Script: chaos, Log: slog.New(slog.DiscardHandler)})
	dir := t.TempDir()
	settings := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d},
		"reconnect": {"delays_seconds": [0.05], "watch_local_port": true}}`, gateway.Port())
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	var before []history.Record
	for round := range kills {
		cmd := exec.Command("gatewatch", "run", "--headless", "--home", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// From its first record on, behind the one that says that the run before has crashed, to long after it has
		// connected.
		more := 2 + rand.IntN(11)
		var last []history.Record // written, and thereby promised
		if !eventually(func() bool { last = readLog(t, dir); return len(last) >= len(before)+more }) {
			t.Fatalf("round %d: it has not written %d records in %v", round, more, patience)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		now := readLog(t, dir)
		for i, r := range last {
			if !reflect.DeepEqual(r, now[i]) {
				t.Fatalf("round %d: record %d was %+v and is %+v", round, i, r, now[i])
			}
		}
		if len(now) < len(before) || len(before) > 0 && !reflect.DeepEqual(before, now[:len(before)]) {
			t.Fatalf("round %d: what stood in the log has changed", round)
		}
		before = now
	}
	crashes, runs, outages := 0, uint64(0), 0
	down := false
	for i, r := range before {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d has seq %d", i, r.Seq)
		}
		if i > 0 && r.Time.Before(before[i-1].Time) {
			t.Errorf("record %d is of %v, the one before of %v", i, r.Time, before[i-1].Time)
		}
		runs = r.Run
		switch {
		case r.What == history.Crashed:
			crashes++
		case r.Counts == history.Connected:
			down = false
		case r.Counts == history.Down && !down && i+1 < len(before) && before[i+1].Time.After(r.Time):
			down = true
			outages++
		}
	}
	if runs != uint64(kills) || crashes != kills-1 {
		t.Errorf("%d kills, %d crashes in %d runs", kills, crashes, runs)
	}
	line, err := history.Load(dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	end := before[len(before)-1].Time.Add(time.Minute)
	line.End(before[len(before)-1].Time)
	a := line.Account(before[0].Time.Add(-time.Hour), end, nil)
	var sum time.Duration
	for _, d := range a.Terms {
		sum += d
	}
	if sum != a.Length() || a.Outages != outages {
		t.Errorf("terms sum to %v of %v; %d outages, the log tells of %d", sum, a.Length(), a.Outages, outages)
	}
	t.Logf("%d kills, %d records, %d runs that wrote, %d outages", kills, len(before), runs, outages)
}

// readLog returns the records of a log, whose file has to be a JSON array at any moment. A file that is being appended
// to can be seen half written, so it is looked at again.
func readLog(t testing.TB, dir string) (records []history.Record) {
	t.Helper()
	var err error
	if !eventually(func() bool {
		var text []byte
		if text, err = os.ReadFile(filepath.Join(dir, "connection_log.json")); os.IsNotExist(err) {
			err = nil
			return true
		}
		records = nil
		if err == nil {
			err = json.Unmarshal(text, &records)
		}
		return err == nil
	}) {
		t.Fatal(err)
	}
	return records
}
