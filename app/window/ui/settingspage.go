package ui

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// settingsPage is the form of the settings.
type settingsPage struct {
	content  fyne.CanvasObject
	keys     *keys
	save     func([]byte)
	tab      func(page string) *button
	login    *loginCard
	desk     desk
	linked   bool
	saving   bool
	refused  settings.Problems // by the resident program, until the form changes
	failed   string            // why saving failed otherwise
	done     string            // what was done last
	filling  bool
	search   *entry
	nothing  *widget.Label
	sections []*sectionCard
	editors  map[string]*editor
	scroll   *container.Scroll
	conflict *fyne.Container
	others   *widget.Label
	problem  *widget.Label
	trouble  *fyne.Container
	message  *widget.Label
	button   *button
	defaults *button
	discard  *button
}

func newSettingsPage(
	k *keys, save func([]byte), setLogin func(on bool), tab func(page string) *button,
) *settingsPage {
	p := &settingsPage{
		keys: k, save: save, tab: tab, login: newLoginCard(k, setLogin), editors: map[string]*editor{},
		nothing: wrapped(""),
	}
	p.search = newSearch(k, "Search settings", p.arrange)
	cards := []fyne.CanvasObject{p.nothing, p.login.content}
	for i := range sections {
		s := p.newSection(&sections[i])
		p.sections = append(p.sections, s)
		cards = append(cards, s.content)
	}
	p.others = wrapped("")
	reload := newButton(k, "Reload", func() {
		p.desk.reload()
		p.fill()
		p.say("Reloaded.")
	})
	mine := newButton(k, "Keep mine", func() {
		p.desk.keepMine()
		p.say("Your changes are kept; Save replaces the others.")
	})
	p.conflict = card(p.others, container.NewHBox(layout.NewSpacer(), reload, mine))
	p.conflict.Hide()
	p.problem = wrapped("")
	p.trouble = card(container.NewBorder(nil, nil, container.NewCenter(fixed(Impaired, 18)), nil, p.problem))
	p.trouble.Hide()

	p.message = wrapped("")
	p.message.SizeName = sizeFine
	p.button = newButton(k, "Save", p.submit)
	p.button.Importance = widget.HighImportance
	p.defaults = newButton(k, "Reset to defaults", func() {
		p.desk.defaults()
		p.fill()
		p.say("These are the defaults. Save puts them into effect.")
	})
	p.discard = newButton(k, "Discard", func() {
		p.desk.reload()
		p.fill()
		p.say("Your changes are discarded.")
	})
	p.scroll = container.NewVScroll(padded(4, 10, container.New(stacked{8}, cards...)))
	buttons := container.NewHBox(p.defaults, layout.NewSpacer(), p.discard, p.button)
	foot := padded(4, 10, container.New(stacked{0}, p.message, buttons))
	top := padded(4, 10, container.New(stacked{4}, p.trouble, p.conflict, p.search))
	p.content = framed(top, p.scroll, container.NewVBox(widget.NewSeparator(), foot))
	p.arrange()
	p.refresh()
	return p
}

// fill puts the form of the desk into the widgets.
func (p *settingsPage) fill() {
	p.filling = true
	for path, e := range p.editors {
		e.set(p.desk.form[path])
	}
	p.filling = false
	p.refused, p.failed, p.done = nil, "", ""
	p.refresh()
}

// changed takes over what is in the widgets.
func (p *settingsPage) changed() {
	if p.filling || p.desk.view == nil {
		return
	}
	form := maps.Clone(p.desk.form)
	for path, e := range p.editors {
		form[path] = e.get()
	}
	p.desk.form = form
	p.refused, p.failed, p.done = nil, "", ""
	p.refresh()
}

func (p *settingsPage) say(done string) {
	p.done = done
	p.refresh()
}

// read takes in the settings in effect.
func (p *settingsPage) read(v api.SettingsView) {
	if p.saving { // its answer says it better
		return
	}
	again := p.desk.view != nil
	if p.desk.read(v) {
		p.fill()
		if again {
			p.done = "Changed on disk."
		}
	}
	p.refresh()
}

func (p *settingsPage) link(up bool) {
	p.linked = up
	p.refresh()
}

