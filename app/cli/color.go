package cli

import (
	"github.com/fatih/color"

	"gatewatch/conn/ib"
	"gatewatch/engine/rules"
)

// The colours of what is printed mean the same as those of the tray.
var (
	good   = color.New(color.FgGreen)
	busy   = color.New(color.FgBlue)
	doubt  = color.New(color.FgYellow)
	wrong  = color.New(color.FgRed)
	resets = color.New(color.FgMagenta)
	live   = color.New(color.FgRed, color.Bold)
	title  = color.New(color.Bold)
)

// SetColor takes the value of --color: always, never, or auto, which shows colours if stdout is a terminal, TERM is not
// dumb and NO_COLOR is not set.
func SetColor(when string) {
	for _, c := range []*color.Color{good, busy, doubt, wrong, resets, live, title} {
		switch when {
		case "always":
			c.EnableColor()
		case "never":
			c.DisableColor()
		}
	}
}

// colored returns text in a colour; nil is none.
func colored(c *color.Color, text string) string {
	if c == nil || text == "" {
		return text
	}
	return c.Sprint(text)
}

// shapeColors are the colours of the signs of [api.Shown]; a sign that is not here has none.
var shapeColors = map[string]*color.Color{
	"up": good, "working": busy, "impaired": doubt, "blocked": doubt, "down": wrong, "resting": resets,
}

// modeColor is the colour of an account's kind: LIVE has one of its own.
func modeColor(m ib.Mode) *color.Color {
	if m == ib.Live {
		return live
	}
	return nil
}

// openColor is the colour of the order guard.
func openColor(open bool) *color.Color {
	if open {
		return good
	}
	return wrong
}

// ruleColor is the colour of a rule's state.
func ruleColor(s rules.State) *color.Color {
	switch s {
	case rules.Active:
		return good
	case rules.Triggered:
		return busy
	case rules.Failed:
		return wrong
	}
	return nil
}
