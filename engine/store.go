package engine

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"gatewatch/engine/store"
)

// openStore opens the database of a ledger, or begins one. What is damaged is refused and left as it is.
func openStore(path string) (*bbolt.DB, error) {
	// The database is written before there is a journal.
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		if _, err := os.Stat(path + ".journal"); err == nil {
			return nil, damaged(path, fmt.Errorf("%w: it is empty", store.ErrDamaged))
		}
	}
	db, err := store.Open(path)
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, store.ErrDamaged):
		return nil, damaged(path, err)
	case errors.Is(err, store.ErrInUse):
		return nil, fmt.Errorf("open orders: %w; end it", err)
	}
	return nil, fmt.Errorf("open orders: %w", err)
}

// damaged says what to do about a ledger that cannot be read.
func damaged(path string, err error) error {
	return fmt.Errorf("read orders in %s: %w; without them it is not known which orders were sent: restore the file, "+
		"or move it elsewhere to start with an empty one", path, err)
}
