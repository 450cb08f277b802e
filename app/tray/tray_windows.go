package tray

import (
	"context"
	"strings"
	"time"
	"unsafe"

	"fyne.io/systray"
	"golang.org/x/sys/windows"
)

// tapIsWindow: the left button opens the window, the right one the menu.
const tapIsWindow = true

// Available reports whether there is a desktop to show a tray on, and if not, why.
func Available() (ok bool, reason string) { return true, "" }

// label escapes what a menu reads as a mnemonic.
func label(title string) string { return strings.ReplaceAll(title, "&", "&&") }

var (
	user32            = windows.NewLazySystemDLL("user32.dll")
	findWindow        = user32.NewProc("FindWindowW")
	postThreadMessage = user32.NewProc("PostThreadMessageW")
)

// awaitHost waits for the taskbar, and reports false if ctx ended first. After a login programs start before it, and
// the library does not survive that.
func awaitHost(ctx context.Context, t *tray) bool {
	class, err := windows.UTF16PtrFromString("Shell_TrayWnd")
	if err != nil {
		return true
	}
	begin, warned := time.Now(), false
	look := time.Tick(250 * time.Millisecond)
	for {
		if w, _, _ := findWindow.Call(uintptr(unsafe.Pointer(class)), 0); w != 0 {
			return true
		}
		if !warned && time.Since(begin) >= t.cfg.HostWait {
			warned = true
			t.noHost("no taskbar")
		}
		select {
		case <-ctx.Done():
			return false
		case <-look:
		}
	}
}

// ending returns a function that ends the message loop of the present thread, even one without a window, and one that
// takes the icon away afterwards. A taskbar that hangs does not hold up the end of the program.
func ending() (stop, tidy func()) {
	const quit = 0x0012
	thread := windows.GetCurrentThreadId()
	stop = func() { _, _, _ = postThreadMessage.Call(uintptr(thread), quit, 0, 0) }
	return stop, func() {
		done := make(chan struct{})
		go func() {
			systray.Quit()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(endLimit / 2):
		}
	}
}
