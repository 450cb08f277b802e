package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

func positionKey(p *api.Position) string {
	return "position " + p.Account + " " + number(float64(p.ConID)) + " " + p.Symbol
}

// positionEntries are the lines of the positions, nil while nothing is known of them. Those that may have changed say
// so.
func positionEntries(p *api.Positions, f orderFilter, here bool, now time.Time) (list []entryTexts) {
	title := entryTexts{title: true, name: orderParts[4]}
	current := p.Current && here
	switch {
	case p.At == nil:
		title.word = "Not known"
	case !current:
		title.name += " · may have changed since " + clock(*p.At, now)
	case len(p.Positions) == 0 && f.part != title.name:
		return nil
	case len(p.Positions) == 0:
		title.word = "None"
	}
	list = append(list, title)
	for i := range p.Positions {
		one := &p.Positions[i]
		if !f.finds(one.Contract, one.Account) {
			continue
		}
		e := entryTexts{
			key: positionKey(one), shape: Unknown, name: plain(one.Contract), value: holding(one),
			word: amountOf(one.Unrealised, one.Currency),
		}
		if current {
			e.shape = Over
		}
		if severalAccounts(p) {
			e.name += " · " + plain(one.Account)
		}
		list = append(list, e)
	}
	if p.At != nil && len(list) == 1 && len(p.Positions) > 0 {
		return nil // none of them is looked for
	}
	return list
}

func severalAccounts(p *api.Positions) bool {
	for i := range p.Positions {
		if p.Positions[i].Account != p.Positions[0].Account {
			return true
		}
	}
	return false
}

// holding says how much is held and what one of it has cost on average.
func holding(p *api.Position) string {
	text := "quantity not known"
	if p.Quantity != nil {
		text = number(*p.Quantity)
	}
	if p.AverageCost != nil {
		text += " at " + wording.Price(*p.AverageCost)
	}
	return text
}

// amountOf returns an amount, none if it is not known.
func amountOf(v *float64, currency string) string {
	if v == nil {
		return none
	}
	return wording.Money(*v, currency)
}

// positionRow is the position that is chosen, in full.
type positionRow struct {
	content *fyne.Container
	name    *widget.Label
	text    *widget.Label
	facts   *widget.Label
}

func newPositionRow() *positionRow {
	r := &positionRow{name: bold(""), text: wrapped(""), facts: fine("")}
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.content = card(container.New(stacked{-10}, r.name, r.text, r.facts))
	return r
}

func (r *positionRow) render(p *api.Position, all *api.Positions, here bool, now time.Time) {
	facts := []string{
		"market value " + amountOf(p.MarketValue, p.Currency),
		"unrealised P&L " + amountOf(p.Unrealised, p.Currency),
	}
	if p.ValuedAt != nil {
		facts = append(facts, "as of "+clock(*p.ValuedAt, now))
	} else {
		facts = []string{"Gateway has not reported what it is worth"}
	}
	if account := plain(p.Account); account != "" {
		facts = append(facts, "account "+account)
	}
	if why := plain(all.Reason); !all.Current && why != "" && here {
		facts = append(facts, "may have changed: "+why)
	}
	setText(r.name, plain(p.Contract))
	setText(r.text, upper(holding(p))+" on average")
	setText(r.facts, upper(strings.Join(facts, " · ")))
}
