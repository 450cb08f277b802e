package main

import (
	"context"
	"sync"

	"fyne.io/fyne/v2"

	"gatewatch/app/api"
	"gatewatch/app/window/link"
	"gatewatch/app/window/ui"
	"gatewatch/engine/rules"
)

// trade carries what the user wants of rules and orders to the resident program, and the answers back. The link and the
// view are asked for when something is wanted: they do not exist before.
func trade(ctx context.Context, work *sync.WaitGroup, l func() *link.Link, v func() *ui.View) ui.Trade {
	command := func(send func(context.Context) error, tell func(error)) {
		work.Go(func() {
			err := send(ctx)
			fyne.Do(func() { tell(err) })
		})
	}
	ruled := func(ask func(context.Context, string, func(api.Rules, error)), name string) {
		work.Go(func() {
			ask(ctx, name, func(r api.Rules, err error) { fyne.Do(func() { v().RuleDone(r, err) }) })
		})
	}
	return ui.Trade{
		Arm: func(live bool) {
			command(func(ctx context.Context) error { return l().Arm(ctx, live) }, v().Armed)
		},
		Disarm: func() { command(l().Disarm, v().Armed) },
		Rules: func() {
			work.Go(func() {
				l().Rules(ctx, func(r api.Rules, err error) { fyne.Do(func() { v().Rules(r, err) }) })
			})
		},
		SaveRule: func(name string, rule rules.Rule) {
			work.Go(func() {
				l().SaveRule(ctx, name, rule, func(r api.Rules, err error) {
					fyne.Do(func() { v().RuleSaved(r, err) })
				})
			})
		},
		Activate:   func(name string) { ruled(l().ActivateRule, name) },
		Deactivate: func(name string) { ruled(l().DeactivateRule, name) },
		Delete:     func(name string) { ruled(l().DeleteRule, name) },
		Resolve: func(in rules.Instrument) {
			work.Go(func() {
				list, err := l().Resolve(ctx, in)
				fyne.Do(func() { v().Resolved(in, list, err) })
			})
		},
		Preview: func(req api.RulePreviewRequest) {
			work.Go(func() {
				p, err := l().Preview(ctx, req)
				fyne.Do(func() { v().Previewed(req, p, err) })
			})
		},
		Programs: func() {
			work.Go(func() {
				p, o, err := l().Programs(ctx)
				fyne.Do(func() { v().Programs(p, o, err) })
			})
		},
		StopTrading: func() { command(l().StopTrading, v().ProgramsDone) },
		AllowPrograms: func(live bool) {
			command(func(ctx context.Context) error { return l().AllowPrograms(ctx, live) }, v().ProgramsDone)
		},
		SetReadOnly: func(client int, on bool) {
			command(func(ctx context.Context) error { return l().SetReadOnly(ctx, client, on) }, v().ProgramsDone)
		},
		Orders: func() {
			work.Go(func() {
				o, err := l().Orders(ctx)
				fyne.Do(func() { v().Orders(o, err) })
			})
		},
		Positions: func() {
			work.Go(func() {
				p, err := l().Positions(ctx)
				fyne.Do(func() { v().Positions(p, err) })
			})
		},
		CancelOrder: func(id int64) {
			command(func(ctx context.Context) error {
				return l().CancelOrder(ctx, id)
			}, func(err error) { v().OrderDone(id, err) })
		},
		CancelOrders: func() { command(l().CancelOrders, func(err error) { v().OrderDone(0, err) }) },
		ChangeOrder: func(c api.OrderChange) {
			command(func(ctx context.Context) error {
				return l().ChangeOrder(ctx, c)
			}, func(err error) { v().OrderDone(c.ID, err) })
		},
	}
}
