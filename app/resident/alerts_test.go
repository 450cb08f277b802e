package resident

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewatch/app/alert"
	"gatewatch/app/secrets"
	"gatewatch/app/wording"
)

// TestDamagedAlertsAreShown: a damaged file of waiting alerts is a problem which people see, and alerts are sent all
// the same.
func TestDamagedAlertsAreShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.db")
	log := slog.New(slog.DiscardHandler)
	for _, damaged := range []bool{true, false} {
		if damaged {
			if err := os.WriteFile(path, []byte("no database"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f := &failures{changes: &changes{}}
		a := &alerts{
			path: path, secrets: secrets.New(&alert.Secrets{}, nil, log), failures: f, log: log,
			opened: make(chan struct{}),
		}
		a.open(t.Context())
		if text := f.text(wording.FailingWaiting); strings.Contains(text, path+".damaged-") != damaged {
			t.Errorf("damaged: %v; it says %q", damaged, text)
		}
		if a.outbox() == nil || f.text(wording.FailingAlerts) != "" {
			t.Error("no alerts are sent")
		}
		a.close()
	}
}
