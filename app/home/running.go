package home

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/wording"
)

const (
	// ExitLimit is how long a program that was asked to exit may take.
	ExitLimit = 20 * time.Second
	// look is the time between two looks at what another process does.
	look = 25 * time.Millisecond
)

// errStays means that a program that was asked to exit has not.
var errStays = fmt.Errorf("gatewatch did not exit within %v; check its log or end the process", ExitLimit)

// Running returns how the program that has locked the home is reached, and its status; an error if it does not answer.
func (h Home) Running(ctx context.Context) (card api.Card, st api.Status, err error) {
	if card, err = FindCard(h.Card()); err == nil {
		client := api.NewClient(card)
		defer client.Close()
		st, _, err = client.Status(ctx)
	}
	return card, st, err
}

// AwaitExit returns when no program has the home locked any more.
func (h Home) AwaitExit(ctx context.Context) error {
	for end := time.Now().Add(ExitLimit); time.Now().Before(end); {
		l, err := h.Lock()
		if err == nil {
			l.Release()
			return nil
		}
		if !errors.Is(err, errLocked) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return errStays
}

// pause waits until it is time to look again at what another process does.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(look):
		return nil
	}
}

// Explain says in words for people that no program was reached, and what to do. Other errors it returns as they are.
func Explain(err error) error {
	if errors.Is(err, errHidden) {
		return exit.With(exit.NotThere, errors.New("api.json, which says how to reach the Gatewatch that runs here, "+
			"is missing: it starts or ends just now, or could not write the file; if this lasts, check whether the "+
			"disk is full and whether its folder is writable"))
	}
	if errors.Is(err, api.ErrNotRunning) {
		return exit.With(exit.NotThere, fmt.Errorf("%s here; start it with `gatewatch`, or name its folder with --home",
			wording.NotRunning))
	}
	if errors.Is(err, api.ErrNotResponding) {
		process := strings.TrimPrefix(err.Error(), api.ErrNotResponding.Error())
		return exit.With(exit.NotThere, errors.New(wording.NotResponding+process+": "+wording.NotRespondingDo))
	}
	return err
}
