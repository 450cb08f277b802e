package autostart

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/windows/registry"
)

const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
	valueName   = "Gatewatch"
)

func read() (entry, error) {
	e := entry{place: `HKCU\` + runKey + `\` + valueName}
	line, err := runCommand()
	if err != nil {
		return e, fmt.Errorf("what starts at login, %s: %w", e.place, err)
	}
	e.command = runArgs(line)
	e.exists = len(e.command) > 0
	flags, err := approval()
	if err != nil {
		return e, fmt.Errorf(`what starts at login, HKCU\%s: %w`, approvedKey, err)
	}
	if e.exists && !approved(flags) {
		e.blocked = "the startup apps of Task Manager and Settings"
	}
	return e, nil
}

// runCommand returns the command line of the Run key; empty if there is none.
func runCommand() (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if err == nil {
		defer key.Close()
		var line string
		var kind uint32
		if line, kind, err = key.GetStringValue(valueName); err == nil {
			if kind == registry.EXPAND_SZ { // ours is not of this kind: a % in a path means itself
				return registry.ExpandString(line)
			}
			return line, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return "", err
}

// approval returns what Windows has noted of the entry; empty if nothing.
func approval() ([]byte, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if err == nil {
		defer key.Close()
		var flags []byte
		if flags, _, err = key.GetBinaryValue(valueName); err == nil {
			return flags, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return nil, err
}

func write(command []string) error {
	line, err := runLine(command)
	if err != nil {
		return err
	}
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err == nil {
		err = errors.Join(key.SetStringValue(valueName, line), key.Close())
	}
	if err == nil {
		err = forget(approvedKey) // what is not noted there is started
	}
	return err
}

func remove() error { return errors.Join(forget(runKey), forget(approvedKey)) }

// forget deletes our value of a key.
func forget(path string) error {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err == nil {
		defer key.Close()
		err = key.DeleteValue(valueName)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
