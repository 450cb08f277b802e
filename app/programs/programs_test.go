package programs

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/settings"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/engine"
)

// TestProgramsStopLasts: the stop is in effect even if it cannot be saved, and the failure is reported.
func TestProgramsStopLasts(t *testing.T) {
	dir := t.TempDir()
	p := New(filepath.Join(dir, "none"), nil, func(history.Record) {}, func() {}, nil, nil)
	p.Begin()
	if p.settings.Stopped {
		t.Error("stopped without reason")
	}
	if err := p.Configure(settings.Settings{GuardedPort: settings.GuardedPort{Port: 4100, Mode: "guard"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err == nil || !p.present().Stopped {
		t.Errorf("%v, %+v", err, p.present())
	}
	if runtime.GOOS == "windows" {
		return // a path through a file does not exist there
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p = New(filepath.Join(dir, "file"), nil, nil, nil, nil, nil) // cannot be looked at
	p.Begin()
	if !p.settings.Stopped {
		t.Error("what cannot be known lets orders pass")
	}
}

// TestProgramEvents repeats a refusal fast: the first is reported at once, and the others together with their number.
func TestProgramEvents(t *testing.T) {
	reports := &engine.Reports{}
	stream, end := reports.Subscribe()
	g := &events{
		reports: reports, changed: func() {}, log: slog.New(slog.DiscardHandler),
		history: &recorder{note: func(history.Record) {}},
	}
	refused := port.Event{
		At: time.Now(), Kind: port.OrderRefused, Client: port.Client{ClientID: 7},
		Reason: port.Reason(ib.GuardProbe),
	}
	for range 1000 {
		g.put(refused)
	}
	for range 3 {
		g.put(port.Event{
			At: time.Now(), Kind: port.OrderUnknown, Client: port.Client{ClientID: 7}, Order: &record.Order{ID: 1},
		})
	}
	gathering := func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.waiting) > 0 }
	for end := time.Now().Add(time.Minute); gathering(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what was gathered stays")
		}
	}
	end()
	count, unknown, calls := 0, 0, 0
	for {
		r, ok := stream.Next(t.Context())
		if !ok {
			break
		}
		calls++
		switch r.Kind {
		case engine.ReportProgramRefused:
			count += 1 + r.More
		case engine.ReportProgramUnknown:
			unknown++
		}
	}
	if count != 1000 || unknown != 3 || calls > 10 {
		t.Errorf("%d refusals and %d unknown orders in %d reports", count, unknown, calls)
	}
}

// TestProgramEventsAtTheEnd: what was gathered is passed on when Gatewatch stops, and nothing after that.
func TestProgramEventsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := &engine.Reports{}
		stream, end := reports.Subscribe()
		recorded := 0
		g := &events{
			reports: reports, changed: func() {}, log: slog.New(slog.DiscardHandler),
			history: &recorder{note: func(r history.Record) { recorded += max(1, r.Count) }},
		}
		for range 30 {
			g.put(port.Event{At: time.Now(), Kind: port.OrderRefused, Reason: port.TradingStopped})
		}
		g.flush()
		if recorded != 30 {
			t.Errorf("%d of 30 are recorded", recorded)
		}
		g.log, recorded = nil, 0 // passing anything on would panic now
		time.Sleep(time.Hour)
		synctest.Wait()
		end()
		reported := 0
		for r, ok := stream.Next(t.Context()); ok; r, ok = stream.Next(t.Context()) {
			reported += 1 + r.More
		}
		if reported != 30 || recorded != 0 {
			t.Errorf("%d of 30 are reported, and %d recorded after the end", reported, recorded)
		}
	})
}
