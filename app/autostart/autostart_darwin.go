package autostart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gatewatch/app/strict"
)

// launchLimit bounds the wait for launchctl.
const launchLimit = 5 * time.Second

func ownFile() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("where is the home folder: %w", err)
	}
	return filepath.Join(home, "Library", "LaunchAgents", label+".plist"), nil
}

// load returns the content of the agent's file, nil if there is none.
func load() (path string, content []byte, err error) {
	if path, err = ownFile(); err != nil {
		return "", nil, err
	}
	content, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil
	}
	return path, content, err
}

func read() (entry, error) {
	path, content, err := load()
	e := entry{exists: content != nil, place: path}
	if err == nil && e.exists {
		e.command, e.blocked, err = readPlist(content)
	}
	if err != nil {
		return e, fmt.Errorf("what starts at login, %s: %w", path, err)
	}
	if e.exists && e.blocked == "" {
		// launchd keeps a list of its own of what was switched off; it outlives the file.
		if list, err := launchctl("print-disabled", domain()); err == nil && switchedOff(list) {
			e.blocked = "launchctl's list of disabled services"
		}
	}
	return e, nil
}

func write(command []string) error {
	if strings.Contains(command[0], "/AppTranslocation/") {
		// macOS runs what was downloaded and not moved yet from a folder made for this run alone.
		return fmt.Errorf("%s %w", command[0], errPath)
	}
	path, content, err := load()
	if err == nil {
		content, err = enablePlist(content, command)
	}
	if err == nil {
		err = strict.Save(path, content)
	}
	if err == nil {
		var list string
		if list, err = launchctl("print-disabled", domain()); err == nil && switchedOff(list) {
			_, err = launchctl("enable", domain()+"/"+label)
		}
	}
	return err
}

func remove() error {
	path, err := ownFile()
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// domain is the user's session as launchctl names it.
func domain() string { return fmt.Sprintf("gui/%d", os.Getuid()) }

func launchctl(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), launchLimit)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/launchctl", args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("launchctl %s: %w: %s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return string(out), nil
}
