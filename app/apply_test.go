package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/settings"
)

// TestSettingsTakeEffectOrNot sends settings to the program at work: what it answers is what is in effect and on disk.
func TestSettingsTakeEffectOrNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", `{"rules": []}`)
	r.awaitOpen()
	path := filepath.Join(r.dir, "settings.json")
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	view := func() string { return r.get("/settings") }
	before, shown := read(), view()
	unchanged := func(what string) {
		t.Helper()
		if read() != before {
			t.Errorf("%s: it was written", what)
		}
		if view() != shown {
			t.Errorf("%s: in effect are %s", what, view())
		}
	}

	// Less than a nanosecond apart: right key by key, and refused by the supervisor.
	const collapse = `, "watchdog": {"soft_seconds": 1.5, "hard_seconds": 1.5000000001}`
	var refused settings.Problems
	if _, err := r.client.SaveSettings(t.Context(), []byte(r.settings(collapse)), ""); !errors.As(err, &refused) ||
		refused[0].Key != "watchdog.hard_seconds" || refused[0].Line != 1 {
		t.Errorf("limits that are the same: %v", err)
	}
	unchanged("limits that are the same")
	r.write("settings.json", r.settings(collapse))
	r.until("the file on disk is refused", func() bool {
		return strings.Contains(view(), `"problem": `+strings.TrimSuffix(strconv.Quote(path+":1:"), `"`))
	})
	r.write("settings.json", before)
	r.until("the file is good again", func() bool { return view() == shown })

	// A file that cannot be written.
	if err := os.Rename(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.SaveSettings(t.Context(), []byte(r.settings(`, "log": {"level": "debug"}`)), ""); err == nil ||
		errors.As(err, &refused) {
		t.Errorf("a folder in the place of the file: %v", err)
	}
	if text := view(); strings.Contains(text, `"level": "debug"`) {
		t.Error("what could not be written is in effect")
	}
	if err := errors.Join(os.Remove(path), os.Rename(path+".kept", path)); err != nil {
		t.Fatal(err)
	}
	r.until("the file is good again", func() bool { return view() == shown })

	// A new port of the API is answered at the old one, which ends then.
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	s, err := settings.Parse("settings.json", []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	s.API.Port, s.Log.Level = port, "debug"
	text, err := settings.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	old := r.client
	answer, err := old.SaveSettings(t.Context(), text, "")
	if err != nil || answer.Settings.API.Port != port || answer.Problem != "" {
		t.Fatalf("%v, %+v", err, answer)
	}
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	r.client = api.NewClient(card)
	if st, _, err := r.client.Status(t.Context()); err != nil || st.Session != 1 ||
		!strings.HasSuffix(card.URL, ":"+strconv.Itoa(port)) {
		t.Errorf("%s: %v, session %d", card.URL, err, st.Session)
	}
	r.until("the old port is closed", func() bool {
		_, _, err := old.Status(t.Context())
		return errors.Is(err, api.ErrNotRunning)
	})
	if !strings.Contains(read(), `"port": `+strconv.Itoa(port)) || !strings.Contains(view(), `"level": "debug"`) {
		t.Error("what was answered is not in effect")
	}
	begin := time.Now()
	r.end(os.Interrupt)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("ended after %v", took)
	}
}
