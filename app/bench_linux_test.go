package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn/sim"
)

var benchStocks = []string{"AAPL", "MSFT", "SPY", "TSLA", "NVDA", "AMZN", "GOOG", "META", "QQQ", "IBM"}

// benchRules returns rules that never trigger, and their names.
func benchRules(n int) (text string, names []string) {
	var list []string
	for i := range n {
		name := fmt.Sprint("rule ", i)
		names = append(names, name)
		list = append(list, fmt.Sprintf(`{"name": %q, "instrument": {"symbol": %q, "currency": "USD"},
			"conditions": [{"price": "last", "is": "crosses_up", "value": 90000}], "action": {"do": "notify"}}`,
			name, benchStocks[i%len(benchStocks)]))
	}
	return rulesOf(list...), names
}

// benchRig starts the program as it is shipped, with so many rules and ticks of ten stocks a second, on a home of its
// own. Sessions of any length count as stable: after several short ones it would wait up to 15 s before it connects.
func benchRig(b *testing.B, rules int, rate float64) *rig {
	b.Helper()
	r := &rig{t: b, dir: b.TempDir()}
	binary := filepath.Join(b.TempDir(), "gatewatch")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	r.program = []string{binary, "run", "--headless"}
	var err error
	if r.console, err = os.Create(filepath.Join(b.TempDir(), "console")); err != nil {
		b.Fatal(err)
	}
	r.gateway, err = sim.Start(context.Background(), sim.Config{
		Listen: "127.0.0.1:0", Accounts: []string{"DU1234567"}, TickRate: rate / float64(len(benchStocks)),
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	text, names := benchRules(rules)
	r.write("settings.json",
		fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d},
			"reconnect": {"stable_seconds": 0}}`, r.gateway.Port()))
	r.write("rules.json", text)
	b.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		r.console.Close()
		r.gateway.Close()
	})
	r.start()
	r.awaitOpen()
	r.activate(names...)
	return r
}

// processorTime returns what a process has used of the processor. The kernel counts it in hundredths of a second.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if errUser != nil || errSystem != nil {
		b.Fatalf("%s", text)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// BenchmarkHeadless measures the program that runs without a window: its memory after a minute, and its share of one
// processor.
func BenchmarkHeadless(b *testing.B) {
	const settle, window = time.Minute, 20 * time.Second
	for _, c := range []struct {
		name  string
		rules int
		rate  float64
	}{
		{"1000 ticks, 100 rules", 100, 1000},
		{"idle", 0, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := benchRig(b, c.rules, c.rate)
			time.Sleep(settle)
			var used, passed time.Duration
			peak := 0
			for b.Loop() {
				before, began := processorTime(b, r.cmd.Process.Pid), time.Now()
				time.Sleep(window)
				used += processorTime(b, r.cmd.Process.Pid) - before
				passed += time.Since(began)
				peak = max(peak, r.rss())
			}
			b.ReportMetric(100*used.Seconds()/passed.Seconds(), "%-of-a-core")
			b.ReportMetric(float64(peak)/(1<<20), "MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// turn is when a client has read that the guard has been opened or closed.
type turn struct {
	at   time.Time
	open bool
}

// turns follows a stream of events.
func (r *rig) turns(path string, isOpen func(data []byte) (bool, error)) <-chan turn {
	r.t.Helper()
	lines := r.events(path)
	list := make(chan turn, 100)
	go func() {
		defer close(list)
		for was := false; lines.Scan(); {
			now := time.Now()
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			open, err := isOpen([]byte(data))
			if err != nil {
				r.t.Errorf("%s: %v", data, err)
				return
			}
			if was != open {
				list <- turn{now, open}
			}
			was = open
		}
	}()
	return list
}

// BenchmarkSeenByClients measures from the moment before Gateway closes or resets the connection, or freezes, to when
// clients of the program have read that the guard is closed.
func BenchmarkSeenByClients(b *testing.B) {
	for _, c := range []struct {
		name       string
		begin, end func(*sim.Gateway)
	}{
		{"drop", (*sim.Gateway).Drop, func(*sim.Gateway) {}},
		{"reset", (*sim.Gateway).Reset, func(*sim.Gateway) {}},
		{"freeze", (*sim.Gateway).Freeze, (*sim.Gateway).Thaw},
	} {
		b.Run(c.name, func(b *testing.B) { seenByClients(b, c.begin, c.end) })
	}
}

func seenByClients(b *testing.B, begin, end func(*sim.Gateway)) {
	r := benchRig(b, 100, 10)
	clients := map[string]<-chan turn{
		"guard": r.turns("/guard/events", func(data []byte) (bool, error) {
			var g api.Guarded
			err := json.Unmarshal(data, &g)
			return g.Open, err
		}),
		"events": r.turns("/events", func(data []byte) (bool, error) {
			var st api.Status
			err := json.Unmarshal(data, &st)
			return st.Guard.Open, err
		}),
	}
	took := map[string][]time.Duration{}
	read := func(open bool, since time.Time) {
		for name, turns := range clients {
			select {
			case t, more := <-turns:
				if !more || t.open != open {
					b.Fatalf("%s: %+v, %v", name, t, more)
				}
				if !open {
					took[name] = append(took[name], t.at.Sub(since))
				}
			case <-time.After(patience):
				b.Fatalf("%s: the guard is never open: %v", name, open)
			}
		}
	}
	read(true, time.Now())
	for b.Loop() {
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		begin(r.gateway)
		read(false, began)
		end(r.gateway)
		read(true, began)
	}
	for name, list := range took {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, name+"-ms-p50")
	}
	b.ReportMetric(0, "ns/op")
}
