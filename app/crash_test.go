package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/history"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// crashVariable names a file: as soon as it is there, the program crashes in the way that it names.
const crashVariable = "GATEWATCH_TEST_CRASH"

// crashing is the program, and crashes when it is told to, on a goroutine that nothing in it knows of.
func crashing() {
	go func() {
		for ; ; time.Sleep(5 * time.Millisecond) {
			switch how, _ := os.ReadFile(os.Getenv(crashVariable)); string(how) {
			case "panic":
				panic("injected for U1234567 and trader@fund.example")
			case "fatal": // which no code can recover from
				new(sync.Mutex).Unlock()
			}
		}
	}()
	onItsOwn()
}

// inbox takes alerts.
type inbox struct {
	mu     sync.Mutex
	bodies []string
}

func (i *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bodies = append(i.bodies, string(body))
}

func (i *inbox) about(what string) (found []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, b := range i.bodies {
		if strings.Contains(b, what) {
			found = append(found, b)
		}
	}
	return found
}

// TestCrash crashes the program itself: the exit code says so, the stacks of all goroutines are kept, and the next
// start reports it once, in the connection log and by an alert, without what is personal.
func TestCrash(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"panic": "panic: injected for ••• and •••",
		"fatal": "fatal error in internal/sync.(*Mutex).unlockSlow",
	} {
		t.Run(how, func(t *testing.T) {
			gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
			alerts := &inbox{}
			server := httptest.NewServer(alerts)
			defer server.Close()
			dir := t.TempDir()
			settings := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}, "webhook": {"url": "env:HOOK"}}`, gateway.Port())
			if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			trigger := filepath.Join(t.TempDir(), "crash")
			run := func(program string) (*exec.Cmd, *bytes.Buffer) {
				t.Helper()
				cmd, said := exec.Command(program, "run", "--headless", "--home", dir), &bytes.Buffer{}
				cmd.Stdout, cmd.Stderr = said, said
				cmd.Env = append(os.Environ(), crashVariable+"="+trigger, "HOOK="+server.URL+"/hook",
					"GORACE=atexit_sleep_ms=10")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill() })
				if !eventually(func() bool {
					card, err := home.ReadCard(home.At(dir).Card())
					if err != nil {
						return false
					}
					st, _, err := api.NewClient(card).Status(t.Context())
					return err == nil && st.Connected
				}) {
					t.Fatalf("it does not connect")
				}
				return cmd, said
			}
			first, said := run("gatewatch-that-crashes")
			if err := os.WriteFile(trigger, []byte(how), 0o600); err != nil {
				t.Fatal(err)
			}
			exit := new(exec.ExitError)
			if err := first.Wait(); !errors.As(err, &exit) || exit.ExitCode() <= 0 {
				t.Fatalf("it ends with %v", err)
			}
			if !strings.Contains(said.String(), "goroutine ") {
				t.Errorf("nothing on stderr: %s", said)
			}

			second, _ := run("gatewatch")
			if !eventually(func() bool { return len(alerts.about("crashed")) > 0 }) {
				t.Fatal("no alert tells of it")
			}
			kept, err := filepath.Glob(filepath.Join(dir, "crash-*.log"))
			if err != nil || len(kept) != 1 {
				t.Fatalf("kept %q, %v", kept, err)
			}
			text, err := os.ReadFile(kept[0])
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "\ngoroutine "); !strings.Contains(string(text),
				strings.TrimPrefix(want, "fatal error in ")) || n < 10 || strings.Contains(string(text), "U1234567") {
				t.Errorf("%d goroutines in %s", n, text)
			}
			if log, err := os.ReadFile(home.At(dir).Log()); err != nil ||
				!strings.Contains(string(log), "Gatewatch had crashed") {
				t.Errorf("%s %v", log, err)
			}
			var last history.Record
			for _, r := range readLog(t, dir) {
				if r.What == history.Crashed {
					last = r
				}
			}
			if last.Detail != want || time.Since(last.Time) > time.Hour || last.Run != 1 {
				t.Errorf("the connection log says %+v", last)
			}
			if err := sendSignal(second, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := second.Wait(); err != nil {
				t.Errorf("an orderly end: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "crash.log")); err == nil {
				t.Error("an orderly end leaves a crash.log behind")
			}

			third, _ := run("gatewatch")
			if err := sendSignal(third, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = third.Wait()
			told := alerts.about("crashed")
			if len(told) != 1 || !strings.Contains(told[0], "Gatewatch crashed at ") ||
				strings.Contains(told[0], "U1234567") {
				t.Errorf("told %q", told)
			}
			crashes := 0
			for _, r := range readLog(t, dir) {
				if r.What == history.Crashed {
					crashes++
				}
			}
			if crashes != 1 {
				t.Errorf("%d crashes in the connection log", crashes)
			}
		})
	}
}
