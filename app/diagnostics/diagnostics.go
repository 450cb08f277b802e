// Package diagnostics writes down what someone needs to know who is to find a fault: versions, settings, states, the
// last of both logs. It is made to be passed on: no secret, no account number, no address, no host, no order and no
// name of a user is in it.
//
// Two things see to that. What is known to be harmless is picked, key by key, and nothing else; and every line goes
// through a [Hider] on its way out, for what is in a text.
package diagnostics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// Source is where a report comes from. Running is nil where no program runs; then what is on disk has to do.
type Source struct {
	Version    string
	Now        time.Time
	Settings   settings.Settings
	Refused    bool     // settings.json is, and Settings are those before
	Secrets    []string // that must not be in it, beside those that settings name
	Secret     func(ref string) (string, error)
	ConfigDir  string
	StateDir   string
	LogFile    string
	Running    *Running
	Goroutines bool // with their stacks; of this process
}

// Running is what only the running program knows.
type Running struct {
	Status   api.Status
	Alerts   api.Alerts
	Rules    map[string]int    // by state
	Orders   map[string]int    // by state
	Blocked  map[string]uint64 // by reason
	Messages map[int]uint64    // from Gateway, by code; their texts may say what someone trades
	Unopened string            // why there is no trading, empty if there is
}

const (
	lastRecords = 200
	lastLines   = 200
	// secretLimit bounds the wait for all secrets together: a keyring may ask a person.
	secretLimit = 2 * time.Second
)

// Write writes the report as text.
func Write(out io.Writer, s Source) error {
	h := s.hider()
	w := &writer{hide: h.Hide}
	w.line("Gatewatch diagnostics of %s", s.Now.Format(time.RFC3339))
	w.line("Secrets, account numbers, addresses, hosts, orders and names of users are left out.")
	s.program(w)
	s.status(w)
	s.settings(w)
	s.history(w)
	s.log(w)
	s.files(w)
	if s.Goroutines {
		w.head("Goroutines")
		var dump strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&dump, 2); err != nil {
			w.line("%v", err)
		}
		w.line("%s", dump.String())
	}
	_, err := io.WriteString(out, w.text.String())
	return err
}

// Hider returns one that knows what must not be in the report.
func (s Source) hider() *Hider {
	known := slices.Concat(s.Secrets, named(s.Settings), s.values())
	return NewHider(slices.DeleteFunc(known, func(text string) bool { return text == "" })...)
}

// HiderFor returns a Hider for what settings name, and for the secrets that they refer to.
func HiderFor(s settings.Settings, secret func(ref string) (string, error)) *Hider {
	return Source{Settings: s, Secret: secret}.hider()
}

// values looks up the secrets that settings refer to, each by itself. One that cannot be had in time cannot be looked
// for.
func (s Source) values() (values []string) {
	if s.Secret == nil {
		return nil
	}
	refs := s.Settings.References()
	found := make(chan string, len(refs))
	for _, r := range refs {
		go func() {
			defer func() { _ = recover() }() // a keyring that fails inside hides nothing
			value, _ := s.Secret(r.Ref)
			found <- value
		}()
	}
	late := time.After(secretLimit)
	for range refs {
		select {
		case value := <-found:
			values = append(values, value)
		case <-late:
			return values
		}
	}
	return values
}

// writer writes lines of which each is harmless.
type writer struct {
	text strings.Builder
	hide func(string) string
}

func (w *writer) line(format string, args ...any) {
	w.text.WriteString(w.hide(fmt.Sprintf(format, args...)))
	w.text.WriteByte('\n')
}

func (w *writer) head(title string) { w.text.WriteString("\n== " + title + "\n") }

func (s Source) program(w *writer) {
	w.head("Program")
	w.line("gatewatch %s, %s, %s/%s", s.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			if b.Key == "CGO_ENABLED" || b.Key == "vcs.revision" || b.Key == "vcs.modified" {
				w.line("%s=%s", b.Key, b.Value)
			}
		}
		for _, m := range info.Deps {
			if m.Path == "github.com/scmhub/ibapi" || m.Path == "fyne.io/systray" {
				w.line("%s %s", m.Path, m.Version)
			}
		}
	}
	w.line("system: %s, %d processors", system(), runtime.NumCPU())
	for _, name := range []string{"XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "DESKTOP_SESSION"} {
		if value := os.Getenv(name); value != "" {
			w.line("%s=%s", name, wording.OneLine(value))
		}
	}
	zone, offset := s.Now.Zone()
	w.line("zone: %s, %+d minutes", zone, offset/60)
	if s.Running == nil {
		w.line("The program does not run here; what follows is on disk.")
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.line("goroutines: %d, heap: %d KB, from the system: %d KB", runtime.NumGoroutine(), m.HeapAlloc>>10, m.Sys>>10)
}

