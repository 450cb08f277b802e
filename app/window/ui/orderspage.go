package ui

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/engine"
)

// mostShown is how many orders that are done, and how many blocked ones, are shown; `gatewatch` keeps more.
const mostShown = 40

// lookInTWS is what to do about an order of which nobody knows whether it was received.
const lookInTWS = "It is unknown whether this order has reached IBKR. Look in TWS, among orders and trades, whether it is there " +
	"before you place it again."

// fateShape returns the shape of what has become of an order.
func fateShape(f engine.Fate) Shape {
	switch f {
	case engine.Planned, engine.Sent, engine.Working:
		return Working
	case engine.Filled:
		return Up
	case engine.Cancelled:
		return Over
	case engine.Rejected:
		return Down
	case engine.Unknown, engine.Inactive:
		return Impaired
	}
	return Unknown // not sent
}

// fateWord returns what has become of an order, in words.
func fateWord(o *api.OrderView) string {
	word := plain(o.FateText)
	if word == "" {
		word = strings.ReplaceAll(plain(string(o.Fate)), "_", " ")
	}
	if word == "" {
		return none
	}
	return upper(word)
}

// orderFacts returns what else is known of an order, in one line.
func orderFacts(o *api.OrderView, now time.Time) string {
	list := []string{fmt.Sprintf("%s of %s filled", number(o.Filled), number(o.Quantity)), clock(o.At, now)}
	if !o.Changed.IsZero() && o.Changed.Sub(o.At) >= time.Second {
		list[1] += ", changed " + clock(o.Changed, now)
	}
	if rule := plain(o.Rule); rule != "" {
		list = append(list, "rule "+rule)
	}
	if o.Parent != 0 {
		list = append(list, fmt.Sprintf("closes order %d", o.Parent))
	}
	return strings.Join(append(list, fmt.Sprintf("order %d", o.ID)), " · ")
}

// orderWrong returns what went wrong with an order, or what is to be done about it; empty if nothing.
func orderWrong(o *api.OrderView) string {
	var list []string
	if o.Fate == engine.Unknown {
		list = append(list, lookInTWS)
	}
	if o.Unprotected {
		list = append(list, upper(wording.NoStop)+".")
	}
	if change := plain(o.ChangeText); change != "" {
		list = append(list, upper(change)+".")
	}
	detail := plain(o.Detail)
	if o.Code != 0 {
		detail = strings.TrimSpace(fmt.Sprintf("IB code %d: %s", o.Code, detail))
		detail = strings.TrimSuffix(detail, ":")
	}
	if detail != "" {
		list = append(list, detail)
	}
	if cancel := plain(o.CancelText); cancel != "" {
		list = append(list, cancel)
	}
	return strings.Join(list, "\n")
}

// sorted returns the orders of which something is expected, or that a person has to look after, and the others. Both have
// the newest first.
func sorted(list []api.OrderView) (open, done []api.OrderView) {
	for _, o := range list {
		if o.Open || o.Fate == engine.Unknown || o.Unprotected {
			open = append(open, o)
		} else {
			done = append(done, o)
		}
	}
	newest := func(a, b api.OrderView) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return int(b.ID - a.ID)
	}
	slices.SortStableFunc(open, newest)
	slices.SortStableFunc(done, newest)
	return open, done
}

// canAct says whether orders can be cancelled and changed, and why not.
func canAct(st *api.Status, lost absence) (yes bool, reason string) {
	switch {
	case lost.is():
		return false, lost.text() + ": nothing watches these orders, and what is shown here may be out of date. Use TWS to cancel or change them."
	case st == nil:
		return false, "Looking for Gatewatch…"
	case !st.Connected:
		return false, "Not connected: what is shown here may be out of date, and orders can be neither cancelled nor changed from here. Use TWS or IBKR Mobile."
	}
	return true, ""
}

// changeOf returns the change that the texts ask of an order, nil if none, or what is wrong with them.
func changeOf(o *api.OrderView, quantity, limit, stop string) (*api.OrderChange, error) {
	c, any := &api.OrderChange{ID: o.ID}, false
	for _, one := range []struct {
		name, text string
		before     float64
		to         **float64
	}{{"quantity", quantity, o.Quantity, &c.Quantity}, {"limit price", limit, o.LimitPrice, &c.LimitPrice}, {"stop price", stop, o.StopPrice, &c.StopPrice}} {
		if one.before == 0 {
			continue
		}
		v, err := parseFloat(one.text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", one.name, err)
		case math.IsInf(v, 0):
			return nil, fmt.Errorf("%s: is out of range", one.name)
		case one.to == &c.Quantity && v <= o.Filled:
			return nil, fmt.Errorf("quantity: has to be more than the %s that are filled; cancel the order instead", number(o.Filled))
		case v != one.before:
			*one.to, any = &v, true
		}
	}
	if !any {
		return nil, nil
	}
	return c, nil
}

