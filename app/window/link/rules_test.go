package link

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
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

func (b *backend) Disarm(context.Context) error { return b.ask("disarm") }
func (b *backend) Orders() api.Orders {
	return api.Orders{Orders: []api.OrderView{{ID: 7}}}
}

func TestCarriesRulesAndCommands(t *testing.T) {
	ctx, card := context.Background(), filepath.Join(t.TempDir(), "api.json")
	l, heard := run(t, card)
	next(t, heard.lost)
	l.Rules(ctx, (*api.Client).Rules, func(_ api.Rules, err error) {
		if !errors.Is(err, api.ErrNotRunning) {
			t.Errorf("nobody there: %v", err)
		}
	})
	b := &backend{}
	s := serve(t, b, card)
	defer s.Close(ctx)
	next(t, heard.status)
	save := func(c *api.Client, ctx context.Context) (api.Rules, error) {
		return c.SaveRule(ctx, "dip", rules.Rule{})
	}
	for _, ask := range []func(*api.Client, context.Context) (api.Rules, error){(*api.Client).Rules, save} {
		l.Rules(ctx, ask, func(r api.Rules, err error) {
			if err != nil || len(r.Rules) != 1 {
				t.Errorf("answered %+v, %v", r, err)
			}
		})
	}
	if o, err := Ask(ctx, l, (*api.Client).Orders); err != nil || len(o.Orders) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := l.Command(ctx, (*api.Client).Disarm); err != nil {
		t.Error(err)
	}
	if want := []string{"save dip", "disarm"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked %v, want %v", b.asked, want)
	}
	fail := func(err error) {
		b.mu.Lock()
		b.failure = err
		b.mu.Unlock()
	}
	fail(settings.Problems{{Key: "conditions[0].value", Text: "is off"}})
	l.Rules(ctx, save, func(_ api.Rules, err error) {
		var refused settings.Problems
		if !errors.As(err, &refused) || refused[0].Key != "conditions[0].value" {
			t.Errorf("refused: %v", err)
		}
	})
	fail(&api.Conflict{Reason: "not connected"})
	if err := l.Command(ctx, (*api.Client).Disarm); err == nil {
		t.Error("a refusal is taken for done")
	}
}
