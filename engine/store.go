package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// openStore opens the database of a ledger, or begins one. What is damaged is refused now: later bbolt would panic, or read behind
// the end of the file, which ends the program.
func openStore(path string) (*bbolt.DB, error) {
	db, err := openChecked(path)
	var where *fs.PathError
	switch {
	case err == nil:
		return db, nil
	case errors.As(err, &where):
		return nil, fmt.Errorf("open orders: %w", err)
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open orders in %s: another program has the file open; end it", path)
	}
	return nil, damaged(path, err)
}

// damaged says what to do about a ledger that cannot be read.
func damaged(path string, err error) error {
	return fmt.Errorf("read orders in %s: %w; without them nobody can say what was sent: restore the file, or move it away to begin anew", path, err)
}

func openChecked(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
		if err != nil && db != nil {
			db.Close()
		}
	}()
	if db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second}); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return db, err
	}
	return db, db.View(func(tx *bbolt.Tx) (err error) {
		if info.Size() < tx.Size() { // asked before Check, which works on a goroutine of its own
			return errors.New("the end of the file is missing")
		}
		for damage := range tx.Check() {
			if err == nil {
				err = damage
			}
		}
		return err
	})
}
