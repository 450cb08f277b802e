package e2e

import (
	"fmt"
	"image"
	"image/color"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/window/ui"
)

// style is how the window writes words.
type style struct {
	size fyne.ThemeSizeName
	bold bool
}

var (
	plain = style{size: theme.SizeNameText}
	bold  = style{size: theme.SizeNameText, bold: true} // titles and buttons
	fine  = style{size: "gatewatch-fine"}
)

// letters are words as the window writes them: the points that they cover, and some that they leave free. The edges of
// letters are neither.
type letters struct {
	size         image.Point
	inked, blank []image.Point
}

var (
	toolkit sync.Once
	writing sync.Mutex // the toolkit has one theme for all
)

func written(words string, s style) letters {
	writing.Lock()
	defer writing.Unlock()
	toolkit.Do(func() { test.NewApp() })
	text := canvas.NewText(words, color.Black)
	text.TextSize, text.TextStyle.Bold = ui.Theme().Size(s.size), s.bold
	paper := canvas.NewRectangle(color.White) // whatever the theme's variant is
	m := gray(software.Render(container.NewStack(paper, text), ui.Theme()))
	l := letters{size: m.Rect.Size()}
	for y := range l.size.Y {
		for x := range l.size.X {
			switch v := m.GrayAt(x, y).Y; {
			case v < 100:
				l.inked = append(l.inked, image.Pt(x, y))
			case v > 225:
				l.blank = append(l.blank, image.Pt(x, y))
			}
		}
	}
	return l
}

func gray(m image.Image) *image.Gray {
	g := image.NewGray(image.Rectangle{Max: m.Bounds().Size()})
	for y := range g.Rect.Max.Y {
		for x := range g.Rect.Max.X {
			g.Set(x, y, m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y))
		}
	}
	return g
}

// at reports whether the letters are at a point of the screen, dark on light or light on dark.
func (l letters) at(m *image.Gray, p image.Point) bool {
	all := func(points []image.Point, ok func(v uint8) bool) bool {
		for _, q := range points {
			if !ok(m.GrayAt(p.X+q.X, p.Y+q.Y).Y) {
				return false
			}
		}
		return true
	}
	const middle = 165 // between letters and what is behind them, muted ones and the colour of the focus included
	dark, light := func(v uint8) bool { return v < middle }, func(v uint8) bool { return v > middle }
	return all(l.inked, dark) && all(l.blank, light) || all(l.inked, light) && all(l.blank, dark)
}

// find returns the middle of words on the screen, of the lowest ones if they are there several times.
func (d *display) find(words string, s style) (middle image.Point, ok bool) {
	l, m := written(words, s), gray(d.picture())
	for y := m.Rect.Max.Y - l.size.Y; y >= 0; y-- {
		for x := range m.Rect.Max.X - l.size.X {
			if p := image.Pt(x, y); l.at(m, p) {
				return p.Add(l.size.Div(2)), true
			}
		}
	}
	return image.Point{}, false
}

// see waits until words are on the screen.
func (d *display) see(words string, s style) {
	d.t.Helper()
	d.until(fmt.Sprintf("the window shows %q", words), func() bool {
		_, ok := d.find(words, s)
		return ok
	})
}

// click clicks words when they are on the screen, and leaves them: under the mouse they have another background.
func (d *display) click(words string, s style) {
	d.t.Helper()
	var at image.Point
	d.until(fmt.Sprintf("the window shows %q", words), func() (ok bool) {
		at, ok = d.find(words, s)
		return ok
	})
	d.do("mousemove", fmt.Sprint(at.X), fmt.Sprint(at.Y), "click", "1", "mousemove", "300", "20")
}
