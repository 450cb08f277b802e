package ui

import (
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// loginCard shows whether the program is launched at login, and switches it. It is no part of the settings: the system
// keeps it, and it counts at once.
type loginCard struct {
	content *fyne.Container
	check   *check
	words   *widget.Label
	wrong   *mistake
	known   *api.Autostart // nil until it is known
	telling bool           // the mark is being set to what is known
}

func newLoginCard(k *keys, change func(on bool)) *loginCard {
	c := &loginCard{words: fine(""), wrong: newMistake()}
	c.check = newCheck(k, wording.LaunchAtLogin, func() {
		if c.telling {
			return
		}
		enable(c.check, false)
		change(c.check.Checked)
	})
	c.content = card(container.New(stacked{-6}, c.check, c.wrong.content, c.words))
	c.content.Hide()
	return c
}

// take takes in the state, or why that is not known or could not be changed.
func (c *loginCard) take(a api.Autostart, err error) {
	switch {
	case err == nil:
		c.known = &a
		c.wrong.say(nil)
	case errors.Is(err, api.ErrNotRunning), errors.Is(err, api.ErrNotResponding):
		c.wrong.say([]string{"This is unknown and cannot be changed: " + reasonOf(err)})
	default:
		c.wrong.say([]string{wording.OneLine(api.Reason(err)) + "."})
	}
	if c.known == nil {
		return
	}
	c.telling = true
	c.check.SetChecked(c.known.On)
	c.telling = false
	enable(c.check, true)
	setText(c.words, c.known.Text)
}
