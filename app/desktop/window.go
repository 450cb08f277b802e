package desktop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"gatewatch/app/crash"
)

// windowLimit is how long a window may take to report itself before the page is opened instead.
const windowLimit = 10 * time.Second

// API is what opening the window needs of the server on the loopback.
type API interface {
	ShowWindow() (reached int) // asks windows that are open to come to the front
	PageURL() string           // with a one-time code
	URL() string
}

// Window opens the window, a program of its own, or the page where no window can be opened. Set the fields first.
type Window struct {
	Card    string // path of api.json
	Server  func() API
	Demo    bool
	Desktop *Desktop
	Parts   *crash.Parts
	Log     *slog.Logger

	mu      sync.Mutex
	running bool // the program was started and has not ended
	started time.Time
	again   bool // it was asked for while it was closing
}

// Show shows the window, or the page. It returns when that is under way.
func (w *Window) Show(ctx context.Context) error {
	if w.Server().ShowWindow() > 0 {
		return nil
	}
	if err := w.start(); err == nil {
		return nil
	} else if !errors.Is(err, exec.ErrNotFound) {
		w.Log.Warn("the window cannot be started, opening the page instead", "err", err)
	}
	return w.openPage(ctx)
}

// start starts the window program. One that ends soon with an error, for want of OpenGL or a display, is followed by
// the page.
func (w *Window) start() error {
	path, err := Beside("gatewatch-window")
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running {
		// It has not reported itself yet, or no longer does.
		w.again = time.Since(w.started) > windowLimit
		return nil
	}
	var said tail
	args := []string{"--card", w.Card}
	if w.Demo {
		args = append(args, "--demo")
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.Desktop.Env(), &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	w.running, w.started, w.again = true, time.Now(), false
	go w.Parts.Do("window", func() { w.follow(cmd, &said) })
	return nil
}

// follow waits for the window to end. One that could not be opened is followed by the page.
func (w *Window) follow(cmd *exec.Cmd, said *tail) {
	err := cmd.Wait()
	w.mu.Lock()
	again, early := w.again, time.Since(w.started) < windowLimit
	w.running = false
	w.mu.Unlock()
	if err != nil {
		w.Log.Warn("the window ended", "err", err, "said", said.String())
	}
	switch {
	case again:
		err = w.start()
	case err != nil && early && cmd.ProcessState.Exited(): // by itself, not killed
		err = w.openPage(context.Background())
	default:
		return
	}
	if err != nil {
		w.Log.Error("neither window nor page can be opened", "err", err)
	}
}

// openPage opens the page in the browser. Other users can read the arguments of a process: there is no token in the
// address, but a code that is valid once.
func (w *Window) openPage(ctx context.Context) error {
	if err := w.Desktop.Open(ctx, w.Server().PageURL()); err != nil {
		return fmt.Errorf("no window and no browser can be opened here (%w); open %s/ yourself", err, w.Server().URL())
	}
	return nil
}

// tail keeps the last few lines that a program wrote.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - 4<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
