package ui

import (
	"fmt"
	"image"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// ranges are the times that the history can show.
var ranges = []struct {
	name, period string
	days         int // 0: the last 24 hours as spans
}{
	{"24 h", "24h", 0}, {"7 days", "7d", 7}, {"30 days", "30d", 30}, {"90 days", "90d", 90},
}

// maxRows bounds the rows of the table of spans.
const maxRows = 50

// historyPage shows how time was spent: as figures, as a timeline and as a table.
type historyPage struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	choice  []*button
	span    int
	note    *widget.Label // what went wrong
	figures []*widget.Label
	terms   *widget.Label
	listed  *fyne.Container // the table on its card
	bars    *chart
	chart   *chartView
	latency *latencyCard
	under   *widget.Label // what the mouse is over, or how to find that out
	pointed bool          // the mouse is over the chart
	none    *widget.Label // there were no incidents
	list    *list         // of incidents
	about   *widget.Label // the incident that is chosen
	bounds  [2]time.Time  // of the chart
	days    []api.Period  // its columns, none for the last 24 hours
	shown   []incident
	table   *table
	said    *messageList

	report  *api.Uptime
	records []history.Record
	failed  string
}

const (
	underHint  = "Point at the timeline to see what it was, and click an outage to see its cause."
	nothingYet = "Nothing is recorded yet. The timeline shows when Gateway was connected and when it was not."
)

// hint says how to read the chart, or why there is none.
func (p *historyPage) hint() string {
	switch {
	case p.report == nil && p.failed == "":
		return "Reading the history…"
	case p.report == nil:
		return ""
	case len(p.bars.bars) == 0:
		return nothingYet
	}
	return underHint
}

func newHistoryPage(k *keys) *historyPage {
	p := &historyPage{
		note: wrapped(""), terms: fine(""), under: fine(""), none: muted("No incidents"), about: wrapped(""),
		table: newTable(), said: newMessageList(), bars: newChart(), latency: newLatencyCard(),
	}
	p.note.Importance = widget.DangerImportance
	p.listed = card(p.table.content)
	p.chart = newChartView(p.bars.raster, func(x float64) {
		p.pointed = true
		setText(p.under, p.whatAt(x))
	}, func() {
		p.pointed = false
		setText(p.under, p.hint())
	}, p.clicked)
	p.list = newList(k, p.chosen)
	bar := container.NewHBox()
	for i, r := range ranges {
		b := newButton(k, r.name, func() { p.open(i) })
		p.choice = append(p.choice, b)
		bar.Add(b)
	}
	figures := container.New(stacked{-12})
	for _, f := range figuresOf(nil) {
		value := text(f.value)
		p.figures = append(p.figures, value)
		figures.Add(container.New(columns{0.45}, muted(f.name), value))
	}
	legend := container.NewGridWrap(fyne.NewSize(118, 22))
	for _, one := range kinds {
		legend.Add(container.NewBorder(nil, nil, container.NewCenter(swatch(one.kind)), nil, small(one.name)))
	}
	incidents := container.New(stacked{0}, bold("Incidents"), p.none,
		container.New(atLeast{fyne.NewSize(240, 5*(lineHeight+4))}, p.list), p.about)
	p.scroll = container.NewVScroll(padded(4, 10, container.New(
		stacked{8}, bar, p.note, card(padded(6, 8, p.chart), p.under, padded(4, 8, legend)), card(incidents),
		p.latency.content, card(figures, p.terms), p.listed, p.said.content,
	)))
	p.content = p.scroll
	p.open(0)
	return p
}

// swatch is a kind of time in the legend, painted as in the timeline.
func swatch(kind history.Kind) fyne.CanvasObject {
	r := canvas.NewRaster(func(w, h int) image.Image {
		img := image.NewNRGBA(image.Rect(0, 0, w, h))
		top := 0
		if kind != history.Down {
			top = h * 3 / 10
		}
		fill(img, image.Rect(0, top, w, h), kind)
		return img
	})
	r.SetMinSize(fyne.NewSize(14, 14))
	return r
}

func (p *historyPage) open(i int) {
	p.span = i
	for j, b := range p.choice {
		mark(b, j == i)
	}
	p.render()
}

