package ui

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/wording"
)

// sectionCard is a section of the form, which opens and closes.
type sectionCard struct {
	content *fyne.Container
	title   string
	head    *button
	note    *widget.Label // how much of it is not the default, or wrong
	body    *fyne.Container
	rows    []*editor
	links   []*pageLink
	open    bool
}

// pageLink names settings that are edited on another page of the window.
type pageLink struct {
	content *fyne.Container
	words   string // in which a search looks
	page    string
	paths   []string
	open    *button
	wrong   *mistake
}

func (p *settingsPage) newSection(of *section) *sectionCard {
	s := &sectionCard{title: of.Title, note: fine(""), body: container.New(stacked{10})}
	s.head = newButton(p.keys, of.Title, func() {
		s.open = !s.open
		p.arrange()
	})
	s.head.Alignment, s.head.Importance = widget.ButtonAlignLeading, widget.LowImportance
	s.note.Wrapping = fyne.TextWrapOff
	for i := range of.fields {
		f := &of.fields[i]
		if f.page != "" {
			s.link(p, f)
			continue
		}
		e := newEditor(f, p.keys, of.Keys, p.changed, func() {
			p.editors[f.path].set(draftOf(p.desk.view.Defaults)[f.path])
			p.changed()
			p.keys.focus(p.editors[f.path].focus())
		})
		s.rows, p.editors[f.path] = append(s.rows, e), e
		s.body.Add(e.content)
	}
	for _, l := range s.links {
		s.body.Add(l.content)
	}
	head := container.NewBorder(nil, nil, nil, s.note, s.head)
	s.content = card(container.New(stacked{0}, container.New(stacked{-6}, head, fine(of.Doc)), s.body))
	return s
}

// link adds a field to the link to the page on which it is edited.
func (s *sectionCard) link(p *settingsPage, f *field) {
	at := slices.IndexFunc(s.links, func(l *pageLink) bool { return l.page == f.page })
	if at < 0 {
		l := &pageLink{page: f.page, wrong: newMistake()}
		l.open = newButton(p.keys, "Open "+l.page, func() { p.tab(l.page).OnTapped() })
		l.content = container.New(
			stacked{-4}, container.NewBorder(nil, nil, nil, l.open, text("On the page "+l.page)), l.wrong.content,
			fine(""),
		)
		at, s.links = len(s.links), append(s.links, l)
	}
	l := s.links[at]
	list := l.content.Objects[2].(*widget.Label)
	list.SetText(strings.TrimPrefix(list.Text+", "+f.label, ", "))
	l.paths = append(l.paths, f.path)
	l.words += strings.ToLower(strings.Join([]string{f.label, f.doc, f.path, " "}, " "))
}

// arrange shows what is open, or what is searched.
func (p *settingsPage) arrange() {
	words, found := p.search.Text, 0
	searching := strings.TrimSpace(words) != ""
	login := p.login.known != nil && matches(strings.ToLower(wording.LaunchAtLogin), words)
	if show(p.login.content, login); login {
		found++
	}
	for _, s := range p.sections {
		n := 0
		hit := func(o fyne.CanvasObject, in string) {
			yes := matches(in+" "+strings.ToLower(s.title), words)
			show(o, yes)
			if yes {
				n++
			}
		}
		for _, e := range s.rows {
			hit(e.content, e.words)
		}
		for _, l := range s.links {
			hit(l.content, l.words)
		}
		show(s.content, n > 0)
		show(s.body, searching || s.open)
		enable(s.head, !searching)
		icon := theme.MenuExpandIcon()
		if s.body.Visible() {
			icon = theme.MenuDropDownIcon()
		}
		s.head.SetIcon(icon)
		found += n
	}
	setText(p.nothing, "No setting matches. Try another word, or a part of it.")
	show(p.nothing, found == 0)
	p.layOut()
}

// layOut gives what has become higher or lower its place.
func (p *settingsPage) layOut() {
	if p.scroll != nil {
		p.scroll.Content.Refresh()
		p.scroll.Refresh()
	}
}

// jump opens the section of the first field that is marked as wrong, and gives it the focus.
func (p *settingsPage) jump() {
	for _, s := range p.sections {
		to := func(content fyne.CanvasObject, focus fyne.Focusable) {
			s.open = true
			if !content.Visible() { // a search hides it
				p.search.SetText("")
			}
			p.arrange()
			p.keys.focus(focus)
			p.keys.reveal(focus.(fyne.CanvasObject))
		}
		for _, e := range s.rows {
			if e.bad {
				to(e.content, e.focus())
				return
			}
		}
		for _, l := range s.links {
			if l.wrong.content.Visible() {
				to(l.content, l.open)
				return
			}
		}
	}
}

// compare marks what is not the default, and returns how much that is.
func (p *settingsPage) compare() (marked int) {
	if p.desk.view == nil {
		return 0
	}
	defaults := draftOf(p.desk.view.Defaults)
	for _, s := range p.sections {
		differ, wrong := 0, 0
		for _, e := range s.rows {
			if e.compare(p.desk.form[e.field.path], defaults[e.field.path]) {
				differ++
			}
			if e.bad {
				wrong++
			}
		}
		note, importance := "", widget.MediumImportance
		switch {
		case wrong > 0:
			note, importance = fmt.Sprintf("%d wrong", wrong), widget.DangerImportance
		case differ > 0:
			note = fmt.Sprintf("%d changed", differ)
		}
		setImportance(s.note, importance)
		setText(s.note, note)
		for _, l := range s.links {
			enable(l.open, p.tab(l.page).Visible())
		}
		marked += differ
	}
	return marked
}
