package ui

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// head is the top of the window: the state at a glance.
type head struct {
	content  fyne.CanvasObject
	sign     *sign
	headline *widget.Label
	since    *widget.Label
	badge    *badge
}

func newHead() *head {
	h := &head{sign: newSign(34), headline: bold(""), since: muted(""), badge: newBadge()}
	h.headline.SizeName, h.headline.Wrapping = sizeState, fyne.TextWrapWord
	h.since.Truncation = fyne.TextTruncateEllipsis
	words := container.New(headWords{}, h.headline, h.since)
	h.content = padded(8, 12, container.NewBorder(nil, nil, container.NewCenter(h.sign.image),
		container.NewCenter(h.badge.content), words))
	return h
}

func (h *head) render(p *picture) {
	h.sign.set(p.shape)
	setText(h.headline, p.headline)
	setText(h.since, p.since)
	h.badge.set(p.badge)
}

// headWords puts the state above since when it lasts, closer than labels stand, around the middle. A state that takes
// two lines has the room of both: what is below stays where it is.
type headWords struct{}

const labelOverlap = 12

// heights returns how much the state needs, and how much it needs in one line.
func (headWords) heights(objects []fyne.CanvasObject) (state, inOne float32) {
	l := objects[0].(*widget.Label)
	line := fyne.MeasureText("X", l.Theme().Size(l.SizeName), l.TextStyle).Height
	return l.MinSize().Height, line + 2*theme.InnerPadding()
}

func (h headWords) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	headline, since := objects[0], objects[1]
	headline.Resize(fyne.NewSize(size.Width, headline.Size().Height)) // the width first: it decides the height of text
	state, inOne := h.heights(objects)
	show(since, state <= inOne)
	total := state
	if since.Visible() {
		total += since.MinSize().Height - labelOverlap
	}
	y := (size.Height - total) / 2
	headline.Move(fyne.NewPos(0, y))
	headline.Resize(fyne.NewSize(size.Width, state))
	since.Move(fyne.NewPos(0, y+state-labelOverlap))
	since.Resize(fyne.NewSize(size.Width, since.MinSize().Height))
}

func (h headWords) MinSize(objects []fyne.CanvasObject) fyne.Size {
	state, inOne := h.heights(objects)
	first, second := objects[0].MinSize(), objects[1].MinSize()
	return fyne.NewSize(fyne.Max(first.Width, second.Width),
		fyne.Max(inOne+second.Height-labelOverlap, state-2*theme.InnerPadding()))
}

// liveColor is of LIVE alone: no state has it.
var liveColor, liveInk = rgb(0xf0e442), rgb(0x1a1200)

// badge says LIVE on a filled plate or PAPER on an empty one.
type badge struct {
	content *fyne.Container
	label   *canvas.Text
	plate   *canvas.Rectangle
}

func newBadge() *badge {
	b := &badge{label: canvas.NewText("", color.Black), plate: canvas.NewRectangle(color.Transparent)}
	b.label.TextStyle.Bold, b.label.TextSize = true, 12
	b.plate.CornerRadius = 5
	b.content = container.NewStack(b.plate, padded(4, 10, b.label))
	b.content.Hide()
	return b
}

// set shows a word, in the colours that the theme has now.
func (b *badge) set(word string) {
	th, v := fyne.CurrentApp().Settings().Theme(), variant()
	ink, fill := th.Color(theme.ColorNameForeground, v), color.Color(color.Transparent)
	edge := ink
	if word == "LIVE" {
		ink, fill = liveInk, liveColor
	}
	show(b.content, word != "")
	if b.label.Text == word && b.label.Color == ink && b.plate.StrokeColor == edge {
		return
	}
	b.label.Text, b.label.Color = word, ink
	b.plate.FillColor, b.plate.StrokeColor, b.plate.StrokeWidth = fill, edge, 1.5
	b.label.Refresh()
	b.plate.Refresh()
}

// alarm is the banner.
type alarm struct {
	content *fyne.Container
	tint    *canvas.Rectangle
	edge    *canvas.Rectangle
	sign    *sign
	cause   *widget.Label
	since   *widget.Label
	hint    *widget.Label
	attempt *widget.Label
	failed  *widget.Label // why the last command failed
	button  *button
	does    command // what the button does
	copy    *button
	copied  string // what Copy copies
}

