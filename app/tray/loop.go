//go:build windows || (darwin && cgo)

package tray

import (
	"context"
	"runtime"
	"sync"
	"time"

	"fyne.io/systray"
)

// run gives the thread to the library's event loop until ctx ends.
func (t *tray) run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !awaitHost(ctx, t) {
		return
	}
	if tapIsWindow {
		systray.SetOnTapped(func() { t.act(OpenWindow) })
	}
	stop, tidy := ending()
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan struct{})
	var workers sync.WaitGroup
	workers.Go(func() {
		<-ctx.Done()
		select {
		case <-ready: // the library knows its window only by then
		case <-time.After(endLimit):
		}
		stop()
	})
	systray.Run(func() {
		defer close(ready)
		t.guarded(func() {
			b := newBar(t)
			v := t.view(View{})
			b.build(v)
			b.setIcon(v.Icon)
			b.setTooltip(v.Tooltip)
			b.listen(ctx, t, &workers)
			workers.Go(func() { t.follow(ctx, b, v) })
		})
	}, func() {
		if ctx.Err() == nil { // else the tray ends because the program does
			t.guarded(t.program.SessionEnds)
		}
	})
	tidy()
	cancel()
	workers.Wait()
}
