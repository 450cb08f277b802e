package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// Orders shows and cancels orders.
type Orders struct {
	List   listOrdersCmd  `cmd:"" default:"withargs" help:"Show the orders and their states (the default)."`
	Cancel cancelOrderCmd `cmd:"" help:"Cancel an order, or all."`
}

type listOrdersCmd struct {
	JSON bool `help:"Print the answer of GET /orders as it is."`
}

func (l listOrdersCmd) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, l.JSON, (*api.Client).Orders, writeOrders)
}

// writeOrders writes orders as tables for people: those that were meant to be sent, and those that were blocked.
func writeOrders(out io.Writer, list api.Orders) error {
	sent := table{rows: [][]string{{"ID", "Time", "Rule", "Order", "Filled", "State"}}}
	if len(list.Orders) == 0 {
		sent.rows = [][]string{{cmp.Or(wording.OneLine(list.Problem), wording.NoOrders)}}
	}
	for _, o := range list.Orders {
		state := cmp.Or(wording.OneLine(o.StateText), string(o.State))
		state += wording.IBCode(o.Code, o.Detail)
		if o.Unprotected {
			state += "; " + wording.NoStop
		}
		if o.ChangeText != "" {
			state += "; " + wording.OneLine(o.ChangeText)
		}
		if o.CancelText != "" {
			state += ". " + strings.TrimSuffix(wording.OneLine(o.CancelText), ".")
		}
		filled := amount(o.Filled) + " of " + amount(o.Quantity)
		sent.row(fmt.Sprint(o.ID), o.At.Local().Format(time.DateTime), cmp.Or(wording.OneLine(o.Rule), none),
			wording.OneLine(o.Text), filled, state)
	}
	if err := sent.write(out); err != nil || len(list.Blocked) == 0 {
		return err
	}
	fmt.Fprintln(out, "\nBlocked orders:")
	blocked := table{rows: [][]string{{"Time", "Rule", "Order", "Why"}}}
	for _, b := range list.Blocked {
		blocked.row(b.At.Local().Format(time.DateTime), cmp.Or(wording.OneLine(b.Rule), none),
			wording.OneLine(b.Text), wording.OneLine(b.Reason))
	}
	return blocked.write(out)
}

func amount(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Arm turns trading on.
type Arm struct {
	Live bool `help:"Confirm it for a LIVE account, where orders of active rules trade real money."`
}

func (a Arm) Run(ctx context.Context, p Program) error {
	arm := func(client *api.Client, ctx context.Context) (api.Answer, error) { return client.Arm(ctx, a.Live) }
	return p.command(ctx, arm, wording.Trading(true, true)+": active rules place orders while the guard is open, "+
		"until `gatewatch disarm`.")
}

// Disarm turns trading off.
type Disarm struct{}

func (Disarm) Run(ctx context.Context, p Program) error {
	return p.command(ctx, (*api.Client).Disarm, wording.TradingOff+": no order is placed until `gatewatch arm`. "+
		"Orders already sent stay as they are.")
}