// submit sends the form off to be saved, or goes to what is wrong in it.
func (p *settingsPage) submit() {
	s, problems := p.desk.form.settings()
	if p.saving {
		return
	}
	if len(problems) > 0 {
		p.jump()
		return
	}
	body, err := settings.Marshal(s)
	if err != nil {
		p.failed = err.Error()
		p.refresh()
		return
	}
	p.saving, p.refused, p.failed, p.done = true, nil, "", ""
	p.refresh()
	p.save(body)
}

// saved takes in the answer to submit.
func (p *settingsPage) saved(v api.SettingsView, sent draft, err error) {
	p.saving = false
	var refused settings.Problems
	switch {
	case err == nil:
		if p.desk.saved(v, sent) {
			p.fill()
		}
		p.done = "Saved and in effect."
	case errors.As(err, &refused):
		p.refused = refused
	default:
		p.failed = savingFails + reasonOf(err)
	}
	p.refresh()
	if p.refused != nil {
		p.jump()
	}
}

// refresh shows what is wrong and what can be done.
func (p *settingsPage) refresh() {
	ready := p.desk.view != nil
	problems := settings.Problems{}
	if ready {
		_, problems = p.desk.form.settings()
	}
	if len(problems) == 0 {
		problems = p.refused
	}
	general := p.mark(problems)
	marked := p.compare()

	dirty, both := p.desk.dirty(), len(p.desk.both) > 0
	message, bad := p.done, false
	switch {
	case !ready && !p.linked:
		message = "Waiting for Gatewatch."
	case !ready:
		message = "Reading the settings…"
	case p.failed != "":
		message, bad = p.failed, true
	case general != "":
		message, bad = general, true
	case len(problems) > 0:
		message, bad = needAttention(len(problems)), true
	case p.saving:
		message = "Saving…"
	case !p.linked:
		message, bad = cannotSave, true
	case both:
		message = "Choose above first: reload, or keep yours."
	case message == "" && dirty:
		message = strings.Join(append([]string{"There are unsaved changes"}, p.effects()...), ". ") + "."
	case message == "" && !p.desk.view.Found:
		message = "No settings file yet: these are the defaults. Save writes one."
	case message == "":
		message = "Changes made in " + p.desk.view.Path + " appear here at once."
	}
	tint(p.message, bad, widget.DangerImportance, widget.LowImportance)
	setText(p.message, message)
	enable(p.button, ready && p.linked && !p.saving && !both && (dirty || !p.desk.view.Found))
	enable(p.discard, ready && dirty)
	enable(p.defaults, ready && marked > 0)

	var names []string
	for f := range fields {
		if slices.Contains(p.desk.both, f.path) {
			names = append(names, f.label)
		}
	}
	setText(p.others, "These settings have changed on disk while you were editing them: "+strings.Join(names, ", ")+".")
	show(p.conflict, both)
	show(p.search, !both) // where there is little room, the choice comes first
	trouble := ready && p.desk.view.Problem != ""
	if trouble {
		setText(p.problem, "The file on disk is refused; what is shown here is in effect.\n"+plain(p.desk.view.Problem))
	}
	show(p.trouble, trouble)
}

// effects returns what the unsaved changes interrupt or wait for.
func (p *settingsPage) effects() (list []string) {
	for f := range fields {
		if f.effect != "" && p.desk.edited(f.path) && !slices.Contains(list, f.effect) {
			list = append(list, f.effect)
		}
	}
	return list
}

// mark shows each problem beneath its field and returns what belongs to none.
func (p *settingsPage) mark(problems settings.Problems) (general string) {
	said, inWindow := map[string][]string{}, map[int][]string{}
	for _, one := range problems {
		words := keyNames.Replace(plain(one.Text))
		switch path, entry := fieldFor(one.Key); {
		case path == "":
			general = words
		case entry >= 0:
			if _, key, ok := strings.Cut(one.Key, "]."); ok {
				words = upper(key) + ": " + words
			}
			inWindow[entry] = append(inWindow[entry], words)
		default:
			said[path] = append(said[path], words)
		}
	}
	for path, e := range p.editors {
		e.wrong.say(said[path])
		e.bad = len(said[path]) > 0
		if e.windows != nil {
			e.windows.mark(inWindow)
			e.bad = e.bad || len(inWindow) > 0
		}
	}
	for _, s := range p.sections {
		for _, l := range s.links {
			var words []string
			for _, path := range l.paths {
				words = append(words, said[path]...)
			}
			l.wrong.say(words)
		}
	}
	return general
}
