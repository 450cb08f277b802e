package main

import (
	"bytes"
	"encoding/json"
	"os"

	"fyne.io/fyne/v2"
	"github.com/natefinch/atomic"

	"gatewatch/app/window/ui"
)

// place is the content of window.json. The toolkit does not report a position.
type place struct {
	Width  float32 `json:"width"`
	Height float32 `json:"height"`
}

// largest is the most that is believed of a remembered size.
const largest = 8000

// usual is the size of a window that was never sized.
var usual = fyne.NewSize(520, 680)

// readSize returns the size that the window had when it was closed.
func readSize(path string) fyne.Size {
	body, err := os.ReadFile(path)
	if err != nil {
		return usual
	}
	var p place
	if json.Unmarshal(body, &p) != nil || !(p.Width > 0 && p.Width <= largest && p.Height > 0 && p.Height <= largest) {
		return usual
	}
	return fyne.NewSize(p.Width, p.Height).Max(ui.MinSize)
}

// saveSize keeps the size for the next time. It is a convenience: an error costs no more than that.
func saveSize(path string, s fyne.Size) {
	body, err := json.Marshal(place{s.Width, s.Height})
	if err == nil {
		_ = atomic.WriteFile(path, bytes.NewReader(append(body, '\n')))
	}
}
