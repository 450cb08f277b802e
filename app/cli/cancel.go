package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

const (
	// waitCancelled is how long `gatewatch orders cancel` waits for Gateway to confirm.
	waitCancelled = 30 * time.Second
	// lookCancelled is the time between two looks at how far it is.
	lookCancelled = 250 * time.Millisecond
)

type cancelOrderCmd struct {
	ID     int64 `arg:"" optional:"" help:"Number of the order; gatewatch orders lists them." complete:"orders"`
	All    bool  `help:"Cancel all orders."`
	NoWait bool  `help:"Do not wait until Gateway has confirmed."`
}

func (o cancelOrderCmd) Run(ctx context.Context, p Program) error {
	if o.All == (o.ID != 0) || o.ID < 0 {
		return exit.With(exit.Usage, errors.New(
			"name the number of one order, or --all; `gatewatch orders` lists them"))
	}
	client, err := p.client()
	if err != nil {
		return err
	}
	a, err := o.ask(ctx, client)
	if err != nil {
		return home.Explain(err)
	}
	if a.Message != "" {
		fmt.Fprintln(Stdout, wording.Sentence(a.Message))
	}
	if o.NoWait {
		fmt.Fprintln(Stdout, "Cancellation requested; `gatewatch orders` shows what comes of it.")
		return nil
	}
	return o.wait(ctx, client, Stdout)
}

func (o cancelOrderCmd) ask(ctx context.Context, client *api.Client) (api.Answer, error) {
	if o.All {
		return client.CancelOrders(ctx)
	}
	a, err := client.CancelOrder(ctx, o.ID)
	if errors.Is(err, api.ErrNoOrder) {
		err = fmt.Errorf("no open order of Gatewatch has the number %d; `gatewatch orders` lists them", o.ID)
	}
	return a, err
}

// wait tells how far it is until Gateway has answered for all orders. What is not cancelled by then is an error.
func (o cancelOrderCmd) wait(ctx context.Context, client *api.Client, out io.Writer) error {
	said, limit := "", time.Now().Add(waitCancelled)
	for {
		list, err := client.Orders(ctx)
		if err != nil {
			return home.Explain(err)
		}
		text, waiting, left := o.state(list)
		if text != said {
			fmt.Fprintln(out, text)
			said = text
		}
		if len(left) > 0 && (waiting == 0 || time.Now().After(limit)) {
			return exit.With(exit.Failed, errors.New("not cancelled:\n"+strings.Join(left, "\n")))
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookCancelled):
		}
	}
}

// state returns how far it is, how many orders Gateway has not answered for, and which are not cancelled, each with the
// reason.
func (o cancelOrderCmd) state(list api.Orders) (text string, waiting int, left []string) {
	text = list.Cancelling.Text
	for _, v := range list.Orders {
		if o.ID == v.ID && !v.Open {
			text = fmt.Sprintf("Order %d: %s.", v.ID, wording.OneLine(v.StateText))
		}
		if v.CancelText == "" || !o.All && v.ID != o.ID {
			continue
		}
		if !v.CancelFailed {
			waiting++
		}
		left = append(left, fmt.Sprintf("order %d, %s: %s", v.ID, wording.OneLine(v.Text),
			wording.OneLine(v.CancelText)))
	}
	if text == "" {
		text = "No order is open any more."
	}
	return text, waiting, left
}
