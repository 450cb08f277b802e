package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		own   int
		hello string
		want  int // 0: connection closed
	}{
		{0, "v100..226", 226},
		{0, "v100..300", 226},
		{0, "v100..225", 225},
		{225, "v100..226", 225},
		{225, "v100..225", 225},
		{225, "v100..178", 178},
		{225, "v157..178", 178},
		{193, "v100..225", 193},
		{200, "v100..200 +PACEAPI", 200},
		{225, "v100..225 nonce=0123456789abcdef", 225},
		{176, "v100..300", 176},
		{225, "v200", 200},
		{225, "v100..175", 0},
		{178, "v200..225", 0},
		{225, "v225..100", 0},
		{225, "100..225", 0},
		{225, "v100..225\x00", 0},
		{225, "v100..225\x01x", 0},
		{225, "", 0},
	} {
		t.Run(fmt.Sprintf("%d %q", c.own, c.hello), func(t *testing.T) {
			g := startSim(t, sim.Config{ServerVersion: c.own})
			w := dial(t, g)
			fields, err := w.hello(c.hello)
			if c.want == 0 {
				if err == nil {
					t.Fatalf("answered %q, want a closed connection", fields)
				}
				if n := g.State().Rejected["handshake"]; n != 1 {
					t.Errorf("%d handshakes counted as rejected", n)
				}
				return
			}
			if err != nil || len(fields) != 2 || w.version != c.want {
				t.Fatalf("answered %q, %v; want version %d and a time", fields, err, c.want)
			}
			w.startAPI(1)
			w.next(9)
			w.alive()
		})
	}
	t.Run("no API prefix", func(t *testing.T) {
		g := startSim(t, sim.Config{})
		w := dial(t, g)
		w.write([]byte("GET / HTTP/1.1\r\n\r\n"))
		_ = w.end()
		if n := g.State().Rejected["handshake"]; n != 1 {
			t.Errorf("%d handshakes counted as rejected", n)
		}
	})
}

// TestReady pins down the order and the bytes of what follows startApi.
func TestReady(t *testing.T) {
	g := startSim(t, sim.Config{Accounts: []string{"U1", "U2"}, NextOrderID: 1000, Farms: []sim.Farm{
		{Code: 2103, Name: "usfarm"},
	}})
	for _, c := range []struct {
		version int
		want    []string
	}{
		{176, []string{"15\x001\x00U1,U2\x00", "9\x001\x001000\x00", "4\x002\x00-1\x002103\x00Market data farm " +
			"connection is broken:usfarm\x00\x00"}},
		{202, []string{"\x00\x00\x00\x0f1\x00U1,U2\x00", "\x00\x00\x00\x091\x001000\x00", "\x00\x00\x00\xcc"}},
		{225, []string{"\x00\x00\x00\xd7\n\x05U1,U2", "\x00\x00\x00\xd1\x08\xe8\x07", "\x00\x00\x00\xcc"}},
	} {
		w := dial(t, g)
		if _, err := w.hello(fmt.Sprintf("v100..%d", c.version)); err != nil {
			t.Fatal(err)
		}
		w.startAPI(int32(c.version))
		for _, want := range c.want {
			b, err := w.frame(patience)
			if err != nil || !strings.HasPrefix(string(b), want) {
				t.Errorf("version %d: %q, %v; want %q", c.version, b, err, want)
			}
		}
	}
}

// TestErrorForms checks the two text forms and the protobuf form of an error.
func TestErrorForms(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}})
	for v, fields := range map[int]int{176: 5, 193: 5, 194: 5, 200: 5} {
		w := ready(t, g, v, int32(v))
		g.NoticeFor(9, 354, "no data")
		m := w.next(4)
		if m.proto || len(m.fields) != fields {
			t.Fatalf("version %d: %d fields %q", v, len(m.fields), m.fields)
		}
		want := "2 9 354 no data "
		if v >= 194 {
			want = "9 354 no data  "
		}
		if got := strings.Join(m.fields, " "); !strings.HasPrefix(got, want) {
			t.Errorf("version %d: %q, want %q", v, got, want)
		}
		if v >= 194 && len(m.fields[4]) != 13 {
			t.Errorf("version %d: error time %q is not in ms", v, m.fields[4])
		}
	}
	w := ready(t, g, 225, 225)
	g.NoticeFor(9, 354, "no data")
	if m := w.next(4); !m.proto {
		t.Error("version 225: error is text")
	}
}

