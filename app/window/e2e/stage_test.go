package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn/history"
)

// patience bounds every wait; what is waited for comes in a tenth of it on a slow machine.
const patience = 2 * time.Minute

// atOnce is how many tests run at once, each with a screen or a browser of its own: most of the time they wait for it.
const atOnce = "3"

var bin string // folder of the programs under test

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "gatewatch-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin = dir
		flag.Parse()
		if err := flag.Set("test.parallel", atOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
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
			cmd := exec.Command("go", "build", "-tags", "no_emoji", "-buildvcs=false", "-o",
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
	log, err := history.Open(s.home, at, slog.New(slog.DiscardHandler))
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
	p := start(s.t, s.env, filepath.Join(bin, "gatewatch"), "sim", "--listen", "127.0.0.1:"+port, "--control", "")
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

func (s *stage) client() *api.Client {
	card, err := api.ReadCard(s.card())
	if err != nil {
		s.t.Fatal(err)
	}
	return api.NewClient(card)
}

func (s *stage) ask() (api.Status, error) {
	card, err := api.ReadCard(s.card())
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

// display is a screen of its own.
type display struct {
	t   *testing.T
	env []string
}

func newDisplay(t *testing.T, args ...string) *display {
	t.Helper()
	need(t, "Xvfb", "xdotool", "import")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	home := t.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "DBUS_SESSION_BUS_ADDRESS=disabled:",
		"LIBGL_ALWAYS_SOFTWARE=1", "FYNE_THEME=" + look(), "TZ=UTC",
	}
	x := exec.Command("Xvfb", append([]string{
		"-displayfd", "3", "-screen", "0", "900x1000x24", "-nolisten", "tcp",
		"-noreset",
	}, args...)...)
	x.Env, x.ExtraFiles = env, []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = x.Process.Signal(syscall.SIGTERM) // killed it would leave its lock behind, over which the next ones stumble
		_ = x.Wait()
	})
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	d := &display{t: t, env: append(env, "DISPLAY=:"+strings.TrimSpace(number))}
	until(t, "the display answers", func() bool {
		_, err := d.output("xdotool", "getdisplaygeometry")
		return err == nil
	})
	return d
}

func (d *display) output(program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = d.env
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (d *display) do(args ...string) {
	d.t.Helper()
	if out, err := d.output("xdotool", args...); err != nil {
		d.t.Fatalf("xdotool %v: %v\n%s", args, err, out)
	}
}

// windows lists the ids of the windows of Gatewatch.
func (d *display) windows() []string {
	out, _ := d.output("xdotool", "search", "--onlyvisible", "--name", "^Gatewatch") // fails if there is none
	return strings.Fields(out)
}

// title returns the title of the only window.
func (d *display) title() string {
	list := d.windows()
	if len(list) != 1 {
		return fmt.Sprintf("%d windows", len(list))
	}
	name, _ := d.output("xdotool", "getwindowname", list[0])
	return name
}

// untilTitle waits until the only window has one of the titles.
func (d *display) untilTitle(want ...string) {
	d.t.Helper()
	end := time.Now().Add(patience)
	for !slices.Contains(want, d.title()) {
		if time.Now().After(end) {
			d.keep("failed")
			d.t.Fatalf("the window's title is %q, want %q", d.title(), want)
		}
	}
}

func (d *display) picture() image.Image {
	d.t.Helper()
	out, err := d.output("import", "-window", "root", "png:-")
	if err != nil {
		d.t.Fatalf("import: %v", err)
	}
	m, err := png.Decode(strings.NewReader(out))
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// keep puts a picture of the screen into the folder named by SHOTS, if it is set.
func (d *display) keep(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	if _, err := d.output("import", "-window", "root", "-trim", "+repage",
		filepath.Join(dir, "window-"+name+"-"+look()+".png")); err != nil {
		d.t.Logf("import: %v", err)
	}
}

// painted reports whether something else than black stands where the window does.
func (d *display) painted() bool {
	m := d.picture()
	r, g, b, _ := m.At(300, 6).RGBA()
	return r+g+b > 0
}

// button finds the blue button, of which there is one at most on a page, and returns its middle.
func (d *display) button() (x, y int, ok bool) {
	m := d.picture()
	for y := m.Bounds().Max.Y - 1; y >= 0; y-- {
		run := 0
		for x := range m.Bounds().Max.X {
			if r, g, b, _ := m.At(x, y).RGBA(); r>>8 == 0 && g>>8 == 0x72 && b>>8 == 0xb2 {
				run++
				continue
			}
			if run >= 36 {
				return x - run/2, y - 8, true
			}
			run = 0
		}
	}
	return 0, 0, false
}

// press clicks the blue button when it is there, and leaves it: under the mouse it has another colour.
func (d *display) press() {
	d.t.Helper()
	var x, y int
	until(d.t, "there is a blue button", func() (ok bool) {
		x, y, ok = d.button()
		return ok
	})
	d.do("mousemove", fmt.Sprint(x), fmt.Sprint(y), "click", "1", "mousemove", "300", "20")
}

// open starts a window by hand.
func (d *display) open(s *stage) *process {
	d.t.Helper()
	return start(d.t, d.env, filepath.Join(bin, "gatewatch-window"), "--card", s.card())
}
