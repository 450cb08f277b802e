package ui

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// alertsPage shows the channels for alerts, tests, adds, changes and removes them.
type alertsPage struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	keys    *keys
	actions *Actions
	now     *settings.Settings // in effect; nil before they are known
	linked  bool

	overview *fyne.Container // all but the form
	intro    *widget.Label
	note     *widget.Label
	stored   *widget.Label
	add      *button
	confirm  *question
	list     *fyne.Container
	rows     []*channelRow
	outcomes map[string]outcome // of tests, by channel
	testing  string             // the channel that is being tested, empty if none is
	reading  string             // the channel whose address is awaited to edit it, empty if none is

	form    *alertForm // nil while none is open
	place   *fyne.Container
	foot    *fyne.Container
	message *widget.Label
	save    *button
	saving  bool
	failed  string // why saving failed
}

// outcome is what became of a test.
type outcome struct {
	text string
	bad  bool
}

// channelRow is one channel.
type channelRow struct {
	content *fyne.Container
	name    string
	title   *widget.Label
	state   *widget.Label
	wrong   *widget.Label
	outcome *widget.Label
	test    *button
	edit    *button
	remove  *button
	channel api.Channel
}

const (
	noChannels = "No alerts leave this computer yet. Add email, a messenger or another service, so that you know of " +
		"an outage wherever you are."
	someChannels = "The desktop shows the same notifications, but sooner. A test is sent at once."
)

func newAlertsPage(k *keys, a *Actions) *alertsPage {
	p := &alertsPage{
		keys: k, actions: a, intro: wrapped(""), note: wrapped(""), stored: wrapped(""),
		list: container.New(stacked{8}), outcomes: map[string]outcome{}, place: container.New(stacked{0}),
		message: wrapped(""),
	}
	p.note.Importance, p.message.SizeName = widget.DangerImportance, sizeFine
	p.add = newButton(k, "Add an alert", func() {
		p.open(newAlertForm(k, *p.now, offered(*p.now), alertTarget{}, p.changed))
	})
	p.add.Importance = widget.HighImportance
	p.confirm = newQuestion(k)
	p.overview = container.New(stacked{8}, p.intro, p.note, p.stored, p.list, container.NewHBox(p.add))
	p.scroll = container.NewVScroll(padded(4, 10, container.New(stacked{8}, p.overview, p.place)))
	p.save = newButton(k, "Save and send test", p.submit)
	p.save.Importance = widget.HighImportance
	buttons := container.NewHBox(layout.NewSpacer(), newButton(k, "Cancel", p.cancel), p.save)
	p.foot = container.NewVBox(widget.NewSeparator(), padded(4, 10, container.New(stacked{0}, p.message, buttons)))
	p.content = framed(padded(0, 10, p.confirm.content), p.scroll, p.foot)
	show(p.note, false)
	show(p.stored, false)
	p.refresh()
	return p
}

// settings takes in the settings in effect.
func (p *alertsPage) settings(v api.SettingsView) {
	if p.now != nil && reflect.DeepEqual(*p.now, v.Settings) {
		return
	}
	p.now = &v.Settings
	p.refresh()
}

func (p *alertsPage) link(up bool) {
	if p.linked != up {
		p.linked = up
		p.refresh()
	}
}

// take takes in the status of alert channels, or why that is not known.
func (p *alertsPage) take(a api.Alerts, err error) {
	if err != nil {
		showText(p.note, cannotShow("Alerts", err))
		return
	}
	show(p.note, false)
	setText(p.intro, someChannels)
	if len(a.Channels) == 0 {
		setText(p.intro, noChannels)
	}
	if !slices.EqualFunc(p.rows, a.Channels, func(r *channelRow, c api.Channel) bool { return r.name == c.Name }) {
		p.rows = nil
		p.list.RemoveAll()
		for _, c := range a.Channels {
			r := p.newRow(c.Name)
			p.rows = append(p.rows, r)
			p.list.Add(r.content)
		}
	}
	for i := range a.Channels {
		p.rows[i].render(&a.Channels[i], p.keys.now())
	}
	p.refresh()
}

