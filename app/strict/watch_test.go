package strict

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	path := filepath.Join(t.TempDir(), "things.json")
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t, path: path, events: make(chan fsnotify.Event), errors: make(chan error)}
		if content != "-" {
			w.write(content)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		watcher := &Watcher{
			Kind:      Kind{Name: "things", MaxSize: 99},
			Path:      path,
			OnContent: func(data []byte) { w.tell(string(data)) },
			OnError: func(err error) {
				word := "error"
				if errors.Is(err, fs.ErrNotExist) {
					word = "gone"
				}
				w.tell(word)
			},
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
		"-": nil,
		"":  {""},
		"a": {"a"},
	} {
		watchBubble(t, content, func(w *watched) {
			w.expect(0, want...)
			w.expect(time.Minute)
		})
	}
}

func TestWatchSettles(t *testing.T) {
	watchBubble(t, "a", func(w *watched) {
		w.expect(0, "a")
		for _, content := range []string{"", "b", "c"} {
			w.write(content)
			w.announce()
			w.expect(settle - time.Millisecond)
		}
		w.expect(time.Millisecond, "c")

		w.write("d")
		w.events <- fsnotify.Event{Name: w.path + ".swp", Op: fsnotify.Write}
		w.expect(settle) // not our file
		w.errors <- fsnotify.ErrEventOverflow
		w.expect(settle, "d")
		w.announce()
		w.expect(settle) // the same again
	})
}

func TestWatchReportsOnceThatTheFileIsGone(t *testing.T) {
	watchBubble(t, "a", func(w *watched) {
		w.expect(0, "a")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.announce()
		w.expect(settle, "gone")
		w.announce()
		w.expect(time.Minute)
		w.write("a")
		w.announce()
		w.expect(settle, "a")
	})
}

func TestWatchFindsWhatTheSystemDidNotAnnounce(t *testing.T) {
	watchBubble(t, "-", func(w *watched) {
		w.write("a")
		w.expect(pollEvery+settle, "a")
		w.write("bb")
		w.expect(pollEvery, "bb")
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
		w.write("bb")
		w.expect(2*pollEvery, "bb")
	})
}

func TestWatchTriesAnUnreadableFileAgain(t *testing.T) {
	w := &Watcher{Path: t.TempDir(), OnError: func(error) {}} // a folder
	w.look()
	if !w.touched() {
		t.Error("will not look again")
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
	watch := (&Watcher{Path: filepath.Join(folder, "things.json")}).watchFolder(notifier)
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
