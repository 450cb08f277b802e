//go:build !darwin || cgo

package tray

import (
	"context"
	"runtime"
	"sync"

	"fyne.io/systray"

	"gatewatch/assets"
)

// systrayBar is the tray by way of the library. Entries are made once and never again: a rebuilt menu gives the entries
// new ids and loses clicks.
type systrayBar struct {
	template bool
	items    [entries]*systray.MenuItem
}

// build makes the menu as v says.
func (b *systrayBar) build(v View) {
	for i := range v.Menu {
		e := Entry(i)
		switch e {
		case Today, LaunchAtLogin:
			systray.AddSeparator()
		}
		switch title := label(v.Menu[e].Title); e {
		case MuteHour, MuteTomorrow, Unmute:
			b.items[e] = b.items[Mute].AddSubMenuItem(title, "")
		case LaunchAtLogin:
			b.items[e] = systray.AddMenuItemCheckbox(title, "", v.Menu[e].Checked)
		default:
			b.items[e] = systray.AddMenuItem(title, "")
		}
		if v.Menu[e].Disabled {
			b.items[e].Disable()
		}
	}
	// Hidden at the end: on Windows any other change to an entry shows it.
	for i := range v.Menu {
		if v.Menu[i].Hidden {
			b.items[i].Hide()
		}
	}
}

func (b *systrayBar) setIcon(i assets.Icon) {
	if b.template {
		systray.SetTemplateIcon(assets.Tray(i, assets.Template), assets.Tray(i, assets.Color))
		return
	}
	systray.SetIcon(assets.Tray(i, assets.Color))
}

func (b *systrayBar) setTooltip(text string)         { systray.SetTooltip(text) }
func (b *systrayBar) setTitle(e Entry, title string) { b.items[e].SetTitle(label(title)) }
func (b *systrayBar) show(e Entry)                   { b.items[e].Show() }
func (b *systrayBar) hide(e Entry)                   { b.items[e].Hide() }

func (b *systrayBar) check(e Entry, on bool) {
	if on {
		b.items[e].Check()
	} else {
		b.items[e].Uncheck()
	}
}

// listen passes clicks on until ctx ends. The library drops a click that no one is waiting for, so every entry has
// someone who does nothing else.
func (b *systrayBar) listen(ctx context.Context, t *tray, waiters *sync.WaitGroup) {
	for i, item := range b.items {
		if t.action(Entry(i)) == nil {
			continue
		}
		waiters.Go(func() {
			t.steady(ctx, func() {
				for {
					select {
					case <-ctx.Done():
						return
					case <-item.ClickedCh:
						t.act(Entry(i))
					}
				}
			})
		})
	}
}

func newBar(t *tray) *systrayBar {
	return &systrayBar{template: t.cfg.Monochrome && runtime.GOOS == "darwin"}
}
