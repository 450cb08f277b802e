package home

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/gofrs/flock"

	"gatewatch/app/strict"
)

// errLocked means that another process has the home.
var errLocked = errors.New("gatewatch already runs here")

// Lock is a process's right to a home. It ends with the process, however that ends.
type Lock struct {
	home   Home
	lock   *flock.Flock
	file   fs.FileInfo  // of the lock
	beside *flock.Flock // outside of the home, so that it outlives the home's files; nil where there is no place for it
}

// Lock takes the home for this process, or returns errLocked. What cannot be locked because it cannot be written
// delays no start: the connection matters more, and the lock in the home is taken when it can be.
func (h Home) Lock() (*Lock, error) {
	l := &Lock{home: h}
	if path := h.lockBeside(); path != "" {
		var err error
		if l.beside, err = lockFile(path); errors.Is(err, errLocked) {
			return nil, err
		}
	}
	if err := l.Take(); errors.Is(err, errLocked) {
		l.Release()
		return nil, err
	}
	return l, nil
}

// Take locks the file in the home, again if it was deleted.
func (l *Lock) Take() error {
	path := l.home.LockFile()
	lock, err := lockFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		_ = lock.Unlock()
		return err
	}
	if l.lock != nil {
		_ = l.lock.Unlock()
	}
	l.lock, l.file = lock, info
	return nil
}

// Held reports whether the locked file is still the one that other processes see.
func (l *Lock) Held() bool {
	if l.lock == nil {
		return false
	}
	info, err := os.Stat(l.home.LockFile())
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // what cannot be looked at may still be there
	}
	return os.SameFile(info, l.file)
}

// Release gives the home up.
func (l *Lock) Release() {
	if l.lock != nil {
		_ = l.lock.Unlock()
	}
	if l.beside != nil {
		_ = os.Remove(l.beside.Path())
		_ = l.beside.Unlock()
	}
}

func lockFile(path string) (*flock.Flock, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("lock %s: %w", path, strict.ErrNoFile)
	}
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !ok:
		return nil, errLocked
	}
	return l, nil
}

// lockBeside returns the path of a second lock for this home, in a folder of this user alone; empty if there is none.
func (h Home) lockBeside() string {
	real, err := filepath.EvalSymlinks(h.State)
	if err != nil { // the folder cannot be made
		real = h.State
	}
	if real, err = filepath.Abs(real); err != nil {
		return ""
	}
	for _, folder := range []string{xdg.RuntimeDir, os.TempDir()} {
		if folder = ownFolder(folder); folder != "" {
			return filepath.Join(folder, fmt.Sprintf("%.32x.lock", sha256.Sum256([]byte(real))))
		}
	}
	return ""
}
