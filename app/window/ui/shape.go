package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
)

// Shape is a sign whose form says the same as its colour. The colours are Okabe and Ito's, which people with any
// kind of colour vision tell apart.
type Shape int

// The shapes.
const (
	Unknown      Shape = iota // grey dash
	Up                        // disc with tick
	Working                   // open ring
	Impaired                  // triangle with !
	Down                      // diamond with cross
	Resting                   // disc with clock
	PausedByUser              // two bars
	Off                       // grey ring with a stroke through it: trading is off
	Over                      // grey square: cancelled, or done for good
	Blocked                   // amber disc with a bar, as in the tray: connected, and orders are blocked
)

var shapes = map[Shape]struct {
	name  string
	color color.NRGBA
	svg   string
}{
	Unknown: {
		"unknown", rgb(0x858c95),
		`<path d="M4 8 H12" stroke="#858c95" stroke-width="2.4" stroke-linecap="round" fill="none"/>`,
	},
	Up: {"up", rgb(0x009e73), `<circle cx="8" cy="8" r="7" fill="#009e73"/>
		<path d="M4.75 8.25 L7 10.5 L11.25 5.75" fill="none" stroke="#ffffff" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/>`},
	Working: {
		"working", rgb(0x0072b2),
		`<circle cx="8" cy="8" r="5.6" fill="none" stroke="#0072b2" stroke-width="2.6"/>`,
	},
	Impaired: {
		"impaired", rgb(0xe69f00),
		`<path d="M8 2.2 L14.4 13.4 L1.6 13.4 Z" fill="#e69f00" stroke="#e69f00" stroke-width="1.6" stroke-linejoin="round"/>
		<path d="M8 6 V9.4" stroke="#1a1200" stroke-width="1.8" stroke-linecap="round" fill="none"/><circle cx="8" cy="11.8" r="1.05" fill="#1a1200"/>`,
	},
	Down: {"down", rgb(0xd55e00), `<path d="M8 1.6 L14.4 8 L8 14.4 L1.6 8 Z" fill="#d55e00" stroke="#d55e00" stroke-width="1.4" stroke-linejoin="round"/>
		<path d="M6 6 L10 10 M10 6 L6 10" fill="none" stroke="#ffffff" stroke-width="1.7" stroke-linecap="round"/>`},
	Resting: {"resting", rgb(0xcc79a7), `<circle cx="8" cy="8" r="7" fill="#cc79a7"/>
		<path d="M8 4.2 V8 L10.7 9.7" fill="none" stroke="#2a0a1c" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>`},
	Off: {"off", rgb(0x858c95), `<circle cx="8" cy="8" r="5.9" fill="none" stroke="#858c95" stroke-width="2"/>
		<path d="M4 12 L12 4" fill="none" stroke="#858c95" stroke-width="2"/>`},
	Over: {"over", rgb(0x858c95), `<path d="M2.5 2.5 H13.5 V13.5 H2.5 Z" fill="#858c95"/>`},
	Blocked: {
		"blocked", rgb(0xe69f00),
		`<circle cx="8" cy="8" r="7" fill="#e69f00"/><path d="M3.4 6.4 H12.6 V9.6 H3.4 Z" fill="#1a1200"/>`,
	},
	PausedByUser: {
		"paused", rgb(0x858c95),
		`<path d="M3 2.5 H6.6 V13.5 H3 Z M9.4 2.5 H13 V13.5 H9.4 Z" fill="#858c95"/>`,
	},
}

// Color is the colour that goes with the shape.
func (s Shape) Color() color.NRGBA { return shapes[s].color }

// String returns a word for the shape.
func (s Shape) String() string { return shapes[s].name }

// Icon is the drawing of the shape.
func (s Shape) Icon() fyne.Resource { return icons[s] }

var icons = func() map[Shape]fyne.Resource {
	drawn := map[Shape]fyne.Resource{}
	for s, d := range shapes {
		drawn[s] = fyne.NewStaticResource("shape-"+d.name+".svg",
			[]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">`+d.svg+`</svg>`))
	}
	return drawn
}()
