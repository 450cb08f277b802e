package home

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"gatewatch/app/api"
)

func TestCard(t *testing.T) {
	card := api.Card{URL: "http://127.0.0.1:8765", Token: "T", PID: os.Getpid()}
	dir := t.TempDir()
	path := filepath.Join(dir, "api.json")
	if _, err := ReadCard(path); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil { // left behind, with a mode that is too wide
		t.Fatal(err)
	}
	if err := WriteCard(path, card); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v", info.Mode())
	}
	if c, err := ReadCard(path); err != nil || c != card {
		t.Errorf("%+v, %v", c, err)
	}
	RemoveCard(path, api.Card{URL: card.URL, Token: "of another server", PID: card.PID})
	if _, err := os.Stat(path); err != nil {
		t.Errorf("removed by a server that it does not name: %v", err)
	}
	RemoveCard(path, card)
	if _, err := os.Stat(path); err == nil {
		t.Error("not removed")
	}
	RemoveCard(path, card) // there is none any more
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestCardIsWhole reads while others write: a reader sees one card or the other and nothing between.
func TestCardIsWhole(t *testing.T) {
	cards := []api.Card{{URL: "http://127.0.0.1:1", Token: "A"}, {URL: "http://127.0.0.1:65535", Token: "BB", PID: 77}}
	path := filepath.Join(t.TempDir(), "api.json")
	if err := WriteCard(path, cards[0]); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	done := make(chan struct{})
	for _, c := range cards {
		writers.Go(func() {
			for range 100 {
				if err := WriteCard(path, c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	for ; ; time.Sleep(100 * time.Microsecond) { // on Windows no one can replace a file that is read all the time
		c, err := ReadCard(path)
		if err != nil || !slices.Contains(cards, c) {
			t.Fatalf("%+v, %v", c, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestCardThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := WriteCard(filepath.Join(dir, "nowhere", "api.json"), api.Card{}); err == nil ||
		!strings.Contains(err.Error(), "api.json") {
		t.Errorf("no folder: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "api.json", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteCard(filepath.Join(dir, "api.json"), api.Card{}); err == nil {
		t.Error("written over a folder")
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestReadCard(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"url":"http://127.0.0.1:8765","token":"T"}`:         true,
		`{"url":"http://[::1]:8765","token":"T"}`:             true,
		`{"url":"http://127.1.2.3:8765","token":"T"}`:         true,
		`{"url":"http://127.0.0.1:8765","token":"T","new":1}`: true,
		``: false, `{`: false, `[]`: false, `null`: false, `{}`: false, `{"url":5}`: false, "\x00\xff": false,
		`{"url":"http://192.0.2.1:8765"}`:        false,
		`{"url":"http://0.0.0.0:8765"}`:          false,
		`{"url":"http://localhost:8765"}`:        false, // a name is whatever the resolver says
		`{"url":"https://127.0.0.1:8765"}`:       false,
		`{"url":"file:///127.0.0.1"}`:            false,
		`{"url":"127.0.0.1:8765"}`:               false,
		`{"url":"http://127.0.0.1@192.0.2.1/"}`:  false,
		`{"url":"http://127.0.0.1.example.com"}`: false,
		`{"url":"http://[::ffff:192.0.2.1]:1"}`:  false,
	} {
		path := filepath.Join(t.TempDir(), "api.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadCard(path)
		if (err == nil) != ok {
			t.Errorf("%s: %+v, %v; want ok=%v", text, c, err, ok)
		}
		if err != nil && (errors.Is(err, api.ErrNotRunning) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFindCard(t *testing.T) {
	dir := t.TempDir()
	card, lock := filepath.Join(dir, "api.json"), filepath.Join(dir, lockName)
	if err := os.WriteFile(card, []byte(`{"url": "http://127.0.0.1:1", "token": "T"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := FindCard(card); err != nil || c.Token != "T" { // no program has ever locked: the proof has to do
		t.Errorf("without a lock: %+v, %v", c, err)
	}
	l := flock.New(lock)
	if ok, err := l.TryLock(); !ok || err != nil {
		t.Fatal(err)
	}
	if c, err := FindCard(card); err != nil || c.Token != "T" {
		t.Errorf("it runs: %+v, %v", c, err)
	}
	if err := os.Rename(card, card+".away"); err != nil { // as where the disk was full
		t.Fatal(err)
	}
	_, err := FindCard(card)
	if text := Explain(err).Error(); !errors.Is(err, api.ErrNotRunning) || strings.Contains(text, "no Gatewatch runs") {
		t.Errorf("it runs and could not write its card: %v: %s", err, text)
	}
	if err := os.Rename(card+".away", card); err != nil {
		t.Fatal(err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if c, err := FindCard(card); !errors.Is(err, api.ErrNotRunning) || c.Token != "" {
		t.Errorf("it was killed: %+v, %v", c, err)
	}
}

// TestFindCardWhereNothingCanBeWritten: where the home cannot be written or made, the lock outside of it shows that a
// program runs.
func TestFindCardWhereNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	for _, state := range []string{dir, filepath.Join(dir, "missing", "gatewatch")} {
		beside, card := Home{State: state}.lockBeside(), filepath.Join(state, "api.json")
		if beside == "" {
			t.Skip("this system has no other lock")
		}
		l := flock.New(beside)
		if ok, err := l.TryLock(); !ok || err != nil {
			t.Fatal(err)
		}
		defer os.Remove(beside)
		if _, err := FindCard(card); !errors.Is(err, errHidden) || !Claimed(card) {
			t.Errorf("it runs and could not write anything: %v", err)
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
		if _, err := FindCard(card); errors.Is(err, errHidden) || Claimed(card) {
			t.Errorf("it has ended: %v", err)
		}
	}
}
