package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// Positions shows what the accounts hold.
type Positions struct {
	JSON bool `help:"Print the answer of GET /positions as it is."`
}

func (c Positions) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, c.JSON, (*api.Client).Positions, writePositions)
}

// writePositions writes positions as a table for people.
func writePositions(out io.Writer, list api.Positions) error {
	switch {
	case list.At == nil:
		_, err := fmt.Fprintln(out, wording.Sentence("Positions are not known: "+wording.OneLine(list.Reason)))
		return err
	case len(list.Positions) == 0:
		fmt.Fprintln(out, "There are no positions.")
	default:
		t := table{rows: [][]string{{
			"Account", "Instrument", "Quantity", "Average cost", "Market value", "Unrealised P&L",
		}}}
		for _, p := range list.Positions {
			t.row(cmp.Or(wording.OneLine(p.Account), none), wording.OneLine(p.Contract), optional(p.Quantity, amount),
				optional(p.AverageCost, wording.Price), optional(p.MarketValue, money(p.Currency)),
				optional(p.Unrealised, money(p.Currency)))
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
	if !list.Current {
		fmt.Fprintln(out, wording.Sentence(fmt.Sprintf("As Gateway reported them at %s; they may have changed: %s",
			list.At.Local().Format(time.DateTime), wording.OneLine(list.Reason))))
	}
	return nil
}

// optional writes a number that may not be known.
func optional(v *float64, write func(float64) string) string {
	if v == nil {
		return none
	}
	return write(*v)
}

func money(currency string) func(float64) string {
	return func(v float64) string { return wording.Money(v, currency) }
}
