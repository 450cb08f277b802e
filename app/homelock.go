package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/gofrs/flock"
)

var errAlreadyRuns = errors.New("gatewatch already runs here")

// claim is a process's right to a home. It goes with the process, however that ends.
type claim struct {
	home   home
	lock   *flock.Flock
	file   fs.FileInfo  // of the lock
	beside *flock.Flock // outside of the home, so that it outlives the home's files; nil where there is no place for it
}

// claim takes the home for this process, or returns errAlreadyRuns. What cannot be locked, because it cannot be written, holds
// nobody up: the connection matters more, and the lock in the home is taken when it can be.
func (h home) claim() (*claim, error) {
	c := &claim{home: h}
	if path := h.besideLock(); path != "" {
		var err error
		if c.beside, err = lockFile(path); errors.Is(err, errAlreadyRuns) {
			return nil, err
		}
	}
	if err := c.take(); errors.Is(err, errAlreadyRuns) {
		c.release()
		return nil, err
	}
	return c, nil
}

// take locks the file in the home, also anew after it has gone.
func (c *claim) take() error {
	path := c.home.lock()
	lock, err := lockFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		_ = lock.Unlock()
		return err
	}
	if c.lock != nil {
		_ = c.lock.Unlock()
	}
	c.lock, c.file = lock, info
	return nil
}

// holds reports whether the file that is locked is still the one that others see.
func (c *claim) holds() bool {
	if c.lock == nil {
		return false
	}
	info, err := os.Stat(c.home.lock())
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // what cannot be looked at is not known to have gone
	}
	return os.SameFile(info, c.file)
}

func (c *claim) release() {
	if c.lock != nil {
		_ = c.lock.Unlock()
	}
	if c.beside != nil {
		_ = os.Remove(c.beside.Path())
		_ = c.beside.Unlock()
	}
}

func lockFile(path string) (*flock.Flock, error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !ok:
		return nil, errAlreadyRuns
	}
	return l, nil
}

// besideLock returns the path of a second lock for this home, in a folder that is the user's alone; empty if there is none.
func (h home) besideLock() string {
	real, err := filepath.EvalSymlinks(h.state)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return ""
	}
	for _, folder := range []string{xdg.RuntimeDir, os.TempDir()} {
		if folder = ownFolder(folder); folder != "" {
			return filepath.Join(folder, fmt.Sprintf("%.32x.lock", sha256.Sum256([]byte(real))))
		}
	}
	return ""
}