// take takes in a report, or why there is none.
func (p *historyPage) take(u api.Uptime, err error) {
	if p.failed = ""; err != nil {
		p.failed = cannotShow("The history", err)
		if p.report != nil {
			p.failed += " This is as of " + p.report.At.Local().Format("15:04:05") + "."
		}
	} else {
		p.report = &u
	}
	p.render()
}

func (p *historyPage) render() {
	showText(p.note, p.failed)
	u := p.report
	if u == nil {
		u = &api.Uptime{}
	}
	chosen := ranges[p.span]
	for i, f := range figuresOf(periodOf(u, chosen.period)) {
		setText(p.figures[i], f.value)
	}
	setText(p.terms, termsOf(periodOf(u, chosen.period), u.MarketHours))
	var bars []bar
	var rows []rowTexts
	var marks []axisMark
	p.days = nil
	if chosen.days == 0 {
		bars, rows = strip(u.Spans), spanRows(u.Spans)
		if n := len(u.Spans); n > 0 {
			p.bounds = [2]time.Time{u.Spans[0].From, u.Spans[n-1].Until}
			marks = hourMarks(p.bounds[0], p.bounds[1])
		}
	} else {
		p.days = lastDays(u, chosen.days)
		bars, rows = stacks(p.days), dayRows(p.days)
		var from []time.Time
		for _, d := range p.days {
			from = append(from, d.From)
		}
		if n := len(p.days); n > 0 {
			p.bounds = [2]time.Time{p.days[0].From, u.At}
			marks = dayMarks(from)
		}
	}
	p.renderIncidents(u.At)
	p.bars.set(bars)
	p.chart.set(marks, nil)
	if !p.pointed {
		setText(p.under, p.hint())
	}
	show(p.listed, len(rows) > 0)
	show(p.latency.content, chosen.days == 0 && len(p.latency.minutes) > 0)
	p.table.set(rows)
	p.scroll.Refresh()
}

// log takes in the records of the connection log.
func (p *historyPage) log(l api.Log, err error) {
	if err == nil {
		p.records = l.Records
		p.render()
	}
}

// renderIncidents lists the incidents of the time that is shown.
func (p *historyPage) renderIncidents(now time.Time) {
	p.shown = within(incidentsOf(p.records, now), p.bounds[0], p.bounds[1].Add(time.Second))
	entries := make([]entryTexts, 0, len(p.shown))
	for i := range p.shown {
		entries = append(entries, p.shown[i].entry(now))
	}
	p.list.set(entries)
	show(p.none, p.report != nil && len(entries) == 0)
	show(p.list, len(entries) > 0)
	p.tellChosen(now)
}

func (p *historyPage) chosen(string) {
	if p.report != nil {
		p.tellChosen(p.report.At)
	}
}

func (p *historyPage) tellChosen(now time.Time) {
	words := ""
	if i := p.list.index(p.list.chosen); i >= 0 {
		words = p.shown[i].text(now)
	}
	showText(p.about, words)
}

// momentAt returns the moment at a share of the chart's width; of a chart with columns the middle of one.
func (p *historyPage) momentAt(x float64) (from, until time.Time) {
	if n := len(p.days); n > 0 {
		d := &p.days[min(n-1, int(x*float64(n)))]
		return d.From, d.From.Add(time.Duration(d.Seconds * float64(time.Second)))
	}
	at := p.bounds[0].Add(time.Duration(x * float64(p.bounds[1].Sub(p.bounds[0]))))
	return at, at
}

// whatAt says what the chart shows at a share of its width, with cause and duration.
func (p *historyPage) whatAt(x float64) string {
	if p.report == nil || p.bounds[0].IsZero() {
		return underHint
	}
	if n := len(p.days); n > 0 {
		row := dayRows(p.days[min(n-1, int(x*float64(n))):][:1])[0]
		return row.name + ": " + row.value + ". " + row.more
	}
	for _, i := range p.incidentsAt(x) {
		return i.text(p.report.At)
	}
	at, _ := p.momentAt(x)
	for _, s := range p.report.Spans {
		if !at.Before(s.From) && at.Before(s.Until) {
			return spanRows([]api.Span{s})[0].name + ", " + length(s.Until.Sub(s.From).Seconds())
		}
	}
	return underHint
}

