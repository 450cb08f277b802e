package main

import (
	"context"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"gatewatch/app/api"
	"gatewatch/app/window/link"
	"gatewatch/app/window/ui"
	"gatewatch/engine/rules"
)

// daysShown is how many days the history of the window goes back.
const daysShown = 90

// resident carries what the user wants to the resident program, and the answers back to the view.
type resident struct {
	ctx     context.Context
	work    sync.WaitGroup
	program link.Program
	link    *link.Link
	view    *ui.View
}

// ask asks the resident program something; show gets the answer.
func ask[T any](r *resident, do func(*api.Client, context.Context) (T, error), show func(T, error)) {
	r.work.Go(func() {
		answer, err := link.Ask(r.ctx, r.link, do)
		fyne.Do(func() { show(answer, err) })
	})
}

// run does something that takes time; done gets its error.
func (r *resident) run(do func(context.Context) error, done func(error)) {
	r.work.Go(func() {
		err := do(r.ctx)
		fyne.Do(func() { done(err) })
	})
}

func (r *resident) command(send func(*api.Client, context.Context) (api.Answer, error), done func(error)) {
	r.run(func(ctx context.Context) error { return r.link.Command(ctx, send) }, done)
}

func (r *resident) rules(do func(*api.Client, context.Context) (api.Rules, error), show func(api.Rules, error)) {
	r.work.Go(func() {
		r.link.Rules(r.ctx, do, func(list api.Rules, err error) { fyne.Do(func() { show(list, err) }) })
	})
}

// actions returns what the user can want of the resident program. The view and the link are set before anything is.
func (r *resident) actions(w fyne.Window) ui.Actions {
	return ui.Actions{
		Start:      func() { r.run(r.program.Start, r.view.Commanded) },
		Restart:    func() { r.run(r.program.Restart, r.view.Commanded) },
		Connect:    func() { r.command((*api.Client).Connect, r.view.Commanded) },
		Disconnect: func() { r.command((*api.Client).Disconnect, r.view.Commanded) },
		Save: func(body []byte) {
			r.work.Go(func() {
				r.link.Save(r.ctx, body, func(s api.SettingsView, err error) {
					fyne.Do(func() { r.view.Saved(s, err) })
				})
			})
		},
		Uptime: func() {
			ask(r, func(c *api.Client, ctx context.Context) (api.Uptime, error) {
				return c.Uptime(ctx, daysShown)
			}, r.view.Uptime)
		},
		Log: func() {
			ask(r, func(c *api.Client, ctx context.Context) (api.Log, error) {
				return c.Log(ctx, api.LogQuery{Since: time.Now().AddDate(0, 0, -daysShown), Limit: api.MaxRecords})
			}, r.view.Log)
		},
		Latency:  func() { ask(r, (*api.Client).Latency, r.view.Latency) },
		Messages: func() { ask(r, (*api.Client).Messages, r.view.Messages) },
		Alerts:   func() { ask(r, (*api.Client).Alerts, r.view.Alerts) },
		Test: func(channel string) {
			ask(r, func(c *api.Client, ctx context.Context) (api.AlertTest, error) {
				return c.TestAlerts(ctx, channel)
			}, func(t api.AlertTest, err error) { r.view.Tested(channel, t, err) })
		},
		Address: func(channel string) {
			ask(r, func(c *api.Client, ctx context.Context) (string, error) {
				return c.SecretAddress(ctx, channel)
			}, func(address string, err error) { r.view.Address(channel, address, err) })
		},
		ChangeAlerts: func(c ui.AlertChange) {
			r.work.Go(func() {
				refs, stored, err := r.link.ChangeAlerts(r.ctx, c.Secrets, c.Edit, c.Drop)
				channel := ""
				if err == nil {
					channel = c.Channel(refs)
				}
				fyne.Do(func() { r.view.AlertsChanged(channel, stored, err) })
			})
		},
		Mute: func(until time.Time) {
			r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) {
				return c.Mute(ctx, until)
			}, r.view.Muted)
		},
		Diagnostics: func() {
			ask(r, func(c *api.Client, ctx context.Context) (string, error) {
				return c.Diagnostics(ctx, false)
			}, r.view.Diagnostics)
		},
		Login: func() { ask(r, (*api.Client).Autostart, r.view.Login) },
		SetLogin: func(on bool) {
			ask(r, func(c *api.Client, ctx context.Context) (api.Autostart, error) {
				return c.SetAutostart(ctx, on)
			}, r.view.Login)
		},
		Trade: r.trade(),
		Close: w.Close,
		Title: w.SetTitle,
	}
}

