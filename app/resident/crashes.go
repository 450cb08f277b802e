package resident

import (
	"fmt"
	"log/slog"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/console"
	"gatewatch/app/crash"
	"gatewatch/app/diagnostics"
	"gatewatch/app/home"
	"gatewatch/app/region"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
	"gatewatch/engine"
)

// hideLine makes one line of a panic's text that can be shown.
func hideLine(text string) string {
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:299]) + "…"
	}
	return wording.OneLine(diagnostics.NewHider().Hide(text))
}

// crashes are those of the run before and of this one.
type crashes struct {
	home    home.Home
	reports *engine.Reports
	screen  *console.Console
	log     *slog.Logger
	last    *crash.Report // of the run before; nil if that has not crashed
}

// catch finds out whether the run before has crashed, and records a crash of this one. The returned function belongs to
// an orderly end. Without all this the program runs as well.
func (c *crashes) catch() (end func()) {
	var err error
	hide := func(text string) string { // called only if there is something
		s, _, _ := c.home.LoadSettings(region.Found{}) // of what cannot be read nothing is known to be secret
		return diagnostics.HiderFor(s, (&alert.Secrets{File: c.home.Secrets()}).Get).Hide(text)
	}
	if c.last, err = crash.Take(c.home.State, hide); err != nil {
		c.log.Error("the crash of the run before cannot be kept", "err", err)
	}
	if l := c.last; l != nil {
		c.log.Error("Gatewatch had crashed", "crash", l.At.Format(time.RFC3339), "panic", wording.OneLine(l.What),
			"path", l.Path)
	}
	end, err = crash.Catch(c.home.State)
	if err != nil {
		c.log.Warn("a crash of this run will not be kept", "err", err)
		return func() {}
	}
	return end
}

// before returns the crash of the run before for the connection log.
func (c *crashes) before() history.Crash {
	if c.last == nil {
		return history.Crash{}
	}
	return history.Crash{At: c.last.At, What: wording.OneLine(c.last.What)}
}

// report says once that the run before has crashed. A program that crashes over and over says so once an hour.
func (c *crashes) report() {
	l := c.last
	if l == nil {
		return
	}
	text := fmt.Sprintf("Gatewatch crashed at %s and runs again. Details: %s", l.At.Local().Format("15:04:05 on 2 Jan"),
		l.Path)
	c.screen.Say("CRASHED", text)
	if !l.Again {
		path := diagnostics.NewHider().Hide(l.Path)
		c.reports.Put(engine.Report{
			Kind: engine.ReportCrashed, At: l.At.UTC(), Text: wording.OneLine(l.What),
			Detail: "details in " + path,
		})
	}
}
