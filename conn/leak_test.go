package conn

import (
	"bytes"
	"context"
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
)

// TestMain runs more tests at once than there are processors, unless -parallel says how many: most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	parallel := "6"
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "test.parallel" {
			parallel = f.Value.String()
		}
	})
	_ = flag.Set("test.parallel", parallel)
	goleak.VerifyTestMain(m)
}

// TestThousandDrops drops and resets session after session and then counts what is left over.
func TestThousandDrops(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand drops take some seconds")
	}
	const cycles, warmUp = 1000, 100
	g := ibtest.NewScripted(t, 225)
	cfg := testConfig(g.Port())
	cfg.Delays = []time.Duration{time.Millisecond}
	s, r := startRecorded(t, cfg)
	load(t, s)
	var last uint64
	cycle := func(i int) {
		n := await(t, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
		last = n.Session
		g.Peer().Send(bytes.Repeat(ibtest.TickPrice(1, 1, 100), 100))
		g.Drop(i%2 == 0)
	}
	for i := range warmUp {
		cycle(i)
	}
	await(t, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
	goroutines, files, memory := counts(t)
	for i := range cycles {
		cycle(i)
	}
	await(t, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
	ibtest.Eventually(t, "what is left over goes", func() bool {
		g, f, _ := counts(t)
		return g <= goroutines && f <= files
	})
	g2, f2, m2 := counts(t)
	t.Logf("goroutines %d → %d, files %d → %d, resident memory %.1f → %.1f MB", goroutines, g2, files, f2, memory, m2)
	if m2-memory > 5 && !raceEnabled {
		t.Errorf("resident memory grew by %.1f MB", m2-memory)
	}
	if lost := len(r.of(EventLost)); lost != cycles+warmUp {
		t.Errorf("%d losses told", lost)
	}
}

// load places orders and asks for things all the time, until the test ends.
func load(t *testing.T, s *Supervisor) {
	ctx, cancel := context.WithCancel(context.Background())
	var callers sync.WaitGroup
	t.Cleanup(func() { cancel(); callers.Wait() })
	var id atomic.Int64
	for _, call := range []func(*ib.Session){
		func(s *ib.Session) { _ = s.Place(id.Add(1), ibtest.SomeOrder, ib.Conditions{}) },
		func(s *ib.Session) { _ = s.Cancel(id.Load()) },
		func(s *ib.Session) { _ = s.Subscribe(1+id.Load(), ibtest.SomeStock) },
		func(s *ib.Session) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, _ = s.Details(ctx, ibtest.SomeStock)
		},
	} {
		callers.Go(func() {
			for ctx.Err() == nil {
				if session := s.Session(); session != nil {
					call(session)
					session.Ticks().Take(nil)
					session.Orders().Take(nil)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// TestGoroutinesOfASession counts what a session that is up costs.
func TestGoroutinesOfASession(t *testing.T) {
	_, s, _ := connect(t, 225, nil)
	if err := s.Session().Subscribe(1, ibtest.SomeStock); err != nil {
		t.Fatal(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for one := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(one, []byte("ib.(*Socket)")) || bytes.Contains(one, []byte("(*Supervisor).dial.")) {
			n++
		}
	}
	if n != 3 { // reader, writer, and who waits for their end
		t.Errorf("%d goroutines:\n%s", n, stacks)
	}
}

// counts returns the numbers of goroutines and of open files, and the resident memory in MB; the latter two on Linux.
func counts(t *testing.T) (goroutines, files int, memory float64) {
	t.Helper()
	debug.FreeOSMemory()
	goroutines = runtime.NumGoroutine()
	if runtime.GOOS != "linux" {
		return goroutines, 0, 0
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		t.Fatal(err)
	}
	return goroutines, len(list), float64(pages*os.Getpagesize()) / 1e6
}
