package main

import "fyne.io/fyne/v2"

// stayShown paints a window again whose content Fyne has dropped. Fyne 2.8.1 drops what has not been painted for a
// minute, by a clock that it reads after each frame: what the first frame after a computer has slept, or this program
// was stopped, paints counts as painted before that. What changes from then on would find no window, which would show
// the same picture for ever.
func stayShown(w fyne.Window) {
	if fyne.CurrentApp().Driver().CanvasForObject(w.Content()) == nil {
		w.Canvas().Refresh(w.Content())
	}
}
