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

// Clients shows programs at the guarded port and their orders, and lets them trade or not.
type Clients struct {
	List     listClientsCmd  `cmd:"" default:"withargs" help:"Show the programs that are connected to the guarded port (the default)."`
	Orders   clientOrdersCmd `cmd:"" help:"Show the orders of programs and their states."`
	Stop     stopCmd         `cmd:"" help:"Stop all trading: turn trading off and refuse orders of programs, also after a restart."`
	Allow    allowCmd        `cmd:"" help:"Let programs trade again."`
	ReadOnly readOnlyCmd     `cmd:"" help:"Refuse the orders of one program, or allow them again."`
}

type listClientsCmd struct {
	JSON bool `help:"Print the answer of GET /clients as it is."`
}

func (l listClientsCmd) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, l.JSON, (*api.Client).Programs, writeClients)
}

// writeClients writes programs as a table for people.
func writeClients(out io.Writer, list api.Programs) error {
	if list.State.Port == 0 {
		_, err := fmt.Fprintln(out, "There is no guarded port. To have one, set guarded_port.port in settings.json, "+
			"for example to 4100.")
		return err
	}
	fmt.Fprintf(out, "Guarded port %d (%s): %s.\n", list.State.Port, list.Mode, wording.OneLine(list.State.Text))
	if list.Problem != "" {
		fmt.Fprintf(out, "It cannot be opened: %s\n", wording.OneLine(list.Problem))
	}
	if len(list.Programs) == 0 {
		return nil
	}
	t := table{rows: [][]string{{"Program", "PID", "Connected", "Sent", "Refused", "Working", "Unknown", ""}}}
	for _, c := range list.Programs {
		pid, note := none, ""
		if c.PID != 0 {
			pid = fmt.Sprint(c.PID)
		}
		if c.ReadOnly {
			note = "read-only"
		}
		t.row(wording.OneLine(c.Text), pid, c.Since.Local().Format(time.DateTime), fmt.Sprint(c.Sent),
			fmt.Sprint(c.Refused+c.Observed), fmt.Sprint(c.Working), fmt.Sprint(c.Unknown), note)
	}
	return t.write(out)
}

type clientOrdersCmd struct {
	JSON bool `help:"Print the answer of GET /clients/orders as it is."`
}

func (l clientOrdersCmd) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, l.JSON, (*api.Client).ProgramOrders, writeClientOrders)
}

// writeClientOrders writes orders of programs as a table for people.
func writeClientOrders(out io.Writer, list api.ProgramOrders) error {
	t := table{rows: [][]string{{"Time", "Program", "ID", "Order", "Filled", "State"}}}
	if len(list.Orders) == 0 {
		t.rows = [][]string{{"No program has sent an order."}}
	}
	for _, o := range list.Orders {
		state := wording.OneLine(o.StateText)
		if o.Reason != "" {
			state += ": " + wording.OneLine(o.Reason)
		}
		state += wording.IBCode(o.Code, o.Detail)
		t.row(o.At.Local().Format(time.DateTime), wording.OneLine(o.Program), fmt.Sprint(o.OrderID),
			cmp.Or(wording.OneLine(o.Text), none), cmp.Or(wording.OneLine(o.Filled), none), state)
	}
	return t.write(out)
}

type stopCmd struct{}

func (stopCmd) Run(ctx context.Context, p Program) error {
	return p.command(ctx, (*api.Client).StopTrading,
		"All trading is stopped: no order of rules or programs is sent. Programs may trade again after `gatewatch "+
			"clients allow`. Orders already sent stay as they are.")
}

type allowCmd struct {
	Live bool `help:"Confirm it for a LIVE account, where orders of programs trade real money."`
}

func (a allowCmd) Run(ctx context.Context, p Program) error {
	allow := func(client *api.Client, ctx context.Context) (api.Answer, error) {
		return client.AllowPrograms(ctx, a.Live)
	}
	return p.command(ctx, allow, "Programs may trade while the guard is open.")
}

type readOnlyCmd struct {
	ClientID int  `arg:"" name:"client-id" help:"The client id of the program."`
	Off      bool `help:"Allow its orders again."`
}

func (r readOnlyCmd) Run(ctx context.Context, p Program) error {
	set := func(client *api.Client, ctx context.Context) (api.Answer, error) {
		return client.SetReadOnly(ctx, r.ClientID, !r.Off)
	}
	done := fmt.Sprintf("Orders of client id %d are refused.", r.ClientID)
	if r.Off {
		done = fmt.Sprintf("Client id %d may place orders.", r.ClientID)
	}
	return p.command(ctx, set, done)
}
