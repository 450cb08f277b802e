package conn

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// TestUnsupported has a version of Gateway that says that its support ends, then another one.
func TestUnsupported(t *testing.T) {
	p := newPlay(nil)
	p.feed(inStart{})
	p.pass(time.Second)
	p.feed(onReady(p))
	if u := p.m.snapshot(p.cfg).Unsupported; u != (Unsupported{}) {
		t.Fatalf("%+v", u)
	}
	text := "ends on 20261215"
	p.feed(inNews{ib.Said{Session: p.m.session, Request: -1, Code: 2172, Text: text}})
	want := Unsupported{Text: text, From: time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC)}
	if u := p.m.snapshot(p.cfg).Unsupported; u != want {
		t.Errorf("%+v, want %+v", u, want)
	}
	p.feed(onLost(p))
	if u := p.m.snapshot(p.cfg).Unsupported; u != want {
		t.Errorf("while not connected: %+v, want %+v", u, want)
	}
	p.pass(time.Minute)
	p.feed(inNews{ib.Said{Session: p.m.session, Request: -1, Code: 2172, Text: "2027/01/02"}}) // before READY
	p.feed(onReady(p))
	if u := p.m.snapshot(p.cfg).Unsupported; u.From.Format(time.DateOnly) != "2027-01-02" {
		t.Errorf("told before READY: %+v", u)
	}
	p.feed(onLost(p))
	p.pass(time.Minute)
	p.feed(onReady(p))
	if u := p.m.snapshot(p.cfg).Unsupported; u != (Unsupported{}) {
		t.Errorf("it was updated: %+v", u)
	}
}

// TestMessagesFromTheWire has a gateway say things about itself, about its connections and about requests, in both of
// its languages.
func TestMessagesFromTheWire(t *testing.T) {
	for _, version := range ibtest.Versions {
		g := simtest.Start(t, sim.Config{ServerVersion: version, Unsupported: "20261215", Farms: []sim.Farm{
			{Code: 2104, Name: "usfarm"},
		}})
		cfg := testConfig(g.Port())
		var said sync.Map // texts by code
		cfg.Said = func(code int, text string, _ time.Time) { said.Store(code, text) }
		s := start(t, cfg)
		ibtest.Eventually(t, "it says until when it is supported", func() bool {
			return !s.Snapshot().Unsupported.From.IsZero()
		})
		g.Notice(1100, "")
		g.Notice(1102, "")
		g.NoticeFor(17, 399, "order 17")
		g.NoticeFor(1<<31-1<<16+5, 200, "No security definition")
		for _, code := range []int{2104, 2172, 1100, 1102, 399, 200} {
			ibtest.Eventually(t, fmt.Sprintf("version %d: code %d is among the messages", version, code), func() bool {
				_, there := said.Load(code)
				return there
			})
		}
		if text, _ := said.Load(2172); !strings.Contains(text.(string), "20261215") {
			t.Error(text)
		}
		if u := s.Snapshot().Unsupported; u.From.Format(time.DateOnly) != "2026-12-15" {
			t.Errorf("%+v", u)
		}
		if seen := Look(t.Context(), "127.0.0.1", g.Port(), 901, 10*time.Second); seen.Err != nil ||
			seen.Unsupported != s.Snapshot().Unsupported {
			t.Errorf("looked and saw %+v", seen)
		}
	}
}
