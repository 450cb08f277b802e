package link

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

func (b *backend) Rules() api.Rules {
	return api.Rules{MayEdit: true, Rules: []api.RuleView{{Rule: rules.Rule{Name: "dip"}}}}
}

func (b *backend) SaveRule(_ context.Context, name string, _ []byte) error {
	return b.ask("save " + name)
}

func (b *backend) ActivateRule(_ context.Context, name string) error {
	return b.ask("activate " + name)
}

func (b *backend) DeactivateRule(_ context.Context, name string) error {
	return b.ask("deactivate " + name)
}
func (b *backend) DeleteRule(_ context.Context, name string) error { return b.ask("delete " + name) }
func (b *backend) Arm(_ context.Context, live bool) error          { return b.ask(fmt.Sprint("arm ", live)) }
func (b *backend) Disarm(context.Context) error                    { return b.ask("disarm") }
func (b *backend) Orders() api.Orders {
	return api.Orders{Orders: []api.OrderView{{ID: 7}}}
}

func (b *backend) CancelOrder(_ context.Context, id int64) error {
	return b.ask(fmt.Sprint("cancel ", id))
}
func (b *backend) CancelOrders(context.Context) error { return b.ask("cancel all") }
func (b *backend) ChangeOrder(_ context.Context, c api.OrderChange) error {
	return b.ask(fmt.Sprint("change ", c.ID))
}

func (b *backend) Resolve(_ context.Context, in rules.Instrument) ([]api.Candidate, error) {
	return []api.Candidate{{Instrument: in}}, b.ask("resolve " + in.Symbol)
}

func TestCarriesRulesAndOrders(t *testing.T) {
	ctx, card := context.Background(), filepath.Join(t.TempDir(), "api.json")
	l, heard := run(t, card)
	next(t, heard.lost)
	l.Rules(ctx, func(_ api.Rules, err error) {
		if !errors.Is(err, api.ErrNotRunning) {
			t.Errorf("nobody there: %v", err)
		}
	})
	b := &backend{}
	s := serve(t, b, card)
	defer s.Close(ctx)
	next(t, heard.status)
	told := func(r api.Rules, err error) {
		if err != nil || len(r.Rules) != 1 {
			t.Errorf("told %+v, %v", r, err)
		}
	}
	l.Rules(ctx, told)
	l.SaveRule(ctx, "dip", rules.Rule{Name: "dips"}, told)
	l.ActivateRule(ctx, "dip", told)
	l.DeactivateRule(ctx, "dip", told)
	l.DeleteRule(ctx, "dip", told)
	o, err := l.Orders(ctx)
	list, found := l.Resolve(ctx, rules.Instrument{Symbol: "AAPL"})
	if err = errors.Join(err, found); err != nil || len(o.Orders) != 1 || len(list) != 1 {
		t.Errorf("%+v, %+v, %v", o, list, err)
	}
	quantity := 2.0
	if err := errors.Join(l.Arm(ctx, true), l.Disarm(ctx), l.CancelOrder(ctx, 7), l.CancelOrders(ctx),
		l.ChangeOrder(ctx, api.OrderChange{ID: 7, Quantity: &quantity})); err != nil {
		t.Error(err)
	}
	if want := []string{
		"save dip", "activate dip", "deactivate dip", "delete dip", "resolve AAPL", "arm true",
		"disarm", "cancel 7", "cancel all", "change 7",
	}; !reflect.DeepEqual(b.asked, want) {
		t.Errorf("asked %v, want %v", b.asked, want)
	}
	b.mu.Lock()
	b.failure = settings.Problems{{Key: "conditions[0].value", Text: "is off"}}
	b.mu.Unlock()
	l.SaveRule(ctx, "", rules.Rule{}, func(_ api.Rules, err error) {
		var refused settings.Problems
		if !errors.As(err, &refused) || refused[0].Key != "conditions[0].value" {
			t.Errorf("refused: %v", err)
		}
	})
	b.mu.Lock()
	b.failure = &api.Conflict{Reason: "not connected"}
	b.mu.Unlock()
	if err := l.Arm(ctx, false); err == nil {
		t.Error("a refusal is taken for done")
	}
}
