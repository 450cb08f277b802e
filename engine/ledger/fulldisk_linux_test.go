package ledger

import (
	"errors"
	"log/slog"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenOnAFullDisk opens a ledger where the disk takes nothing: the file is whole, and no one may be advised to move
// it elsewhere.
func TestOpenOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openAlone(t, path)
	if err := l.journal.write(written(10, Working)); err != nil {
		t.Fatal(err)
	}
	path = leave(t, path)
	l.Close()

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path, slog.New(slog.DiscardHandler))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if l != nil || !errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("%v", err)
	}
	if list := openLedger(t, path).Intents(); len(list) != 1 || list[0].State != Working {
		t.Errorf("afterwards it has %+v", list)
	}
}
