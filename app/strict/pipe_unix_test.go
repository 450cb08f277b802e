//go:build unix

package strict

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPipeTakesTheFilesPlace opens a path at which a file and a pipe take turns: the pipe is not waited for.
func TestPipeTakesTheFilesPlace(t *testing.T) {
	folder := t.TempDir()
	path, file, pipe := filepath.Join(folder, "path"), filepath.Join(folder, "file"), filepath.Join(folder, "pipe")
	err := errors.Join(os.WriteFile(file, nil, 0o600), syscall.Mkfifo(pipe, 0o600), os.Link(file, path))
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			next := filepath.Join(folder, "next")
			if err := errors.Join(os.Link([]string{pipe, file}[i%2], next), os.Rename(next, path)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20_000 {
			f, err := Open(path)
			if err == nil {
				f.Close()
			} else if !errors.Is(err, ErrNoFile) {
				t.Error(err)
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("it waits for the other end of a pipe")
	}
	close(stop)
	<-stopped
	if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil { // who waits goes on
		<-done
		f.Close()
	}
}
