package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// Guard shows whether a bot may trade now.
type Guard struct {
	Watch bool `help:"Go on, with a line for every change."`
}

func (g Guard) Run(ctx context.Context, p Program) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	if g.Watch {
		return watchGuard(ctx, client)
	}
	now, err := client.Guard(ctx)
	switch {
	case err != nil:
		return home.Explain(err)
	case !now.Open:
		return errors.New(describeGuard(now))
	}
	fmt.Println(describeGuard(now))
	return nil
}

// watchGuard prints the state of the guard at every change. That Gatewatch ends or hangs is a change too; it goes on when a
// program that hung answers again.
func watchGuard(ctx context.Context, client *api.Client) error {
	told := ""
	line := func(text string) {
		if text != told { // the mode of a session that is over may have changed
			fmt.Printf("%s  %s\n", time.Now().Format(time.DateTime), text)
		}
		told = text
	}
	for {
		err := client.FollowGuard(ctx, func(g api.Guarded) { line(describeGuard(g)) })
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, api.ErrNotResponding):
			line("closed: " + wording.NotResponding)
			continue
		case told != "":
			line("closed: " + wording.NotRunning)
			err = api.ErrNotRunning
		}
		return home.Explain(err)
	}
}

// describeGuard says in one line whether a bot may trade.
func describeGuard(g api.Guarded) string {
	if !g.Open {
		return "closed: " + wording.OneLine(g.Reason)
	}
	mode := wording.Mode(conn.Mode(g.Mode))
	if mode == "" {
		mode = "paper or live not known"
	}
	armed := "trading off"
	if g.Armed {
		armed = "trading on"
	}
	return fmt.Sprintf("open: session %d, %s, %s", g.Session, mode, armed)
}
