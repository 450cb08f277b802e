package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// Guard shows whether a bot may trade now.
type Guard struct {
	Watch bool `help:"Keep running and print a line for every change."`
	JSON  bool `help:"Print the answer of GET /guard as it is; with --watch one line for every change."`
}

func (g Guard) Run(ctx context.Context, p Program) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	if g.Watch {
		return g.watch(ctx, client)
	}
	now, err := client.Guard(ctx)
	if err != nil {
		return home.Explain(err)
	}
	if g.JSON {
		if err := printJSON(now); err != nil {
			return err
		}
	}
	switch {
	case !now.Open:
		return errors.New(describeGuard(now))
	case !g.JSON:
		fmt.Fprintln(Stdout, colored(good, describeGuard(now)))
	}
	return nil
}

// watch prints the state of the guard at every change. That Gatewatch ends or hangs is a change too; it goes on when a
// program that hung answers again.
func (g Guard) watch(ctx context.Context, client *api.Client) error {
	shown := ""
	show := func(now api.Guarded) {
		if text := describeGuard(now); text != shown { // the mode of a session that is over may have changed
			g.line(time.Now(), now)
			shown = text
		}
	}
	for {
		err := client.FollowGuard(ctx, show)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, api.ErrNotResponding):
			show(api.Guarded{Reason: wording.NotResponding, ReasonID: "not_responding"})
			continue
		case shown != "":
			show(api.Guarded{Reason: wording.NotRunning, ReasonID: "not_running"})
			err = api.ErrNotRunning
		}
		return home.Explain(err)
	}
}

// line prints the state of the guard in a line.
func (g Guard) line(at time.Time, now api.Guarded) {
	if !g.JSON {
		fmt.Fprintf(Stdout, "%s  %s\n", at.Format(time.DateTime), colored(openColor(now.Open), describeGuard(now)))
		return
	}
	line, err := json.Marshal(struct {
		At time.Time `json:"at"`
		api.Guarded
	}{at.Round(time.Millisecond), now})
	if err == nil { // it always is
		fmt.Fprintln(Stdout, string(line))
	}
}

// describeGuard says in one line whether a bot may trade.
func describeGuard(g api.Guarded) string {
	if !g.Open {
		return "closed: " + wording.OneLine(g.Reason)
	}
	mode := cmp.Or(wording.Account(ib.Mode(g.Mode), g.Demo), modeNotKnown)
	armed := "trading off"
	if g.Armed {
		armed = "trading on"
	}
	return fmt.Sprintf("open: session %d, %s, %s", g.Session, mode, armed)
}
