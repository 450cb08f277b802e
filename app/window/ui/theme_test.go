package ui

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// TestEveryPairOfColorsReads checks the contrast of what is read against what it stands on, by WCAG 2.1.
func TestEveryPairOfColorsReads(t *testing.T) {
	for word, v := range variants {
		color := func(n fyne.ThemeColorName) color.Color { return Theme().Color(n, v) }
		for _, pair := range []struct {
			ink, ground fyne.ThemeColorName
			least       float64
		}{
			{theme.ColorNameForeground, colorCard, 7},
			{theme.ColorNameForeground, theme.ColorNameBackground, 7},
			{theme.ColorNameForeground, theme.ColorNameButton, 7},
			{theme.ColorNameForeground, theme.ColorNameInputBackground, 7},
			{theme.ColorNameDisabled, colorCard, 4.5},
			{theme.ColorNameDisabled, theme.ColorNameBackground, 4.5},
			{theme.ColorNameError, colorCard, 4.5},
			{theme.ColorNameError, theme.ColorNameBackground, 4.5},
			{theme.ColorNameSuccess, colorCard, 4.5},
			{theme.ColorNameWarning, colorCard, 4.5},
			{theme.ColorNameWarning, theme.ColorNameBackground, 4.5},
			{theme.ColorNameDisabled, theme.ColorNameButton, 4.5},
			{theme.ColorNameDisabled, theme.ColorNameDisabledButton, 4.5},
			{theme.ColorNamePlaceHolder, theme.ColorNameInputBackground, 4.5},
			{theme.ColorNamePlaceHolder, colorCard, 4.5}, // an axis
			{colorLine, colorCard, 4.5},
			{colorLine, theme.ColorNameBackground, 4.5},
			{theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary, 4.5},
			{theme.ColorNameForegroundOnError, theme.ColorNameError, 4.5},
		} {
			if c := contrast(color(pair.ink), color(pair.ground)); c < pair.least {
				t.Errorf("%s: %s on %s has contrast %.2f, want %v", word, pair.ink, pair.ground, c, pair.least)
			}
		}
		// What is chosen lies on a colour that lets the ground through.
		for _, ground := range []fyne.ThemeColorName{colorCard, theme.ColorNameBackground} {
			for _, over := range []fyne.ThemeColorName{
				theme.ColorNameSelection, theme.ColorNameHover,
				theme.ColorNameFocus,
			} {
				mixed := blend(color(over), color(ground))
				if c := contrast(color(theme.ColorNameForeground), mixed); c < 4.5 {
					t.Errorf("%s: text on %s over %s has contrast %.2f", word, over, ground, c)
				}
				// labels take no focus
				if c := contrast(color(theme.ColorNameDisabled), mixed); over != theme.ColorNameFocus && c < 4.5 {
					t.Errorf("%s: muted text on %s over %s has contrast %.2f", word, over, ground, c)
				}
			}
		}
		if c := contrast(liveInk, liveColor); c < 4.5 {
			t.Errorf("LIVE has contrast %.2f", c)
		}
		for shape := range shapes {
			// Shapes are found by their form; 2.1 is what the fixed set of colours has at least, for orange on white.
			if c := contrast(shape.Color(), color(colorCard)); c < 2.1 {
				t.Errorf("%s: shape %v has contrast %.2f", word, shape, c)
			}
		}
	}
}

// blend is how a colour that lets the ground through looks on it.
func blend(c, ground color.Color) color.Color {
	m := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	draw.Draw(m, m.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Over)
	return m.At(0, 0)
}

func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.03928 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
