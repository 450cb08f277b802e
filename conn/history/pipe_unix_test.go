//go:build unix

package history

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPipes: nothing waits for a pipe in the place of a file, after which no query would be answered.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{current, beatName} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, last := Query(dir, time.Time{}, 0, 10)
	_, _, following := Query(dir, time.Time{}, 1, 10)
	_, line := Load(dir, time.Time{})
	_, beat := LastBeat(dir)
	for what, err := range map[string]error{"last": last, "following": following, "timeline": line, "beat": beat} {
		if !errors.As(err, new(*fs.PathError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
