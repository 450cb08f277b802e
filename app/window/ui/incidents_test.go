package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
)

func TestIncidents(t *testing.T) {
	list := incidentsOf(records().Records, noon)
	want := []string{
		"The API is read-only. From 10:00 until 10:10, 10 min. Not possible: orders.",
		"No connection to IBKR. From 06:15 until 06:35, 20 min. Not possible: orders and prices.",
		"Closed by Gateway. From Tue 23:15 until Tue 23:15, 30 s. Not possible: orders and prices.",
		"Gateway stopped answering. From 23 Jan 12:00 until 23 Jan 13:00, 1 h. Not possible: orders and prices.",
	}
	if len(list) != len(want) {
		t.Fatalf("%d incidents: %+v", len(list), list)
	}
	for i := range want {
		if got := list[i].text(noon); got != want[i] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
	lasting := incidentsOf([]history.Record{{
		Time: noon.Add(-time.Minute), What: history.Lost, Counts: history.Down,
		Cause: ib.CauseSilent,
	}}, noon)
	if len(lasting) != 1 || !lasting[0].lasts || !strings.Contains(lasting[0].text(noon), "it lasts for 1 min") {
		t.Errorf("%+v", lasting)
	}
	programs := incidentsOf([]history.Record{
		{Time: noon.Add(-time.Hour), What: history.Lost, Counts: history.Down, Cause: ib.CauseSilent},
		{Time: noon.Add(-time.Minute), What: history.ProgramUnknown, Counts: history.Down, Program: "client id 7"},
		{Time: noon.Add(-time.Second), What: history.ProgramConnected, Counts: history.Down, Program: "client id 7"},
	}, noon)
	if len(programs) != 2 || programs[0].text(noon) != "Order of client id 7 unknown: look in TWS. At 11:59:00." ||
		!programs[1].lasts {
		t.Errorf("%+v", programs)
	}
}

// TestTimelineAnswersTheMouse points at an outage, clicks it, and looks at the axis.
func TestTimelineAnswersTheMouse(t *testing.T) {
	v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 680), Actions{})
	v.Status(connected(), noon)
	v.open(pageHistory)
	v.Uptime(report(), nil)
	v.Log(records(), nil)
	settle(w)
	p := v.history
	if len(p.list.entries) != 3 { // the one of 40 days ago is not of these 24 hours
		t.Fatalf("%d incidents are listed", len(p.list.entries))
	}
	x := p.chart.Size().Width * float32(18*60+0) / (24 * 60) // 06:00
	if p.chart.MouseMoved(&desktop.MouseEvent{
		PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, 5)},
	}); !strings.Contains(p.under.Text, "Asleep") {
		t.Errorf("at 06:00 it says %q", p.under.Text)
	}
	x = p.chart.Size().Width * float32(18*60+5) / (24 * 60) // 06:05, where a click chooses what began at 06:15
	p.chart.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, 5)}})
	if !strings.HasPrefix(p.under.Text, "No connection to IBKR. From 06:15") {
		t.Errorf("at 06:05 it says %q", p.under.Text)
	}
	x = p.chart.Size().Width * float32(18*60+20) / (24 * 60) // 06:20
	p.chart.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, 5)}})
	if !strings.HasPrefix(p.under.Text, "No connection to IBKR. From 06:15") {
		t.Errorf("at 06:20 it says %q", p.under.Text)
	}
	if p.chart.MouseOut(); p.under.Text != underHint {
		t.Errorf("left, it says %q", p.under.Text)
	}
	p.chart.Tapped(&fyne.PointEvent{Position: fyne.NewPos(x, 5)})
	if !strings.HasPrefix(p.about.Text, "No connection to IBKR. From 06:15") || !p.about.Visible() {
		t.Errorf("clicked, it says %q", p.about.Text)
	}
	strong := 0
	for _, m := range p.chart.marks {
		if m.strong && m.text == "Wed 4 Mar" && m.at == 0.5 {
			strong++
		}
	}
	if strong != 1 || len(p.chart.marks) != 5 {
		t.Errorf("the axis: %+v", p.chart.marks)
	}
	p.open(2)
	if len(p.days) != 30 || len(p.list.entries) != 3 {
		t.Errorf("%d days, %d incidents in 30 days", len(p.days), len(p.list.entries))
	}
	if p.chart.MouseMoved(&desktop.MouseEvent{}); !strings.Contains(p.under.Text, "Uptime") &&
		!strings.Contains(p.under.Text, "%") {
		t.Errorf("of a day it says %q", p.under.Text)
	}
}

// TestDaysBeforeTheInstallationAreAbsent counts the columns of 90 days, of which Gatewatch was there for some.
func TestDaysBeforeTheInstallationAreAbsent(t *testing.T) {
	u := report()
	for ago, want := range map[int]int{80: 81, 0: 1, 200: 90} {
		u.ObservedSince = new(noon.AddDate(0, 0, -ago))
		if got := len(lastDays(&u, 90)); got != want {
			t.Errorf("installed %d days ago: %d columns, want %d", ago, got, want)
		}
	}
	if got := lastDays(&api.Uptime{Days: u.Days}, 7); len(got) != 7 {
		t.Errorf("%d days", len(got))
	}
}

func TestFooterSaysTheDay(t *testing.T) {
	v, _ := stage(t, theme.VariantLight, MinSize, Actions{})
	if v.Status(connected(), noon); v.status.today.Text != "Today 99.2 %, 2 outages" {
		t.Errorf("%q", v.status.today.Text)
	}
	total := 0.0
	for _, b := range v.status.day.bars {
		total += b.x1 - b.x0
	}
	if len(v.status.day.bars) != 4 || total < 0.99 || total > 1.001 {
		t.Errorf("%+v", v.status.day.bars)
	}
}

// TestLatencyChart points at minutes with and without answers.
func TestLatencyChart(t *testing.T) {
	v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 1500), Actions{})
	v.Status(connected(), noon)
	v.open(pageHistory)
	v.Uptime(report(), nil)
	p := v.history
	if p.latency.content.Visible() {
		t.Error("there is a chart without any latency")
	}
	v.Latency(latency(), nil)
	settle(w)
	if got := p.latency.under.Text; !p.latency.content.Visible() || !strings.Contains(got, "at most 1.6 s at 19:29") {
		t.Errorf("visible: %v, %q", p.latency.content.Visible(), got)
	}
	chart := p.latency.view
	for hours, want := range map[float32]string{
		7.25: "19:15: median 40 ms, slowest 850 ms", 18.25: "06:15: no answer from Gateway",
	} {
		x := chart.left + (chart.Size().Width-chart.left)*hours/24
		chart.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(x, 5)}})
		if got := p.latency.under.Text; got != want {
			t.Errorf("after %v h: %q, want %q", hours, got, want)
		}
	}
	if chart.MouseOut(); !strings.Contains(p.latency.under.Text, "Line: median") {
		t.Errorf("%q", p.latency.under.Text)
	}
	if p.open(1); p.latency.content.Visible() {
		t.Error("the chart of 24 h stands beside 7 days")
	}
}
