package ui

import (
	"image/color"

	"fyne.io/fyne/v2"

	"gatewatch/assets"
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
}{
	Unknown:      {"unknown", rgb(0x858c95)},
	Up:           {"up", rgb(0x009e73)},
	Working:      {"working", rgb(0x0072b2)},
	Impaired:     {"impaired", rgb(0xe69f00)},
	Down:         {"down", rgb(0xd55e00)},
	Resting:      {"resting", rgb(0xcc79a7)},
	PausedByUser: {"paused", rgb(0x858c95)},
	Off:          {"off", rgb(0x858c95)},
	Over:         {"over", rgb(0x858c95)},
	Blocked:      {"blocked", rgb(0xe69f00)},
}

// named finds the shapes by their names.
var named = func() map[string]Shape {
	list := map[string]Shape{}
	for s, d := range shapes {
		list[d.name] = s
	}
	return list
}()

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
			[]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">`+assets.Shapes[d.name]+`</svg>`))
	}
	return drawn
}()
