package resident

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/crash"
	"gatewatch/app/diagnostics"
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

// catchCrashes finds out whether the run before has crashed, and has a crash of this one kept. The returned function belongs to
// an orderly end. Without all this the program runs as well.
func (r *resident) catchCrashes() (end func()) {
	var err error
	hide := func(text string) string { // asked only if there is something
		s, _, _ := r.home.LoadSettings(r.here) // of what cannot be read nothing is known to be secret
		return diagnostics.HiderFor(s, alert.Secret).Hide(text)
	}
	if r.last, err = crash.Take(r.home.State, hide); err != nil {
		r.log.Error("the crash of the run before cannot be kept", "err", err)
	}
	if l := r.last; l != nil {
		r.log.Error("Gatewatch had crashed", "crash", l.At.Format(time.RFC3339), "panic", wording.OneLine(l.What), "path", l.Path)
	}
	end, err = crash.Catch(r.home.State)
	if err != nil {
		r.log.Warn("a crash of this run will not be kept", "err", err)
		return func() {}
	}
	return end
}

// crashBefore is what the connection log is told of the run before.
func (r *resident) crashBefore() history.Crash {
	if r.last == nil {
		return history.Crash{}
	}
	return history.Crash{At: r.last.At, What: wording.OneLine(r.last.What)}
}

// tellCrash tells once that the run before has crashed. One that crashes over and over is told once an hour.
func (r *resident) tellCrash() {
	l := r.last
	if l == nil {
		return
	}
	text := fmt.Sprintf("Gatewatch crashed at %s and runs again. Details: %s", l.At.Local().Format("15:04:05 on 2 Jan"), l.Path)
	r.screen.say("CRASHED", text)
	if !l.Again {
		path := diagnostics.NewHider().Hide(l.Path)
		r.news.Put(engine.Report{Kind: engine.ReportCrashed, At: l.At.UTC(), Text: wording.OneLine(l.What), Detail: "details in " + path})
	}
}

// runEngine runs the engine until ctx ends. A panic has disarmed trading by the time it comes here; it is reported, and goes on.
func (r *resident) runEngine(ctx context.Context, run func(context.Context)) {
	over := false
	defer func() {
		if !over {
			r.news.Put(engine.Report{Kind: engine.ReportHalted, At: time.Now().UTC(), Text: "trading was disarmed"})
		}
	}()
	run(ctx)
	over = true
}

// supervise runs the supervisor. Nothing is right any more after a panic of its own: it is logged, and ends the program.
func (r *resident) supervise(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("the connection failed inside; the program ends", "panic", hideLine(fmt.Sprint(p)), "stack", string(debug.Stack()))
			panic(p)
		}
	}()
	r.sup.Run(ctx)
}
