package resident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/console"
	"gatewatch/app/home"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/strict"
	"gatewatch/app/wording"
	"gatewatch/conn/nudge"
)

// configuration keeps the settings in effect. They come from settings.json, at the start and when it changes, and from
// the API, which writes that file.
type configuration struct {
	home      home.Home
	demo      bool
	here      region.Found // the region of this computer, since the start
	consumers *consumers
	failures  *failures
	changes   *nudge.Subscribers
	screen    *console.Console
	log       *slog.Logger
	events    *slog.Logger // for what the console says in its own words

	changing sync.Mutex // one change of settings at a time
	current  atomic.Pointer[settings.Settings]
	defaults atomic.Bool // current holds the defaults because no settings could be read at the start
}

// keep makes settings those in effect, also for a later start with a settings.json that is bad.
func (c *configuration) keep(s settings.Settings) {
	c.current.Store(&s)
	if err := settings.Save(c.home.LastGood(), s); err != nil {
		c.log.Warn("the last good settings could not be kept", "err", err)
	}
	if err := settings.WriteSchema(c.home.Config); err != nil {
		c.log.Warn("the settings schema could not be written", "err", err)
	}
}

// change puts settings in effect while the program runs; after an error none of them are. The caller holds changing.
func (c *configuration) change(s settings.Settings) error {
	old := *c.current.Load()
	keys := settings.Diff(old, s)
	if len(keys) == 0 {
		return nil
	}
	if err := c.consumers.Apply(old, s); err != nil {
		return err
	}
	c.keep(s)
	c.defaults.Store(false)
	c.log.Info("settings changed", "keys", strings.Join(keys, " "))
	c.changes.Nudge()
	return nil
}

// Settings returns what GET /settings answers.
func (c *configuration) Settings() api.SettingsView {
	_, found, _ := settings.Load(c.home.Settings())
	v := api.SettingsView{
		Path: c.home.Settings(), Found: found || c.demo, // a demo has no first run to guide through
		Settings: *c.current.Load(), Defaults: settings.Default(), Problem: c.failures.text(wording.FailingSettings),
	}
	if !v.Found {
		v.Suggestion = api.SuggestReset(v.Settings, c.here, time.Now())
	}
	return v
}

// SettingsText returns what GET /settings/text answers.
func (c *configuration) SettingsText() (api.FileText, string, error) {
	text, found, err := settings.ReadText(c.home.Settings())
	if err != nil {
		return api.FileText{}, "", err
	}
	tag := api.TagOf(text)
	if !found {
		v := c.Settings()
		if v.Suggestion != nil {
			v.Settings = v.Suggestion.Settings
		}
		if text, err = settings.Marshal(v.Settings); err != nil {
			return api.FileText{}, "", err
		}
	}
	return api.FileTextOf(c.home.Settings(), found, text, settings.Check(text)), tag, nil
}

// SaveSettings checks a settings file, writes it as it is, and puts it in effect. After an error nothing has changed.
func (c *configuration) SaveSettings(_ context.Context, body []byte, tag string) error {
	s, err := settings.Parse("settings.json", body)
	if err != nil {
		return err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if _, err := c.consumers.check(s); err != nil {
		return err
	}
	if err := c.consumers.alerts.secrets.Check(body, s); err != nil {
		return err
	}
	restore, err := replace(c.home.Settings(), body, tag)
	if err != nil {
		return err
	}
	if err := c.change(s); err != nil {
		restore()
		return err
	}
	c.failures.set(wording.FailingSettings, nil)
	return nil
}

// replace writes the text of a settings file that still has the tag, and returns what puts back the one before.
func replace(path string, text []byte, tag string) (restore func(), err error) {
	before, found, err := settings.ReadText(path)
	if err != nil && !errors.Is(err, strict.ErrNoFile) {
		return nil, err
	}
	missing := !found || err != nil
	if tag != "" && tag != api.TagOf(before) {
		return nil, api.ErrChanged
	}
	if err := strict.Save(path, text); err != nil {
		return nil, fmt.Errorf("save settings: %w", err)
	}
	return func() {
		if missing {
			_ = os.Remove(path)
		} else {
			_ = strict.Save(path, before)
		}
	}, nil
}

// takePort opens the API at the port of the settings, if another program had it and has it no more.
func (c *configuration) takePort() {
	if !c.changing.TryLock() {
		return
	}
	defer c.changing.Unlock()
	if port := c.current.Load().API.Port; port != 0 && port != c.consumers.servers.port() {
		c.consumers.servers.takePort(port)
	}
}

// watch follows settings.json until ctx ends.
func (c *configuration) watch(ctx context.Context) {
	w := &settings.Watcher{
		Path: c.home.Settings(), Current: *c.current.Load(), OnChange: c.follow, OnError: c.refuse,
		OnRecovered: func() {
			c.failures.set(wording.FailingSettings, nil)
			c.log.Info("settings are good again")
		},
	}
	w.Run(ctx)
}

// follow puts settings in effect that were written to settings.json.
func (c *configuration) follow(s settings.Settings) {
	c.changing.Lock()
	defer c.changing.Unlock()
	// Since the watcher has read the file, SaveSettings may have written it: what was there before is out of date.
	if now, found, err := settings.Load(c.home.Settings()); found && err == nil {
		s = now
	}
	if err := c.change(s); err != nil {
		c.refuse(err)
		return
	}
	c.failures.set(wording.FailingSettings, nil)
}

// refuse says why settings.json is not in effect.
func (c *configuration) refuse(err error) {
	c.failures.set(wording.FailingSettings, err)
	c.events.Error("settings refused", "err", err)
	c.screen.Say("SETTINGS", strings.ReplaceAll(err.Error(), "\n", "\n"+strings.Repeat(" ", 24)))
	c.screen.Say("SETTINGS", wording.SettingsRefused(c.defaults.Load()))
}