func TestRejects(t *testing.T) {
	u32 := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	apple := []any{0, "AAPL", "STK", "", "", "", "", "SMART", "", "USD", "", ""}
	order := append([]any{5}, apple...)
	for _, c := range []struct {
		name    string
		version int
		send    func(w *wire)
		code    int // 0: connection closed without a word
		reason  string
		closed  bool
	}{
		{"length 0", 176, func(w *wire) { w.write(framed("")) }, 0, "frame", true},
		{"length over 16 MiB", 225, func(w *wire) { w.write([]byte{1, 0, 0, 0}) }, 0, "frame", true},
		{"id without end", 176, func(w *wire) { w.write(framed("49")) }, 320, "malformed", true},
		{"id is a word", 176, func(w *wire) { w.write(framed("xx\x001\x00")) }, 320, "malformed", true},
		{"short binary id", 225, func(w *wire) { w.write(framed("\x00\x00")) }, 320, "malformed", true},
		{"binary id below 201", 176, func(w *wire) { w.write(framed("\x00\x00\x00\x31")) }, 320, "malformed", true},
		{"unknown text id", 176, func(w *wire) { w.send(4711, 1) }, 505, "unknown-id", false},
		{"unknown proto id", 225, func(w *wire) {
			w.sendProto(4711, &protobuf.CurrentTimeRequest{})
		}, 505, "unknown-id", false},
		{"time in ms before 197", 196, func(w *wire) { w.send(105) }, 505, "unknown-id", false},
		{"missing field", 176, func(w *wire) { w.send(49) }, 320, "malformed", false},
		{"extra field", 176, func(w *wire) { w.send(49, 1, 1) }, 320, "malformed", false},
		{"message version not a number", 176, func(w *wire) { w.send(49, "one") }, 320, "malformed", false},
		{"number too large", 176, func(w *wire) { w.send(8, 1, "99999999999") }, 320, "malformed", false},
		{"boolean is 2", 176, func(w *wire) { w.send(15, 1, 2) }, 320, "malformed", false},
		{"no terminator", 176, func(w *wire) { w.write(framed("49\x001")) }, 320, "malformed", false},
		{"not UTF-8", 176, func(w *wire) { w.send(6, 2, 1, "\xff\xfe") }, 320, "malformed", false},
		{"market data cut off", 176, func(w *wire) {
			w.send(1, append([]any{11, 5}, apple...)...)
		}, 320, "malformed", false},
		{"order cut off", 193, func(w *wire) { w.send(3, order...) }, 320, "malformed", false},
		{"execution days negative", 200, func(w *wire) {
			w.send(7, 3, 1, 0, "", "", "", "", "", "", 0, -1)
		}, 320, "malformed", false},
		{"text where protobuf is due", 225, func(w *wire) { w.send(49, 1) }, 320, "wrong-form", false},
		{"protobuf too early", 202, func(w *wire) {
			w.sendProto(49, &protobuf.CurrentTimeRequest{})
		}, 320, "wrong-form", false},
		{"protobuf cut off", 225, func(w *wire) { w.write(framed(u32(201) + "\x12\x7fxx")) }, 320, "malformed", false},
		{"protobuf without request id", 225, func(w *wire) {
			w.sendProto(1, &protobuf.MarketDataRequest{})
		}, 320, "malformed", false},
		{"second startApi", 176, func(w *wire) { w.startAPI(1) }, 321, "invalid", false},
		{"no contract", 225, func(w *wire) {
			w.sendProto(9, &protobuf.ContractDataRequest{ReqId: proto.Int32(1)})
		}, 321, "invalid", false},
		{"unknown contract", 176, func(w *wire) { w.subscribe(5, "NOSUCH") }, 200, "invalid", false},
		{"cancel of nothing", 176, func(w *wire) { w.send(2, 2, 99) }, 300, "invalid", false},
		{"bad log level", 176, func(w *wire) { w.send(14, 1, 9) }, 321, "invalid", false},
		{"short history", 176, func(w *wire) { w.send(20, 8, 0, "AAPL") }, 320, "malformed", false},
		{"history of nothing", 225, func(w *wire) {
			w.sendProto(20, &protobuf.HistoricalDataRequest{ReqId: proto.Int32(8)})
		}, 321, "invalid", false},
		{"fundamentals", 176, func(w *wire) { w.send(52, 2, 8) }, 10358, "unsimulated", false},
		{"fundamentals in binary", 225, func(w *wire) { w.send(52, 2, 8) }, 10358, "unsimulated", false},
		{"option price", 225, func(w *wire) {
			w.sendProto(55, &protobuf.CalculateOptionPriceRequest{ReqId: proto.Int32(8)})
		}, 322, "unsimulated", false},
		{"foreign account", 176, func(w *wire) { w.send(6, 2, 1, "U999") }, 321, "invalid", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := startSim(t, sim.Config{Farms: []sim.Farm{}})
			w := ready(t, g, c.version, 1)
			c.send(w)
			if c.code != 0 {
				e := w.errorCode(c.code)
				if c.reason == "unsimulated" && e.GetId() != 8 {
					t.Errorf("request id %d, want 8", e.GetId())
				}
			}
			if c.closed {
				_ = w.end()
			} else {
				w.alive()
			}
			if r := g.State().Rejected; r[c.reason] != 1 || len(r) != 1 {
				t.Errorf("rejected %v, want one %s", r, c.reason)
			}
		})
	}
}

