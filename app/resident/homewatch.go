package resident

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gatewatch/app/home"
	"gatewatch/app/logging"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/engine"
)

// homeEvery is the time between two looks at whether the files of the home are still there.
const homeEvery = time.Second

const movedAside = "something that is not a file was in the place of a file, and was moved aside"

// homeWatch follows the files that this process has open, and the files and the port by which others find it. If the
// home of a running program is deleted or moved, the record of orders is gone, and a second program could start beside
// it.
type homeWatch struct {
	home     home.Home
	lock     *home.Lock
	trading  *trading
	settings *configuration
	servers  *servers
	failures *failures
	logFile  *logging.File
	log      *slog.Logger

	held, recorded bool // at the last look
	copied         bool // the orders were written to where their record was
}

// run looks until ctx ends.
func (w *homeWatch) run(ctx context.Context) {
	w.held, w.recorded, w.copied = w.lock.Held(), true, false
	w.look()
	every := time.Tick(homeEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-every:
			w.look()
		}
	}
}

func (w *homeWatch) look() {
	w.settings.takePort()
	for _, path := range w.home.Sweep() {
		w.log.Warn(movedAside, "now", path)
	}
	held, recorded, unlogged := w.lock.Held(), !w.trading.moved(), w.logFile.Problem()
	if held && recorded && w.held && w.named() && !missing(w.home.Log()) && unlogged == nil {
		w.failures.set(wording.FailingFiles, nil)
		return
	}
	if w.held && !held || w.recorded && !recorded {
		w.trading.stop(engine.Report{Kind: engine.ReportMoved, Text: "no order is placed until Gatewatch restarts"})
		w.log.Error("files of Gatewatch were deleted or moved while it runs; trading is off", "home", w.home.State)
	}
	w.held, w.recorded = held, recorded
	err := errors.Join(w.restore(held), unlogged)
	if w.failures.set(wording.FailingFiles, err) && err != nil {
		w.log.Error("files of Gatewatch cannot be written; it tries again", "err", err)
	}
}

// restore writes missing files again, as far as this process knows them. What people write, settings and rules, stays
// missing; what was read from them last stays in effect.
func (w *homeWatch) restore(held bool) error {
	if err := w.home.Make(); err != nil {
		return err
	}
	if !held {
		if err := w.lock.Take(); err != nil {
			return err // without the lock the files here may be those of another program
		}
		err := errors.Join(
			settings.Save(w.home.LastGood(), *w.settings.current.Load()), settings.WriteSchema(w.home.Config),
			rulebook.WriteSchema(filepath.Dir(w.home.Rules)),
		)
		if err != nil {
			return err
		}
	}
	if (!held || missing(w.home.Log())) && w.logFile.Problem() == nil {
		w.logFile.Reopen()
		w.log.Info("the log starts here; the previous one was deleted or moved")
	}
	if !w.copied && w.trading.moved() {
		w.copied = true // again when the program ends
		if err := w.trading.ledger.Rewrite(); err != nil {
			w.log.Error("the order database cannot be rewritten", "err", err)
		}
	}
	return w.writeCard()
}

// writeCard writes api.json unless it names this program, or the API is about to move.
func (w *homeWatch) writeCard() error {
	if !w.settings.changing.TryLock() {
		return nil
	}
	defer w.settings.changing.Unlock()
	if w.named() {
		return nil
	}
	return home.WriteCard(w.home.Card(), w.servers.current().Card())
}

// named reports whether api.json names this program.
func (w *homeWatch) named() bool {
	card, err := home.ReadCard(w.home.Card())
	return err == nil && card.Token == w.servers.current().Token()
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
