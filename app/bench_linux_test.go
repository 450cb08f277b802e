package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
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

// benchRules returns rules that never fire, and their names.
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

// benchRig starts the program as it is shipped, with so many rules and ticks of ten stocks a second, on a home of its own.
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
	r.write("settings.json", r.settings(""))
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

// BenchmarkHeadless measures the program that runs without a window: its memory after a minute, and its share of one processor.
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

// shutAt follows a stream of events, and tells when it says that the guard is shut.
func (r *rig) shutAt(path string, isOpen func(data []byte) (bool, error)) <-chan time.Time {
	r.t.Helper()
	card, err := api.ReadCard(homeAt(r.dir).card())
	if err != nil {
		r.t.Fatal(err)
	}
	host := strings.TrimPrefix(card.URL, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host); err != nil {
		r.t.Fatal(err)
	}
	shut := make(chan time.Time, 100)
	go func() {
		defer close(shut)
		lines := bufio.NewScanner(c)
		lines.Buffer(nil, 1<<20)
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
			if was && !open {
				shut <- now
			}
			was = open
		}
	}()
	return shut
}

// BenchmarkSeenByClients measures from the moment before Gateway closes the connection to when a client of the program has read
// that the guard is shut.
func BenchmarkSeenByClients(b *testing.B) {
	r := benchRig(b, 100, 10)
	shut := map[string]<-chan time.Time{
		"guard": r.shutAt("/guard/events", func(data []byte) (bool, error) {
			var g api.Guarded
			err := json.Unmarshal(data, &g)
			return g.Open, err
		}),
		"events": r.shutAt("/events", func(data []byte) (bool, error) {
			var st api.Status
			err := json.Unmarshal(data, &st)
			return st.Guard.Open, err
		}),
	}
	took := map[string][]time.Duration{}
	for b.Loop() {
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		r.gateway.Drop()
		for name, at := range shut {
			select {
			case t, more := <-at:
				if !more {
					b.Fatalf("the stream of %s has ended", name)
				}
				took[name] = append(took[name], t.Sub(began))
			case <-time.After(patience):
				b.Fatalf("%s never says that the guard is shut", name)
			}
		}
		r.awaitOpen()
	}
	for name, list := range took {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, name+"-ms-p50")
		b.ReportMetric(float64(list[len(list)-1].Microseconds())/1000, name+"-ms-max")
	}
	b.ReportMetric(0, "ns/op")
}