// ordersPage shows orders, cancels and changes them.
type ordersPage struct {
	content   fyne.CanvasObject
	scroll    *container.Scroll
	keys      *keys
	actions   *Actions
	now       time.Time
	may       bool // orders can be cancelled and changed
	note      *widget.Label
	failed    *widget.Label
	cancels   *widget.Label // how far the orders are that were to be cancelled
	all       *button
	question  *question
	openTitle *widget.Label
	open      *orderList
	done      *orderList
	doneTitle *widget.Label
	doneMore  *widget.Label
	held      *fyne.Container // blocked orders
	heldTitle *widget.Label
	heldRows  []*blockedRow
	heldMore  *widget.Label
	known     *api.Orders // as last told, nil before
}

func newOrdersPage(k *keys, a *Actions) *ordersPage {
	p := &ordersPage{
		keys: k, actions: a, note: wrapped(""), failed: wrapped(""), cancels: wrapped(""),
		openTitle: bold("Open orders"), doneTitle: bold("Recent orders"), doneMore: fine(""),
		held: container.New(stacked{6}), heldTitle: bold("Blocked orders"), heldMore: fine(""),
	}
	p.openTitle.Truncation = fyne.TextTruncateEllipsis
	p.failed.Importance = widget.DangerImportance
	p.open, p.done = &orderList{page: p, list: container.New(stacked{6})}, &orderList{page: p, list: container.New(stacked{6})}
	p.all = newDanger(k, "Cancel all…", func() {
		p.question.ask(fmt.Sprintf("Cancel all open orders of Gatewatch? There are %d now. Orders that were placed elsewhere stay.", p.cancellable()),
			"Keep them", "Cancel all", func() { p.cancel(0) })
	})
	p.question = newQuestion(k, p.all)
	head := container.NewBorder(nil, nil, nil, container.NewCenter(p.all), p.openTitle)
	p.scroll = container.NewVScroll(padded(4, 10, container.New(
		stacked{4}, p.note, p.failed, head, p.question.content, p.cancels, p.open.list,
		p.doneTitle, p.done.list, p.doneMore, p.heldTitle, p.held, p.heldMore,
	)))
	p.content = p.scroll
	p.refresh()
	return p
}

// take takes in the orders, or why they are not known.
func (p *ordersPage) take(o api.Orders, err error) {
	if err != nil {
		p.say("Orders cannot be shown: " + plain(err.Error()))
		return
	}
	if p.known == nil || strings.HasPrefix(p.failed.Text, "Orders cannot be shown") {
		p.say("")
	}
	p.known = &o
	p.refresh()
}

