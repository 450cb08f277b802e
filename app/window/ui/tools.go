package ui

import (
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// The pages at IBKR that the window links to.
const (
	systemStatusURL = "https://www.interactivebrokers.com/en/software/systemStatus.php"
	apiManualURL    = "https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/"
)

// toolsCard mutes desktop notifications, copies what a question to others needs, and leads to IBKR's pages.
type toolsCard struct {
	content  fyne.CanvasObject
	muted    *widget.Label
	hour     *button
	tomorrow *button
	unmute   *button
	status   *button
	report   *button
	outcome  *widget.Label
	links    []*button
}

func newToolsCard(k *keys, v *View) *toolsCard {
	c := &toolsCard{muted: text(""), outcome: fine("")}
	c.muted.Truncation = fyne.TextTruncateEllipsis
	mute := func(until func() time.Time) func() { return func() { v.actions.Mute(until()) } }
	c.hour = newButton(k, "Mute for 1 hour", mute(func() time.Time { return v.now.Add(time.Hour) }))
	c.tomorrow = newButton(k, wording.UntilTomorrow, mute(func() time.Time { return wording.Tomorrow(v.now.Local()) }))
	c.unmute = newButton(k, wording.Unmute, mute(func() time.Time { return time.Time{} }))
	c.status = newButton(k, "Copy status", func() {
		c.copied(v.pic.plainText(v.now), "The status is on the clipboard.")
	})
	c.report = newButton(k, wording.CopyDiagnostics, func() {
		c.say("Collecting…")
		v.actions.Diagnostics()
	})
	for _, l := range [][2]string{{"IBKR system status", systemStatusURL}, {"IBKR API manual", apiManualURL}} {
		c.links = append(c.links, newLink(k, l[0], l[1]))
	}
	bell := container.NewHBox(c.hour, c.tomorrow, c.unmute)
	c.content = card(container.New(
		stacked{4}, c.muted, bell, container.NewHBox(c.links[0], c.links[1]), container.NewHBox(c.status, c.report),
		c.outcome, // where it moves no button
	))
	c.render(nil, time.Time{})
	return c
}

// newLink returns a button that opens a page in the browser.
func newLink(k *keys, name, page string) *button {
	b := newButton(k, name, func() {
		if u, err := url.Parse(page); err == nil {
			_ = fyne.CurrentApp().OpenURL(u) // without a browser there is nothing else to do
		}
	})
	b.Importance = widget.LowImportance
	return b
}

// render takes in whether notifications are muted; st is nil while the resident program is not there.
func (c *toolsCard) render(st *api.Status, now time.Time) {
	until := (*time.Time)(nil)
	if st != nil && st.Muted != nil && st.Muted.After(now) {
		until = st.Muted
	}
	words := "Notifications on this computer: on"
	switch {
	case st == nil:
		words = "Notifications on this computer"
	case until != nil:
		words = wording.MutedUntil(*until, now)
	}
	setText(c.muted, words)
	for _, b := range []*button{c.hour, c.tomorrow, c.report} {
		enable(b, st != nil)
	}
	show(c.unmute, until != nil)
}

// copied puts text on the clipboard and says so.
func (c *toolsCard) copied(text, done string) {
	fyne.CurrentApp().Clipboard().SetContent(text)
	c.say(done)
}

func (c *toolsCard) say(words string) { setText(c.outcome, words) }

// Diagnostics takes in the diagnostics that were asked for.
func (v *View) Diagnostics(text string, err error) {
	if err != nil {
		v.status.tools.say(didNotWork(err))
		return
	}
	v.status.tools.copied(text, "Diagnostics, without personal data, are on the clipboard.")
}

// Muted takes in what came of muting notifications.
func (v *View) Muted(err error) {
	words := ""
	if err != nil {
		words = didNotWork(err)
	}
	v.status.tools.say(words)
}
