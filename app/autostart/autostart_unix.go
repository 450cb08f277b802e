//go:build !windows && !darwin

package autostart

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/adrg/xdg"

	"gatewatch/app/strict"
)

// fileName is the name of the entry in autostart folders. A file of the user hides one of the system with this name.
const fileName = "gatewatch.desktop"

func ownFile() string { return filepath.Join(xdg.ConfigHome, "autostart", fileName) }

// load returns the text of the file that counts, the user's own or else one that was installed for everybody.
func load() (path, text string, err error) {
	for _, dir := range append([]string{xdg.ConfigHome}, xdg.ConfigDirs...) {
		path = filepath.Join(dir, "autostart", fileName)
		content, err := os.ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return path, string(content), err
		}
	}
	return ownFile(), "", nil
}

func read() (entry, error) {
	path, text, err := load()
	if err != nil {
		return entry{place: path}, fmt.Errorf("what starts at login: %w", err)
	}
	e := entry{exists: text != "", place: path}
	e.command, e.blocked = readDesktop(text, os.Getenv("XDG_CURRENT_DESKTOP"), func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
	if len(e.command) > 0 { // a name alone is looked for
		if full, err := exec.LookPath(e.command[0]); err == nil {
			e.command[0] = full
		}
	}
	return e, nil
}

func write(command []string) error {
	_, text, err := load()
	if err == nil {
		text, err = enableDesktop(text, command)
	}
	if err == nil {
		err = strict.Save(ownFile(), []byte(text))
	}
	return err
}

func remove() error {
	path, text, err := load()
	if err != nil || text == "" {
		return err
	}
	left := disableDesktop(text)
	if path != ownFile() { // it stays there for others; one of the user's own hides it
		left = mainGroup + "\nType=Application\nName=Gatewatch\nHidden=true\n"
	}
	if left == "" {
		return os.Remove(path)
	}
	return strict.Save(ownFile(), []byte(left))
}
