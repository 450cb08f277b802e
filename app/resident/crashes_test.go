package resident

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"gatewatch/app/console"
	"gatewatch/app/crash"
	"gatewatch/engine"
)

// TestACrashLoopIsReportedOnce: a program that crashes over and over is reported once.
func TestACrashLoopIsReportedOnce(t *testing.T) {
	for _, again := range []bool{false, true} {
		var reports engine.Reports
		c := &crashes{reports: &reports, screen: console.New(io.Discard), log: slog.New(slog.DiscardHandler)}
		c.last = &crash.Report{At: time.Now(), What: "panic: x", Path: "/home/jane/x/crash-1.log", Again: again}
		stream, end := reports.Subscribe()
		c.report()
		end()
		report, ok := stream.Next(t.Context())
		if ok == again || ok && (report.Kind != engine.ReportCrashed || report.Detail != "details in ~/x/crash-1.log") {
			t.Errorf("again %v: %+v, %v", again, report, ok)
		}
	}
}

// TestEngineHalted: a panic of the engine is reported and passed on; its ordinary end is not reported.
func TestEngineHalted(t *testing.T) {
	var reports engine.Reports
	tr := &trading{reports: &reports}
	parts := &crash.Parts{Log: slog.New(slog.DiscardHandler)}
	stream, end := reports.Subscribe()
	if parts.Do("engine", func() {
		tr.runEngine(t.Context(), func(context.Context) { panic("injected for DU1234567") })
	}) {
		t.Error("the panic was not passed on")
	}
	tr.runEngine(t.Context(), func(context.Context) {})
	end()
	var kinds []engine.ReportKind
	for {
		report, ok := stream.Next(t.Context())
		if !ok {
			break
		}
		kinds = append(kinds, report.Kind)
	}
	if len(kinds) != 1 || kinds[0] != engine.ReportHalted {
		t.Errorf("reported %v", kinds)
	}
}
