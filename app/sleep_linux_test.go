package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn/history"
	"gatewatch/engine/ledger"
)

// buildWithClock builds the program with a wall clock that can be moved alone.
func buildWithClock(t *testing.T, dir string) string {
	t.Helper()
	replace := map[string]string{}
	for _, name := range []string{"clock.go", "clock_amd64.s"} {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[path] = filepath.Join(filepath.Dir(path), "testdata", "clock", name)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "gatewatch")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", file, "-race=false", "-buildvcs=false",
		"-ldflags=-checklinkname=0", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// sleeper is the program whose clock can be moved.
type sleeper struct {
	*rig
	clock *os.File
	shift int64 // seconds
}

func newSleeper(t *testing.T) *sleeper {
	dir := t.TempDir()
	clock, err := os.Create(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { clock.Close() })
	s := &sleeper{clock: clock}
	s.sleep(0)
	s.rig = prepareRig(t, "DU1234567", "", rulesOf(ruleText("buy", buyMarket)), "GATEWATCH_TEST_CLOCK="+clock.Name())
	s.program = []string{buildWithClock(t, dir), "run", "--headless"}
	s.start()
	s.awaitOpen()
	s.activate("buy")
	s.arm()
	return s
}

// sleep moves the wall clock of the program, and nothing else.
func (s *sleeper) sleep(d time.Duration) {
	s.shift += int64(d / time.Second)
	_, _ = s.clock.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(s.shift)), 0)
}

func (s *sleeper) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// crossUnseen stops the program, has AAPL cross 230.5 meanwhile and go back, and Gateway freeze: what waits for the
// program then is a price that its rule has waited for, of before the gap that ends with this call.
func (s *sleeper) crossUnseen(gap func()) {
	s.t.Helper()
	s.show("buy", "230")
	s.signal(syscall.SIGSTOP)
	s.until("the program has stopped", func() bool { // which on a busy computer takes its time
		var status syscall.WaitStatus
		_, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED|syscall.WNOHANG, nil)
		if err != nil && err != syscall.EINTR {
			s.t.Fatal(err)
		}
		return status.Stopped()
	})
	s.price("231")
	time.Sleep(200 * time.Millisecond) // until the price is in the connection: a stopped program shows nothing
	s.fault("freeze")
	s.price("230")
	gap()
	s.signal(syscall.SIGCONT)
}

// shutUntilAnswered expects that the guard is shut until Gateway answers again, and that nothing left meanwhile.
func (s *sleeper) shutUntilAnswered(orders int) {
	s.t.Helper()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		st, _, err := s.client.Status(s.t.Context())
		if err != nil || st.Guard.Open {
			s.t.Fatalf("guard %+v, %v", st.Guard, err)
		}
	}
	s.fault("thaw")
	s.awaitOpen()
	s.await("the same session", func(st api.Status) bool { return st.Session == 1 })
	if n := len(s.gateway.State().Orders); n != orders {
		s.t.Fatalf("%d orders, want %d: one left on a price from before", n, orders)
	}
	// It goes on as before.
	s.awaitRule("buy", "active")
	s.cross("buy")
	s.until("the order has left", func() bool { return len(s.gateway.State().Orders) == orders+1 })
	s.until("it is filled", func() bool { return s.orders().Orders[0].State == ledger.Filled })
}

// TestSleep builds the program itself with a clock that can be moved, lets it sleep for a night, and stops it for some
// seconds.
func TestSleep(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the clock that can be moved is written for amd64")
	}
	t.Parallel()
	s := newSleeper(t)
	s.crossUnseen(func() { s.sleep(8 * time.Hour) })
	s.shutUntilAnswered(0)
	for i, d := range []time.Duration{2 * time.Second, 10 * time.Second} {
		s.crossUnseen(func() { time.Sleep(d) })
		s.shutUntilAnswered(i + 1)
	}
	s.end(syscall.SIGTERM)
	line, err := history.Load(s.dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Duration(s.shift) * time.Second)
	a := line.Account(now.Add(-24*time.Hour), now, nil)
	if night := a.Terms[history.Asleep]; night < 8*time.Hour || night > 8*time.Hour+5*time.Minute ||
		a.Terms[history.Connected] > 10*time.Minute {
		t.Errorf("asleep for %v, connected for %v", night, a.Terms[history.Connected])
	}
}