func (p *alertsPage) newRow(name string) *channelRow {
	r := &channelRow{name: name, title: bold(""), state: fine(""), wrong: wrapped(""), outcome: wrapped("")}
	r.title.Truncation = fyne.TextTruncateEllipsis
	r.wrong.Importance = widget.DangerImportance
	r.test = newButton(p.keys, "Send test", func() { p.start(name) })
	r.edit = newButton(p.keys, "Edit", func() {
		if kind, _ := alertKindOf(&r.channel); !kind.service() {
			p.edit(name, "", nil)
			return
		}
		p.reading = name
		p.refresh()
		p.actions.Address(name)
	})
	r.remove = newDanger(p.keys, "Remove…", func() { p.askRemove(r) })
	buttons := container.NewHBox(r.test, r.edit, r.remove)
	r.content = card(container.NewBorder(nil, nil, nil, container.NewCenter(buttons), r.title), r.state, r.wrong,
		r.outcome)
	return r
}

// edit opens the form for a channel; of a service with its address, or with why that cannot be read.
func (p *alertsPage) edit(name, address string, err error) {
	p.reading = ""
	i := slices.IndexFunc(p.rows, func(r *channelRow) bool { return r.name == name })
	if i < 0 || p.form != nil {
		return
	}
	kind, _ := alertKindOf(&p.rows[i].channel)
	p.open(newAlertForm(p.keys, *p.now, []alertKind{kind}, alertTarget{name, address}, p.changed))
	if kind.service() && address == "" {
		p.failed = "What is stored cannot be read; fill in everything again."
		if err != nil {
			p.failed = "What is stored cannot be read: " + reasonOf(err)
		}
		p.refresh()
	}
}

func (r *channelRow) heading() string {
	if r.channel.Service == "Service" {
		return plain(r.channel.Name)
	}
	return plain(r.channel.Service)
}

func (r *channelRow) render(c *api.Channel, now time.Time) {
	r.channel = *c
	setText(r.title, r.heading())
	state := "Nothing sent since Gatewatch started."
	if c.LastSentAt != nil {
		state = fmt.Sprintf("%d sent since Gatewatch started, last %s.", c.Sent,
			clock(*c.LastSentAt, now))
	}
	if c.Queued > 0 {
		state += fmt.Sprintf(" %d waiting", c.Queued)
		if c.OldestAt != nil {
			state += " since " + clock(*c.OldestAt, now)
		}
		state += "."
	}
	setText(r.state, state)
	wrong := ""
	switch {
	case c.LastError != "" && c.LastErrorAt != nil:
		wrong = "Last failure: " + plain(c.LastError) + " (" + clock(*c.LastErrorAt, now) + ")"
	case c.LastError != "":
		wrong = "Cannot send: " + plain(c.LastError)
	}
	showText(r.wrong, wrong)
}

// start sends a test by a channel.
func (p *alertsPage) start(name string) {
	if p.testing != "" {
		return
	}
	p.testing = name
	p.outcomes[name] = outcome{text: "Sending a test…"}
	p.refresh()
	p.actions.Test(name)
}

// tested takes in the outcome of a test.
func (p *alertsPage) tested(name string, t api.AlertTest, err error) {
	p.testing = ""
	said := outcome{text: "The test was sent."}
	switch {
	case err != nil:
		said = outcome{"The test failed: " + reasonOf(err), true}
	case len(t.Results) != 1:
		said = outcome{"The test failed: there is no such channel any more.", true}
	case !t.Results[0].OK:
		said = outcome{"The test failed: " + plain(t.Results[0].Error), true}
	}
	p.outcomes[name] = said
	p.refresh()
}

func (r *channelRow) say(o outcome, ended bool) {
	importance := widget.MediumImportance
	switch {
	case o.bad:
		importance = widget.DangerImportance
	case ended:
		importance = widget.SuccessImportance
	}
	setImportance(r.outcome, importance)
	showText(r.outcome, o.text)
}

