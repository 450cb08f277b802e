package main

import (
	"time"
	_ "unsafe" // for go:linkname

	"fyne.io/fyne/v2"
)

// refreshFyneClock reads the clock by which Fyne drops what has not been painted for a minute.
//
//go:linkname refreshFyneClock fyne.io/fyne/v2/internal/cache.refreshNow
func refreshFyneClock() time.Time

// staysAwake makes Fyne read the clock before each frame. By itself Fyne reads it after each: the first frame after a
// computer has slept, or this program was stopped, would count as painted before that, all that it shows would be
// dropped, and the window would never change again (Fyne 2.8.1).
func staysAwake() {
	(&fyne.Animation{
		Duration: time.Hour, RepeatCount: fyne.AnimationRepeatForever,
		Tick: func(float32) { refreshFyneClock() },
	}).Start()
}
