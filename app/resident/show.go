package resident

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// windowLimit is how long a window may take to report itself before the page is opened instead.
const windowLimit = 10 * time.Second

// shower opens the window, a child process that lies beside this executable, or the page where no window can be opened.
type shower struct {
	mu      sync.Mutex
	running bool // a child has been started and has not ended
	started time.Time
	again   bool // it was asked for while it was closing
}

// Show brings the window, or the page, before the user. It returns when that is under way.
func (r *resident) Show(ctx context.Context) error {
	r.mu.Lock()
	server := r.api
	r.mu.Unlock()
	if server.ShowWindow() > 0 {
		return nil
	}
	if err := r.startWindow(); err == nil {
		return nil
	} else if !errors.Is(err, exec.ErrNotFound) {
		r.log.Warn("the window cannot be started, opening the page instead", "err", err)
	}
	return r.openPage(ctx)
}

// windowPath returns where the window program lies: beside this one.
func windowPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	path := filepath.Join(filepath.Dir(self), "gatewatch-window")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err != nil {
		return "", exec.ErrNotFound
	}
	return path, nil
}

// startWindow starts the window program. One that ends soon with an error, for want of OpenGL or a display, is
// followed by the page.
func (r *resident) startWindow() error {
	path, err := windowPath()
	if err != nil {
		return err
	}
	r.window.mu.Lock()
	defer r.window.mu.Unlock()
	if r.window.running {
		// It has not reported itself yet, or no longer does.
		r.window.again = time.Since(r.window.started) > windowLimit
		return nil
	}
	var said tail
	args := []string{"--card", r.home.Card()}
	if r.demo != nil {
		args = append(args, "--demo")
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = r.childEnv(), &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	r.window.running, r.window.started, r.window.again = true, time.Now(), false
	go r.parts.Do("window", func() { r.followWindow(cmd, &said) })
	return nil
}

// followWindow waits for the window to end. One that could not be opened is followed by the page.
func (r *resident) followWindow(cmd *exec.Cmd, said *tail) {
	err := cmd.Wait()
	r.window.mu.Lock()
	again, early := r.window.again, time.Since(r.window.started) < windowLimit
	r.window.running = false
	r.window.mu.Unlock()
	if err != nil {
		r.log.Warn("the window ended", "err", err, "said", said.String())
	}
	switch {
	case again:
		err = r.startWindow()
	case err != nil && early && cmd.ProcessState.Exited(): // by itself, not killed
		err = r.openPage(context.Background())
	default:
		return
	}
	if err != nil {
		r.log.Error("neither window nor page can be opened", "err", err)
	}
}

// openPage opens the page in the browser. Other users can read the arguments of a process: there is no token in the address, but
// a code that is good once.
func (r *resident) openPage(ctx context.Context) error {
	r.mu.Lock()
	url := r.api.PageURL()
	r.mu.Unlock()
	if err := openWithDesktop(ctx, url, r.childEnv()); err != nil {
		return fmt.Errorf("no window and no browser can be opened here (%w); open %s/ yourself", err, r.apiURL())
	}
	return nil
}

// openWithDesktop hands an address or a folder to whatever the desktop opens it with. No shell sees the text.
func openWithDesktop(ctx context.Context, target string, env []string) error {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", target)
	case "darwin":
		cmd = exec.Command("open", target)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("no display")
		}
		cmd = exec.Command("xdg-open", target)
	}
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- cmd.Wait() }()
	select {
	case err := <-failed:
		return err
	case <-time.After(2 * time.Second): // some openers stay until the browser closes
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tail keeps the last few lines that a child has said.
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
