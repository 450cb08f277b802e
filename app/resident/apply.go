package resident

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/strict"
	"gatewatch/conn"
	"gatewatch/conn/history"
)

// plan is what settings turn into. Nothing of it is in effect yet, and nothing in it can be refused any more.
type plan struct {
	settings settings.Settings
	conn     conn.Config
	hours    *history.Hours
}

// plan turns settings into what takes effect.
func (r *resident) plan(s settings.Settings) (p plan, err error) {
	p.settings = s
	if p.conn, err = r.inForce(s).Conn(); err != nil {
		return p, err
	}
	if err = p.conn.Validate(); err != nil {
		return p, err
	}
	p.conn.Reconcile = r.reconcile()
	p.hours, err = s.MarketHours.Hours()
	return p, err
}

// inForce returns the settings as they apply to this run: the demo has a gateway of its own.
func (r *resident) inForce(s settings.Settings) settings.Settings {
	if r.demo != nil {
		s.Gateway.Host, s.Gateway.Port, s.Gateway.Mode = "127.0.0.1", r.demo.Port(), "any"
		s.ResetMinutes, s.ResetWindows = 0, nil
	}
	return s
}

// take puts a plan in effect as far as that is not the supervisor's business, and keeps its settings as the last good.
func (r *resident) take(p plan) {
	r.hours.Store(p.hours)
	r.level.Set(p.settings.Log.Severity())
	r.configureTrading(p.settings) // before anybody is told that its limits are in effect
	r.settings.Store(&p.settings)
	if box := r.alerts.Load(); box != nil {
		box.Configure(alertConfig(p.settings))
	}
	if err := settings.Save(r.home.LastGood(), p.settings); err != nil {
		r.log.Warn("the last good settings could not be kept", "err", err)
	}
	if err := settings.WriteSchema(r.home.Config); err != nil {
		r.log.Warn("the settings schema could not be written", "err", err)
	}
}

// apply puts changed settings in effect while the program runs, and first writes them down if that is wanted: all of it, or after an
// error nothing. The error is settings.Problems if a setting is at fault.
func (r *resident) apply(s settings.Settings, write bool) (err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	var undo []func()
	defer func() {
		for _, do := range slices.Backward(undo) {
			if err != nil {
				do()
			}
		}
	}()
	old := *r.settings.Load()
	keys := settings.Diff(old, s)
	p, err := r.plan(s)
	if err != nil {
		return err
	}
	var moved *api.Server
	if s.API.Port != old.API.Port && s.API.Port != r.apiPort() {
		if moved, err = r.listen(s.API.Port); err != nil {
			problem := settings.Problem{File: "settings.json", Line: 1, Column: 1, Key: "api.port", Text: err.Error() + "; the API stays at " + r.apiURL()}
			return settings.Problems{problem}
		}
		undo = append(undo, func() { r.stayAt(moved) })
	}
	if write {
		restore, err := replace(r.home.Settings(), s)
		if err != nil {
			return err
		}
		undo = append(undo, restore)
	}
	if len(keys) == 0 {
		return nil
	}
	if r.trade != nil && s.Gateway.ClientID != old.Gateway.ClientID {
		r.trade.desk.Disarm() // orders that are open belong to the other id
	}
	r.configureTrading(s) // before a session that the new limits are for
	undo = append(undo, func() { r.configureTrading(old) })
	if err := r.sup.Configure(context.Background(), p.conn); err != nil {
		return fmt.Errorf("the settings before stay in effect: %w", err)
	}
	r.take(p)
	if moved != nil {
		r.moveAPI(moved)
	}
	r.log.Info("settings changed", "keys", strings.Join(keys, " "))
	r.hub.nudge()
	return nil
}

// replace writes a settings file, and returns what puts back the one before.
func replace(path string, s settings.Settings) (restore func(), err error) {
	before, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	if err := settings.Save(path, s); err != nil {
		return nil, err
	}
	return func() {
		if missing {
			_ = os.Remove(path)
		} else {
			_ = strict.Save(path, before)
		}
	}, nil
}

// listen opens the API at another port, and has api.json name it.
func (r *resident) listen(port int) (*api.Server, error) {
	srv, err := api.Listen(port, r, r.log)
	if err != nil {
		return nil, err
	}
	if err := api.WriteCard(r.home.Card(), srv); err != nil {
		closeServer(srv.Close)
		return nil, err
	}
	return srv, nil
}

// stayAt takes back what listen has done.
func (r *resident) stayAt(srv *api.Server) {
	closeServer(srv.Close)
	r.mu.Lock()
	stays := r.api
	r.mu.Unlock()
	if err := api.WriteCard(r.home.Card(), stays); err != nil {
		r.log.Error("api.json names a port that is closed", "err", err)
	}
}

// answerLimit is how long a server that is replaced has for the answer to who asked for that.
const answerLimit = 2 * time.Second

// moveAPI has another server take over. The one before ends behind, when it has answered.
func (r *resident) moveAPI(srv *api.Server) {
	r.mu.Lock()
	old := r.api
	r.api = srv
	r.mu.Unlock()
	r.screen.say("API", srv.URL())
	r.leaving.Go(func() {
		ctx, cancel := context.WithTimeout(r.serving, answerLimit)
		defer cancel()
		old.Close(ctx)
	})
}

// follow puts settings in effect that somebody has written to settings.json.
func (r *resident) follow(s settings.Settings) {
	if err := r.apply(s, false); err != nil {
		r.refuse(err)
		return
	}
	r.setProblem("")
}

// refuse says why settings.json is not in effect.
func (r *resident) refuse(err error) {
	r.setProblem(err.Error())
	r.log.Error("settings refused, the previous ones stay in effect", "err", err)
	r.screen.say("SETTINGS", strings.ReplaceAll(err.Error(), "\n", "\n"+strings.Repeat(" ", 24)))
	r.screen.say("SETTINGS", "Refused; the previous settings stay in effect.")
}

func (r *resident) watchSettings(ctx context.Context, s settings.Settings) {
	w := &settings.Watcher{
		Path: r.home.Settings(), Current: s, OnChange: r.follow, OnError: r.refuse,
		OnRecovered: func() {
			r.setProblem("")
			r.log.Info("settings are good again")
		},
	}
	w.Run(ctx)
}
