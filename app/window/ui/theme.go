package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Names of colours that only this window has.
const (
	colorCard   fyne.ThemeColorName = "gatewatch-card"
	colorBorder fyne.ThemeColorName = "gatewatch-border"
	colorMuted  fyne.ThemeColorName = "gatewatch-muted"
	colorVeil   fyne.ThemeColorName = "gatewatch-veil"
	colorLine   fyne.ThemeColorName = "gatewatch-line" // of a chart
)

// sizeFine is the size of hints and captions.
const sizeFine fyne.ThemeSizeName = "gatewatch-fine"

// sizeState is the size of the state in words.
const sizeState fyne.ThemeSizeName = "gatewatch-state"

// palette has a colour for light and one for dark.
var palette = map[fyne.ThemeColorName][2]color.NRGBA{
	colorCard:                          {rgb(0xffffff), rgb(0x212429)},
	colorBorder:                        {rgb(0xd9dee4), rgb(0x363b42)},
	colorMuted:                         {rgb(0x5a6370), rgb(0xa3acb8)},
	colorVeil:                          {rgba(0xf4f6f8, 0x90), rgba(0x17191d, 0x90)},
	colorLine:                          {rgb(0x0072b2), rgb(0x56b4e9)},
	theme.ColorNameBackground:          {rgb(0xf4f6f8), rgb(0x17191d)},
	theme.ColorNameForeground:          {rgb(0x1a1f26), rgb(0xe8ebef)},
	theme.ColorNamePlaceHolder:         {rgb(0x5a6370), rgb(0xa3acb8)},
	theme.ColorNamePrimary:             {rgb(0x0072b2), rgb(0x0072b2)},
	theme.ColorNameForegroundOnPrimary: {rgb(0xffffff), rgb(0xffffff)},
	theme.ColorNameButton:              {rgb(0xe6eaee), rgb(0x31363d)},
	theme.ColorNameDisabledButton:      {rgb(0xeceff2), rgb(0x2a2e34)},
	theme.ColorNameDisabled:            {rgb(0x4f5864), rgb(0xa6afba)},
	theme.ColorNameInputBackground:     {rgb(0xf7f8fa), rgb(0x1a1d21)},
	theme.ColorNameInputBorder:         {rgb(0xbcc4cd), rgb(0x4a515a)},
	theme.ColorNameHover:               {rgba(0x000000, 0x12), rgba(0xffffff, 0x14)},
	theme.ColorNamePressed:             {rgba(0x000000, 0x24), rgba(0xffffff, 0x28)},
	theme.ColorNameFocus:               {rgba(0x0072b2, 0x50), rgba(0x56b4e9, 0x60)},
	theme.ColorNameSelection:           {rgba(0x0072b2, 0x28), rgba(0x56b4e9, 0x30)},
	theme.ColorNameSeparator:           {rgb(0xd9dee4), rgb(0x363b42)},
	theme.ColorNameOverlayBackground:   {rgb(0xffffff), rgb(0x2a2e34)},
	theme.ColorNameMenuBackground:      {rgb(0xffffff), rgb(0x2a2e34)},
	theme.ColorNameShadow:              {rgba(0x000000, 0x30), rgba(0x000000, 0x70)},
	theme.ColorNameError:               {rgb(0xb34700), rgb(0xff9a4d)},
	theme.ColorNameForegroundOnError:   {rgb(0xffffff), rgb(0x1a1200)},
	theme.ColorNameSuccess:             {rgb(0x00734f), rgb(0x35c496)},
	theme.ColorNameWarning:             {rgb(0x8a5a00), rgb(0xf0b849)},
}

func rgb(v uint32) color.NRGBA { return rgba(v, 0xff) }

func rgba(v uint32, alpha uint8) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: alpha}
}

type look struct{ fyne.Theme }

// Theme returns the look of the window, light or dark as the toolkit says.
func Theme() fyne.Theme { return look{theme.DefaultTheme()} }

func (l look) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	if c, ok := palette[name]; ok {
		if variant == theme.VariantLight {
			return c[0]
		}
		return c[1]
	}
	return l.Theme.Color(name, variant)
}

func (l look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case sizeFine:
		return 12
	case sizeState:
		return 19
	case theme.SizeNameText:
		return 13.5
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return 6
	}
	return l.Theme.Size(name)
}
