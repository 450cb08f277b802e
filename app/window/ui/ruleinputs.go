package ui

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// input edits the text of one path, or one of two.
type input struct {
	get func(texts map[string]string)
	set func(texts map[string]string)
}

// inputs are what edits a rule or a condition, in the making.
type inputs struct {
	keys    *keys
	changed func()
	list    []input
	rows    map[string]fyne.CanvasObject // what is shown while the path applies
	wrong   map[string]*mistake
}

func newInputs(k *keys, changed func()) *inputs {
	return &inputs{keys: k, changed: changed, rows: map[string]fyne.CanvasObject{}, wrong: map[string]*mistake{}}
}

// labelShare is how much of a row its name takes.
const labelShare = 0.38

// row puts a name beside what edits the path, and beneath it what is wrong.
func (in *inputs) row(path, name string, w fyne.CanvasObject) fyne.CanvasObject {
	m := newMistake()
	in.wrong[path] = m
	in.rows[path] = container.New(stacked{0}, container.New(columns{labelShare}, wrapped(name), w), m.content)
	return in.rows[path]
}

func (in *inputs) newEntry(path, hint string) *entry {
	e := newEntry(in.keys, in.changed)
	e.PlaceHolder = hint
	in.list = append(in.list, input{
		get: func(texts map[string]string) { texts[path] = e.Text },
		set: func(texts map[string]string) { e.SetText(texts[path]) },
	})
	return e
}

func (in *inputs) entry(path, name, hint string) fyne.CanvasObject {
	return in.row(path, name, in.newEntry(path, hint))
}

// newChoice returns a choice among the options of the key, which it shows as words.
func (in *inputs) newChoice(path, key string) *choice {
	var words []string
	for _, o := range optionWords[key] {
		words = append(words, o[1])
	}
	c := newChoice(in.keys, words, in.changed)
	c.PlaceHolder = "choose"
	other := "" // a value that has no word
	in.list = append(in.list, input{
		get: func(texts map[string]string) {
			texts[path] = other
			for _, o := range optionWords[key] {
				if o[1] == c.Selected {
					texts[path] = o[0]
				}
			}
		},
		set: func(texts map[string]string) {
			other = texts[path]
			c.SetSelected(wordFor(key, other))
		},
	})
	return c
}

func (in *inputs) choice(path, key, name string) fyne.CanvasObject {
	return in.row(path, name, in.newChoice(path, key))
}

func (in *inputs) check(path, name string) fyne.CanvasObject {
	c := newCheck(in.keys, name, in.changed)
	in.list = append(in.list, input{
		get: func(texts map[string]string) { texts[path] = fmt.Sprint(c.Checked) },
		set: func(texts map[string]string) { c.SetChecked(texts[path] == "true") },
	})
	in.wrong[path] = newMistake()
	in.rows[path] = container.New(stacked{0}, c, in.wrong[path].content)
	return in.rows[path]
}

// either edits one of two paths: a choice says which.
func (in *inputs) either(one, oneWord, other, otherWord, name string) fyne.CanvasObject {
	e := newEntry(in.keys, in.changed)
	c := newChoice(in.keys, []string{oneWord, otherWord}, in.changed)
	c.Selected = oneWord
	in.list = append(in.list, input{
		get: func(texts map[string]string) {
			texts[one], texts[other] = e.Text, ""
			if c.Selected == otherWord {
				texts[one], texts[other] = "", e.Text
			}
		},
		set: func(texts map[string]string) {
			if texts[other] != "" {
				c.SetSelected(otherWord)
				e.SetText(texts[other])
				return
			}
			if texts[one] != "" {
				c.SetSelected(oneWord)
			}
			e.SetText(texts[one])
		},
	})
	row := in.row(one, name, container.New(columns{0.5}, c, e))
	in.wrong[other] = in.wrong[one]
	return row
}

// days edits a list of days.
func (in *inputs) days(path, name string) fyne.CanvasObject {
	d := newDayBoxes(in.keys, in.changed)
	in.list = append(in.list, input{
		get: func(texts map[string]string) { texts[path] = strings.Join(d.get(), ", ") },
		set: func(texts map[string]string) { d.set(split(texts[path])) },
	})
	in.wrong[path] = newMistake()
	in.rows[path] = container.New(stacked{-6}, text(name), d.content, in.wrong[path].content)
	return in.rows[path]
}

func (in *inputs) read(texts map[string]string) {
	for _, one := range in.list {
		one.get(texts)
	}
}

func (in *inputs) fill(texts map[string]string) {
	for _, one := range in.list {
		one.set(texts)
	}
}

// reveal shows what applies and hides the rest.
func (in *inputs) reveal(applies func(path string) bool) {
	for path, row := range in.rows {
		show(row, applies(path))
	}
}

// say shows what is wrong, by path, each at the nearest place there is. It returns what found none.
func (in *inputs) say(said map[string][]string) (rest []string) {
	at := map[*mistake][]string{}
	for _, path := range slices.Sorted(maps.Keys(said)) {
		place := path
		for in.wrong[place] == nil && place != "" {
			place = parentOf(place)
		}
		if m := in.wrong[place]; m != nil {
			at[m] = append(at[m], said[path]...)
			continue
		}
		for _, words := range said[path] {
			rest = append(rest, strings.TrimPrefix(path+": "+words, ": "))
		}
	}
	for _, m := range in.wrong {
		m.say(at[m])
	}
	return rest
}

