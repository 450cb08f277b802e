package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
)

// Attach binds the keys that work wherever the focus is, and the desktop's ways to close the window.
func (v *View) Attach(w fyne.Window) {
	w.SetCloseIntercept(v.Close)
	c := w.Canvas()
	v.keys.canvas = c
	for _, s := range v.shortcuts() {
		c.AddShortcut(s, v.shortcut)
	}
	c.SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			v.escape()
		}
	})
}

func (v *View) shortcuts() []*desktop.CustomShortcut {
	var list []*desktop.CustomShortcut
	for _, k := range []fyne.KeyName{fyne.KeyR, fyne.KeyW, fyne.KeyF, fyne.KeyComma} {
		list = append(list, &desktop.CustomShortcut{KeyName: k, Modifier: fyne.KeyModifierShortcutDefault})
	}
	return list
}

func (v *View) shortcut(s fyne.Shortcut) {
	custom, ok := s.(*desktop.CustomShortcut)
	if !ok || custom.Modifier != fyne.KeyModifierShortcutDefault {
		return
	}
	switch custom.KeyName {
	case fyne.KeyR:
		v.command(connectNow)
	case fyne.KeyW:
		v.Close()
	case fyne.KeyF:
		switch v.page {
		case pageRules:
			v.keys.focus(v.rules.search)
		case pageOrders:
			v.keys.focus(v.orders.search)
		case pageSettings:
			v.keys.focus(v.form.search)
		}
	case fyne.KeyComma:
		v.open(pageSettings)
	}
}

// reveal scrolls to what has got the focus.
func (v *View) reveal(o fyne.CanvasObject) {
	for _, s := range []*container.Scroll{
		v.status.scroll, v.history.scroll, v.rules.scroll, v.rules.editor.scroll,
		v.orders.scroll, v.others.scroll, v.alerts.scroll, v.form.scroll,
	} {
		if _, inside := topOf(o, s.Content); !inside || !s.Visible() {
			continue
		}
		s.Content.Resize(s.Content.MinSize().Max(s.Size())) // what is shown just now gets its place
		top, _ := topOf(o, s.Content)
		const margin = 24 // for the name and a first line of the hint
		switch bottom := top + o.Size().Height + margin; {
		case top-margin < s.Offset.Y:
			s.ScrollToOffset(fyne.NewPos(0, max(0, top-margin)))
		case bottom > s.Offset.Y+s.Size().Height:
			s.ScrollToOffset(fyne.NewPos(0, bottom-s.Size().Height))
		}
	}
}

// topOf returns how far o is from the top of root, and whether it is a part of it, as far as root is made of
// containers. The toolkit itself knows that only of what it has painted.
func topOf(o, root fyne.CanvasObject) (y float32, inside bool) {
	if o == root {
		return 0, true
	}
	if c, ok := root.(*fyne.Container); ok {
		for _, child := range c.Objects {
			if y, inside = topOf(o, child); inside {
				return y + child.Position().Y, true
			}
		}
	}
	return 0, false
}

// keepFocus gives the focus to the tab of the page when what had it is gone, so that the Tab key goes on from there.
func (v *View) keepFocus() {
	if v.keys.canvas == nil || v.keys.canvas.Overlays().Top() != nil {
		return
	}
	if o, ok := v.keys.canvas.Focused().(fyne.CanvasObject); ok && !shown(o, v.content) {
		v.keys.canvas.Focus(v.tabs[v.page])
	}
}

// shown reports whether o is a part of root that is not hidden, as far as root is made of containers and what scrolls.
func shown(o, root fyne.CanvasObject) bool {
	if o == root || !root.Visible() {
		return root.Visible()
	}
	switch root := root.(type) {
	case *fyne.Container:
		return slices.ContainsFunc(root.Objects, func(child fyne.CanvasObject) bool { return shown(o, child) })
	case *container.Scroll:
		return shown(o, root.Content)
	}
	return false
}
