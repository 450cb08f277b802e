// Package desktop starts other programs: those that open addresses and folders or take text for the clipboard, and
// those of Gatewatch itself.
package desktop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Desktop starts other programs. The zero value is ready to use.
type Desktop struct {
	secrets atomic.Pointer[[]string] // names of environment variables
}

// Hide sets which environment variables other programs do not get.
func (d *Desktop) Hide(variables []string) { d.secrets.Store(&variables) }

// Env returns the environment for other programs.
func (d *Desktop) Env() []string {
	env := os.Environ()
	hidden := d.secrets.Load()
	if hidden == nil {
		return env
	}
	return slices.DeleteFunc(env, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(*hidden, func(secret string) bool { return strings.EqualFold(name, secret) })
	})
}

// Beside returns the path of another program of Gatewatch, which is in the same folder as this one. If it is not
// there, it returns exec.ErrNotFound with the path.
func Beside(name string) (path string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	path = filepath.Join(filepath.Dir(self), name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err != nil {
		return path, exec.ErrNotFound
	}
	return path, nil
}

// Open opens an address, a file or a folder with the program that the desktop has for it. No shell sees the text.
func (d *Desktop) Open(ctx context.Context, target string) error {
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
	cmd.Env = d.Env()
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
