package ui

import (
	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// desk decides what happens between the settings in force and those in the form, without any widget.
type desk struct {
	view *api.SettingsView // as last read; nil before
	base draft             // what the form was filled from
	form draft             // what stands in the form
	// theirs is what the settings became elsewhere while the form had changes of its own, nil if they did not.
	theirs *api.SettingsView
}

// dirty reports whether the form says something else than what it was filled from.
func (d *desk) dirty() bool { return d.view != nil && !d.form.equal(d.base) }

// read takes in the settings in force. It returns whether the form has to be filled again.
func (d *desk) read(v api.SettingsView) (fill bool) {
	first := d.view == nil
	d.view = &v
	now := draftOf(v.Settings)
	switch {
	case first:
	case now.equal(d.base): // as they were when the form was filled
		d.theirs = nil
		return false
	case now.equal(d.form): // they became what stands in the form
		d.base, d.theirs = now, nil
		return false
	case d.dirty():
		d.theirs = &v
		return false
	}
	d.take(v.Settings)
	return true
}

func (d *desk) take(s settings.Settings) {
	d.base, d.theirs = draftOf(s), nil
	d.form = draftOf(s)
}

// reload drops the changes in the form for the settings in force.
func (d *desk) reload() { d.take(d.view.Settings) }

// keepMine keeps the form; saving it replaces what was changed elsewhere.
func (d *desk) keepMine() {
	if d.theirs != nil {
		d.base, d.theirs = draftOf(d.theirs.Settings), nil
	}
}

// saved takes in what is in force after the form was saved as the given draft. What was edited meanwhile stays.
func (d *desk) saved(v api.SettingsView, sent draft) (fill bool) {
	untouched := d.form.equal(sent)
	d.view, d.theirs = &v, nil
	d.base = draftOf(v.Settings)
	if untouched && !d.form.equal(d.base) {
		d.form = draftOf(v.Settings)
		return true
	}
	return false
}

// changedElsewhere lists the keys that were changed elsewhere since the form was filled.
func (d *desk) changedElsewhere() []string {
	if d.theirs == nil {
		return nil
	}
	before, problems := d.base.settings()
	if len(problems) > 0 {
		return nil
	}
	return settings.Diff(before, d.theirs.Settings)
}
