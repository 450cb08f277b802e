//go:build darwin && cgo

package tray

import (
	"context"

	"fyne.io/systray"
)

const hasTray = true

// tapIsWindow: any click opens the menu. A tap handler would get the right button, too.
const tapIsWindow = false

func label(title string) string { return title }

func awaitHost(context.Context, *tray) bool { return true }

// ending returns a function that ends the event loop, and one for afterwards.
func ending() (stop, tidy func()) { return systray.Quit, func() {} }
