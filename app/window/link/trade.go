package link

import (
	"context"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// Arm lets orders leave; live says that a person has confirmed it for a live account.
func (l *Link) Arm(ctx context.Context, live bool) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.Arm(ctx, live) })
}

// Disarm ends that. It waits for nothing else that is under way.
func (l *Link) Disarm(ctx context.Context) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.Disarm(ctx) })
}

// Rules asks for the rules and calls done with them, before anything newer about them.
func (l *Link) Rules(ctx context.Context, done func(api.Rules, error)) {
	l.ruled(done, func(c *api.Client) (api.Rules, error) { return c.Rules(ctx) })
}

// SaveRule has a rule written down, in place of the one with the name, or as a new one if that is empty. The error is
// settings.Problems if the rule is at fault.
func (l *Link) SaveRule(ctx context.Context, name string, rule rules.Rule, done func(api.Rules, error)) {
	l.ruled(done, func(c *api.Client) (api.Rules, error) { return c.SaveRule(ctx, name, rule) })
}

// ActivateRule has a rule watch prices.
func (l *Link) ActivateRule(ctx context.Context, name string, done func(api.Rules, error)) {
	l.ruled(done, func(c *api.Client) (api.Rules, error) { return c.ActivateRule(ctx, name) })
}

// DeactivateRule ends that.
func (l *Link) DeactivateRule(ctx context.Context, name string, done func(api.Rules, error)) {
	l.ruled(done, func(c *api.Client) (api.Rules, error) { return c.DeactivateRule(ctx, name) })
}

// DeleteRule removes a rule.
func (l *Link) DeleteRule(ctx context.Context, name string, done func(api.Rules, error)) {
	l.ruled(done, func(c *api.Client) (api.Rules, error) { return c.DeleteRule(ctx, name) })
}

// ruled asks something whose answer is the rules with their states then. No older answer overtakes it.
func (l *Link) ruled(done func(api.Rules, error), ask func(*api.Client) (api.Rules, error)) {
	l.ruling.Lock()
	defer l.ruling.Unlock()
	client, err := l.current()
	if err != nil {
		done(api.Rules{}, err)
		return
	}
	done(ask(client))
}

// Resolve asks which contracts an instrument can mean.
func (l *Link) Resolve(ctx context.Context, in rules.Instrument) ([]api.Candidate, error) {
	return ask(l, func(c *api.Client) ([]api.Candidate, error) { return c.Resolve(ctx, in) })
}

// Preview asks what a rule would do now.
func (l *Link) Preview(ctx context.Context, req api.RulePreviewRequest) (api.RulePreview, error) {
	return ask(l, func(c *api.Client) (api.RulePreview, error) { return c.PreviewRule(ctx, req) })
}

// Orders asks for the orders.
func (l *Link) Orders(ctx context.Context) (api.Orders, error) {
	return ask(l, func(c *api.Client) (api.Orders, error) { return c.Orders(ctx) })
}

// Positions asks for the positions.
func (l *Link) Positions(ctx context.Context) (api.Positions, error) {
	return ask(l, func(c *api.Client) (api.Positions, error) { return c.Positions(ctx) })
}

// CancelOrder asks for an order to be cancelled.
func (l *Link) CancelOrder(ctx context.Context, id int64) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.CancelOrder(ctx, id) })
}

// CancelOrders asks for all open orders to be cancelled. The error is an *[api.Remark] if not all of them can be.
func (l *Link) CancelOrders(ctx context.Context) error {
	return l.command(func(c *api.Client) (api.Answer, error) {
		a, err := c.CancelOrders(ctx)
		if err == nil && a.Message != "" {
			err = &api.Remark{Text: a.Message}
		}
		return a, err
	})
}

// ChangeOrder changes quantity or price of a working order.
func (l *Link) ChangeOrder(ctx context.Context, change api.OrderChange) error {
	return l.command(func(c *api.Client) (api.Answer, error) { return c.ChangeOrder(ctx, change) })
}
