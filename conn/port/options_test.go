package port_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

// TestObserve forwards everything at once, sends nothing by itself, and records what would have been refused.
func TestObserve(t *testing.T) {
	g := newTap(t, 176)
	r := newRig(t, g.port(), func(c *port.Config) { c.Settings.Mode = port.Observe })
	c := startRaw(t, r.number, 176, 7)
	p := g.peer(0)
	before := len(p.bytes())
	r.conn.close(ib.GuardUpstream)
	var want []byte
	for i := range 60 { // more than a second may have
		f := place(176, fmt.Sprint(100+i), "1", "0", "1")
		if i%3 == 1 {
			f = textFrame(176, 110, "x")
		}
		want = append(want, f...)
		c.write(f)
	}
	since := time.Now()
	if got := p.await(t, before+len(want))[before:]; !bytes.Equal(got, want) {
		t.Error("what went up is not what was sent")
	}
	if d := time.Since(since); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	r.conn.set(func(n *conn.Snapshot) { n.Cause = ib.CauseSilent })
	time.Sleep(20 * time.Millisecond)
	p.send(176, 49, "1", "1")
	if n, _, err := c.next(); n != 49 || err != nil {
		t.Errorf("message %d came, %v", n, err)
	}
	until(t, "all are recorded", func() bool { return len(r.Orders()) == 40 })
	for _, o := range r.Orders() {
		if o.State != record.Sent || o.Reason != string(ib.GuardUpstream) {
			t.Fatalf("%+v", o)
		}
	}
	e := r.saw(port.OrderRefused)
	if len(e) != 40 || !e[0].Observed {
		t.Errorf("%d events", len(e))
	}
	s := r.Status().Counters
	if s.Observed[port.Reason(ib.GuardUpstream)] != 40 || s.Observed[port.UnknownRequest] != 20 ||
		len(s.Refused) != 0 {
		t.Errorf("%+v", s)
	}
	if c := r.Clients()[0]; c.Sent != 40 || c.Observed != 40 || c.Refused != 0 {
		t.Errorf("%+v", c)
	}
}