// system names the operating system as far as a file says it.
func system() string {
	text, err := os.ReadFile("/etc/os-release")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return wording.OneLine(strings.Trim(name, `"`))
			}
		}
	}
	return runtime.GOOS
}

func (s Source) status(w *writer) {
	r := s.Running
	if r == nil {
		return
	}
	w.head("Status")
	st := r.Status
	st.Gateway.Host = shownText(st.Gateway.Host, `format:"host"`)
	if st.Gateway.Unsupported != "" && st.Gateway.UnsupportedFrom == "" { // it cites Gateway
		st.Gateway.Unsupported = Hidden
	}
	if st.Trading.RulesProblem != "" { // it cites the rules
		st.Trading.RulesProblem = Hidden
	}
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		w.line("%v", err)
	}
	w.line("%s", text)
	w.head("Rules and orders")
	if r.Unopened != "" {
		w.line("There is no trading: %s", r.Unopened)
	}
	count(w, "rules", r.Rules)
	count(w, "orders", r.Orders)
	count(w, "blocked since the start", r.Blocked)
	count(w, "messages from Gateway, code", r.Messages)
	w.head("Alerts")
	for _, c := range r.Alerts.Channels {
		w.line("%s: %d sent, %d wait, last error: %s", c.Name, c.Sent, c.Queued, cmp.Or(wording.OneLine(c.LastError),
			"none"))
	}
}

func count[K cmp.Ordered, N int | uint64](w *writer, what string, counts map[K]N) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		w.line("%s, %v: %d", what, key, counts[key])
	}
}

func (s Source) settings(w *writer) {
	w.head("Settings")
	if s.Refused {
		w.line("settings.json is refused; these are in effect instead.")
	}
	for _, line := range settingsLines(s.Settings) {
		w.line("%s", line)
	}
}

func (s Source) history(w *writer) {
	w.head(fmt.Sprintf("Connection log, the last %d records", lastRecords))
	records, _, err := history.Query(s.StateDir, time.Time{}, 0, lastRecords)
	if err != nil {
		w.line("It cannot be read: %v", err)
	}
	for _, r := range records {
		text := fmt.Sprintf("%d %s %s %s run %d", r.Seq, r.Local.Format(time.RFC3339), r.What, r.Counts, r.Run)
		if r.Session != 0 {
			text += fmt.Sprintf(" session %d", r.Session)
		}
		if r.Cause != "" {
			text += " cause " + wording.OneLine(string(r.Cause))
		}
		if r.Code != 0 {
			text += fmt.Sprintf(" code %d", r.Code)
		}
		if r.Attempts != 0 {
			text += fmt.Sprintf(" attempts %d", r.Attempts)
		}
		if r.Reason != "" {
			text += " reason " + wording.OneLine(r.Reason)
		}
		if r.Count != 0 {
			text += fmt.Sprintf(" count %d", r.Count)
		}
		if r.Seconds != 0 {
			text += fmt.Sprintf(" %.3f s", r.Seconds)
		}
		if r.Detail != "" {
			text += ": " + wording.OneLine(r.Detail)
		}
		w.line("%s", text)
	}
}

func (s Source) log(w *writer) {
	w.head(fmt.Sprintf("Program log, the last %d lines", lastLines))
	lines, err := tail(s.LogFile, lastLines)
	if err != nil {
		w.line("It cannot be read: %v", err)
	}
	for _, line := range lines {
		w.line("%s", line)
	}
}

// files lists names and sizes, and opens nothing.
func (s Source) files(w *writer) {
	for _, one := range []struct{ title, dir string }{
		{"Files: state", s.StateDir},
		{"Files: configuration", s.ConfigDir},
	} {
		if one.title != "Files: state" && one.dir == s.StateDir {
			continue
		}
		w.head(one.title)
		err := filepath.WalkDir(one.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil // gone meanwhile
			}
			name, err := filepath.Rel(one.dir, path)
			if err == nil {
				w.line("%10d  %s  %s  %s", info.Size(), info.Mode().Perm(), info.ModTime().Format(time.RFC3339),
					wording.OneLine(filepath.ToSlash(name)))
			}
			return err
		})
		if err != nil {
			w.line("The folder cannot be read: %v", err)
		}
	}
}
