package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// cardLook is how often waiting looks for the file that a starting program writes.
const cardLook = 200 * time.Millisecond

// Wait waits until Gatewatch is connected, or until the order guard is open.
type Wait struct {
	Until   string        `help:"What to wait for: connected, or guard (orders can be sent)." enum:"connected,guard" default:"connected"`
	Timeout time.Duration `help:"Longest wait, such as 90s or 10m." default:"5m" placeholder:"DURATION"`
	JSON    bool          `help:"Print the last status, with the keys of GET /status."`
}

// Validate checks the flags.
func (w Wait) Validate() error {
	if w.Timeout <= 0 {
		return errors.New("--timeout must be more than 0")
	}
	return nil
}

func (w Wait) Run(ctx context.Context, p Program) error {
	limited, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	last, err := w.wait(limited, p.Home.Card())
	if w.JSON && last != nil {
		if err := printJSON(last); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
		if !w.JSON {
			fmt.Fprintln(Stdout, w.reached(last))
		}
		return nil
	case ctx.Err() != nil:
		return errors.New("interrupted before the end of the wait")
	case last == nil && errors.Is(err, context.DeadlineExceeded):
		return exit.With(exit.NotThere, fmt.Errorf("no answer from Gatewatch within %s; `gatewatch status` says more",
			wording.Duration(w.Timeout)))
	case errors.Is(err, api.ErrNotResponding), last == nil:
		return exit.With(exit.NotThere, home.Explain(err))
	}
	return fmt.Errorf("not reached within %s: %s", wording.Duration(w.Timeout), w.missing(last))
}

// wait follows Gatewatch until it has what is waited for, or ctx ends. It returns the last status; without one, none
// runs, and the error says why.
func (w Wait) wait(ctx context.Context, card string) (last *api.Status, err error) {
	for {
		before, reached := err, false
		last, reached, err = w.follow(ctx, card, last)
		if reached {
			return last, nil
		}
		if ctx.Err() != nil && errors.Is(before, api.ErrNotResponding) {
			err = before // the last look was cut off
		}
		select {
		case <-ctx.Done():
			return last, err
		case <-time.After(cardLook):
		}
	}
}

// follow reads one stream of events until it ends or the status is the right one. The last status outlives a stream
// only if ctx ended it: Gatewatch has quit otherwise.
func (w Wait) follow(ctx context.Context, path string, last *api.Status) (*api.Status, bool, error) {
	card, err := home.FindCard(path)
	if err != nil {
		return nil, false, err
	}
	client := api.NewClient(card)
	defer client.Close()
	stream, stop := context.WithCancel(ctx)
	defer stop()
	reached := false
	err = client.Follow(stream, false, func(st api.Status) {
		if !reached {
			last, reached = &st, w.holds(&st)
		}
		if reached {
			stop()
		}
	}, func() {}, func() {})
	if !reached && ctx.Err() == nil {
		last = nil
	}
	return last, reached, err
}

// holds reports whether a status has what is waited for.
func (w Wait) holds(st *api.Status) bool {
	if w.Until == "guard" {
		return st.Guard.Open
	}
	return st.Connected && !st.Unanswered // else it is not known whether it still is
}

func (w Wait) reached(st *api.Status) string {
	if w.Until == "guard" {
		return describeGuard(api.GuardedOf(*st))
	}
	mode := cmp.Or(wording.Mode(ib.Mode(st.Gateway.Mode)), modeNotKnown)
	return fmt.Sprintf("connected: session %d, %s", st.Session, mode)
}

// missing says why a status does not have what is waited for.
func (w Wait) missing(st *api.Status) string {
	if w.Until == "guard" {
		return sentence("the order guard is "+describeGuard(api.GuardedOf(*st)), cmp.Or(st.Held.Hint, st.Hint))
	}
	return sentence(st.Headline, st.Cause, st.Hint)
}

// sentence joins what there is of texts, of which the later ones may be sentences already.
func sentence(texts ...string) string {
	var list []string
	for _, t := range texts {
		if t = strings.TrimSuffix(t, "."); t != "" {
			list = append(list, t)
		}
	}
	return wording.Line(strings.Join(list, ". "), 500)
}
