package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
	"gatewatch/engine"
)

type simCmd struct {
	Listen        string  `help:"Address of the API port; loopback only." default:"127.0.0.1:4002"`
	Control       string  `help:"Address of the HTTP control port; loopback only, empty for none." default:"127.0.0.1:4003"`
	ServerVersion int     `help:"Protocol version of the gateway, 176 to 225." default:"225"`
	TickRate      float64 `help:"Price ticks per second and symbol." default:"4"`
	Script        string  `help:"File with a script of timed faults." type:"existingfile" placeholder:"FILE"`
	Account       string  `help:"Managed accounts, separated by commas; those that begin with D are paper accounts." default:"DU1234567"`
	Verbose       bool    `help:"Log every request." short:"v"`
}

func (c simCmd) Run(ctx context.Context) error {
	script := ""
	if c.Script != "" {
		text, err := os.ReadFile(c.Script)
		if err != nil {
			return err
		}
		script = string(text)
		if _, err := sim.ParseScript(script); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%s: %w", c.Script, err)}
		}
	}
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	g, err := sim.Start(ctx, sim.Config{
		Listen: c.Listen, Control: c.Control, ServerVersion: c.ServerVersion, TickRate: c.TickRate,
		Accounts: strings.Split(c.Account, ","), Script: script,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Printf("Simulated gateway, protocol %d, on %s\n", c.ServerVersion, g.Addr())
	if a := g.ControlAddr(); a != "" {
		fmt.Printf("Faults: curl http://%s/ lists them\n", a)
	}
	<-ctx.Done()
	return g.Close()
}

// demoStory is played again and again.
const demoStory = `
at 12s drop
at 24s 1100
at 30s 1102
at 40s freeze
at 44s thaw
at 52s restart for=6s
loop 75s
`

// demo is the simulated gateway of --demo and what is shown of its ticks.
type demo struct {
	dir         string
	gateway     *sim.Gateway
	instruments []engine.Instrument
	last        [3]atomic.Uint64 // cents
}

func newDemo(ctx context.Context) (*demo, error) {
	dir, err := tempHome()
	if err != nil {
		return nil, err
	}
	g, err := sim.Start(ctx, sim.Config{Script: demoStory})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	stock := func(symbol string) engine.Instrument {
		return engine.Instrument{Name: symbol, Contract: conn.Contract{Symbol: symbol, Type: "STK", Exchange: "SMART", Currency: "USD"}}
	}
	return &demo{dir: dir, gateway: g, instruments: []engine.Instrument{stock("AAPL"), stock("MSFT"), stock("SPY")}}, nil
}

func (d *demo) close() {
	_ = d.gateway.Close()
	_ = os.RemoveAll(d.dir)
}

// OnTick keeps the last price to show it.
func (d *demo) OnTick(instrument int, t conn.Tick) {
	if t.Field == conn.Last && t.Value > 0 {
		d.last[instrument].Store(uint64(t.Value*100 + 0.5))
	}
}

// tell shows every few seconds what the engine does.
func (d *demo) tell(ctx context.Context, screen *console, eng *engine.Engine) {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		evaluated, skipped := eng.Counts()
		if evaluated == before {
			continue
		}
		before = evaluated
		var prices []string
		for i, in := range d.instruments {
			if cents := d.last[i].Load(); cents != 0 {
				prices = append(prices, fmt.Sprintf("%s %.2f", in.Name, float64(cents)/100))
			}
		}
		screen.say("ticks", fmt.Sprintf("%s · %d evaluated, %d skipped", strings.Join(prices, " · "), evaluated, skipped))
	}
}

var errNothingFound = errors.New("no Gateway or TWS is ready")