func newAlarm(k *keys, press func(command)) *alarm {
	a := &alarm{
		tint: canvas.NewRectangle(color.Transparent), edge: canvas.NewRectangle(color.Transparent), sign: newSign(18),
		cause: wrapped(""), since: fine(""), hint: wrapped(""), attempt: bold(""), failed: wrapped(""),
	}
	a.button = newButton(k, labels[connectNow], func() { press(a.does) })
	a.cause.TextStyle.Bold = true
	a.attempt.Truncation = fyne.TextTruncateEllipsis
	a.failed.Importance = widget.DangerImportance
	a.button.Importance = widget.HighImportance
	a.tint.CornerRadius, a.edge.CornerRadius = 8, 3
	a.edge.SetMinSize(fyne.NewSize(5, 1))
	a.copy = newButton(k, "Copy", func() { fyne.CurrentApp().Clipboard().SetContent(a.copied) })
	a.copy.Importance = widget.LowImportance
	answers := container.NewVBox(container.NewHBox(a.copy, a.button)) // beside the words, which may grow
	words := container.New(
		stacked{-2}, container.NewBorder(nil, nil, nil, answers, container.New(stacked{-10}, a.cause, a.since)), a.hint,
		a.attempt, a.failed,
	)
	body := container.NewBorder(nil, nil, container.NewVBox(padded(9, 0, a.sign.image)), nil, words)
	a.content = container.NewStack(
		newThemed(colorCard, colorBorder, 8), a.tint,
		container.NewBorder(nil, nil, a.edge, nil, padded(4, 8, body)),
	)
	return a
}

func (a *alarm) render(p *picture, busy bool, failure string) {
	b := p.banner
	show(a.content, b != nil)
	if b == nil {
		return
	}
	a.copied = p.headline + "\n" + b.plainText()
	c := b.shape.Color()
	if a.edge.FillColor != c {
		a.edge.FillColor = c
		a.edge.Refresh()
	}
	if c.A = 0x18; a.tint.FillColor != c {
		a.tint.FillColor = c
		a.tint.Refresh()
	}
	a.sign.set(b.shape)
	setText(a.cause, b.cause)
	showText(a.attempt, b.attempt)
	showText(a.since, b.since)
	showText(a.hint, b.hint)
	showText(a.failed, failure)
	if a.does = b.button; a.does != noCommand {
		rename(a.button, labels[a.does])
	}
	show(a.button, a.does != noCommand)
	enable(a.button, !busy)
}

func enable(w fyne.Disableable, yes bool) {
	switch {
	case yes && w.Disabled():
		w.Enable()
	case !yes && !w.Disabled():
		w.Disable()
	}
}

// line is a row of the list of layers.
type line struct {
	content fyne.CanvasObject
	sign    *sign
	word    *widget.Label
	since   *widget.Label
	more    *widget.Label
	moreRow fyne.CanvasObject
}

const (
	nameWidth = 124
	signSize  = 16
)

func newLine(name string) *line {
	l := &line{sign: newSign(signSize), word: text(""), since: muted(""), more: fine("")}
	l.word.Truncation = fyne.TextTruncateEllipsis
	l.since.Alignment = fyne.TextAlignTrailing
	first := container.NewBorder(nil, nil, container.NewCenter(l.sign.image), nil, text(name))
	value := container.NewBorder(nil, nil, nil, l.since, l.word)
	l.moreRow = container.New(columns{nameWidth}, layout.NewSpacer(), l.more)
	l.moreRow.Hide()
	l.content = container.New(stacked{-8}, container.New(columns{nameWidth}, first, value), l.moreRow)
	return l
}

func (l *line) render(r row) {
	l.sign.set(r.shape)
	setText(l.word, r.word)
	setText(l.since, r.since)
	setText(l.more, r.more)
	show(l.moreRow, r.more != "")
}

// statusPage is everything below the head on the first page.
type statusPage struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	alarm   *alarm
	first   *firstRun
	support *notice
	layers  map[string]*line
	arm     *armBar
	tools   *toolsCard
	leave   *button         // Disconnect
	about   *fyne.Container // the card of the pairs
	pairs   *fyne.Container
	shown   []pair
	values  []*widget.Label
	today   *widget.Label // uptime and outages of the day
	day     *chart        // what it is made of
}

