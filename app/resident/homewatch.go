package resident

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/engine"
)

// homeEvery is the time between two looks at whether the files of the home are still there.
const homeEvery = time.Second

// watchHome follows the files that this process has open or that others find it by, until ctx ends. Who deletes or moves the
// home of a running program has deleted the record of orders, and a second program could start beside it.
func (r *resident) watchHome(ctx context.Context) {
	w := &homeWatch{resident: r, held: r.lock.Held(), recorded: true}
	w.look()
	every := time.NewTicker(homeEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			w.look()
		}
	}
}

type homeWatch struct {
	*resident
	held, recorded bool // at the last look
	copied         bool // what is known of orders was written to where they have gone from
}

func (w *homeWatch) look() {
	held, recorded := w.lock.Held(), true
	if w.trade != nil {
		recorded = !errors.Is(w.trade.ledger.InPlace(), engine.ErrMoved)
	}
	if held && recorded && w.held && !missing(w.home.Card()) && !missing(w.home.Log()) {
		w.filesFail(nil)
		return
	}
	if w.held && !held || w.recorded && !recorded {
		w.stopTrading()
	}
	w.held, w.recorded = held, recorded
	err := w.writeAnew(held)
	if w.filesFail(err) && err != nil {
		w.log.Error("files of Gatewatch cannot be written; it tries again", "err", err)
	}
}

// stopTrading turns trading off, and says why.
func (w *homeWatch) stopTrading() {
	if w.trade != nil {
		w.trade.desk.Disarm()
	}
	w.log.Error("files of Gatewatch were deleted or moved while it runs; trading is off", "home", w.home.State)
	w.news.Put(engine.Report{Kind: engine.ReportMoved, At: time.Now().UTC(), Text: "no order is placed until Gatewatch restarts"})
	w.hub.nudge()
}

// writeAnew brings back what has gone, as far as this process knows it. What people write, settings and rules, stays gone; what
// was read from them last stays in effect.
func (w *homeWatch) writeAnew(held bool) error {
	if err := w.home.Make(); err != nil {
		return err
	}
	if !held {
		if err := w.lock.Take(); err != nil {
			return err // without the lock nothing here is ours to write
		}
		err := errors.Join(settings.Save(w.home.LastGood(), *w.settings.Load()), settings.WriteSchema(w.home.Config), rulebook.WriteSchema(filepath.Dir(w.home.Rules)))
		if err != nil {
			return err
		}
	}
	if !held || missing(w.home.Log()) {
		_ = w.logFile.Close() // the next line opens it anew
		w.log.Info("the log starts here; the previous one was deleted or moved")
	}
	if t := w.trade; t != nil && !w.copied && errors.Is(t.ledger.InPlace(), engine.ErrMoved) {
		w.copied = true // again when the program ends
		if err := t.ledger.WriteAnew(); err != nil {
			w.log.Error("the order database cannot be rewritten", "err", err)
		}
	}
	return w.writeCard()
}

// writeCard writes api.json unless it tells of this program, or the API is about to move.
func (w *homeWatch) writeCard() error {
	if !w.changing.TryLock() {
		return nil
	}
	defer w.changing.Unlock()
	w.mu.Lock()
	server := w.api
	w.mu.Unlock()
	if card, err := api.ReadCard(w.home.Card()); err == nil && card.Token == server.Token() {
		return nil
	}
	return api.WriteCard(w.home.Card(), server)
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
