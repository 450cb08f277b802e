package assets

import "embed"

// Windows first loads a tray icon at the size of a desktop icon (32 pixels at 100 %, 64 at 200 %) and then shrinks it
// to the tray's 16 to 32, so the ICO files go up to 64.
//
//go:embed icon/color/*.ico
var trayFiles embed.FS

const traySuffix = ".ico"
