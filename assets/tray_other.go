//go:build !windows && !darwin

package assets

import "embed"

// A StatusNotifier host takes one image and scales it to its bar. 64 pixels hold for a bar of 32 at double density, and
// divide exactly into the 16-pixel grid of the drawings.
//
//go:embed icon/color/*-64.png
var trayFiles embed.FS

const traySuffix = "-64.png"
