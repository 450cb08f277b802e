package resident

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"gatewatch/app/api/server"
	"gatewatch/app/console"
	"gatewatch/app/demo"
	"gatewatch/app/desktop"
	"gatewatch/app/programs"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/history"
)

// consumers are the parts of the program that settings are for. None of them asks for settings: Apply gives them
// theirs.
type consumers struct {
	demo          *demo.Gateway // nil unless --demo
	level         *slog.LevelVar
	screen        *console.Console
	desktop       *desktop.Desktop
	history       *connectionLog
	alerts        *alerts
	notifications *notifications
	trading       *trading
	relay         *programs.Relay
	conn          *connection
	servers       *servers
}

// checked are settings that nothing refuses any more, except for a port that cannot be opened.
type checked struct {
	settings settings.Settings // as they apply to this run
	conn     conn.Config
	hours    *history.Hours
}

// check turns settings into what takes effect. The error is settings.Problems if a setting is at fault.
func (c *consumers) check(s settings.Settings) (p checked, err error) {
	p.settings = s
	if c.demo != nil { // which has a gateway of its own
		p.settings.Gateway.Host, p.settings.Gateway.Port, p.settings.Gateway.Mode = "127.0.0.1", c.demo.Port(), "any"
		p.settings.ResetMinutes, p.settings.ResetWindows = 0, nil
	}
	if p.conn, err = p.settings.Conn(); err != nil {
		return p, err
	}
	if err = p.conn.Validate(); err != nil {
		return p, err
	}
	p.conn.Reconcile, p.conn.Said, p.conn.Answered = c.trading.reconcile, c.conn.said.Add, c.conn.trips.Add
	p.hours, err = s.MarketHours.Hours()
	return p, err
}

// Apply puts changed settings in effect while the program runs, part after part in the order below. After an error
// all of them are as before. What can be refused comes first; limits of orders come before a session that they are
// for.
func (c *consumers) Apply(old, new settings.Settings) (err error) {
	p, err := c.check(new)
	if err != nil {
		return err
	}
	var undo []func()
	defer func() {
		for _, do := range slices.Backward(undo) {
			if err != nil {
				do()
			}
		}
	}()

	var moved *server.Server
	if new.API.Port != old.API.Port && new.API.Port != c.servers.port() {
		if moved, err = c.servers.listen(new.API.Port); err != nil {
			text := err.Error() + "; the API stays at " + c.servers.url()
			return settings.Problems{{File: "settings.json", Line: 1, Column: 1, Key: "api.port", Text: text}}
		}
		undo = append(undo, func() { c.servers.stay(moved) })
	}
	if new.Gateway.ClientID != old.Gateway.ClientID {
		c.trading.off() // open orders belong to the other id
	}
	if before, err := c.check(old); err == nil {
		undo = append(undo, func() { c.trading.configure(before.settings) })
	}
	c.trading.configure(p.settings)
	if err := c.relay.Configure(new); err != nil {
		return err
	}
	undo = append(undo, func() { _ = c.relay.Configure(old) })
	if err := c.conn.Configure(context.Background(), p.conn); err != nil {
		return fmt.Errorf("the settings before stay in effect: %w", err)
	}
	c.push(p)
	if moved != nil {
		c.servers.move(moved)
	}
	return nil
}

// push gives settings to the parts that refuse none.
func (c *consumers) push(p checked) {
	s := p.settings
	c.history.hours.Store(p.hours)
	c.trading.marketHours.Store(p.hours)
	c.level.Set(s.Log.Severity())
	c.screen.SetClientID(s.Gateway.ClientID)
	c.desktop.Hide(variables(s))
	c.notifications.configure(s)
	c.alerts.configure(s)
}

// variables returns the environment variables in which the secrets of settings are.
func variables(s settings.Settings) (list []string) {
	for _, r := range s.References() {
		if name, ok := strings.CutPrefix(r.Ref, "env:"); ok {
			list = append(list, name)
		}
	}
	return list
}