func (r *resident) trade() ui.Trade {
	onRule := func(change api.RuleChange) func(string) {
		return func(name string) {
			r.rules(func(c *api.Client, ctx context.Context) (api.Rules, error) {
				return c.ChangeRule(ctx, change, name)
			}, r.view.RuleDone)
		}
	}
	confirmed := func(do func(*api.Client, context.Context, bool) (api.Answer, error), live bool, done func(error)) {
		r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) { return do(c, ctx, live) }, done)
	}
	return ui.Trade{
		Arm:    func(live bool) { confirmed((*api.Client).Arm, live, r.view.Armed) },
		Disarm: func() { r.command((*api.Client).Disarm, r.view.Armed) },
		Rules:  func() { r.rules((*api.Client).Rules, r.view.Rules) },
		SaveRule: func(name string, rule rules.Rule) {
			r.rules(func(c *api.Client, ctx context.Context) (api.Rules, error) {
				return c.SaveRule(ctx, name, rule)
			}, r.view.RuleSaved)
		},
		Activate:   onRule(api.ActivateRule),
		Deactivate: onRule(api.DeactivateRule),
		Delete:     onRule(api.DeleteRule),
		Resolve: func(in rules.Instrument) {
			ask(r, func(c *api.Client, ctx context.Context) ([]api.Candidate, error) {
				return c.Resolve(ctx, in)
			}, func(list []api.Candidate, err error) { r.view.Resolved(in, list, err) })
		},
		Preview: func(req api.RulePreviewRequest) {
			ask(r, func(c *api.Client, ctx context.Context) (api.RulePreview, error) {
				return c.PreviewRule(ctx, req)
			}, func(p api.RulePreview, err error) { r.view.Previewed(req, p, err) })
		},
		Programs: func() {
			var orders api.ProgramOrders
			ask(r, func(c *api.Client, ctx context.Context) (p api.Programs, err error) {
				if p, err = c.Programs(ctx); err == nil {
					orders, err = c.ProgramOrders(ctx)
				}
				return p, err
			}, func(p api.Programs, err error) { r.view.Programs(p, orders, err) })
		},
		StopTrading:   func() { r.command((*api.Client).StopTrading, r.view.ProgramsDone) },
		AllowPrograms: func(live bool) { confirmed((*api.Client).AllowPrograms, live, r.view.ProgramsDone) },
		SetReadOnly: func(client int, on bool) {
			r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) {
				return c.SetReadOnly(ctx, client, on)
			}, r.view.ProgramsDone)
		},
		Orders:    func() { ask(r, (*api.Client).Orders, r.view.Orders) },
		Positions: func() { ask(r, (*api.Client).Positions, r.view.Positions) },
		CancelOrder: func(id int64) {
			r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) {
				return c.CancelOrder(ctx, id)
			}, func(err error) { r.view.OrderDone(id, err) })
		},
		CancelOrders: func() {
			r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) {
				a, err := c.CancelOrders(ctx)
				if err == nil && a.Message != "" {
					err = &api.Remark{Text: a.Message}
				}
				return a, err
			}, func(err error) { r.view.OrderDone(0, err) })
		},
		ChangeOrder: func(change api.OrderChange) {
			r.command(func(c *api.Client, ctx context.Context) (api.Answer, error) {
				return c.ChangeOrder(ctx, change)
			}, func(err error) { r.view.OrderDone(change.ID, err) })
		},
	}
}
