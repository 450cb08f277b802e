package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

const (
	// closedAfter is how long after Gateway stopped answering the guard must be closed, also if both processors are
	// busy. The program asks Gateway every two seconds and waits 1.5 seconds for the answer.
	closedAfter = 8 * time.Second
	// answersWithin is how long an answer of the API may take.
	answersWithin = 10 * time.Second
	// endsWithin is how long the program may take to exit after SIGTERM.
	endsWithin = 20 * time.Second
	// backWithin is how long the connection may take to come back after all faults are over.
	backWithin = time.Minute
	// soakGrowth is how much memory the program may need beyond what it needs right after its start.
	soakGrowth = 60 << 20
)

// soak is a program that all faults happen to, and what was seen of it.
type soak struct {
	*rig
	ctx  context.Context // ends when the last fault has been played
	card atomic.Pointer[api.Card]
	pid  atomic.Int64
	// touched is odd while the program is stopped, ends or starts: then it need not answer.
	touched atomic.Int64

	mu         sync.Mutex
	journal    []string
	played     map[string]int
	answers    int
	slowest    time.Duration // of these
	slow       string        // what was asked then
	base, peak int           // resident memory: of this process at its start, of all processes at most
	violations int
	shut       *window
	windows    []*window
}

// window is a time in which Gateway cannot take orders.
type window struct {
	why      string
	from, to time.Time
}

// TestSoak runs the built program for a minute, or for GATEWATCH_SOAK_MINUTES, with random faults of Gateway, the disk,
// alert servers and API clients, and stops, kills and restarts it. The guard must be closed while Gateway does not
// answer, the API must answer, and in the end the program must know of each order what Gateway knows.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	t.Parallel()
	minutes := 1.0
	if text := os.Getenv("GATEWATCH_SOAK_MINUTES"); text != "" {
		var err error
		if minutes, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("GATEWATCH_SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("GATEWATCH_SOAK_SEED=%d", seed)
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

	more, env := badAlertServers(t)
	settings := more + `, "trading": {"arm_at_start": true, "orders_per_minute": 120, "orders_per_day": 100000}`
	s := &soak{played: map[string]int{}}
	s.rig = prepareRig(t, "DU1234567", settings, rulesOf(ruleText("buy", buyMarket), ruleText("low", buyLow)), env...)
	s.begin()
	s.awaitOpen()
	descriptors, goroutines := s.descriptors(), s.goroutines()

	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(minutes*float64(time.Minute)))
	s.ctx = ctx
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range soakClients {
		all.Go(func() { s.actAsClient(i, random(100+uint64(i))) })
	}
	all.Go(s.watchMemory)
	all.Go(func() { s.gatewayFails(random(1)) })
	all.Go(func() { s.trades(random(2)) })
	s.programFails(random(3), settings)
	all.Wait()

	s.heal()
	s.reconcile("after the last fault")
	d, g := 0, 0
	if !eventually(func() bool {
		d, g = s.descriptors(), s.goroutines()
		return d <= descriptors+10 && g <= goroutines+30
	}) {
		s.violation("without clients %d descriptors and %d goroutines, at the start %d and %d", d, g, descriptors,
			goroutines)
	}
	s.terminate()
	s.begin()
	s.awaitOpen()
	s.reconcile("after a restart")
	s.terminate()
	s.filesAreSound()
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Logf("%.1f minutes: %v; %d orders at Gateway; %d answers, the slowest after %v to %s", minutes, s.played,
		len(s.gateway.State().Orders), s.answers, s.slowest.Round(time.Millisecond), s.slow)
	t.Logf("peak RSS %d MB; %d descriptors, %d goroutines at the end, %d and %d at the start; %d violations",
		s.peak>>20,
		d, g, descriptors, goroutines, s.violations)
}

// violation notes that something does not hold, and what was played before.
func (s *soak) violation(format string, values ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations++
	if s.violations > 20 {
		return // enough to read
	}
	s.t.Errorf("%s "+format+"; before:\n%s", append(append([]any{time.Now().Format("15:04:05.000")}, values...),
		strings.Join(s.journal[max(0, len(s.journal)-10):], "\n"))...)
}

// note writes down what is played, by its first word.
func (s *soak) note(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = append(s.journal, time.Now().Format("15:04:05.000 ")+text)
	kind, _, _ := strings.Cut(text, " ")
	s.played[kind]++
}

// begin starts the program.
func (s *soak) begin() {
	s.t.Helper()
	s.start()
	card, err := home.ReadCard(home.At(s.dir).Card())
	if err != nil {
		s.t.Fatal(err)
	}
	s.card.Store(&card)
	rss := s.rss()
	s.mu.Lock()
	s.base = rss
	s.mu.Unlock()
	s.pid.Store(int64(s.cmd.Process.Pid))
}

