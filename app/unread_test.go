package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/home"
)

// TestNoOneReads starts the program with stdout and stderr at a pipe from which no one reads: neither a reader that
// has gone away nor one that sleeps may hold or end it.
func TestNoOneReads(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("stops by a signal")
	}
	for _, gone := range []bool{true, false} {
		t.Run(map[bool]string{true: "gone", false: "asleep"}[gone], func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if gone {
				r.Close()
			} else if err := fill(w); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			cmd := exec.Command("gatewatch", "run", "--headless", "--demo", "--home", dir)
			cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10")
			cmd.Stdout, cmd.Stderr = w, w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			defer cmd.Process.Kill()

			if !eventually(func() bool {
				_, st, err := home.At(dir).Running(context.Background())
				return err == nil && st.Connected
			}) {
				t.Fatal("not connected")
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("does not stop")
			}
			if _, err := os.Stat(home.At(dir).Card()); err == nil {
				t.Error("api.json is left behind")
			}
		})
	}
}

// fill writes to a pipe until it takes no more.
func fill(w *os.File) error {
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	if n, err := w.Write(make([]byte, 16<<20)); err == nil {
		return fmt.Errorf("the pipe took %d bytes", n)
	}
	return w.SetWriteDeadline(time.Time{})
}
