package ui

import (
	"image/color"
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

// chartView is a chart with its axis. It says what the mouse is over, and what was clicked, as a share of its width.
type chartView struct {
	widget.BaseWidget
	chart  *chart
	marks  []axisMark
	over   func(share float64)
	left   func()
	tapped func(share float64)
}

func newChartView(over func(float64), left func(), tapped func(float64)) *chartView {
	v := &chartView{chart: newChart(), over: over, left: left, tapped: tapped}
	v.ExtendBaseWidget(v)
	return v
}

func (v *chartView) set(bars []bar, marks []axisMark) {
	v.chart.set(bars)
	v.marks = marks
	v.Refresh()
}

func (v *chartView) share(p fyne.Position) float64 {
	return float64(max(0, min(1, p.X/max(1, v.Size().Width))))
}

func (v *chartView) MouseIn(e *desktop.MouseEvent)    { v.over(v.share(e.Position)) }
func (v *chartView) MouseMoved(e *desktop.MouseEvent) { v.over(v.share(e.Position)) }
func (v *chartView) MouseOut()                        { v.left() }
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
	for len(r.ticks) < len(r.v.marks) {
		r.ticks, r.texts = append(r.ticks, canvas.NewLine(color.Transparent)),
			append(r.texts, canvas.NewText("", color.Transparent))
	}
	r.objects = []fyne.CanvasObject{r.v.chart.raster}
	for i, m := range r.v.marks {
		tick, label := r.ticks[i], r.texts[i]
		tick.StrokeColor, tick.StrokeWidth = faint, 1
		if m.strong {
			tick.StrokeColor, tick.StrokeWidth = ink, 1.5
		}
		label.Text, label.Color, label.TextSize = m.text, ink, th.Size(sizeFine)
		r.objects = append(r.objects, tick, label)
	}
	r.Layout(r.v.Size())
	canvas.Refresh(r.v)
}

func (r *chartRenderer) Layout(size fyne.Size) {
	r.v.chart.raster.Resize(fyne.NewSize(size.Width, chartHeight))
	for i, m := range r.v.marks {
		x := float32(m.at) * size.Width
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
