package ui

import (
	"image"
	"image/color"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"gatewatch/app/api"
	"gatewatch/conn/history"
)

// kinds are the kinds of time in the order of the legend, with the look that a day's column stacks from the bottom up.
var kinds = []struct {
	kind  history.Kind
	name  string
	color color.NRGBA
}{
	{history.Connected, "Connected", rgb(0x009e73)},
	{history.Planned, "Planned", rgb(0xcc79a7)},
	{history.Paused, "Paused", rgb(0x8a929c)},
	{history.Asleep, "Asleep", rgb(0x56b4e9)},
	{history.Unobserved, "Not observed", rgb(0x8a929c)},
	{history.Down, "Down", rgb(0xd55e00)},
}

// bar is a rectangle of a timeline, in shares of its width and height from the top left.
type bar struct {
	x0, x1, y0, y1 float64
	kind           history.Kind
}

// strip returns the bars of a timeline to scale. What is down reaches higher than all else, so that it can be told
// apart without its colour.
func strip(spans []api.Span) []bar {
	if len(spans) == 0 {
		return nil
	}
	from, until := spans[0].From, spans[len(spans)-1].Until
	all := until.Sub(from).Seconds()
	if all <= 0 {
		return nil
	}
	var bars []bar
	for _, s := range spans {
		b := bar{
			x0: s.From.Sub(from).Seconds() / all, x1: s.Until.Sub(from).Seconds() / all, y0: 0.3, y1: 1,
			kind: s.Kind,
		}
		if s.Kind == history.Down {
			b.y0 = 0
		}
		bars = append(bars, b)
	}
	return bars
}

// stacks returns the bars of one column for each day, stacked to scale; a short day's column is as high as a long
// one's.
func stacks(days []api.Period) []bar {
	var bars []bar
	for i, d := range days {
		if d.Seconds <= 0 {
			continue
		}
		left, width, top := float64(i)/float64(len(days)), 1/float64(len(days)), 1.0
		for _, k := range kinds {
			share := term(&d, k.kind) / d.Seconds
			if share <= 0 {
				continue
			}
			bars = append(bars, bar{
				x0: left + 0.08*width, x1: left + 0.92*width, y0: top - share, y1: top,
				kind: k.kind,
			})
			top -= share
		}
	}
	return bars
}

// term returns the seconds of one kind.
func term(p *api.Period, k history.Kind) float64 {
	switch k {
	case history.Connected:
		return p.ConnectedSeconds
	case history.Down:
		return p.DownSeconds
	case history.Planned:
		return p.PlannedSeconds
	case history.Paused:
		return p.PausedSeconds
	case history.Asleep:
		return p.AsleepSeconds
	}
	return p.UnobservedSeconds
}

// lastDays returns the last n of the days, without those before Gatewatch was installed.
func lastDays(u *api.Uptime, n int) []api.Period {
	days := u.Days[max(0, len(u.Days)-n):]
	for len(days) > 0 && u.ObservedSince != nil && !days[0].From.AddDate(0, 0, 1).After(*u.ObservedSince) {
		days = days[1:]
	}
	return days
}

// chart paints bars into one image: one object for the toolkit, painted when it has changed.
type chart struct {
	raster *canvas.Raster
	bars   []bar
}

const chartHeight = 74

func newChart() *chart {
	c := &chart{}
	c.raster = canvas.NewRaster(c.paint)
	c.raster.SetMinSize(fyne.NewSize(100, chartHeight))
	return c
}

func (c *chart) set(bars []bar) {
	c.bars = bars
	c.raster.Refresh()
}

func (c *chart) paint(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	first := func(b bar) int { // what is down lies on top of all else
		if b.kind == history.Down {
			return 1
		}
		return 0
	}
	for _, b := range slices.SortedStableFunc(slices.Values(c.bars), func(a, b bar) int {
		return first(a) - first(b)
	}) {
		x0, x1 := int(b.x0*float64(w)), int(b.x1*float64(w))
		y0, y1 := int(b.y0*float64(h)), int(b.y1*float64(h))
		if b.kind == history.Down { // an outage is always to be seen
			x1, y0 = max(x1, min(x0+2, w)), min(y0, max(0, y1-2))
		}
		fill(img, image.Rect(x0, y0, x1, y1), b.kind)
	}
	return img
}

// fill paints one bar; what was not observed is hatched.
func fill(img *image.NRGBA, r image.Rectangle, kind history.Kind) {
	var c color.NRGBA
	for _, k := range kinds {
		if k.kind == kind {
			c = k.color
		}
	}
	faint := c
	faint.A = 0x28
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if kind == history.Unobserved && (x+y)%7 > 1 {
				img.SetNRGBA(x, y, faint)
				continue
			}
			img.SetNRGBA(x, y, c)
		}
	}
}

// dayName returns a day as a table names it.
func dayName(t time.Time) string { return t.Format("Mon 2 Jan") }
