package resident

import (
	"testing"
	"time"
)

// patience is how long a test waits for something that takes a fraction of a second on an idle computer.
const patience = 2 * time.Minute

// eventually calls f until it reports true.
func eventually(t *testing.T, f func() bool) bool {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}
