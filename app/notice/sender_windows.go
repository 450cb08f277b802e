package notice

import (
	"context"
	"fmt"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// NewSender returns the Sender of this desktop: a balloon on the tray's own icon, which Windows 10 and later show as a
// toast. It needs the tray to be shown, and cannot offer actions: the tray library does not pass clicks on. The text
// goes to the system as data; no shell and no script sees it.
func NewSender(Options) Sender { return balloon{} }

type balloon struct{}

const (
	trayClass  = "SystrayClass" // window class of the tray library
	trayIconID = 100            // and the number of its only icon

	nimModify = 1
	nifInfo   = 0x10

	niifInfo             = 1
	niifWarning          = 2
	niifRespectQuietTime = 0x80
)

// notifyIconData is NOTIFYICONDATAW.
type notifyIconData struct {
	Size                       uint32
	Wnd                        windows.Handle
	ID, Flags, CallbackMessage uint32
	Icon                       windows.Handle
	Tip                        [128]uint16
	State, StateMask           uint32
	Info                       [256]uint16
	Version                    uint32 // a union with the timeout, which Windows ignores now
	InfoTitle                  [64]uint16
	InfoFlags                  uint32
	GUIDItem                   windows.GUID
	BalloonIcon                windows.Handle
}

var (
	shell32         = windows.NewLazySystemDLL("shell32.dll")
	shellNotifyIcon = shell32.NewProc("Shell_NotifyIconW")
	user32          = windows.NewLazySystemDLL("user32.dll")
	findWindowEx    = user32.NewProc("FindWindowExW")
)

// Show implements [Sender]. A newer balloon takes the place of the one that is shown.
func (balloon) Show(_ context.Context, n Notice) error {
	window, err := trayWindow()
	if err != nil {
		return fmt.Errorf("show a balloon: %w", err)
	}
	d := notifyIconData{Wnd: window, ID: trayIconID, Flags: nifInfo, InfoFlags: niifInfo | niifRespectQuietTime}
	if n.Urgent {
		d.InfoFlags = niifWarning
	}
	d.Size = uint32(unsafe.Sizeof(d))
	fill(d.InfoTitle[:], n.Title)
	fill(d.Info[:], n.Body)
	if d.Info[0] == 0 {
		d.Info[0] = ' ' // without a text the call would take the balloon away
	}
	if ok, _, err := shellNotifyIcon.Call(nimModify, uintptr(unsafe.Pointer(&d))); ok == 0 {
		return fmt.Errorf("show a balloon: %w: %w", errNotYet, err) // the icon is not there, or not there any more
	}
	return nil
}

// Close implements [Sender].
func (balloon) Close() error { return nil }

// trayWindow returns the window of our own tray: other programs use the same library and class.
func trayWindow() (windows.Handle, error) {
	class, err := windows.UTF16PtrFromString(trayClass)
	if err != nil {
		return 0, err
	}
	for after := uintptr(0); ; {
		after, _, _ = findWindowEx.Call(0, after, uintptr(unsafe.Pointer(class)), 0)
		if after == 0 {
			return 0, errNotYet
		}
		var process uint32
		if _, err := windows.GetWindowThreadProcessId(windows.HWND(after), &process); err == nil &&
			process == windows.GetCurrentProcessId() {
			return windows.Handle(after), nil
		}
	}
}

// fill writes text to a field of fixed length, cut where it does not fit, with a zero at the end.
func fill(field []uint16, text string) {
	units := utf16.Encode([]rune(text))
	if limit := len(field) - 1; len(units) > limit {
		units = units[:limit-1]
		if n := len(units); n > 0 && utf16.IsSurrogate(rune(units[n-1])) && units[n-1] < 0xdc00 {
			units = units[:n-1] // half a character
		}
		units = append(units, '…')
	}
	copy(field, units)
}
