package ui

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
)

// latencyCard shows how long Gateway took to answer in the last 24 hours.
type latencyCard struct {
	content *fyne.Container
	raster  *canvas.Raster
	view    *chartView
	under   *widget.Label // what the mouse is over, or a summary

	minutes []api.LatencyMinute
	from    time.Time // where the chart begins
	// The powers of ten of a millisecond at its foot and at its top.
	low, high float64
}

func newLatencyCard() *latencyCard {
	c := &latencyCard{under: fine("")}
	c.raster = canvas.NewRaster(c.paint)
	c.view = newChartView(c.raster, func(x float64) { setText(c.under, c.at(x)) },
		func() { setText(c.under, c.summary()) }, func(float64) {})
	c.content = card(bold("Latency"), padded(0, 8, c.view), c.under)
	c.content.Hide()
	return c
}

// take takes in the latencies up to now. Without any there is no chart.
func (c *latencyCard) take(l api.Latency, now time.Time) {
	c.minutes, c.from = l.Minutes, now.Add(-24*time.Hour)
	c.low, c.high = 0, 2 // from 1 ms to 100 ms at least
	for _, m := range c.minutes {
		c.low = min(c.low, math.Floor(math.Log10(max(m.MedianMillis, 0.1))))
		c.high = max(c.high, math.Ceil(math.Log10(max(m.MaxMillis, 0.1))))
	}
	var levels []axisMark
	for power := c.low; power <= c.high; power++ {
		level := axisMark{at: c.height(math.Pow(10, power))}
		if c.high-c.low < 4 || math.Mod(power-c.low, 2) == 0 { // else names would lie over each other
			level.text = precisely(math.Pow(10, power))
		}
		levels = append(levels, level)
	}
	c.raster.Refresh()
	c.view.set(hourMarks(c.from, now), levels)
	setText(c.under, c.summary())
}

// height returns where a latency is in the chart, 0 at its top and 1 at its foot. The scale is logarithmic.
func (c *latencyCard) height(ms float64) float64 {
	return 1 - (math.Log10(max(ms, 0.1))-c.low)/(c.high-c.low)
}

func (c *latencyCard) paint(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	line := color.NRGBAModel.Convert(c.view.Theme().Color(colorLine, variant())).(color.NRGBA)
	area := line
	area.A = 0x48
	column := func(m *api.LatencyMinute) (x0, x1 int) {
		x := m.At.Sub(c.from).Hours() / 24 * float64(w)
		return int(x), max(int(x+float64(w)/24/60), int(x)+1)
	}
	y := func(ms float64) int { return int(c.height(ms) * float64(h-1)) }
	each := func(paint func(x0, x1 int, m *api.LatencyMinute)) {
		for i := range c.minutes {
			x0, x1 := column(&c.minutes[i])
			paint(x0, x1, &c.minutes[i])
		}
	}
	box := func(x0, y0, x1, y1 int, c color.NRGBA) {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				img.SetNRGBA(x, y, c)
			}
		}
	}
	each(func(x0, x1 int, m *api.LatencyMinute) { box(x0, y(m.MaxMillis), x1, y(m.MedianMillis), area) })
	thick := max(1, h/40)
	each(func(x0, x1 int, m *api.LatencyMinute) { box(x0, y(m.MedianMillis), x1, y(m.MedianMillis)+thick, line) })
	return img
}

// summary is about all of the chart.
func (c *latencyCard) summary() string {
	if len(c.minutes) == 0 {
		return ""
	}
	medians := make([]float64, 0, len(c.minutes))
	for _, m := range c.minutes {
		medians = append(medians, m.MedianMillis)
	}
	slices.Sort(medians)
	slowest := slices.MaxFunc(c.minutes, func(a, b api.LatencyMinute) int {
		return cmp.Compare(a.MaxMillis, b.MaxMillis)
	})
	return fmt.Sprintf("How long Gateway takes to answer. Line: median of each minute, typically %s. Area: up to its "+
		"slowest answer, at most %s at %s.", precisely(medians[len(medians)/2]), precisely(slowest.MaxMillis),
		slowest.At.Local().Format("15:04"))
}

// at says what the chart shows at a share of its width.
func (c *latencyCard) at(x float64) string {
	at := c.from.Add(time.Duration(x * float64(24*time.Hour)))
	const near = 3 * time.Minute // a minute is thinner than the mouse
	best, distance := -1, near
	for i, m := range c.minutes {
		if d := at.Sub(m.At).Abs(); d < distance {
			best, distance = i, d
		}
	}
	if best < 0 {
		return at.Local().Format("15:04") + ": no answer from Gateway"
	}
	m := c.minutes[best]
	return fmt.Sprintf("%s: median %s, slowest %s", m.At.Local().Format("15:04"), precisely(m.MedianMillis),
		precisely(m.MaxMillis))
}

// precisely returns a latency with two digits that count.
func precisely(ms float64) string {
	switch {
	case ms >= 1000:
		return strconv.FormatFloat(math.Round(ms/100)/10, 'f', -1, 64) + " s"
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(math.Round(ms*10)/10, 'f', -1, 64) + " ms"
}
