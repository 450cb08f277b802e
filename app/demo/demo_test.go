package demo

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// player is a program that notes what a demo asks for.
type player struct {
	changed chan struct{}

	mu    sync.Mutex
	open  bool
	asked []string
	ticks uint64
}

func (p *player) Subscribe() (<-chan struct{}, func()) { return p.changed, func() {} }

func (p *player) Status() (st api.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.Guard.Open = p.open
	return st
}

func (p *player) note(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
	return nil
}

func (p *player) Arm(_ context.Context, live bool) error {
	if live {
		panic("a demo is never live")
	}
	return p.note("arm")
}

func (p *player) ActivateRule(_ context.Context, name string) error { return p.note(name) }

func (p *player) Rules() api.Rules {
	price := 250.0
	rule := func(name, symbol string, price *float64) api.RuleView {
		return api.RuleView{
			Rule:  rules.Rule{Name: name, Instrument: rules.InstrumentOf(ib.Contract{Symbol: symbol})},
			Price: price,
		}
	}
	return api.Rules{Rules: []api.RuleView{rule("a", "AAPL", &price), rule("b", "MSFT", nil)}}
}

func (p *player) Counts() engine.Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return engine.Counts{Evaluated: p.ticks, Skipped: 3}
}

// TestPlay: a demo trades a while after the guard has opened, and says what the engine does when that is something.
func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &player{changed: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		var said []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			Play(ctx, p, slog.New(slog.DiscardHandler), func(label, text string) {
				said = append(said, label+": "+text)
			})
		}()
		p.changed <- struct{}{}
		synctest.Wait()
		if len(p.asked) != 0 {
			t.Errorf("asked %q while the guard is closed", p.asked)
		}
		p.mu.Lock()
		p.open = true
		p.mu.Unlock()
		p.changed <- struct{}{}
		time.Sleep(trades - time.Millisecond)
		p.mu.Lock()
		if len(p.asked) != 0 {
			t.Errorf("asked %q before the end of the time without trading", p.asked)
		}
		p.mu.Unlock()
		time.Sleep(6 * time.Second)
		p.mu.Lock()
		p.ticks = 40
		p.mu.Unlock()
		time.Sleep(10 * time.Second)
		cancel()
		<-done
		if want := []string{"arm", "a", "b"}; !slices.Equal(p.asked, want) {
			t.Errorf("asked %q, want %q", p.asked, want)
		}
		if want := []string{
			"demo: Trading is off: rules place no orders. The demo turns it on in 6 s.",
			"demo: Trading is on: active rules place orders on the simulated gateway.",
			"ticks: AAPL 250.00 · 40 evaluated, 3 skipped",
		}; !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	})
}

func TestRuleFile(t *testing.T) {
	if book := rulebook.Parse("rules.json", []byte(strings.TrimSpace(ruleFile))); len(book.Problems) > 0 ||
		len(book.Rules) != 3 {
		t.Errorf("%+v", book)
	}
}
