package cli

import (
	"context"
	"fmt"
	"io"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

// Alerts shows and tests alert channels.
type Alerts struct {
	List listAlertsCmd `cmd:"" default:"withargs" help:"Show the channels, what is queued and the last error (the default)."`
	Test testAlertsCmd `cmd:"" help:"Send a test message."`
}

type listAlertsCmd struct {
	JSON bool `help:"Print the answer of GET /alerts as it is."`
}

func (l listAlertsCmd) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, l.JSON, (*api.Client).Alerts, writeAlerts)
}

// writeAlerts writes the channels for alerts as a table for people.
func writeAlerts(out io.Writer, list api.Alerts) error {
	if len(list.Channels) == 0 {
		_, err := fmt.Fprintln(out, wording.NoChannels)
		return err
	}
	t := table{rows: [][]string{{"Channel", "Service", "Waiting", "Sent", "Last sent", "Last error"}}}
	for _, one := range list.Channels {
		last, failure := none, none
		if one.LastSentAt != nil {
			last = one.LastSentAt.Local().Format("Mon 15:04:05")
		}
		if one.LastError != "" {
			failure = wording.OneLine(one.LastError)
		}
		t.row(one.Name, wording.OneLine(one.Service), fmt.Sprint(one.Queued), fmt.Sprint(one.Sent), last, failure)
	}
	return t.write(out)
}

type testAlertsCmd struct {
	Channel string `arg:"" optional:"" help:"Channel to test, such as email; without it, all." complete:"channels"`
}

func (t testAlertsCmd) Run(ctx context.Context, p Program) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	test, err := client.TestAlerts(ctx, t.Channel)
	if err != nil {
		return home.Explain(err)
	}
	failed := 0
	for _, one := range test.Results {
		if one.OK {
			fmt.Fprintf(Stdout, "%s: sent\n", one.Channel)
			continue
		}
		failed++
		fmt.Fprintf(Stdout, "%s: %s\n", one.Channel, wording.OneLine(one.Error))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d channels failed", failed, len(test.Results))
	}
	return nil
}