// TestForbiddenWhileObserving stops trading, and makes a program read-only, in observe mode: no order leaves, the
// program is told, and what of a bracket has been sent is cancelled.
func TestForbiddenWhileObserving(t *testing.T) {
	readOnly := map[int]port.ClientOptions{7: {ReadOnly: true}}
	for name, forbid := range map[string]func(*port.Settings){
		"trading is stopped":        func(s *port.Settings) { s.Stopped = true },
		"this program is read-only": func(s *port.Settings) { s.Clients = readOnly },
	} {
		t.Run(name, func(t *testing.T) {
			g := newTap(t, 176)
			s := port.Settings{Mode: port.Observe}
			r := newRig(t, g.port(), func(c *port.Config) { s.Port = c.Settings.Port; c.Settings = s })
			r.conn.close(ib.GuardUpstream)
			c := startRaw(t, r.number, 176, 7)
			p := g.peer(0)
			c.write(place(176, "5", "0", "0", "1"))
			until(t, "the parent is sent", func() bool { return r.order(5).State == record.Sent })
			before := len(p.bytes())
			forbid(&s)
			if err := r.Configure(s); err != nil {
				t.Fatal(err)
			}
			for _, f := range [][]byte{
				place(176, "6", "1", "5", "1"), textFrame(176, 4, "1", "6", ""), textFrame(176, 110, "x"),
			} {
				c.write(f)
			}
			for _, want := range []struct {
				id   int64
				code int
				text string
			}{{6, 201, name}, {5, 399, "belongs to it"}, {6, 10147, "not sent"}, {-1, 322, name}} {
				id, code, text := c.error()
				if id != want.id || code != want.code || !strings.Contains(text, want.text) {
					t.Errorf("%d %d %q, want %v", id, code, text, want)
				}
			}
			cut := textFrame(176, 4, "1", "5", "")
			c.text(49, "1")
			want := append(cut, textFrame(176, 49, "1")...)
			if got := p.await(t, before+len(want))[before:]; !bytes.Equal(got, want) {
				t.Errorf("%q reached Gateway", got)
			}
			if o := r.order(6); o.State != record.Refused {
				t.Errorf("%+v", o)
			}
			if s := r.Status().Counters; len(s.Refused) != 1 || s.Observed[port.Reason(ib.GuardUpstream)] != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestOptions: each option of a client id works from the next order on, and only for that id.
func TestOptions(t *testing.T) {
	g := startSim(t, sim.Config{ServerVersion: 225})
	r := newRig(t, g.Port(), nil)
	one, other := connectProgram(t, r.number, 7), connectProgram(t, r.number, 8)
	id := int64(100)
	try := func(p *program, change func(*port.Settings), code int64) {
		t.Helper()
		s := port.Settings{Port: r.number}
		change(&s)
		if err := r.Configure(s); err != nil {
			t.Fatal(err)
		}
		id++
		p.PlaceOrder(id, stock("AAPL"), limitOrder("BUY", "1", 1))
		if code != 0 {
			p.error(id, code)
			return
		}
		p.status(id, "Submitted")
	}
	readOnly := func(s *port.Settings) { s.Clients = map[int]port.ClientOptions{7: {ReadOnly: true}} }
	try(one, readOnly, 201)
	if c := r.Clients(); !c[0].ReadOnly || c[1].ReadOnly {
		t.Errorf("%+v", c)
	}
	try(other, readOnly, 0)
	try(one, func(*port.Settings) {}, 0)
	stopped := func(s *port.Settings) { s.Stopped = true }
	try(one, stopped, 201)
	try(other, stopped, 201)
	few := func(s *port.Settings) { s.Clients = map[int]port.ClientOptions{7: {MaxOrdersPerMinute: 3}} }
	try(one, few, 0)
	try(one, few, 0)
	try(one, few, 201)
	try(other, few, 0)
	try(one, func(*port.Settings) {}, 0)
	one.UpdateConfigProtoBuf(&protobuf.UpdateConfigRequest{ReqId: proto.Int32(5)})
	e := one.await("the refusal", 0, func(h happening) bool { return h.code == 322 })
	if !strings.Contains(e.text, "not allowed") {
		t.Error(e.text)
	}
	for _, p := range []*program{one, other} {
		p.leave()
	}
	until(t, "the programs are gone", func() bool { return len(r.Clients()) == 0 })
}

// TestCancelOnDisconnect cancels a program's orders when its connection ends, with the option and only its own.
func TestCancelOnDisconnect(t *testing.T) {
	for _, version := range versions {
		g := startSim(t, sim.Config{ServerVersion: version})
		r := newRig(t, g.Port(), func(c *port.Config) {
			c.Settings.Clients = map[int]port.ClientOptions{7: {CancelOnDisconnect: true}}
		})
		one, other := connectProgram(t, r.number, 7), connectProgram(t, r.number, 8)
		for i, p := range []*program{one, one, other} {
			p.PlaceOrder(int64(10+i), stock("AAPL"), limitOrder("BUY", "1", 1))
			p.status(int64(10+i), "Submitted")
		}
		one.leave()
		until(t, "its orders are cancelled", func() bool {
			return r.order(10).State == record.Cancelled && r.order(11).State == record.Cancelled
		})
		other.leave()
		until(t, "the programs are gone", func() bool { return len(r.Clients()) == 0 })
		if n := len(g.Requests("cancelOrder")); n != 2 {
			t.Errorf("version %d: %d cancellations", version, n)
		}
		if o := r.order(12); o.State != record.Working {
			t.Errorf("version %d: %+v", version, o)
		}
	}
}

// TestWhoIsIt finds this process at the other end.
func TestWhoIsIt(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("the system does not say it")
	}
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	startRaw(t, r.number, 176, 7)
	until(t, "the program is known", func() bool { c := r.Clients(); return len(c) == 1 && c[0].PID == os.Getpid() })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Clients()[0]; c.Name == "" || !strings.HasPrefix(filepath.Base(program), c.Name) { // it may be cut off
		t.Errorf("%+v", c)
	}
}

// TestSettings refuses settings that make no sense.
func TestSettings(t *testing.T) {
	for _, s := range []port.Settings{
		{Port: -1},
		{Port: 70000},
		{Mode: "off"},
		{ProofOfLife: time.Nanosecond},
		{ProofOfLife: time.Hour},
		{Clients: map[int]port.ClientOptions{-1: {}}},
		{Clients: map[int]port.ClientOptions{1: {MaxOrdersPerMinute: -1}}},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v is taken", s)
		}
		if _, err := port.New(port.Config{Connection: newScripted(1), Record: &memory{}, Settings: s}); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	if _, err := port.New(port.Config{}); err == nil {
		t.Error("a port without a connection")
	}
}

// TestPreview: a what-if order is recorded as that, in text and in protobuf.
func TestPreview(t *testing.T) {
	for _, version := range versions {
		g := startSim(t, sim.Config{ServerVersion: version})
		r := newRig(t, g.Port(), nil)
		p := connectProgram(t, r.number, 7)
		orders := map[int64]func(*ibapi.Order, *ibapi.Contract){
			10: func(*ibapi.Order, *ibapi.Contract) {},
			11: func(o *ibapi.Order, _ *ibapi.Contract) {
				o.AlgoStrategy, o.AlgoParams = "Adaptive", []ibapi.TagValue{{Tag: "a", Value: "b"}}
			},
			12: func(o *ibapi.Order, _ *ibapi.Contract) { o.HedgeType, o.HedgeParam = "B", "1" },
			13: func(o *ibapi.Order, _ *ibapi.Contract) { o.DeltaNeutralOrderType = "LMT" },
			14: func(o *ibapi.Order, _ *ibapi.Contract) { o.ScalePriceIncrement = 1 },
			15: func(_ *ibapi.Order, c *ibapi.Contract) {
				c.DeltaNeutralContract = &ibapi.DeltaNeutralContract{ConID: 1, Delta: 2, Price: 3}
			},
		}
		for id, change := range orders {
			for i := range int64(2) {
				o, c := limitOrder("BUY", "1", 1), stock("AAPL")
				change(o, c)
				o.WhatIf = i == 1
				p.PlaceOrder(id+100*i, c, o)
			}
		}
		for id := range orders {
			until(t, "it is recorded", func() bool { return r.order(id).Number != 0 && r.order(id+100).Number != 0 })
			if o := r.order(id); o.State == record.Preview {
				t.Errorf("version %d: %+v", version, o)
			}
			if o := r.order(id + 100); o.State != record.Preview {
				t.Errorf("version %d: %+v", version, o)
			}
		}
		p.leave()
		until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	}
}