func (p *alertsPage) askRemove(r *channelRow) {
	words := fmt.Sprintf("Remove %s? Alerts no longer go there.", r.heading())
	if r.channel.Queued > 0 {
		words = fmt.Sprintf("Remove %s? Alerts no longer go there, and %d that wait are dropped.", r.heading(),
			r.channel.Queued)
	}
	name := r.name
	p.confirm.ask(words, "Keep", "Remove", func() { p.change(removal(*p.now, name)) })
}

// open shows a form.
func (p *alertsPage) open(f *alertForm) {
	p.form, p.failed = f, ""
	p.confirm.drop()
	show(p.stored, false)
	p.place.RemoveAll()
	p.place.Add(f.content)
	p.scroll.ScrollToTop()
	p.refresh()
	if f.pick != nil {
		p.keys.focus(f.pick)
	} else {
		f.first()
	}
}

func (p *alertsPage) shut() {
	p.form = nil
	p.confirm.drop()
	p.place.RemoveAll()
	p.refresh()
	p.keys.focus(p.add)
}

func (p *alertsPage) cancel() {
	if !p.dirty() {
		p.shut()
		return
	}
	p.confirm.ask("What you have typed is not saved.", keepEditing, "Discard", p.shut)
}

// dirty reports whether something was typed that is not saved.
func (p *alertsPage) dirty() bool { return p.form != nil && p.form.dirty() }

// changed shows what is wrong with what was typed.
func (p *alertsPage) changed() {
	if p.form != nil {
		p.failed = ""
		p.form.change(false)
		p.refresh()
	}
}

func (p *alertsPage) submit() {
	if p.saving {
		return
	}
	p.form.base = *p.now
	c, general, ok := p.form.change(true)
	if !ok {
		p.failed = "Some fields need attention."
		if general != "" {
			p.failed = general
		}
		p.refresh()
		p.form.first()
		return
	}
	p.change(c)
}

func (p *alertsPage) change(c AlertChange) {
	p.saving, p.failed = true, ""
	p.refresh()
	p.actions.ChangeAlerts(c)
}

// saved takes in what became of a change: the channel to test, and the places of secrets that a person has to know of.
// The error is settings.Problems if the settings are at fault; then everything stays as it was typed.
func (p *alertsPage) saved(channel string, stored []string, err error) {
	p.saving = false
	var refused settings.Problems
	switch {
	case err == nil:
		showText(p.stored, strings.Join(stored, "\n"))
		if p.form != nil {
			p.shut()
		}
		delete(p.outcomes, channel)
		if channel != "" {
			p.start(channel)
		}
	case errors.As(err, &refused) && p.form != nil:
		p.failed = savingFails + "some fields need attention."
		if general := p.form.refuse(refused); general != "" {
			p.failed = savingFails + general
		}
		p.form.first()
	default:
		p.failed = savingFails + reasonOf(err)
	}
	p.refresh()
}

func (p *alertsPage) refresh() {
	editing := p.form != nil
	show(p.overview, !editing)
	show(p.place, editing)
	show(p.foot, editing)
	ready := p.now != nil && p.linked && !p.saving
	for _, r := range p.rows {
		_, known := alertKindOf(&r.channel)
		show(r.edit, known)
		enable(r.test, p.testing == "")
		enable(r.edit, ready && p.reading == "")
		enable(r.remove, ready)
		r.say(p.outcomes[r.name], p.testing != r.name)
	}
	enable(p.add, ready)
	enable(p.save, ready)
	message, bad := p.failed, p.failed != ""
	switch {
	case bad:
	case p.saving:
		message = "Saving…"
	case !p.linked:
		message, bad = cannotSave, true
	default:
		message = "Secrets are stored in the keyring, or in a file that only you can read; never in settings.json."
	}
	tint(p.message, bad, widget.DangerImportance, widget.LowImportance)
	setText(p.message, message)
	if !editing && p.failed != "" { // of removing
		showText(p.note, p.failed)
	}
	p.list.Refresh()
	p.scroll.Refresh()
}
