package ui

import (
	"image"
	"math"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn/history"
)

func TestStrip(t *testing.T) {
	from := noon.Add(-24 * time.Hour)
	bars := strip([]api.Span{
		{From: from, Until: from.Add(6 * time.Hour), Kind: history.Connected},
		{From: from.Add(6 * time.Hour), Until: from.Add(12 * time.Hour), Kind: history.Down},
		{From: from.Add(12 * time.Hour), Until: noon, Kind: history.Asleep},
	})
	want := []bar{
		{0, 0.25, 0.3, 1, history.Connected},
		{0.25, 0.5, 0, 1, history.Down},
		{0.5, 1, 0.3, 1, history.Asleep},
	}
	if len(bars) != 3 || bars[0] != want[0] || bars[1] != want[1] || bars[2] != want[2] {
		t.Errorf("got %v", bars)
	}
	if strip(nil) != nil || strip([]api.Span{{From: noon, Until: noon}}) != nil {
		t.Error("bars out of nothing")
	}
}

// TestStacks: each day fills its column, however long it is, and the terms keep their proportions.
func TestStacks(t *testing.T) {
	days := []api.Period{
		{Seconds: 23 * 3600, ConnectedSeconds: 23 * 3600},
		{Seconds: 25 * 3600, ConnectedSeconds: 20 * 3600, DownSeconds: 5 * 3600},
		{},
		{
			Seconds: 10, ConnectedSeconds: 1, DownSeconds: 2, PlannedSeconds: 3, PausedSeconds: 1, AsleepSeconds: 1,
			UnobservedSeconds: 2,
		},
	}
	height := map[int]float64{}
	down := map[int]float64{}
	for _, b := range stacks(days) {
		day := int(b.x0 * 4)
		if b.x1 <= b.x0 || b.x1 > float64(day+1)/4 || b.y0 < -1e-9 || b.y1 > 1 {
			t.Errorf("bar %+v leaves its column", b)
		}
		height[day] += b.y1 - b.y0
		if b.kind == history.Down {
			down[day] = b.y1 - b.y0
		}
	}
	for day, want := range map[int]float64{0: 1, 1: 1, 2: 0, 3: 1} {
		if math.Abs(height[day]-want) > 1e-9 {
			t.Errorf("day %d is %v high", day, height[day])
		}
	}
	if math.Abs(down[1]-0.2) > 1e-9 || math.Abs(down[3]-0.2) > 1e-9 {
		t.Errorf("down %v", down)
	}
}

// TestAnOutageIsAlwaysSeen: an outage of a second shows in a day of 200 pixels.
func TestAnOutageIsAlwaysSeen(t *testing.T) {
	from := noon.Add(-24 * time.Hour)
	c := &chart{bars: strip([]api.Span{
		{From: from, Until: noon.Add(-time.Second), Kind: history.Down},
		{From: from, Until: from.Add(12 * time.Hour), Kind: history.Connected},
		{From: from.Add(12 * time.Hour), Until: from.Add(12*time.Hour + time.Second), Kind: history.Down},
		{From: from.Add(12*time.Hour + time.Second), Until: noon, Kind: history.Connected},
	}[1:])}
	img := c.paint(200, 40).(*image.NRGBA)
	found := 0
	for x := range 200 {
		if img.NRGBAAt(x, 1).A != 0 && img.NRGBAAt(x, 39) == img.NRGBAAt(x, 1) {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d columns of an outage, want 2", found)
	}
}

func TestSpanRowsAreBounded(t *testing.T) {
	var spans []api.Span
	for i := range 120 {
		at := noon.Add(time.Duration(i) * time.Second)
		spans = append(spans, api.Span{From: at, Until: at.Add(time.Second), Kind: history.Kind(1 + i%2)})
	}
	rows := spanRows(spans)
	if len(rows) != maxRows+1 || rows[maxRows].name != "70 earlier ones" || rows[0].name != "12:01:59  Down" ||
		rows[0].value != "1 s" {
		t.Errorf("%d rows, first %+v, last %+v", len(rows), rows[0], rows[len(rows)-1])
	}
}
