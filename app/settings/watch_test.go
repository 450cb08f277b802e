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
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a file under a running watcher in a synctest bubble, and what the watcher told.
type watched struct {
	t      *testing.T
	path   string
	events chan fsnotify.Event
	errors chan error

	mu   sync.Mutex
	told []string
}

func (w *watched) tell(words string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, words)
}

// watchBubble runs test inside a bubble with a watcher on a file of the given content ("-": no file).
func watchBubble(t *testing.T, content string, test func(w *watched)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.json")
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t, path: path, events: make(chan fsnotify.Event), errors: make(chan error)}
		if content != "-" {
			w.write(content)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		watcher := &Watcher{
			Path:    path,
			Current: Default(),
			OnChange: func(s Settings) {
				w.tell(fmt.Sprintf("port %d", s.API.Port))
			},
			OnError: func(err error) {
				word := "error"
				var problems Problems
				switch {
				case errors.Is(err, fs.ErrNotExist):
					word = "gone"
				case errors.As(err, &problems):
					word = "bad " + problems[0].Key
				}
				w.tell(word)
			},
			OnRecovered: func() { w.tell("recovered") },
		}
		go watcher.run(ctx, w.events, w.errors, nil)
		synctest.Wait()
		test(w)
	})
}

func (w *watched) write(content string) {
	w.t.Helper()
	if err := os.WriteFile(w.path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) announce() {
	w.events <- fsnotify.Event{Name: w.path, Op: fsnotify.Write}
}

// expect waits and compares what the watcher told since the last call.
func (w *watched) expect(after time.Duration, want ...string) {
	w.t.Helper()
	time.Sleep(after)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		w.t.Errorf("told %q, want %q", w.told, want)
	}
	w.told = nil
}

func TestWatchStart(t *testing.T) {
	for content, want := range map[string][]string{
		"-":                     nil,
		"{}":                    nil,
		`{"api": {"port": 1}}`:  {"port 1"}, // changed since it was loaded
		`{"api": {"port": -1}}`: {"bad api.port"},
	} {
		watchBubble(t, content, func(w *watched) {
			w.expect(0, want...)
			w.expect(time.Minute)
		})
	}
}

func TestWatchSettles(t *testing.T) {
	watchBubble(t, "{}", func(w *watched) {
		for _, content := range []string{"", `{"api": `, `{"api": {"port": 2}}`} {
			w.write(content)
			w.announce()
			w.expect(settle - time.Millisecond)
		}
		w.expect(time.Millisecond, "port 2")

		w.write(`{"api": {"port": 3}}`)
		w.events <- fsnotify.Event{Name: w.path + ".swp", Op: fsnotify.Write}
		w.expect(settle) // not our file
		w.errors <- fsnotify.ErrEventOverflow
		w.expect(settle, "port 3")
	})
}

func TestWatchTellsEachContentOnce(t *testing.T) {
	watchBubble(t, "{}", func(w *watched) {
		step := func(content string, want ...string) {
			t.Helper()
			w.write(content)
			w.announce()
			w.expect(settle, want...)
		}
		step(`{ }`)              // equal
		step(`{"$schema": "x"}`) // equal in all that matters
		step(`{"log": 1}`, "bad log")
		step(`{"log": 1}`)            // the same again
		step(`{"log": 2}`, "bad log") // another
		step(`{}`, "recovered")       // and still equal
		step(`{"api": 1}`, "bad api")
		step(`{"api": {"port": 4}}`, "recovered", "port 4")
		step(`{"api": {"port": 8765}}`, "port 8765")
	})
}

func TestWatchKeepsSettingsWhenTheFileIsGone(t *testing.T) {
	watchBubble(t, `{"api": {"port": 5}}`, func(w *watched) {
		w.expect(0, "port 5")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.announce()
		w.expect(settle, "gone")
		w.announce()
		w.expect(time.Minute)
		w.write(`{"api": {"port": 5}}`)
		w.announce()
		w.expect(settle, "recovered")
	})
}

func TestWatchFindsWhatNobodyAnnounced(t *testing.T) {
	watchBubble(t, "-", func(w *watched) {
		w.write(`{"api": {"port": 6}}`)
		w.expect(pollEvery+settle, "port 6")
		w.write(`{"api": {"port": 77}}`)
		w.expect(pollEvery, "port 77")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.expect(pollEvery, "gone")
		// A folder in the place of the file cannot be read; told once, and over when a file is back.
		if err := os.Mkdir(w.path, 0o700); err != nil {
			t.Fatal(err)
		}
		w.expect(3*pollEvery, "error")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.write(`{"api": {"port": 77}}`)
		w.expect(2*pollEvery, "recovered")
	})
}

func TestWatchTriesAnUnreadableFileAgain(t *testing.T) {
	w := &Watcher{Path: t.TempDir()} // a folder
	w.look()
	if !w.touched() {
		t.Error("will not look again")
	}
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
	expect := func(port int, within time.Duration) {
		t.Helper()
		select {
		case got := <-ports:
			if got != port {
				t.Fatalf("port %d, want %d", got, port)
			}
		case err := <-failures:
			t.Fatal(err)
		case <-time.After(within):
			t.Fatalf("port %d not seen within %v", port, within)
		}
	}
	save(1)
	expect(1, 2*pollEvery) // Run may not watch yet
	save(2)                // replaced by renaming
	expect(2, pollEvery)
	if err := os.WriteFile(path, []byte(`{"api": {"port": 3}}`), 0o600); err != nil { // written in place
		t.Fatal(err)
	}
	expect(3, pollEvery)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failures:
		if !strings.HasPrefix(err.Error(), path+":1:2: ") {
			t.Error(err)
		}
	case <-time.After(pollEvery):
		t.Error("bad file not told")
	}
}

// TestWatchFolderComesLater starts without the folder; a poll finds it and has it watched from then on.
func TestWatchFolderComesLater(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "home")
	notifier, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer notifier.Close()
	watch := (&Watcher{Path: filepath.Join(folder, "settings.json")}).watchFolder(notifier)
	for range 2 { // the second folder is another one under the old name
		watch()
		if list := notifier.WatchList(); len(list) > 0 {
			t.Errorf("watches %v", list)
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		watch()
		watch()
		if list := notifier.WatchList(); !slices.Equal(list, []string{folder}) {
			t.Errorf("watches %v", list)
		}
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		if event := <-notifier.Events; event.Name != folder || !event.Has(fsnotify.Remove) {
			t.Errorf("event %v", event)
		}
	}
}
