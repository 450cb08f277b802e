//go:build unix

package record

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestJournalIsAPipe: the start does not wait for a pipe in the place of the record of orders.
func TestJournalIsAPipe(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	path := j.pathOf(time.Now().UTC().Year())
	if err := errors.Join(j.Close(), os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(t.Context(), dir); !errors.As(err, new(*fs.PathError)) {
		t.Errorf("%v", err)
	}
}
