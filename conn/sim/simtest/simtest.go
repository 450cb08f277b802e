// Package simtest starts simulated gateways for tests.
package simtest

import (
	"context"
	"testing"

	"gatewatch/conn/sim"
)

// Start starts a simulated gateway, which is closed at the end of the test.
func Start(t testing.TB, cfg sim.Config) *sim.Gateway {
	t.Helper()
	g, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// Do runs a fault by its name.
func Do(t testing.TB, g *sim.Gateway, verb string, params map[string]string) {
	t.Helper()
	if _, err := g.Do(verb, params); err != nil {
		t.Fatal(err)
	}
}
