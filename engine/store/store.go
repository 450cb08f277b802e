// Package store opens bbolt databases that may be damaged. On some damage bbolt never returns, takes all memory or ends
// the program, on goroutines of its own too; so a file is checked before bbolt sees it.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrDamaged means that a file is no database, or not a whole one. The file is left as it is.
var ErrDamaged = errors.New("the file is damaged")

// ErrInUse means that another program has the file open.
var ErrInUse = errors.New("another program has the file open")

// lockTimeout bounds the wait for another program that has the file open.
const lockTimeout = time.Second

// Open opens the database at path, and creates one if there is none. The error wraps [ErrDamaged], [ErrInUse], or a
// *[fs.PathError] where the file cannot be opened or read.
func Open(path string) (*bbolt.DB, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	db, err := open(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	}
	return db, err
}

// checkFile checks the file at path, if there is one that is not empty.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // bbolt creates it
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = check(f, info.Size())
	if errors.Is(err, ErrDamaged) && inUse(path) {
		return fmt.Errorf("%w: %s", ErrInUse, path) // it was written while it was read
	}
	return err
}

// inUse reports whether another program holds bbolt's lock on a file. On Windows the lock is another one; there a file
// that is open cannot be moved or replaced.
func inUse(path string) bool {
	lock := flock.New(path)
	got, err := lock.TryLock()
	if got {
		_ = lock.Unlock()
	}
	return err == nil && !got || errors.Is(err, syscall.EWOULDBLOCK)
}

// open opens a file that was checked.
func open(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer damaged(&err)
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
}

// damaged makes an error of a panic: the check does not find all damage, and the file may have changed since.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
}

// Update changes a database. The error wraps [ErrDamaged] where that is found to be so.
func Update(db *bbolt.DB, change func(*bbolt.Tx) error) (err error) {
	defer damaged(&err)
	return db.Update(change)
}

// Copy writes what a database holds to a file, which gets its name when it is complete.
func Copy(from *bbolt.DB, path string) error {
	name := path + ".new"
	_ = os.Remove(name)
	to, err := bbolt.Open(name, 0o600, nil)
	if err != nil {
		return err
	}
	err = bbolt.Compact(to, from, 0)
	if err = errors.Join(err, to.Close()); err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		os.Remove(name)
	}
	return err
}
