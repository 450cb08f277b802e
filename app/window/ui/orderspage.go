package ui

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/engine/ledger"
)

// ordersPage shows orders, cancels and changes them.
type ordersPage struct {
	content  fyne.CanvasObject
	frame    *fyne.Container // the list, below what is to be said of it
	scroll   *container.Scroll
	keys     *keys
	actions  *Actions
	now      time.Time
	may      bool // orders can be cancelled and changed
	note     *widget.Label
	failed   *widget.Label
	cancels  *widget.Label // how far the orders are that were to be cancelled
	all      *button
	question *question
	empty    *widget.Label // there is nothing to list
	title    *widget.Label
	search   *entry
	parts    *choice
	sorts    *choice
	list     *list
	open     []api.OrderView // of which something is expected, or that a person has to look after
	done     []api.OrderView
	rows     map[int64]*orderRow // those that have been chosen, with what is being typed in them
	held     *blockedRow
	detail   *fyne.Container // what is chosen
	body     *fyne.Container
	known    *api.Orders // as last received, nil before
	asked    bool        // positions were asked for and are not there yet
	holds    *api.Positions
	position *positionRow
}

const (
	noOrders = wording.NoOrders + " Orders that rules place while trading is turned on are listed here, with " +
		"your positions."
	noOrderMatches = "Nothing matches. Change the search, or choose Everything."
)

func newOrdersPage(k *keys, a *Actions) *ordersPage {
	p := &ordersPage{
		keys: k, actions: a, note: wrapped(""), failed: wrapped(""), cancels: wrapped(""), title: bold("Open orders"),
		rows: map[int64]*orderRow{}, held: newBlockedRow(), position: newPositionRow(), detail: container.NewStack(),
		empty: wrapped(""),
	}
	p.failed.Importance = widget.DangerImportance
	p.all = newDanger(k, "Cancel all…", func() {
		p.question.ask(fmt.Sprintf("Cancel all open orders of Gatewatch? There are %d now. Orders that were placed "+
			"elsewhere stay.", p.cancellable()),
			"Keep them", "Cancel all", func() { p.cancel(0) })
	})
	p.question = newQuestion(k)
	p.list = newList(k, func(string) { p.refresh() })
	p.scroll = container.NewVScroll(padded(2, 0, p.detail))
	p.search = newSearch(k, "Search", p.refresh)
	p.parts, p.sorts = newChoice(k, orderParts, p.refresh), newChoice(k, orderSorts, p.refresh)
	p.parts.Selected, p.sorts.Selected = orderParts[0], orderSorts[0]
	head := container.NewBorder(nil, nil, p.title, nil, p.search)
	tools := container.NewHBox(p.parts, p.sorts, layout.NewSpacer(), p.all)
	p.frame = framed(container.New(stacked{4}, p.note, p.failed, p.cancels, p.empty), p.list, nil)
	p.body = container.New(docked{}, p.frame, p.scroll)
	p.content = padded(4, 10, framed(container.New(stacked{4}, head, tools, p.question.content), p.body, nil))
	p.refresh()
	return p
}

// take takes in the orders, or why they are not known.
func (p *ordersPage) take(o api.Orders, err error) {
	if err != nil {
		p.say(cannotShow("Orders", err))
		return
	}
	if p.known == nil || strings.HasPrefix(p.failed.Text, "Orders cannot be shown") {
		p.say("")
	}
	p.known = &o
	p.refresh()
}

// takePositions takes in the positions, or that they are not known.
func (p *ordersPage) takePositions(all api.Positions, err error) {
	p.asked = false
	if err != nil {
		all = api.Positions{Reason: err.Error()}
		if p.holds != nil {
			all.At, all.Positions = p.holds.At, p.holds.Positions
		}
	}
	p.holds = &all
	p.refresh()
}

