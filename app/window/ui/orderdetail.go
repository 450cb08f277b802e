package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/engine/ledger"
)

// orderRow is the order that is chosen, in full. Its buttons come first, where no text moves them.
type orderRow struct {
	content  *fyne.Container
	page     *ordersPage
	order    api.OrderView
	sign     *sign
	state    *widget.Label
	text     *widget.Label
	facts    *widget.Label
	wrong    *widget.Label
	outcome  *widget.Label
	buttons  *fyne.Container
	change   *button
	cancel   *button
	busy     bool // something was asked of the order and is not answered
	editing  bool
	editor   *fyne.Container
	quantity *entry
	limit    *entry
	stop     *entry
	limitRow fyne.CanvasObject
	stopRow  fyne.CanvasObject
	mistake  *mistake
	reading  *widget.Label // what the order becomes, before that is sent
	send     *button
}

func newOrderRow(p *ordersPage, id int64) *orderRow {
	k := p.keys
	r := &orderRow{
		page: p, order: api.OrderView{ID: id}, sign: newSign(signSize), state: bold(""), text: wrapped(""),
		facts: fine(""),
		wrong: wrapped(""), outcome: wrapped(""), mistake: newMistake(), reading: wrapped(""),
	}
	r.state.Truncation = fyne.TextTruncateEllipsis
	r.outcome.Importance = widget.DangerImportance
	r.change = newButton(k, "Change…", r.edit)
	r.cancel = newButton(k, "Cancel order", func() {
		if r.busy {
			return
		}
		r.busy = true
		p.cancel(id)
		p.refresh()
	})
	r.buttons = container.NewHBox(r.change, r.cancel)
	r.quantity, r.limit, r.stop = newEntry(k, r.typed), newEntry(k, r.typed), newEntry(k, r.typed)
	r.limitRow = container.New(columns{0.5}, text("Limit price"), r.limit)
	r.stopRow = container.New(columns{0.5}, text("Stop price"), r.stop)
	r.send = newButton(k, "Send the change", r.submit)
	r.send.Importance = widget.HighImportance
	leave := newButton(k, "Leave as it is", r.close)
	r.editor = container.New(
		stacked{2},
		container.New(columns{0.5}, text("Quantity"), r.quantity), r.limitRow, r.stopRow, r.mistake.content, r.reading,
		container.NewHBox(layout.NewSpacer(), leave, r.send),
	)
	first := container.NewBorder(nil, nil, container.NewCenter(r.sign.image), nil, r.state)
	r.content = card(r.buttons, r.editor, container.New(stacked{-10}, first, r.text, r.facts), r.wrong, r.outcome)
	return r
}

func (r *orderRow) render(o *api.OrderView, p *ordersPage) {
	r.order = *o
	word := stateWord(o)
	if !p.may && o.Open && o.State != ledger.Unknown {
		r.sign.set(Unknown)
		word += ", when last heard of"
	} else {
		r.sign.set(named[api.OrderShape(o.State)])
	}
	setText(r.state, word)
	setText(r.text, plain(o.Text))
	setText(r.facts, orderFacts(o, p.now))
	wrong := api.OrderNote(o)
	tint(r.wrong, o.Alarming(), widget.DangerImportance, widget.MediumImportance)
	showText(r.wrong, wrong)
	show(r.outcome, r.outcome.Text != "")
	working := o.Open && o.State == ledger.Working
	if r.editing && !working {
		r.editing = false
	}
	show(r.buttons, o.Open)
	enable(r.change, working && p.may && !r.busy && !r.editing) // hidden it would leave its place to the other one
	enable(r.cancel, p.may && (!r.busy || p.keys.focused(r.cancel)))
	show(r.editor, r.editing)
	show(r.limitRow, o.LimitPrice != 0)
	show(r.stopRow, o.StopPrice != 0)
	r.check()
}

// edit opens the fields for quantity and prices.
func (r *orderRow) edit() {
	r.editing = true
	r.quantity.SetText(fieldNumber(r.order.Quantity))
	r.limit.SetText(fieldNumber(r.order.LimitPrice))
	r.stop.SetText(fieldNumber(r.order.StopPrice))
	setText(r.outcome, "")
	r.page.refresh()
	r.page.keys.focus(r.quantity)
}

// dirty reports whether something else was typed than the order is.
func (r *orderRow) dirty() bool {
	o := &r.order
	differs := func(e *entry, from float64) bool { return from != 0 && e.Text != fieldNumber(from) }
	return r.editing && (differs(r.quantity, o.Quantity) || differs(r.limit, o.LimitPrice) ||
		differs(r.stop, o.StopPrice))
}

func (r *orderRow) close() {
	r.editing = false
	r.page.refresh()
	r.page.keys.focus(r.change)
}

// typed takes in what is in the fields.
func (r *orderRow) typed() { r.check() }

// check shows what is wrong in the fields, and returns the change that they ask for, nil if none can be sent.
func (r *orderRow) check() *api.OrderChange {
	if !r.editing {
		return nil
	}
	c, err := changeOf(&r.order, r.quantity.Text, r.limit.Text, r.stop.Text)
	var said []string
	if err != nil {
		said = append(said, upper(err.Error()))
	}
	r.mistake.say(said)
	words := ""
	if c != nil {
		words = readBack(&r.order, c)
	}
	showText(r.reading, words)
	enable(r.send, c != nil && r.page.may && !r.busy)
	return c
}

func (r *orderRow) submit() {
	c := r.check()
	if c == nil || r.busy || !r.page.may {
		return
	}
	r.busy = true
	r.page.actions.ChangeOrder(*c)
	r.page.refresh()
}

// changeAnswered takes in what came of what was asked of the order.
func (r *orderRow) changeAnswered(failure string) {
	setText(r.outcome, failure)
	if failure == "" {
		r.editing = false
	}
}

// blockedRow is an order that was blocked.
type blockedRow struct {
	content *fyne.Container
	text    *widget.Label
	reason  *widget.Label
	facts   *widget.Label
}

func newBlockedRow() *blockedRow {
	r := &blockedRow{text: wrapped(""), reason: wrapped(""), facts: fine("")}
	first := container.NewBorder(nil, nil, container.NewCenter(fixed(Down, signSize)), nil, r.reason)
	r.content = card(container.New(stacked{-10}, first, r.text, r.facts))
	return r
}

func (r *blockedRow) render(b *api.Blocked, now time.Time) {
	facts := clock(b.At, now)
	if rule := plain(b.Rule); rule != "" {
		facts += " · rule " + rule
	}
	setText(r.reason, "Blocked: "+plain(b.Reason))
	setText(r.text, plain(b.Text))
	setText(r.facts, facts)
}
