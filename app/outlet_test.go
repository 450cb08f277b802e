package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
)

// held is a writer that takes nothing until it is let go.
type held struct {
	free chan struct{}
	bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	<-h.free
	return h.Buffer.Write(p)
}

func TestOutletKeepsOrder(t *testing.T) {
	var out, want bytes.Buffer
	o := newOutlet(&out)
	for i := range 500 {
		fmt.Fprintf(io.MultiWriter(o, &want), "line %d\n", i)
	}
	o.Close()
	if out.String() != want.String() {
		t.Errorf("got %d bytes, want %d", out.Len(), want.Len())
	}
	if n, err := o.Write([]byte("late")); n != 4 || err != nil {
		t.Errorf("write after close: %d, %v", n, err)
	}
}

func TestOutletLeavesOutWhatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &held{free: make(chan struct{})}
		o := newOutlet(out)
		fmt.Fprintln(o, "first")
		synctest.Wait() // it hangs in the writer
		for i := range outletQueue + 7 {
			fmt.Fprintln(o, "line", i)
		}
		close(out.free)
		synctest.Wait()
		fmt.Fprintln(o, "last")
		o.Close()
		text := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(text) != outletQueue+3 {
			t.Fatalf("%d lines", len(text))
		}
		for i, want := range map[int]string{
			0: "first", 1: "line 0", outletQueue: fmt.Sprint("line ", outletQueue-1),
			outletQueue + 1: "… 7 lines left out", outletQueue + 2: "last",
		} {
			if text[i] != want {
				t.Errorf("line %d is %q, want %q", i, text[i], want)
			}
		}
	})
}

func TestOutletClosesThoughHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &held{free: make(chan struct{})}
		o := newOutlet(out)
		fmt.Fprintln(o, "text")
		begin := time.Now()
		o.Close()
		if took := time.Since(begin); took != outletFlush {
			t.Errorf("took %v, want %v", took, outletFlush)
		}
		close(out.free)
	})
}

// TestNobodyReads starts the program with stdout and stderr at a pipe from which nobody reads: neither a reader that
// has gone away nor one that sleeps may hold or end it.
func TestNobodyReads(t *testing.T) {
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
			home := t.TempDir()
			cmd := exec.Command("gatewatch", "run", "--headless", "--demo", "--home", home)
			cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10")
			cmd.Stdout, cmd.Stderr = w, w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			defer cmd.Process.Kill()

			card := filepath.Join(home, "api.json")
			if !eventually(func() bool {
				c, err := api.ReadCard(card)
				if err != nil {
					return false
				}
				st, _, err := api.NewClient(c).Status(context.Background())
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
			if _, err := os.Stat(card); err == nil {
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
