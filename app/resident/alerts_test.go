package resident

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/secrets"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/nudge"
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
		f := &failures{changes: &nudge.Subscribers{}}
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

// TestChannelsAreShownWithoutTheirFile: channels whose file of waiting alerts cannot be opened are there, and say why
// nothing is sent.
func TestChannelsAreShownWithoutTheirFile(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	a := &alerts{
		path: filepath.Join(t.TempDir(), "missing", "alerts.db"), secrets: secrets.New(&alert.Secrets{}, nil, log),
		failures: &failures{changes: &nudge.Subscribers{}}, log: log, opened: make(chan struct{}),
	}
	var s settings.Settings
	s.Webhook.URL, s.Heartbeat.URL = "env:HOOK", "env:BEAT"
	a.configure(s)
	ctx, cancel := context.WithCancel(t.Context())
	var opening sync.WaitGroup
	opening.Go(func() { a.open(ctx) })
	for a.failures.text(wording.FailingAlerts) == "" {
		time.Sleep(time.Millisecond)
	}
	cancel()
	opening.Wait()
	list := a.Alerts().Channels
	if len(list) != 2 || list[0].Name != "webhook" || list[1].Name != "heartbeat" {
		t.Fatalf("%+v", list)
	}
	for _, c := range list {
		if !strings.Contains(c.LastError, "alerts.db") {
			t.Errorf("%s says %q", c.Name, c.LastError)
		}
	}
	if state := a.state(); state.Channels != 2 || len(state.Failing) != 2 {
		t.Errorf("%+v", state)
	}
}