// answered takes in what came of cancelling or changing an order, 0 for all of them.
func (p *ordersPage) answered(id int64, err error) {
	failure := ""
	if remark, ok := errors.AsType[*api.Remark](err); ok {
		failure = upper(plain(remark.Text))
	} else if err != nil {
		failure = didNotWork(err)
	}
	if r := p.rows[id]; r != nil {
		r.busy = false
		r.changeAnswered(failure)
		p.refresh()
		return
	}
	p.say(failure)
}

func (p *ordersPage) say(failure string) {
	setText(p.failed, failure)
	p.refresh()
}

func (p *ordersPage) cancel(id int64) {
	p.say("")
	if id == 0 {
		p.actions.CancelOrders()
	} else {
		p.actions.CancelOrder(id)
	}
}

func (p *ordersPage) cancellable() (n int) {
	for i := range p.open {
		if p.open[i].Open {
			n++
		}
	}
	return n
}

// render takes in whether something can be done, and that time goes by.
func (p *ordersPage) render(st *api.Status, lost absence, now time.Time) {
	p.now = now
	may, reason := canAct(st, lost)
	p.may = may
	setText(p.note, reason)
	p.refresh()
}

// unwatched lists the orders that were open when they were last read, with a warning; empty if there were none.
func (p *ordersPage) unwatched(count int) string {
	const most = 5
	var lines []string
	if p.known != nil {
		for _, o := range p.known.Orders {
			if o.Open {
				lines = append(lines, "•  "+plain(o.Text))
			}
		}
		count = len(lines)
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("and %d more: see Orders", len(lines)-most))
	}
	return strings.Join(append([]string{wording.Unwatched(count)}, lines...), "\n")
}

func (p *ordersPage) refresh() {
	show(p.note, p.note.Text != "")
	show(p.failed, p.failed.Text != "")
	var o api.Orders
	if p.known != nil {
		o = *p.known
	}
	p.open, p.done = sorted(o.Orders)
	entries := p.entries(o.Blocked)
	empty := ""
	switch {
	case p.known == nil || len(entries) > 0:
	case p.search.Text == "" && p.parts.Selected == orderParts[0]:
		empty = cmp.Or(plain(o.Problem), noOrders)
	default:
		empty = noOrderMatches
	}
	for l, words := range map[*widget.Label]string{p.cancels: plain(o.Cancelling.Text), p.empty: empty} {
		setText(l, words)
		if yes := words != ""; yes != l.Visible() {
			show(l, yes)
			p.frame.Refresh() // the toolkit leaves the list where it is, below these words
		}
	}
	title := fmt.Sprintf("Open orders: %d", len(p.open))
	switch {
	case p.known == nil:
		title = "Reading the orders…"
	case len(p.open) == 0:
		title = "No open orders"
	}
	setText(p.title, title)
	show(p.all, p.cancellable() > 0)
	enable(p.all, p.may)
	if !p.may || p.cancellable() == 0 {
		p.question.drop()
	}
	p.list.set(entries)
	p.renderDetail(o.Blocked)
}

// entries are the lines of the list: open orders first, then the other orders, then those that were blocked. Positions
// are last, as they come later than the orders: a line that is about to be clicked stays under the mouse.
func (p *ordersPage) entries(blocked []api.Blocked) []entryTexts {
	f := orderFilter{p.search.Text, p.parts.Selected, p.sorts.Selected}
	var list []entryTexts
	add := func(orders []api.OrderView) {
		for i := range orders {
			o := &orders[i]
			one := entryTexts{
				key: orderKey(o.ID), shape: named[api.OrderShape(o.State)], name: plain(o.Text), word: shortState(o),
				bad: o.Alarming(),
			}
			if !p.may && o.Open && o.State != ledger.Unknown {
				one.shape, one.word = Unknown, "Was "+strings.ToLower(one.word)
			}
			if one.value = number(o.Filled); o.Filled != o.Quantity {
				one.value += " of " + number(o.Quantity)
			}
			if o.AveragePrice != 0 {
				one.value += " at " + wording.Price(o.AveragePrice)
			}
			list = append(list, one)
		}
	}
	typed := func(id int64) bool { return p.rows[id] != nil && p.rows[id].dirty() }
	if f.shows(orderParts[1]) {
		add(f.orders(p.open, typed))
	}
	if done := f.orders(p.done, typed); len(done) > 0 && f.shows(orderParts[2]) {
		list = append(list, entryTexts{title: true, name: orderParts[2]})
		add(done)
	}
	if f.shows(orderParts[3]) {
		list = append(list, p.blockedEntries(blocked, f)...)
	}
	if p.holds != nil && f.shows(orderParts[4]) {
		list = append(list, positionEntries(p.holds, f, p.may, p.now)...)
	}
	return list
}