// incidentsAt returns the incidents at a share of the chart's width: those within a hundredth, since an incident may be
// thinner than its mark and the mouse.
func (p *historyPage) incidentsAt(x float64) []incident {
	from, until := p.momentAt(x)
	if len(p.days) == 0 {
		near := p.bounds[1].Sub(p.bounds[0]) / 100
		from, until = from.Add(-near), until.Add(near)
	}
	return within(p.shown, from, until)
}

// clicked chooses the incident that was clicked in the chart.
func (p *historyPage) clicked(x float64) {
	if some := p.incidentsAt(x); len(some) > 0 {
		p.list.pick(some[0].from.String())
	}
}

// periodOf returns the account of a period, nil if there is none.
func periodOf(u *api.Uptime, name string) *api.Period {
	for i := range u.Periods {
		if u.Periods[i].Name == name {
			return &u.Periods[i]
		}
	}
	return nil
}

// figuresOf returns the figures of a period; of none if p is nil.
func figuresOf(p *api.Period) []pair {
	list := []pair{
		{"Uptime", none},
		{"In market hours", none},
		{"Outages", none},
		{"Longest", none},
		{"Mean to recover", none},
		{"Mean between", none},
	}
	if p == nil {
		return list
	}
	if p.UptimePercent != nil {
		list[0].value = wording.Share(*p.UptimePercent)
	}
	if p.MarketUptimePercent != nil {
		list[1].value = wording.Share(*p.MarketUptimePercent)
	}
	if list[2].value = strconv.Itoa(p.Outages); p.Outages > 0 {
		list[3].value, list[4].value = length(p.LongestSeconds), length(p.MeanSeconds)
	}
	if p.MeanBetweenSeconds != nil {
		list[5].value = length(*p.MeanBetweenSeconds)
	}
	return list
}

// termsOf shows what the uptime of a period is made of.
func termsOf(p *api.Period, marketHours string) string {
	text := "Uptime = connected ÷ (observed – planned – paused)."
	if p != nil {
		text += " Here: " + madeOf(p) + "."
	}
	if marketHours != "" {
		text += " Market hours: " + plain(marketHours) + "."
	}
	return text
}

// madeOf lists the kinds of time in a period that there were.
func madeOf(p *api.Period) string {
	var parts []string
	for _, k := range kinds {
		if t := term(p, k.kind); t > 0 {
			parts = append(parts, strings.ToLower(k.name)+" "+length(t))
		}
	}
	return strings.Join(parts, ", ")
}

// spanRows returns a row for each span, the newest first.
func spanRows(spans []api.Span) []rowTexts {
	var rows []rowTexts
	for i := len(spans) - 1; i >= 0; i-- {
		if len(rows) == maxRows {
			return append(rows, rowTexts{name: fmt.Sprintf("%d earlier ones", i+1), more: "`gatewatch log` shows all."})
		}
		s := spans[i]
		name := ""
		for _, k := range kinds {
			if k.kind == s.Kind {
				name = k.name
			}
		}
		layout := "15:04:05"
		if s.From.Local().YearDay() != spans[len(spans)-1].Until.Local().YearDay() {
			layout = "Mon 15:04:05"
		}
		rows = append(rows, rowTexts{
			name:  s.From.Local().Format(layout) + "  " + name,
			value: length(s.Until.Sub(s.From).Round(time.Millisecond).Seconds()),
		})
	}
	return rows
}

// dayRows returns a row for each day, the newest first.
func dayRows(days []api.Period) []rowTexts {
	var rows []rowTexts
	for i := len(days) - 1; i >= 0; i-- {
		d := &days[i]
		row := rowTexts{name: dayName(d.From), value: none, more: upper(madeOf(d)) + "."}
		if d.UptimePercent != nil {
			row.value = wording.Share(*d.UptimePercent)
		}
		switch {
		case d.Outages == 1:
			row.more = "1 outage, " + length(d.LongestSeconds) + ". " + row.more
		case d.Outages > 1:
			row.more = fmt.Sprintf("%d outages, longest %s. %s", d.Outages, length(d.LongestSeconds), row.more)
		}
		rows = append(rows, row)
	}
	return rows
}
