package home

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/mod/semver"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// ErrShown means that the program that runs already was asked to show its window, and there is nothing else to do.
var ErrShown = errors.New("shown")

// Take locks the home for this process. One program runs in a home: where one does already, a newer version asks it
// to exit and takes its place, and any other opens the window of the running one and returns ErrShown, or an error if
// it is headless. A program that has the lock and does not answer is just starting or just ending, and is waited for.
func (h Home) Take(ctx context.Context, version string, headless bool) (l *Lock, err error) {
	var asked api.Card // of the older program that was asked to end
	silent := 0        // how often it did not answer in time
	for end := time.Now().Add(ExitLimit); ; {
		if l, err = h.Lock(); !errors.Is(err, errLocked) {
			return l, err
		}
		card, st, err := h.Running(ctx)
		client := api.NewClient(card)
		if errors.Is(err, api.ErrNotResponding) {
			silent++
		}
		switch {
		case silent > 1 && asked == (api.Card{}):
			return nil, Explain(err)
		case err != nil: // there is no card, or one of an earlier program, or the answer is late
		case card == asked:
		case headless:
			return nil, h.alreadyRuns()
		case newer(version, st.Version):
			fmt.Printf("Gatewatch %s runs; it makes way for %s.\n", wording.OneLine(st.Version), version)
			if _, err := client.Quit(ctx); err != nil {
				if !h.stillRuns(ctx, card) {
					break // another process has asked, too
				}
				return nil, fmt.Errorf("an older Gatewatch (%s) runs and does not end when asked (%w); quit it in "+
					"its tray", wording.OneLine(st.Version), err)
			}
			asked, end = card, time.Now().Add(ExitLimit)
		default:
			if _, err := client.Show(ctx); err != nil {
				if !h.stillRuns(ctx, card) {
					break // it was just ending
				}
				return nil, fmt.Errorf("%w, and its window cannot be opened: %w", h.alreadyRuns(), err)
			}
			fmt.Printf("Gatewatch runs already (%s); opening its window.\n", wording.OneLine(st.Version))
			return nil, ErrShown
		}
		if time.Now().After(end) {
			if asked != (api.Card{}) {
				return nil, errStays
			}
			return nil, h.alreadyRuns()
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// stillRuns reports whether the program that the card names still answers.
func (h Home) stillRuns(ctx context.Context, card api.Card) bool {
	now, _, err := h.Running(ctx)
	return err == nil && now == card
}

func (h Home) alreadyRuns() error {
	where := ""
	if card, err := ReadCard(h.Card()); err == nil {
		where = " at " + card.URL
	}
	return fmt.Errorf("another Gatewatch already runs with this home (%s)%s; `gatewatch status` shows it", h.State,
		where)
}

// described is how git describes a build that lies after a release, or has changes in it.
var described = regexp.MustCompile(`-\d+-g[0-9a-f]{7,}(-dirty)?$|-dirty$`)

// newer reports whether version a takes the place of b: both are releases by semantic versioning, with or without the
// v, and a comes after b. Builds between releases, such as "dev", have no place in that order: they neither take the
// place of another version nor give theirs up.
func newer(a, b string) bool {
	a, b = release(a), release(b)
	return a != "" && b != "" && semver.Compare(a, b) > 0
}

// release returns a version as package semver knows it, empty if it is no release.
func release(v string) string {
	if v != "" && v[0] != 'v' {
		v = "v" + v
	}
	if !semver.IsValid(v) || described.MatchString(v) {
		return ""
	}
	return v
}