func (p *ordersPage) blockedEntries(blocked []api.Blocked, f orderFilter) (list []entryTexts) {
	for i := range blocked {
		b := &blocked[i]
		if !f.finds(b.Text, b.Rule, b.Reason) {
			continue
		}
		if len(list) == 0 {
			list = append(list, entryTexts{title: true, name: orderParts[3]})
		}
		list = append(list, entryTexts{
			key: blockedKey(b), shape: Down, name: plain(b.Text), value: clock(b.At, p.now), word: "Blocked",
		})
	}
	return list
}

func orderKey(id int64) string { return fmt.Sprintf("order %d", id) }

func blockedKey(b *api.Blocked) string { return "blocked " + b.At.String() + b.Text }

// holdings are the positions that are known.
func (p *ordersPage) holdings() []api.Position {
	if p.holds == nil {
		return nil
	}
	return p.holds.Positions
}

// row returns the row of an order, which stays with it, and with what is being typed in it.
func (p *ordersPage) row(id int64) *orderRow {
	if p.rows[id] == nil {
		p.rows[id] = newOrderRow(p, id)
	}
	return p.rows[id]
}

// dirty reports whether a change of an order was typed and not sent.
func (p *ordersPage) dirty() bool {
	for _, r := range p.rows {
		if r.dirty() {
			return true
		}
	}
	return false
}

// leave closes the fields for a change of the order that is shown, and reports whether they were open.
func (p *ordersPage) leave() bool {
	for id, r := range p.rows {
		if r.editing && p.list.chosen == orderKey(id) {
			r.close()
			return true
		}
	}
	return false
}

// renderDetail shows what is chosen in full.
func (p *ordersPage) renderDetail(blocked []api.Blocked) {
	var content *fyne.Container
	known := map[int64]bool{}
	for _, orders := range [][]api.OrderView{p.open, p.done} {
		for i := range orders {
			o := &orders[i]
			known[o.ID] = true
			chosen := p.list.chosen == orderKey(o.ID)
			if r := p.rows[o.ID]; chosen || r != nil {
				p.row(o.ID).render(o, p)
			}
			if chosen {
				content = p.row(o.ID).content
			}
		}
	}
	for id := range p.rows {
		if !known[id] {
			delete(p.rows, id)
		}
	}
	for i := range blocked {
		if p.list.chosen == blockedKey(&blocked[i]) {
			p.held.render(&blocked[i], p.now)
			content = p.held.content
		}
	}
	for i := range p.holdings() {
		if one := &p.holds.Positions[i]; p.list.chosen == positionKey(one) {
			p.position.render(one, p.holds, p.may, p.now)
			content = p.position.content
		}
	}
	if content != nil && (len(p.detail.Objects) == 0 || p.detail.Objects[0] != content) {
		p.detail.Objects = []fyne.CanvasObject{content}
		p.detail.Refresh()
		p.scroll.ScrollToTop()
		p.body.Refresh()
	}
	if p.scroll.Visible() != (content != nil) {
		show(p.scroll, content != nil)
		p.body.Refresh()
	}
}
