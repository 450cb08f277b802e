package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWatch gives a watcher contents and errors in turn; "-" means that the file is gone.
func TestWatch(t *testing.T) {
	var told []string
	w := &Watcher{
		Path:     "f",
		Current:  Default(),
		OnChange: func(s Settings) { told = append(told, fmt.Sprintf("port %d", s.API.Port)) },
		OnError: func(err error) {
			word := "gone"
			if problems, ok := errors.AsType[Problems](err); ok {
				word = "bad " + problems[0].Key
			}
			told = append(told, word)
		},
		OnRecovered: func() { told = append(told, "recovered") },
	}
	for _, step := range []struct {
		content string
		want    []string
	}{
		{`{}`, nil},
		{`{ }`, nil},              // equal
		{`{"$schema": "x"}`, nil}, // equal in all that matters
		{`{"log": 1}`, []string{"bad log"}},
		{`{}`, []string{"recovered"}}, // and still equal
		{`{"api": 1}`, []string{"bad api"}},
		{`{"api": {"port": 4}}`, []string{"recovered", "port 4"}},
		{"-", []string{"gone"}},
		{`{"api": {"port": 4}}`, []string{"recovered"}},
		{`{"api": {"port": 8765}}`, []string{"port 8765"}},
	} {
		told = nil
		if step.content == "-" {
			w.fail(fs.ErrNotExist)
		} else {
			w.content([]byte(step.content))
		}
		if !slices.Equal(told, step.want) {
			t.Errorf("%s: told %q, want %q", step.content, told, step.want)
		}
	}
	(&Watcher{}).content([]byte("no")) // no one listens
}

// TestWatchRealEvents goes through the operating system's own notices.
func TestWatchRealEvents(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "home")
	path := filepath.Join(folder, "settings.json")
	if err := Save(path, Default()); err != nil {
		t.Fatal(err)
	}
	ports, failures := make(chan int, 9), make(chan error, 9)
	watcher := &Watcher{
		Path: path, Current: Default(),
		OnChange: func(s Settings) { ports <- s.API.Port },
		OnError:  func(err error) { failures <- err },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		watcher.Run(ctx)
		close(done)
	}()
	defer func() {
		cancel()
		<-done
	}()

	save := func(port int) {
		t.Helper()
		s := Default()
		s.API.Port = port
		if err := Save(path, s); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(port int) {
		t.Helper()
		select {
		case got := <-ports:
			if got != port {
				t.Fatalf("port %d, want %d", got, port)
			}
		case err := <-failures:
			t.Fatal(err)
		case <-time.After(time.Minute):
			t.Fatalf("port %d not seen", port)
		}
	}
	save(1)
	expect(1)
	save(2) // replaced by renaming
	expect(2)
	if err := os.WriteFile(path, []byte(`{"api": {"port": 3}}`), 0o600); err != nil { // written in place
		t.Fatal(err)
	}
	expect(3)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failures:
		if !strings.HasPrefix(err.Error(), path+":1:2: ") {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("bad file not told")
	}
}