// instrumentFields edits an instrument and looks it up.
type instrumentFields struct {
	content fyne.CanvasObject
	in      *inputs
	path    string
	symbol  *entry
	conID   *entry
	button  *button
	outcome *widget.Label
	list    *fyne.Container
	asked   *rules.Instrument // what is being looked up, nil if nothing is
	setting bool              // the program fills the fields, not a person
}

func newInstrumentFields(in *inputs, path string, lookUp func(*instrumentFields)) *instrumentFields {
	f := &instrumentFields{in: in, path: path, outcome: wrapped(""), list: container.New(stacked{4})}
	field := func(key, name, hint string) (*entry, fyne.CanvasObject) {
		e := in.newEntry(below(path, key), hint)
		if key != "con_id" && key != "exchange" {
			e.OnChanged = f.renamed
		}
		return e, in.row(below(path, key), name, e)
	}
	kind := in.newChoice(below(path, "type"), "type")
	kind.OnChanged = f.renamed
	symbol, symbolRow := field("symbol", "Symbol", "such as AAPL, EUR or ES")
	_, currency := field("currency", "Currency", "such as USD")
	_, exchange := field("exchange", "Exchange", "usually SMART")
	_, primary := field("primary_exchange", "Primary exchange", "where SMART is ambiguous")
	_, local := field("local_symbol", "Local symbol", "such as ESZ6")
	conID, number := field("con_id", "Contract number", "conId; Look up fills it in")
	f.symbol, f.conID = symbol, conID
	f.button = newButton(in.keys, "Look up", func() { lookUp(f) })
	f.outcome.SizeName = sizeFine
	f.outcome.Hide()
	f.list.Hide()
	in.wrong[path] = newMistake()
	f.content = container.New(
		stacked{2}, in.wrong[path].content, symbolRow, in.row(below(path, "type"), "Type", kind), currency, exchange,
		primary, local, number,
		container.NewHBox(layout.NewSpacer(), f.button), f.outcome, f.list,
	)
	return f
}

// renamed takes in that a person names another instrument: a number would go on to mean the one before.
func (f *instrumentFields) renamed(string) {
	if !f.setting {
		f.setting = true
		f.conID.SetText("")
		f.setting = false
	}
	f.in.changed()
}

// fill puts texts into the fields.
func (f *instrumentFields) fill(texts map[string]string) {
	f.setting = true
	f.in.fill(texts)
	f.setting = false
}

// offer shows the contracts that the instrument can mean.
func (f *instrumentFields) offer(list []api.Candidate, choose func(rules.Instrument)) {
	f.list.RemoveAll()
	for _, c := range list {
		name := wrapped(plain(c.Text))
		name.TextStyle.Bold = true
		words := container.New(stacked{-12}, name, fine(plain(c.Name)))
		b := newButton(f.in.keys, "Choose", func() {
			choose(c.Instrument)
			f.say(upper(plain(c.Text)) + " is chosen.")
			f.offer(nil, nil)
			f.in.keys.focus(f.button)
		})
		f.list.Add(container.NewStack(
			newThemed("", colorBorder, 6),
			padded(0, 6, container.NewBorder(nil, nil, nil, container.NewCenter(b), words)),
		))
	}
	show(f.list, len(list) > 0)
}

func (f *instrumentFields) say(words string) {
	showText(f.outcome, words)
}

// found says how many contracts an instrument can mean.
func found(n int) string {
	switch n {
	case 0:
		return "IBKR knows no such contract. Compare symbol, type, exchange and currency."
	case 1:
		return "There is exactly one:"
	}
	return fmt.Sprintf("This can mean %d contracts. Choose one:", n)
}

// offer shows what an instrument can mean. What is chosen goes into its fields.
func (e *ruleEditor) offer(f *instrumentFields, list []api.Candidate) {
	f.say(found(len(list)))
	f.offer(list, func(one rules.Instrument) {
		texts := map[string]string{}
		f.in.read(texts)
		scatter(reflect.ValueOf(one), f.path, texts)
		e.filling = true
		f.fill(texts)
		e.filling = false
		e.changed()
	})
	e.refresh()
}

// lookUp asks what the instrument in the fields can mean.
func (e *ruleEditor) lookUp(f *instrumentFields) {
	texts := map[string]string{}
	f.in.read(texts)
	in, problems := instrumentAt(texts, f.path)
	if len(problems) > 0 || !e.may {
		return
	}
	f.asked = &in
	f.say("Looking it up…")
	f.offer(nil, nil)
	e.refresh()
	e.actions.Resolve(in)
}

// resolved takes in what an instrument can mean.
func (e *ruleEditor) resolved(in rules.Instrument, list []api.Candidate, err error) {
	fields := []*instrumentFields{e.instrument}
	for _, r := range e.conditions {
		fields = append(fields, r.other)
	}
	for _, f := range fields {
		if f.asked == nil || *f.asked != in {
			continue
		}
		f.asked = nil
		if err != nil && !errors.Is(err, api.ErrNoContract) {
			f.say("It cannot be looked up: " + reasonOf(err))
			continue
		}
		e.offer(f, list)
	}
	e.refresh()
}