func TestRequestBeforeStartAPI(t *testing.T) {
	for _, v := range []int{176, 225} {
		g := startSim(t, sim.Config{})
		w := dial(t, g)
		if _, err := w.hello(fmt.Sprintf("v100..%d", v)); err != nil {
			t.Fatal(err)
		}
		if v == 225 {
			w.sendProto(49, &protobuf.CurrentTimeRequest{})
		} else {
			w.send(49, 1)
		}
		w.errorCode(321)
		w.startAPI(1)
		w.next(9)
		if r := g.State().Rejected["before-start-api"]; r != 1 {
			t.Errorf("version %d: %d rejected", v, r)
		}
	}
}

func TestPacing(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: 5})
	w := ready(t, g, 176, 1) // startApi is the first of the five
	for range 7 {
		w.send(49, 1)
	}
	for range 3 {
		w.errorCode(100)
	}
	if r := g.State().Rejected["pacing"]; r != 3 {
		t.Errorf("%d rejected", r)
	}
	free := startSim(t, sim.Config{MaxMessageRate: -1})
	w = ready(t, free, 176, 1)
	for range 500 {
		w.send(49, 1)
	}
	for range 500 {
		w.next(49)
	}
}

func TestDuplicateClientID(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}})
	first := ready(t, g, 225, 7)
	second := dial(t, g)
	if _, err := second.hello("v100..178"); err != nil {
		t.Fatal(err)
	}
	second.startAPI(7)
	second.errorCode(326)
	if err := second.end(); err != nil {
		t.Errorf("ended with %v, want FIN", err)
	}
	first.alive()
	ready(t, g, 178, 8).alive()
	// The id is free again as soon as its session is gone.
	g.Drop()
	ready(t, g, 225, 7).alive()
}

func TestStartRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  sim.Config
		want string
	}{
		{sim.Config{Listen: "0.0.0.0:0"}, "loopback"},
		{sim.Config{Listen: ":0"}, "loopback"},
		{sim.Config{Listen: "192.168.1.10:4002"}, "loopback"},
		{sim.Config{Listen: "example.com:4002"}, "loopback"},
		{sim.Config{Listen: "127.0.0.1"}, "port"},
		{sim.Config{Listen: "127.0.0.1:99999"}, "port"},
		{sim.Config{Control: "0.0.0.0:0"}, "loopback"},
		{sim.Config{ServerVersion: 175}, "176"},
		{sim.Config{ServerVersion: 227}, "226"},
		{sim.Config{AutoRestart: "25:00"}, "25:00"},
		{sim.Config{AutoRestart: "+25h"}, "+25h"},
		{sim.Config{Accounts: []string{""}}, "account"},
		{sim.Config{Accounts: []string{"U1", "U1"}}, "once"},
		{sim.Config{Farms: []sim.Farm{{Code: 354, Name: "x"}}}, "farm 354:x"},
		{sim.Config{AutoRestart: "23:45", AutoLogoff: "23:45"}, "only one"},
		{sim.Config{TickRate: -1}, "tick rate"},
		{sim.Config{NextOrderID: -5}, "order id"},
		{sim.Config{Script: "at 1s nonsense"}, "line 1"},
	} {
		g, err := sim.Start(context.Background(), c.cfg)
		if err == nil {
			_ = g.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want something with %q", c.cfg, err, c.want)
		}
	}
}
