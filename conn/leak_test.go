package conn

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestThousandDrops drops and resets session after session and then counts what is left over.
func TestThousandDrops(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand drops take some seconds")
	}
	const cycles, warmUp = 1000, 100
	g := newScripted(t, 225)
	cfg := testConfig(g.port())
	cfg.Delays = []time.Duration{time.Millisecond}
	cfg.Reconcile = func(ctx context.Context, s *Session) error {
		return s.Subscribe(1, Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"})
	}
	s, r := startRecorded(t, cfg)
	var last uint64
	cycle := func(i int) {
		n := await(t, s, "READY", 20*time.Second, func(n *Snapshot) bool { return n.GuardOpen() && n.Session > last })
		last = n.Session
		g.peer().send(tickPrice(225, 1, 1, 100))
		g.drop(i%2 == 0)
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
	eventually(t, "what is left over goes", func() bool {
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
