package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// alertsPage shows how alerts fare, and tests them.
type alertsPage struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	keys    *keys
	test    func(channel string)
	intro   *widget.Label
	note    *widget.Label
	list    *fyne.Container
	rows    []*channelRow
	testing string // the channel that is being tested, empty if none is
}

// channelRow is one channel.
type channelRow struct {
	content *fyne.Container
	name    string
	title   *widget.Label
	state   *widget.Label
	wrong   *widget.Label
	outcome *widget.Label
	button  *button
}

const (
	noChannels = "No alerts leave this computer yet. Set up email, Slack, a webhook or another service on the " +
		"Settings page; " +
		"`gatewatch secret set NAME` stores what is secret."
	someChannels = "The desktop shows the same notifications, but sooner. A test is sent at once."
)

func newAlertsPage(k *keys, test func(channel string)) *alertsPage {
	p := &alertsPage{keys: k, test: test, intro: wrapped(""), note: wrapped(""), list: container.New(stacked{8})}
	p.note.Importance = widget.DangerImportance
	p.scroll = container.NewVScroll(padded(4, 10, container.New(stacked{8}, p.intro, p.note, p.list)))
	p.content = p.scroll
	show(p.note, false)
	return p
}

// take takes in how alerts fare, or why that is not known.
func (p *alertsPage) take(a api.Alerts, err error) {
	if err != nil {
		setText(p.note, "Alerts cannot be shown: "+wording.OneLine(err.Error())+".")
		show(p.note, true)
		return
	}
	show(p.note, false)
	setText(p.intro, someChannels)
	if len(a.Channels) == 0 {
		setText(p.intro, noChannels)
	}
	same := len(a.Channels) == len(p.rows)
	for i := 0; same && i < len(p.rows); i++ {
		same = p.rows[i].name == a.Channels[i].Name
	}
	if !same {
		p.rows = nil
		p.list.RemoveAll()
		for _, c := range a.Channels {
			r := p.newRow(c.Name)
			p.rows = append(p.rows, r)
			p.list.Add(r.content)
		}
	}
	for i := range a.Channels {
		p.rows[i].render(&a.Channels[i])
	}
	p.refresh()
}

func (p *alertsPage) newRow(name string) *channelRow {
	r := &channelRow{name: name, title: bold(""), state: fine(""), wrong: wrapped(""), outcome: wrapped("")}
	r.title.Truncation = fyne.TextTruncateEllipsis
	r.wrong.Importance = widget.DangerImportance
	r.button = newButton(p.keys, "Test", func() { p.start(name) })
	r.content = card(container.NewBorder(nil, nil, nil, container.NewCenter(r.button), r.title), r.state, r.wrong,
		r.outcome)
	show(r.outcome, false)
	return r
}

func (r *channelRow) render(c *api.Channel) {
	title := plain(c.Service)
	if c.Service == "Service" {
		title = plain(c.Name)
	}
	setText(r.title, title)
	state := fmt.Sprintf("%d sent since the start.", c.Sent)
	if c.LastSentAt != nil {
		state = fmt.Sprintf("%d sent since the start, last %s.", c.Sent, c.LastSentAt.Local().Format("Mon 15:04:05"))
	}
	if c.Queued > 0 {
		state += fmt.Sprintf(" %d waiting", c.Queued)
		if c.OldestAt != nil {
			state += " since " + c.OldestAt.Local().Format("Mon 15:04:05")
		}
		state += "."
	}
	setText(r.state, state)
	wrong := ""
	if c.LastError != "" {
		wrong = "Last failure: " + plain(c.LastError)
		if c.LastErrorAt != nil {
			wrong += " (" + c.LastErrorAt.Local().Format("Mon 15:04:05") + ")"
		}
	}
	setText(r.wrong, wrong)
	show(r.wrong, wrong != "")
}

func (p *alertsPage) start(name string) {
	if p.testing != "" {
		return
	}
	p.testing = name
	for _, r := range p.rows {
		if r.name == name {
			r.outcome.Importance = widget.MediumImportance
			setText(r.outcome, "Sending a test …")
			show(r.outcome, true)
		}
	}
	p.refresh()
	p.test(name)
}

// tested takes in the outcome of a test.
func (p *alertsPage) tested(name string, t api.AlertTest, err error) {
	p.testing = ""
	said, bad := "The test was sent.", false
	switch {
	case err != nil:
		said, bad = "The test failed: "+plain(err.Error()), true
	case len(t.Results) != 1:
		said, bad = "The test failed: there is no such channel any more.", true
	case !t.Results[0].OK:
		said, bad = "The test failed: "+plain(t.Results[0].Error), true
	}
	for _, r := range p.rows {
		if r.name == name {
			r.outcome.Importance = widget.SuccessImportance
			if bad {
				r.outcome.Importance = widget.DangerImportance
			}
			r.outcome.SetText(said)
			show(r.outcome, true)
		}
	}
	p.refresh()
}

func (p *alertsPage) refresh() {
	for _, r := range p.rows {
		enable(r.button, p.testing == "")
	}
	p.list.Refresh()
	p.scroll.Refresh()
}
