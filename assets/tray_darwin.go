package assets

import "embed"

// The tray shows an image 16 points wide: 32 pixels are exact on a Retina display, and halve exactly elsewhere.
//
//go:embed icon/color/*-32.png icon/template/*-32.png
var trayFiles embed.FS

const traySuffix = "-32.png"