// terminate ends the program as a system does that shuts down.
func (s *soak) terminate() {
	s.t.Helper()
	s.pid.Store(0)
	stuck := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	began := time.Now()
	s.end(syscall.SIGTERM)
	stuck.Stop()
	if took := time.Since(began); took > endsWithin {
		s.violation("SIGTERM was obeyed after %v", took)
	}
}

// watchMemory follows the memory of the program, and that it runs.
func (s *soak) watchMemory() {
	for ; s.ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		pid := s.pid.Load()
		if pid == 0 {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		gone := err != nil || strings.Contains(string(stat), ") Z ")
		rss, err := residentMemory(int(pid))
		if s.pid.Load() != pid {
			continue // it is another one by now
		}
		if gone {
			s.violation("the program has exited by itself")
			return
		}
		s.mu.Lock()
		grown := rss - s.base
		s.peak = max(s.peak, rss)
		s.mu.Unlock()
		if err == nil && grown > soakGrowth && !raceDetector {
			s.violation("it has grown by %d MB", grown>>20)
			return
		}
	}
}

func (s *soak) descriptors() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

func (s *soak) goroutines() int {
	s.t.Helper()
	return strings.Count(s.get("/diagnostics?goroutines=1"), "\ngoroutine ")
}

// heal ends all faults, and expects that the connection comes back.
func (s *soak) heal() {
	s.t.Helper()
	g := s.gateway
	s.until("the simulator accepts connections", func() bool { return g.Clear() == nil && g.State().Listening })
	g.Notice(1102, "")
	began := time.Now()
	s.awaitOpen()
	if took := time.Since(began); took > backWithin {
		s.violation("the connection was back after %v", took)
	}
}

// reconcile expects that each order has reached Gateway once at most, that none left while the guard had to be closed,
// and that the program comes to know what Gateway knows.
func (s *soak) reconcile(when string) {
	s.t.Helper()
	wrong := ""
	if !eventually(func() bool { wrong = s.differences(); return wrong == "" }) {
		s.violation("%s: %s", when, wrong)
	}
	known := map[int64]api.OrderView{}
	for _, o := range s.orders().Orders {
		known[o.ID] = o
	}
	refs := map[string]bool{}
	for _, o := range s.gateway.State().Orders {
		if refs[o.Ref] {
			s.violation("%s: Gateway has %q twice", when, o.Ref)
		}
		refs[o.Ref] = true
		for _, w := range s.windows {
			if at := known[int64(o.OrderID)].At; at.After(w.from.Add(closedAfter)) && at.Before(w.to) {
				s.violation("%s: order %d left at %v, during %s from %v to %v", when, o.OrderID, at, w.why, w.from,
					w.to)
			}
		}
	}
}

// differences says what the program and Gateway say differently of an order.
func (s *soak) differences() string {
	at := map[int64]sim.OrderState{}
	for _, o := range s.gateway.State().Orders {
		at[int64(o.OrderID)] = o
	}
	var list []string
	for _, o := range s.orders().Orders {
		g, there := at[o.ID]
		delete(at, o.ID)
		if !there && (o.State == ledger.NotSent || o.State == ledger.Unknown || o.State == ledger.Rejected) {
			continue
		}
		if !there || states[g.Status] != o.State || g.Filled != o.Filled {
			list = append(list, fmt.Sprintf("order %d is %s, %v filled; at Gateway: %v %+v", o.ID, o.State, o.Filled,
				there, g))
		}
	}
	for id := range at {
		list = append(list, fmt.Sprintf("nothing is known of order %d", id))
	}
	return strings.Join(list, "\n")
}

// states are the states of the program's orders by IBKR's words.
var states = map[string]ledger.OrderState{
	"Filled": ledger.Filled, "Cancelled": ledger.Cancelled, "Inactive": ledger.Inactive,
	"Submitted": ledger.Working, "PreSubmitted": ledger.Working,
}

// filesAreSound expects no report of a crash or a data race, and a connection log that can be read.
func (s *soak) filesAreSound() {
	s.t.Helper()
	if len(readLog(s.t, s.dir)) == 0 {
		s.violation("the connection log is empty")
	}
	if crashes, err := filepath.Glob(filepath.Join(s.dir, "crash-*.log")); err != nil || len(crashes) > 0 {
		s.violation("crashes: %q, %v", crashes, err)
	}
	if text, err := os.ReadFile(s.console.Name()); err != nil || strings.Contains(string(text), "DATA RACE") {
		s.violation("a data race, %v", err)
	}
}
