package ui

import (
	"image/color"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// axisMark is a tick of a time axis, at a share of its width; a strong one is a local midnight.
type axisMark struct {
	at     float64
	text   string
	strong bool
}

// chartView is a chart with its axes. It says what the mouse is over, and what was clicked, as a share of its width.
type chartView struct {
	widget.BaseWidget
	raster *canvas.Raster
	marks  []axisMark // along its foot
	levels []axisMark // of its height, from the top
	left   float32    // where it begins, beside the names of its levels
	over   func(share float64)
	out    func()
	tapped func(share float64)
}

func newChartView(r *canvas.Raster, over func(float64), out func(), tapped func(float64)) *chartView {
	v := &chartView{raster: r, over: over, out: out, tapped: tapped}
	v.ExtendBaseWidget(v)
	return v
}

func (v *chartView) set(marks, levels []axisMark) {
	v.marks, v.levels = marks, levels
	v.Refresh()
}

func (v *chartView) share(p fyne.Position) float64 {
	return float64(max(0, min(1, (p.X-v.left)/max(1, v.Size().Width-v.left))))
}

func (v *chartView) MouseIn(e *desktop.MouseEvent)    { v.over(v.share(e.Position)) }
func (v *chartView) MouseMoved(e *desktop.MouseEvent) { v.over(v.share(e.Position)) }
func (v *chartView) MouseOut()                        { v.out() }
func (v *chartView) Tapped(e *fyne.PointEvent)        { v.tapped(v.share(e.Position)) }

const axisHeight = 20

func (v *chartView) CreateRenderer() fyne.WidgetRenderer {
	r := &chartRenderer{v: v}
	r.Refresh()
	return r
}

type chartRenderer struct {
	v       *chartView
	ticks   []*canvas.Line
	texts   []*canvas.Text
	objects []fyne.CanvasObject
}

func (r *chartRenderer) Refresh() {
	th := r.v.Theme()
	ink, faint := th.Color(theme.ColorNamePlaceHolder, variant()), th.Color(colorBorder, variant())
	all := slices.Concat(r.v.levels, r.v.marks)
	for len(r.ticks) < len(all) {
		r.ticks, r.texts = append(r.ticks, canvas.NewLine(color.Transparent)),
			append(r.texts, canvas.NewText("", color.Transparent))
	}
	r.objects = nil
	for i, m := range all {
		tick, label := r.ticks[i], r.texts[i]
		tick.StrokeColor, tick.StrokeWidth = faint, 1
		if m.strong {
			tick.StrokeColor, tick.StrokeWidth = ink, 1.5
		}
		label.Text, label.Color, label.TextSize = m.text, ink, th.Size(sizeFine)
		r.objects = append(r.objects, tick, label)
	}
	// What is painted lies over the levels, and under the marks.
	r.objects = slices.Insert(r.objects, 2*len(r.v.levels), fyne.CanvasObject(r.v.raster))
	r.Layout(r.v.Size())
	canvas.Refresh(r.v)
}

func (r *chartRenderer) Layout(size fyne.Size) {
	left := float32(0) // of the chart, where its levels are named
	for i := range r.v.levels {
		left = max(left, r.texts[i].MinSize().Width+4)
	}
	r.v.left = left
	r.v.raster.Move(fyne.NewPos(left, 0))
	r.v.raster.Resize(fyne.NewSize(size.Width-left, chartHeight))
	for i, m := range r.v.levels {
		y, label := float32(m.at)*chartHeight, r.texts[i].MinSize()
		r.ticks[i].Position1, r.ticks[i].Position2 = fyne.NewPos(left, y), fyne.NewPos(size.Width, y)
		r.texts[i].Move(fyne.NewPos(0, min(max(0, y-label.Height/2), chartHeight-label.Height)))
	}
	for i, m := range r.v.marks {
		i += len(r.v.levels)
		x := left + float32(m.at)*(size.Width-left)
		r.ticks[i].Position1, r.ticks[i].Position2 = fyne.NewPos(x, 0), fyne.NewPos(x, chartHeight+4)
		w := r.texts[i].MinSize().Width
		r.texts[i].Move(fyne.NewPos(max(0, min(x-w/2, size.Width-w)), chartHeight+3))
	}
}

func (r *chartRenderer) MinSize() fyne.Size           { return fyne.NewSize(100, chartHeight+axisHeight) }
func (r *chartRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *chartRenderer) Destroy()                     {}

// hourMarks are the marks of an axis of about a day: every six hours of the local clock, and midnight.
func hourMarks(from, until time.Time) []axisMark {
	var list []axisMark
	all := until.Sub(from).Seconds()
	y, m, d := from.Local().Date()
	for h := 0; ; h += 6 {
		at := time.Date(y, m, d, h, 0, 0, 0, time.Local)
		if at.After(until) || all <= 0 {
			return list
		}
		if at.Before(from) {
			continue
		}
		one := axisMark{at: at.Sub(from).Seconds() / all, text: at.Format("15:04")}
		if at.Hour() == 0 && at.Minute() == 0 {
			one.text, one.strong = at.Format("Mon 2 Jan"), true
		}
		list = append(list, one)
	}
}

// dayMarks are the marks of an axis with one column for each day, about five of them.
func dayMarks(days []time.Time) []axisMark {
	var list []axisMark
	step := max(1, (len(days)+4)/5)
	for i := 0; i < len(days); i += step {
		list = append(list, axisMark{at: (float64(i) + 0.5) / float64(len(days)), text: days[i].Format("2 Jan")})
	}
	return list
}
