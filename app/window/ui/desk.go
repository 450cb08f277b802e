package ui

import (
	"maps"
	"slices"

	"gatewatch/app/api"
)

// desk decides what happens between the settings in effect and those in the form, without any widget. Each key goes its
// own way: what was not edited follows what was changed elsewhere.
type desk struct {
	view *api.SettingsView // as last read; nil before
	base draft             // what the form was filled from
	form draft             // what is in the form
	// both are the keys that were edited and then changed elsewhere to something else.
	both []string
}

// dirty reports whether the form says something else than what it was filled from.
func (d *desk) dirty() bool { return d.view != nil && !maps.Equal(d.form, d.base) }

// edited reports whether a key was edited and is not saved.
func (d *desk) edited(path string) bool { return d.form[path] != d.base[path] }

// read takes in the settings in effect. It returns whether the form has to be filled again.
func (d *desk) read(v api.SettingsView) (fill bool) {
	first, now := d.view == nil, draftOf(v.Settings)
	d.view, d.both = &v, nil
	if first {
		d.base, d.form = now, draftOf(v.Settings)
		return true
	}
	for path, text := range now {
		switch {
		case d.base[path] == text:
		case !d.edited(path):
			d.base[path], d.form[path], fill = text, text, true
		case d.form[path] == text:
			d.base[path] = text
		default:
			d.both = append(d.both, path)
		}
	}
	slices.Sort(d.both)
	return fill
}

// reload drops the changes in the form for the settings in effect.
func (d *desk) reload() {
	d.base, d.form, d.both = draftOf(d.view.Settings), draftOf(d.view.Settings), nil
}

// keepMine keeps the form; saving it replaces what was changed elsewhere.
func (d *desk) keepMine() { d.base, d.both = draftOf(d.view.Settings), nil }

// saved takes in what is in effect after the form was saved as the given draft. What was edited meanwhile stays.
func (d *desk) saved(v api.SettingsView, sent draft) (fill bool) {
	now := draftOf(v.Settings)
	for path, text := range now {
		if d.form[path] == sent[path] && d.form[path] != text {
			d.form[path], fill = text, true
		}
	}
	d.view, d.base, d.both = &v, now, nil
	return fill
}

// defaults puts the defaults into the form, and leaves what is edited on another page.
func (d *desk) defaults() {
	all := draftOf(d.view.Defaults)
	for f := range fields {
		if f.page == "" {
			d.form[f.path] = all[f.path]
		}
	}
}
