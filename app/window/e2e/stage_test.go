package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/history"
)

// patience bounds every wait; what is waited for comes in a tenth of it on a slow machine.
const patience = 2 * time.Minute

// atOnce is how many tests run at once, each with a screen or a tab of its own: most of the time they wait for it.
const atOnce = "3"

var bin string // folder of the programs under test

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "gatewatch-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { // some processes of the browser write a moment longer than it lives
			for end := time.Now().Add(patience); os.RemoveAll(dir) != nil && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
		}()
		bin = dir
		flag.Parse()
		if err := flag.Set("test.parallel", atOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { endBrowser() }()
		return m.Run()
	}())
}

var built sync.Once

// build makes the programs once.
func build(t *testing.T) {
	t.Helper()
	built.Do(func() {
		for program, cgo := range map[string]string{"gatewatch": "0", "gatewatch-window": "1"} {
			source := "gatewatch/app"
			if program == "gatewatch-window" {
				source += "/window"
			}
			cmd := exec.Command("go", "build", "-tags", "no_emoji,netgo,osusergo", "-buildvcs=false", "-o",
				filepath.Join(bin, program), source)
			cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("build %s: %v\n%s", program, err, out)
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

// need skips the test where a program it drives is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("drives real programs; left out with -short")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed; `make test` installs it on Debian and Ubuntu", p)
		}
	}
}

// process is a program under test or one that helps.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  lines
	done chan struct{}
}

// lines keeps what a program says.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.done
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits until the program ends by itself and returns its exit code.
func (p *process) ended() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("%s still runs\n%s", p.name, p.out.String())
		return -1
	}
}

func start(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(program), cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the state has it
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.out.String())
		}
		// What the toolkit says when a widget was touched from a wrong goroutine.
		if strings.Contains(p.out.String(), "Error in Fyne call thread") {
			t.Errorf("%s touched widgets from a wrong goroutine:\n%s", p.name, p.out.String())
		}
	})
	return p
}

// until waits until ok is true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// stage is a home with its resident program, and a place for a gateway.
type stage struct {
	t        *testing.T
	home     string
	env      []string
	port     string // of the gateway
	resident *process
}

// newStage starts a resident program that has tried its gateway once, in vain, and waits for ten minutes.
func newStage(t *testing.T, env []string) *stage {
	t.Helper()
	build(t)
	s := &stage{t: t, home: t.TempDir(), env: env}
	sim := s.sim("0") // a port that is free
	sim.kill()
	s.configure()
	s.connectedBefore()
	s.startResident()
	return s
}

// connectedBefore writes a connection log that knows of a connection: this is no first run.
func (s *stage) connectedBefore() {
	s.t.Helper()
	at := time.Now().Add(-time.Hour)
	log, err := history.Open(history.Crash{}, s.home, at, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = log.Append(
		history.Record{Time: at, What: history.Started},
		history.Record{Time: at.Add(time.Second), What: history.Recovered, Counts: history.Connected, Session: 1},
		history.Record{Time: at.Add(time.Minute), What: history.Stopped},
	)
	if err := errors.Join(err, log.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes the settings for the gateway's port.
func (s *stage) configure() {
	s.t.Helper()
	s.write(fmt.Sprintf(`{"gateway": {"port": %s}, "reconnect": {"delays_seconds": [600], "watch_local_port": false}, "reset_minutes": 0, "api": {"port": 0}}`, s.port))
}

func (s *stage) write(settings string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, "settings.json"), []byte(settings), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

var simulated = regexp.MustCompile(`on 127\.0\.0\.1:(\d+)\n`)

// sim starts a simulated gateway.
func (s *stage) sim(port string) *process {
	s.t.Helper()
	p := start(s.t, s.env, filepath.Join(bin, "gatewatch"), "sim", "--listen", "127.0.0.1:"+port, "--control", "",
		"--no-trading-hours")
	until(s.t, "the simulated gateway listens", func() bool {
		m := simulated.FindStringSubmatch(p.out.String())
		if m != nil {
			s.port = m[1]
		}
		return m != nil
	})
	return p
}

func (s *stage) startResident() {
	s.t.Helper()
	s.resident = start(s.t, s.env, filepath.Join(bin, "gatewatch"), "--headless", "--home", s.home)
	until(s.t, "the resident program answers", func() bool {
		_, err := s.ask()
		return err == nil
	})
}

func (s *stage) card() string { return filepath.Join(s.home, "api.json") }

// address returns how the resident program is reached.
func (s *stage) address() api.Card {
	s.t.Helper()
	card, err := home.ReadCard(s.card())
	if err != nil {
		s.t.Fatal(err)
	}
	return card
}

func (s *stage) client() *api.Client { return api.NewClient(s.address()) }

func (s *stage) ask() (api.Status, error) {
	card, err := home.ReadCard(s.card())
	if err != nil {
		return api.Status{}, err
	}
	st, _, err := api.NewClient(card).Status(context.Background())
	return st, err
}

func (s *stage) status() api.Status {
	s.t.Helper()
	st, err := s.ask()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func (s *stage) untilConnected() api.Status {
	s.t.Helper()
	until(s.t, "the resident program is connected", func() bool { return s.status().Connected })
	return s.status()
}

// look is the theme in which windows are shown, light unless SHOTS_THEME says otherwise.
func look() string {
	if theme := os.Getenv("SHOTS_THEME"); theme != "" {
		return theme
	}
	return "light"
}