// answered takes in what came of cancelling or changing an order, 0 for all of them.
func (p *ordersPage) answered(id int64, err error) {
	failure := ""
	if remark := (*api.Remark)(nil); errors.As(err, &remark) {
		failure = upper(plain(remark.Text))
	} else if err != nil {
		failure = "That did not work: " + plain(err.Error())
	}
	for _, l := range []*orderList{p.open, p.done} {
		for _, r := range l.rows {
			if r.order.ID == id {
				r.busy = false
				r.changeAnswered(failure)
				p.refresh()
				return
			}
		}
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
	for _, r := range p.open.rows {
		if r.order.Open {
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
	open, done := sorted(o.Orders)
	more := 0
	if len(done) > mostShown {
		done, more = done[:mostShown], len(done)-mostShown
	}
	setText(p.cancels, plain(o.Cancelling.Text))
	show(p.cancels, p.cancels.Text != "")
	p.open.render(open)
	p.done.render(done)
	title := fmt.Sprintf("Open orders: %d", len(open))
	switch {
	case p.known == nil:
		title = "Reading the orders…"
	case len(open) == 0:
		title = "No open orders"
	}
	setText(p.openTitle, title)
	show(p.all, p.cancellable() > 0)
	enable(p.all, p.may)
	if !p.may || p.cancellable() == 0 {
		p.question.drop()
	}
	show(p.doneTitle, len(done) > 0)
	setText(p.doneMore, fmt.Sprintf("%d earlier ones are not shown.", more))
	show(p.doneMore, more > 0)
	p.renderBlocked(o.Blocked)
}

func (p *ordersPage) renderBlocked(list []api.Blocked) {
	more := 0
	if len(list) > mostShown {
		list, more = list[:mostShown], len(list)-mostShown
	}
	for len(p.heldRows) > len(list) {
		p.held.Remove(p.heldRows[len(p.heldRows)-1].content)
		p.heldRows = p.heldRows[:len(p.heldRows)-1]
	}
	for i := range list {
		if i == len(p.heldRows) {
			r := newBlockedRow()
			p.heldRows = append(p.heldRows, r)
			p.held.Add(r.content)
		}
		p.heldRows[i].render(&list[i], p.now)
	}
	show(p.heldTitle, len(list) > 0)
	setText(p.heldMore, fmt.Sprintf("%d earlier ones are not shown.", more))
	show(p.heldMore, more > 0)
}

// blockedRow is an order that was blocked.
type blockedRow struct {
	content fyne.CanvasObject
	text    *widget.Label
	reason  *widget.Label
	facts   *widget.Label
}

func newBlockedRow() *blockedRow {
	r := &blockedRow{text: wrapped(""), reason: wrapped(""), facts: fine("")}
	icon := newSign(signSize)
	icon.set(Down)
	first := container.NewBorder(nil, nil, container.NewCenter(icon.image), nil, r.reason)
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

// orderList is orders below each other.
type orderList struct {
	page *ordersPage
	list *fyne.Container
	rows []*orderRow
}

// render shows the orders; a row stays with its order, and with what is being typed in it.
func (l *orderList) render(orders []api.OrderView) {
	same := len(orders) == len(l.rows)
	for i := 0; same && i < len(orders); i++ {
		same = l.rows[i].order.ID == orders[i].ID
	}
	if !same {
		before := l.rows
		l.rows = nil
		l.list.RemoveAll()
		for _, o := range orders {
			i := slices.IndexFunc(before, func(r *orderRow) bool { return r.order.ID == o.ID })
			r := (*orderRow)(nil)
			if i >= 0 {
				r = before[i]
			} else {
				r = newOrderRow(l.page, o.ID)
			}
			l.rows = append(l.rows, r)
			l.list.Add(r.content)
		}
	}
	for i := range orders {
		l.rows[i].render(&orders[i], l.page)
	}
	show(l.list, len(orders) > 0)
}

// orderRow is one order.
type orderRow struct {
	content  *fyne.Container
	page     *ordersPage
	order    api.OrderView
	sign     *sign
	fate     *widget.Label
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
	send     *button
}

func newOrderRow(p *ordersPage, id int64) *orderRow {
	k := p.keys
	r := &orderRow{
		page: p, order: api.OrderView{ID: id}, sign: newSign(signSize), fate: bold(""), text: wrapped(""), facts: fine(""),
		wrong: wrapped(""), outcome: wrapped(""), mistake: newMistake(),
	}
	r.fate.Truncation = fyne.TextTruncateEllipsis
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
	r.buttons = container.NewHBox(layout.NewSpacer(), r.change, r.cancel)
	r.quantity, r.limit, r.stop = newEntry(k, r.typed), newEntry(k, r.typed), newEntry(k, r.typed)
	r.limitRow = container.New(columns{0.5}, text("Limit price"), r.limit)
	r.stopRow = container.New(columns{0.5}, text("Stop price"), r.stop)
	r.send = newButton(k, "Send the change", r.submit)
	r.send.Importance = widget.HighImportance
	leave := newButton(k, "Leave as it is", func() { r.close() })
	r.editor = container.New(
		stacked{2},
		container.New(columns{0.5}, text("Quantity"), r.quantity), r.limitRow, r.stopRow, r.mistake.content,
		container.NewHBox(layout.NewSpacer(), leave, r.send),
	)
	first := container.NewBorder(nil, nil, container.NewCenter(r.sign.image), nil, r.fate)
	r.content = card(container.New(stacked{-10}, first, r.text, r.facts), r.wrong, r.outcome, r.buttons, r.editor)
	return r
}

func (r *orderRow) render(o *api.OrderView, p *ordersPage) {
	r.order = *o
	word := fateWord(o)
	if !p.may && o.Open && o.Fate != engine.Unknown {
		r.sign.set(Unknown)
		word += ", when last heard of"
	} else {
		r.sign.set(fateShape(o.Fate))
	}
	setText(r.fate, word)
	setText(r.text, plain(o.Text))
	setText(r.facts, orderFacts(o, p.now))
	wrong := orderWrong(o)
	importance := widget.MediumImportance
	if o.Fate == engine.Unknown || o.Fate == engine.Rejected || o.Fate == engine.Inactive || o.Unprotected || o.CancelFailed {
		importance = widget.DangerImportance
	}
	if r.wrong.Importance != importance {
		r.wrong.Importance = importance
		r.wrong.Refresh()
	}
	setText(r.wrong, wrong)
	show(r.wrong, wrong != "")
	show(r.outcome, r.outcome.Text != "")
	working := o.Open && o.Fate == engine.Working
	if r.editing && !working {
		r.editing = false
	}
	show(r.change, working && !r.editing)
	show(r.cancel, o.Open)
	show(r.buttons, o.Open)
	enable(r.change, p.may && !r.busy)
	enable(r.cancel, p.may && (!r.busy || p.keys.focused(r.cancel)))
	show(r.editor, r.editing)
	show(r.limitRow, o.LimitPrice != 0)
	show(r.stopRow, o.StopPrice != 0)
	r.check()
}

// edit opens the fields for quantity and prices.
func (r *orderRow) edit() {
	r.editing = true
	r.quantity.SetText(number(r.order.Quantity))
	r.limit.SetText(number(r.order.LimitPrice))
	r.stop.SetText(number(r.order.StopPrice))
	setText(r.outcome, "")
	r.page.refresh()
	r.page.keys.focus(r.quantity)
}

func (r *orderRow) close() {
	r.editing = false
	r.page.refresh()
	r.page.keys.focus(r.change)
}

// typed takes in what stands in the fields.
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
