//go:build !windows && !darwin

package tray

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
)

// patient bounds every wait for another process in these tests.
const patient = time.Minute

var buildPuppet = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gatewatch-puppet-")
	if err != nil {
		return "", err
	}
	cleanUp = func() { os.RemoveAll(dir) }
	file := filepath.Join(dir, "puppet")
	cmd := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-o", file, "./internal/puppet")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{string(out), err}
	}
	return file, nil
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.out }

// puppet is the tray in a process of its own.
type puppet struct {
	t     *testing.T
	in    io.WriteCloser
	said  chan string // what it says on its standard output
	ended chan error

	mu   sync.Mutex
	logs bytes.Buffer
}

func (p *puppet) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logs.Write(b)
}

func (p *puppet) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logs.String()
}

// order is what the puppet reads; the same as its own type.
type order struct {
	Snapshot *conn.Snapshot
	Extra    Extra
	Trouble  bool
}

func startPuppet(t *testing.T, first order, env ...string) *puppet {
	t.Helper()
	file, err := buildPuppet()
	if err != nil {
		t.Fatal(err)
	}
	p := &puppet{t: t, said: make(chan string, 100), ended: make(chan error, 1)}
	cmd := exec.Command(file)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = p
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.said <- lines.Text()
		}
		p.ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		if t.Failed() {
			t.Logf("log of the tray:\n%s", p.log())
		}
	})
	p.order(first)
	return p
}

func (p *puppet) order(o order) {
	p.t.Helper()
	if err := json.NewEncoder(p.in).Encode(o); err != nil {
		p.t.Fatal(err)
	}
}

// expect waits for the puppet to say a line that begins so.
func (p *puppet) expect(prefix string) string {
	p.t.Helper()
	select {
	case line := <-p.said:
		if !strings.HasPrefix(line, prefix) {
			p.t.Fatalf("the tray says %q, want %q", line, prefix)
		}
		return line
	case <-time.After(patient):
		p.t.Fatalf("the tray does not say %q", prefix)
	}
	return ""
}

func (p *puppet) silent(d time.Duration) {
	p.t.Helper()
	select {
	case line := <-p.said:
		p.t.Fatalf("the tray says %q, want nothing", line)
	case <-time.After(d):
	}
}
