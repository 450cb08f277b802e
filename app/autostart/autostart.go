// Package autostart starts the program at login, in the way of each system: a file of the XDG autostart folder, a
// LaunchAgent of macOS, a value below the Run key of Windows.
//
// What the system keeps is the only truth: [Status] reads it again each time and says what the system will do, which is
// not always what was asked for. Programs are moved, and users switch them off in lists of their own.
//
// Reading and writing of each form are plain functions on text and are tested on every system; the rest of a system's
// part is small.
package autostart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// AtLogin says in short what will happen at the next login.
type AtLogin string

// The kinds.
const (
	Off     AtLogin = "off"     // nothing is started
	On      AtLogin = "on"      // this program is started
	Other   AtLogin = "other"   // another copy of this program is started
	Moved   AtLogin = "moved"   // a program is to be started that is not there any more, so nothing is
	Blocked AtLogin = "blocked" // the entry is there, but it was switched off in the system's own list
)

// State is what the system will do at the next login.
type State struct {
	Kind  AtLogin
	Exe   string   // the program; empty if Off
	Args  []string // its arguments
	Place string   // the file or key where that stands, or would stand
	Why   string   // if Blocked: what says so
}

// errPath means that a path cannot be written down for the system.
var errPath = errors.New("cannot be started at login from such a path; move Gatewatch to another folder")

// entry is what a system keeps.
type entry struct {
	exists  bool
	command []string // program and arguments
	place   string
	blocked string // what switches it off; empty if nothing does
}

// program returns the path under which this program is to be started: that of the executable.
func program() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where is this program: %w", err)
	}
	return exe, nil
}

// Status says what will happen at the next login.
func Status() (State, error) {
	self, err := program()
	if err != nil {
		return State{}, err
	}
	e, err := read()
	if err != nil {
		return State{Place: e.place}, err
	}
	return judge(e, self), nil
}

// enable makes the system start exe at login with args, also if the user has turned that off in the system's list.
func enable(exe string, args ...string) error {
	if !filepath.IsAbs(exe) {
		return fmt.Errorf("%q is not the whole path of a program", exe)
	}
	for _, s := range append([]string{exe}, args...) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("%q %w", s, errPath)
		}
	}
	if err := write(append([]string{exe}, args...)); err != nil {
		return fmt.Errorf("start at login: %w", err)
	}
	return nil
}

// disable ends that. What is not there is success.
func disable() error {
	if err := remove(); err != nil {
		return fmt.Errorf("remove the start at login: %w", err)
	}
	return nil
}

// Set starts this program at login, with its home if that is not the usual one, or ends that.
func Set(on bool, home string) error {
	if !on {
		return disable()
	}
	exe, err := program()
	if err != nil {
		return err
	}
	var args []string
	if home != "" {
		if home, err = filepath.Abs(home); err != nil {
			return err
		}
		args = []string{"--home", home}
	}
	return enable(exe, args...)
}

// Repair replaces a program that no longer exists by this one at login, with the same arguments. It does nothing if
// nothing was to start, if another copy is, or if the user has turned it off. It returns the state then, and whether
// it has changed something.
func Repair() (s State, changed bool, err error) {
	s, err = Status()
	if err != nil || s.Kind != Moved {
		return s, false, err
	}
	self, err := program()
	if err == nil {
		err = enable(self, s.Args...)
	}
	if err != nil {
		return s, false, err
	}
	s, err = Status()
	return s, true, err
}

// judge says what an entry means for the program at self.
func judge(e entry, self string) State {
	s := State{Kind: Off, Place: e.place}
	if !e.exists {
		return s
	}
	if len(e.command) > 0 {
		s.Exe, s.Args = e.command[0], slices.Clone(e.command[1:])
	}
	switch {
	case e.blocked != "":
		s.Kind, s.Why = Blocked, e.blocked
	case same(s.Exe, self):
		s.Kind = On
	case there(s.Exe):
		s.Kind = Other
	default:
		s.Kind = Moved
	}
	return s
}

// same reports whether two paths lead to one file.
func same(a, b string) bool {
	if a == "" {
		return false
	}
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// there reports whether a program lies at a path.
func there(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
