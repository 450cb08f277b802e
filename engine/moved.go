package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// ErrMoved means that the files of a ledger are not where they were opened: they were deleted, moved or replaced. What is
// written to them would not be found by the next start, so nothing can be written down any more.
var ErrMoved = errors.New("the record of orders was deleted or moved while Gatewatch runs")

// place is where a file was opened, and which one it was.
type place struct {
	path string
	file fs.FileInfo
}

func placeOf(path string) (place, error) {
	info, err := os.Stat(path)
	return place{path, info}, err
}

// holds returns [ErrMoved] if the place has no file or another one. Another error means that nobody can say.
func (p place) holds() error {
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, p.file) {
		return fmt.Errorf("%w: %s", ErrMoved, p.path)
	}
	return err
}

// InPlace looks whether the files are still where they were opened. If not, it returns [ErrMoved], and no order leaves any
// more until the ledger is opened again.
func (l *Ledger) InPlace() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inPlace()
}

// inPlace is InPlace for who has the lock.
func (l *Ledger) inPlace() error {
	for _, p := range l.places {
		err := p.holds()
		if errors.Is(err, ErrMoved) && l.broken == nil {
			l.broken = err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Trouble returns why nothing can be written down any more, so that no order leaves until the next start, and why what is known
// cannot be written down at present, which is tried again. Both are nil if all is well.
func (l *Ledger) Trouble() (stopped, behind error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken, l.behind
}

// WriteAnew writes all that the ledger knows to the place from which its files have gone, for the next start. It replaces
// nothing but what it wrote itself.
func (l *Ledger) WriteAnew() error {
	if err := l.flush(nil); err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	path := l.places[0].path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case os.SameFile(info, l.places[0].file): // only the journal has gone, and the database has what it held
		return nil
	case l.copied == nil || !os.SameFile(info, l.copied):
		return fmt.Errorf("%s is another file by now", path)
	}
	if err := copyStore(l.db, path+".new", path); err != nil {
		return fmt.Errorf("write orders to %s: %w", path, err)
	}
	l.copied, err = os.Stat(path)
	return err
}

// copyStore writes what a database holds to a file, which gets its name when it is complete.
func copyStore(from *bbolt.DB, name, final string) error {
	_ = os.Remove(name)
	to, err := bbolt.Open(name, 0o600, nil)
	if err != nil {
		return err
	}
	err = bbolt.Compact(to, from, 0)
	if err = errors.Join(err, to.Close()); err == nil {
		err = os.Rename(name, final)
	}
	if err != nil {
		os.Remove(name)
	}
	return err
}
