package resident

import (
	"context"
	"log/slog"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/crash"
	"gatewatch/app/desktop"
	"gatewatch/app/tray"
	"gatewatch/conn/nudge"
)

// clickLimit bounds what a click in the tray or on a notification asks of the rest of the program.
const clickLimit = 5 * time.Second

// trayProgram is the whole program as the tray shows and controls it.
type trayProgram struct {
	*nudge.Subscribers
	*mute
	*ending
	backend *backend
	desktop *desktop.Desktop
	parts   *crash.Parts
	folder  string // that "Open log folder" opens
	log     *slog.Logger
	ctx     context.Context // clicks end with it
}

// Extra returns what the tray shows beside the connection.
func (t *trayProgram) Extra(now time.Time) tray.Extra {
	b := t.backend
	return tray.Extra{
		Today: b.connectionLog.today(now), Muted: t.muted(now), AtLogin: b.Login.Tray(), Programs: b.Relay.Tray(),
		Trading: b.trading.tray(api.OrdersStopped(b.status.failing())), Demo: b.configuration.demo,
	}
}

// Click does what an entry of the menu says.
func (t *trayProgram) Click(e tray.Entry) {
	b := t.backend
	switch e {
	case tray.OpenWindow, tray.Settings:
		t.open()
	case tray.Connect:
		t.connect()
	case tray.Disconnect:
		t.do("disconnect", b.Disconnect)
	case tray.Arm:
		t.do("turn on trading", func(ctx context.Context) error { return b.Arm(ctx, false) })
	case tray.ArmLive:
		t.do("turn on live trading", func(ctx context.Context) error { return b.Arm(ctx, true) })
	case tray.Disarm:
		t.do("disarm", b.Disarm)
	case tray.StopTrading:
		t.do("stop all trading", b.StopTrading)
	case tray.AllowPrograms:
		// confirmed by a second click
		t.do("let programs trade", func(ctx context.Context) error { return b.AllowPrograms(ctx, true) })
	case tray.CancelAll:
		t.do("cancel orders", b.CancelOrders)
	case tray.Diagnostics:
		t.do("copy diagnostics", b.bugReport.copy)
	case tray.OpenLogs:
		t.do("open logs", func(ctx context.Context) error { return t.desktop.Open(ctx, t.folder) })
	case tray.LaunchAtLogin:
		t.do("launch at login", b.Login.Toggle)
	case tray.Quit:
		t.Quit()
	}
}

func (t *trayProgram) connect() { t.do("connect", t.backend.Connect) }
func (t *trayProgram) open()    { t.do("open", t.backend.Show) }

// NoHost opens the window: there is no icon to open it by.
func (t *trayProgram) NoHost() { t.open() }

// Panicked notes a panic in the tray.
func (t *trayProgram) Panicked(what any, stack []byte) { t.parts.Failed("tray", what, stack) }

// do does what a click asks for and logs a failure.
func (t *trayProgram) do(what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(t.ctx, clickLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		t.log.Warn("tray action failed", "click", what, "err", err)
	}
}
