// Package assets holds the icons: one for each state that the tray shows, and the program's own.
//
// Each state has its own shape and its own colour. The shape alone tells the states apart, for people who don't see the
// colours; the colours are from the Okabe–Ito set. A white outline around a darker rim lets the same icon stand on a
// light, a dark and a coloured bar, so that no one has to ask the desktop for its theme.
//
// The sources are the SVG files in svg, the files in icon are rendered from them and committed. The linker drops what a
// program does not call: one that only calls Tray carries only the tray's files for its platform.
package assets

import (
	"embed"
	"strconv"
)

//go:generate go run ./internal/generate

// Icon is the icon of one state.
type Icon uint8

// The icons, with shape and colour.
const (
	Connected    Icon = iota // disc with tick, #009E73
	Connecting               // open ring, #0072B2; for reconnecting too
	Degraded                 // triangle with exclamation mark, #E69F00
	Disconnected             // diamond with cross, #D55E00; also when only the link beyond Gateway is lost
	ResetWindow              // disc with clock, #CC79A7
	Paused                   // two bars, grey
	Blocked                  // disc with bar, #E69F00; connected, but orders are blocked

	states // how many there are
)

// Icons lists every icon: one for each state, and the same on a LIVE account.
var Icons = func() (list [2 * states]Icon) {
	for i := range list {
		list[i] = Icon(i)
	}
	return list
}()

// Live returns the icon of the same state on a LIVE account: a yellow square (#F0E442) with an L lies over its corner.
func (i Icon) Live() Icon {
	if i < states {
		return i + states
	}
	return i
}

var names = [...]string{
	Connected: "connected", Connecting: "connecting", Degraded: "degraded", Disconnected: "disconnected",
	ResetWindow: "reset_window", Paused: "paused", Blocked: "blocked",
}

// String returns the name of the icon's files, such as "reset_window" or "reset_window-live".
func (i Icon) String() string {
	if i >= states && i < 2*states {
		return (i - states).String() + "-live"
	}
	if int(i) < len(names) {
		return names[i]
	}
	return "icon " + strconv.Itoa(int(i))
}

// Variant is a way to paint the icons.
type Variant uint8

// The variants. All have a transparent ground.
const (
	Color    Variant = iota // in colour, outlined for every bar
	Template                // black only: what macOS tints as a template image
)

// String returns the name of the variant's folder, such as "template".
func (v Variant) String() string {
	switch v {
	case Color:
		return "color"
	case Template:
		return "template"
	}
	return "variant " + strconv.Itoa(int(v))
}

//go:embed icon/app-*.png
var appPNG embed.FS

// Tray returns the file that the tray of this platform wants: on Windows an ICO with images of 16 to 64 pixels, on
// macOS a PNG of 32 pixels, elsewhere a PNG of 64 pixels. It returns nil for an icon or variant that does not exist;
// only macOS has [Template].
func Tray(name Icon, variant Variant) []byte {
	return read(trayFiles, "icon/"+variant.String()+"/"+name.String()+traySuffix)
}

// AppPNG returns the program's own icon as a square PNG. The sizes are 16, 22, 24, 32, 48, 64, 128, 256 and 512 pixels;
// for others it returns nil.
func AppPNG(size int) []byte {
	return read(appPNG, "icon/app-"+strconv.Itoa(size)+".png")
}

// read returns a copy of an embedded file, nil if there is none.
func read(files embed.FS, name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}
