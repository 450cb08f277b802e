package ui

import (
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// programsPage shows the programs at the guarded port and their orders, and lets them trade or not.
type programsPage struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	keys    *keys
	actions *Actions
	intro   *widget.Label
	note    *widget.Label
	stop    *button
	allow   *button
	confirm *question
	list    *fyne.Container
	rows    []*programRow // also of programs that have gone since the page was opened
	opened  bool          // since the last answer
	orders  *table
	asks    string // what has to be confirmed before programs may trade; empty if nothing has
}

// programRow is one program.
type programRow struct {
	content *fyne.Container
	number  uint64
	client  int64
	name    *widget.Label
	counts  *widget.Label
	did     string // what it has done
	may     *check
	shown   bool // what the program says, not the user
	gone    bool // it is not connected any more
}

// mostGone bounds the rows of programs that have gone.
const mostGone = 50

// mostProgramOrders bounds the orders that are shown; gatewatch clients orders has all.
const mostProgramOrders = 50

func newProgramsPage(k *keys, a *Actions) *programsPage {
	p := &programsPage{
		keys: k, actions: a, intro: wrapped(""), note: wrapped(""), list: container.New(stacked{8}),
		orders: newTable(),
	}
	p.note.Importance = widget.DangerImportance
	p.stop = newButton(k, wording.StopAllTrading, func() { p.actions.StopTrading() })
	p.stop.Importance = widget.HighImportance // as turning trading off: it only reduces risk, and does not ask
	p.allow = newButton(k, wording.AllowPrograms, p.let)
	p.confirm = newQuestion(k)
	bar := container.NewHBox(layout.NewSpacer(), p.allow, p.stop)
	p.scroll = container.NewVScroll(padded(4, 10, container.New(stacked{8}, bar, p.confirm.content, p.intro, p.note,
		p.list, p.orders.content)))
	p.content = p.scroll
	show(p.note, false)
	return p
}

func (p *programsPage) let() {
	if p.asks == "" {
		p.actions.AllowPrograms(false)
		return
	}
	p.confirm.ask(p.asks, "Keep them stopped", "Let programs trade", func() { p.actions.AllowPrograms(true) })
}

// take takes in the programs and their orders, or why they are not known.
func (p *programsPage) take(list api.Programs, orders api.ProgramOrders, err error, now time.Time) {
	if err != nil {
		p.fail(cannotShow("Programs", err))
		return
	}
	p.fail("")
	if list.Problem != "" {
		p.fail("The guarded port cannot be opened: " + wording.OneLine(list.Problem) + ".")
	}
	intro := fmt.Sprintf("Port %d. %s.", list.State.Port, wording.OneLine(list.State.Text))
	if list.Mode == "observe" && !list.State.Stopped {
		intro += " It observes only: orders that the order guard would refuse are sent nevertheless."
	}
	switch {
	case len(list.Programs) == 0:
		intro += " Programs that use this port instead of Gateway's are listed here, with their orders."
	case len(orders.Orders) == 0:
		intro += " No program has placed an order yet."
	}
	setText(p.intro, intro)
	show(p.stop, !list.State.Stopped)
	show(p.allow, list.State.Stopped)
	p.place(list.Programs, now)
	p.orders.set(orderLines(orders, now))
	p.scroll.Refresh()
}

// place shows programs. As long as the page is open each of them stays where it is, and so do the switches below one
// that goes: a program that connects again gets its row back. Rows of very many that have gone are removed.
func (p *programsPage) place(list []api.Program, now time.Time) {
	if p.opened || len(p.rows) > len(list)+mostGone {
		p.opened, p.rows = false, nil
		p.list.RemoveAll()
	}
	for _, r := range p.rows {
		r.gone = true
	}
	rowOf := func(is func(*programRow) bool) *programRow {
		if at := slices.IndexFunc(p.rows, is); at >= 0 {
			return p.rows[at]
		}
		return nil
	}
	var come []*api.Program
	for i := range list {
		c := &list[i]
		if r := rowOf(func(r *programRow) bool { return r.number == c.Number }); r != nil {
			r.render(c, now)
		} else {
			come = append(come, c)
		}
	}
	for _, c := range come {
		r := rowOf(func(r *programRow) bool { return r.gone && r.client == c.ClientID })
		if r == nil {
			r = p.newRow()
			p.rows = append(p.rows, r)
			p.list.Add(r.content)
		}
		r.render(c, now)
	}
	for _, r := range p.rows {
		if r.gone {
			setText(r.counts, "Not connected any more. "+r.did)
		}
	}
}

// fail says what did not work; empty: nothing.
func (p *programsPage) fail(text string) {
	showText(p.note, text)
}

func (p *programsPage) newRow() *programRow {
	r := &programRow{name: bold(""), counts: fine("")}
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.may = newCheck(p.keys, "May place orders", func() {
		if !r.shown {
			p.actions.SetReadOnly(int(r.client), !r.may.Checked)
		}
	})
	r.content = card(container.NewBorder(nil, nil, nil, r.may, r.name), r.counts)
	return r
}

func (r *programRow) render(c *api.Program, now time.Time) {
	r.number, r.client, r.gone = c.Number, c.ClientID, false
	setText(r.name, plain(c.Text))
	since := fmt.Sprintf("Connected since %s. ", clock(c.Since, now))
	if c.PID != 0 {
		since = fmt.Sprintf("Process %d, connected since %s. ", c.PID, clock(c.Since, now))
	}
	r.did = fmt.Sprintf("%d sent, %d refused, %d working", c.Sent, c.Refused, c.Working)
	if c.Observed > 0 {
		r.did += fmt.Sprintf(", %d would have been refused", c.Observed)
	}
	if unknown := wording.UnknownOrders(c.Unknown); unknown != "" {
		r.did += ", " + unknown
	}
	r.did += "."
	setText(r.counts, since+r.did)
	r.shown = true
	r.may.SetChecked(!c.ReadOnly)
	r.shown = false
}

// orderLines returns the newest orders as lines of a table, those that a person has to look after first.
func orderLines(list api.ProgramOrders, now time.Time) (lines []rowTexts) {
	for _, unknown := range []bool{true, false} {
		for _, o := range list.Orders {
			if (o.State == "unknown") != unknown || len(lines) == mostProgramOrders {
				continue
			}
			state := plain(o.StateText)
			if o.Reason != "" {
				state += ": " + plain(o.Reason)
			}
			state += wording.IBCode(o.Code, plain(o.Detail))
			lines = append(lines, rowTexts{
				name: plain(o.Text), value: clock(o.At, now),
				more: plain(o.Program) + " · " + state,
			})
		}
	}
	return lines
}