func newStatusPage(k *keys, v *View) *statusPage {
	p := &statusPage{
		alarm: newAlarm(k, v.command), first: newFirstRun(k, v.saveOffer), support: newNotice(),
		layers: map[string]*line{},
		arm:    newArmBar(k, v.arm, v.disarm),
		leave:  newButton(k, "Disconnect", func() { v.command(disconnect) }),
		pairs:  container.New(stacked{-12}), today: text(""), day: newChart(), tools: newToolsCard(k, v),
	}
	var lines []fyne.CanvasObject
	for _, name := range api.LayerNames {
		p.layers[name] = newLine(name)
		lines = append(lines, p.layers[name].content)
	}
	orders := p.layers[api.LayerNames[4]].word
	orders.Truncation, orders.Wrapping = fyne.TextTruncateOff, fyne.TextWrapWord // why they are blocked
	p.about = card(p.pairs)
	p.day.raster.SetMinSize(fyne.NewSize(100, 10))
	// What has buttons comes first: text that grows or goes away above a button would move it under the mouse.
	p.scroll = container.NewVScroll(padded(4, 10, container.New(
		stacked{8}, card(p.arm.content), p.alarm.content, p.support.content, p.first.content,
		card(container.New(stacked{-8}, lines...)),
		p.about,
		p.tools.content,
	)))
	p.today.Truncation = fyne.TextTruncateEllipsis
	footer := padded(0, 10, container.New(
		stacked{0}, container.NewBorder(nil, nil, nil, container.NewCenter(p.leave), p.today),
		padded(4, 8, p.day.raster),
	))
	p.content = framed(nil, p.scroll, container.NewVBox(widget.NewSeparator(), footer))
	return p
}

func (p *statusPage) render(pic *picture, view *api.SettingsView, st *api.Status, busy bool, failure string) {
	p.alarm.render(pic, busy, failure)
	p.first.render(view, st, busy)
	p.support.render(pic.support)
	for _, r := range pic.layers {
		p.layers[r.name].render(r)
	}
	p.renderPairs(pic.details)
	show(p.leave, pic.command == disconnect)
	show(p.about, len(pic.details) > 0)
	enable(p.leave, !busy)
	setText(p.today, pic.today)
	if !slices.Equal(p.day.bars, pic.day) {
		p.day.set(pic.day)
	}
}

// renderPairs shows names and values; the rows are made again only if other names come.
func (p *statusPage) renderPairs(list []pair) {
	same := len(list) == len(p.shown)
	for i := 0; same && i < len(list); i++ {
		same = list[i].name == p.shown[i].name
	}
	if !same {
		p.pairs.RemoveAll()
		p.values = nil
		for _, d := range list {
			value := wrapped("")
			p.values = append(p.values, value)
			gap := canvas.NewRectangle(color.Transparent) // as wide as the signs above
			gap.SetMinSize(fyne.NewSquareSize(signSize))
			p.pairs.Add(container.New(columns{nameWidth}, container.NewBorder(nil, nil, gap, nil, muted(d.name)),
				value))
		}
	}
	p.shown = list
	for i, d := range list {
		setText(p.values[i], d.value)
	}
}

// notice is a card with a warning that does not concern the connection as it is.
type notice struct {
	content *fyne.Container
	words   *widget.Label
}

func newNotice() *notice {
	n := &notice{words: wrapped("")}
	n.content = card(container.NewBorder(nil, nil, container.NewVBox(padded(9, 0, fixed(Impaired, 18))), nil, n.words))
	n.content.Hide()
	return n
}

func (n *notice) render(words string) {
	setText(n.words, words)
	show(n.content, words != "")
}

// firstRun is shown while there is no settings file: what there is to save, with one button for all of it.
type firstRun struct {
	content *fyne.Container
	title   *widget.Label
	reset   *widget.Label
	button  *button
}

func newFirstRun(k *keys, save func()) *firstRun {
	f := &firstRun{title: wrapped(""), reset: wrapped(""), button: newButton(k, "Save", save)}
	f.title.TextStyle.Bold = true
	f.content = card(
		f.title, f.reset,
		wrapped(wording.NothingSaved),
		container.NewHBox(layout.NewSpacer(), f.button),
	)
	f.content.Hide()
	return f
}

func (f *firstRun) render(view *api.SettingsView, st *api.Status, busy bool) {
	o := api.OfferOf(view, st)
	show(f.content, o != nil)
	if o == nil {
		return
	}
	setText(f.title, o.Title)
	showText(f.reset, o.Text)
	rename(f.button, o.Button)
	enable(f.button, !busy)
}
