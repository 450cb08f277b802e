package port_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/wire"
)

// fuzzed returns gateways of the versions at which forms change, each with a port before it.
func fuzzed(f *testing.F) (gateways []*tap, rigs []*rig) {
	for _, version := range []int{157, 176, 191, 193, 194, 200, 201, 203, 213, 226} {
		g := newTap(f, version)
		gateways, rigs = append(gateways, g), append(rigs, newRig(f, g.port(), nil))
	}
	return gateways, rigs
}

// FuzzPrograms writes bytes of a program behind its client id. Whatever they are, Gateway gets whole frames with
// numbers of messages, and no order while the guard is closed.
func FuzzPrograms(f *testing.F) {
	for _, version := range []int{157, 176, 200, 213, 226} {
		f.Add(version, textFrame(version, 3, "5"))
		f.Add(version, place(version, "5", "1", "0", "1"))
		f.Add(version, append(textFrame(version, 49, "1"), place(version, "6", "0", "5", "1")...))
		f.Add(version, frameOf([]byte{0, 0, 0, 203}, protoPlace(7)...))
		f.Add(version, frameOf([]byte{0, 0, 0, 204}, 8, 5))
		f.Add(version, textFrame(version, 110, "x"))
		f.Add(version, []byte{0, 0, 0})
	}
	gateways, rigs := fuzzed(f)
	for _, r := range rigs {
		r.conn.close(ib.GuardUpstream)
	}
	f.Fuzz(func(t *testing.T, version int, b []byte) {
		i := ((version % len(gateways)) + len(gateways)) % len(gateways)
		g, r := gateways[i], rigs[i]
		g.t, r.t, version = t, t, g.version
		until(t, "no program is left", func() bool { return len(r.Clients()) == 0 })
		g.mu.Lock()
		g.peers = nil
		g.mu.Unlock()
		c := startRaw(t, r.number, version, 7)
		_, _ = c.tcp.Write(b)
		_ = c.tcp.(*net.TCPConn).CloseWrite()
		for {
			if _, err := c.in.Next(); err != nil {
				break
			}
		}
		c.tcp.Close()
		p := g.peer(0)
		until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
		checkUpstream(t, version, p.bytes())
	})
}

// checkUpstream checks that Gateway has got whole frames with numbers, and no order.
func checkUpstream(t *testing.T, version int, got []byte) {
	t.Helper()
	in := wire.NewReader(bytes.NewReader(got))
	for {
		payload, err := in.Next()
		if err != nil {
			if len(got) > 0 && err.Error() != "EOF" {
				t.Fatalf("%v: %q", err, got)
			}
			return
		}
		n := 0
		if version >= 201 {
			n = int(binary.BigEndian.Uint32(payload))
		} else if _, err := fmt.Sscanf(string(payload), "%d\x00", &n); err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		switch n {
		case 3, 21, 19, 109, 203, 221, 219, 309:
			t.Fatalf("%q reached Gateway", payload)
		case 0:
			t.Fatalf("%q reached Gateway", payload)
		}
	}
}

// FuzzGateway writes bytes of Gateway. A program gets the same, up to where they are no frames.
func FuzzGateway(f *testing.F) {
	f.Add(176, textFrame(176, 3, "5", "Submitted", "0", "1", "0", "77", "0", "0", "7", "", "0"))
	f.Add(176, textFrame(176, 4, "2", "5", "201", "text", ""))
	f.Add(176, textFrame(176, 5, strings.Split(strings.Repeat("1,", 30), ",")...))
	f.Add(176, textFrame(176, 11, strings.Split(strings.Repeat("2,", 30), ",")...))
	f.Add(200, textFrame(200, 4, "5", "201", "text", "", "1"))
	for _, n := range []byte{203, 204, 205, 211, 45, 245} {
		f.Add(213, frameOf([]byte{0, 0, 0, n}, 8, 5, 18, 2, 8, 1, 26, 4, 8, 1, 24, 9))
	}
	f.Add(213, append(textFrame(213, 9, "1"), 0, 0, 0, 0))
	gateways, rigs := fuzzed(f)
	f.Fuzz(func(t *testing.T, version int, b []byte) {
		i := ((version % len(gateways)) + len(gateways)) % len(gateways)
		g, r := gateways[i], rigs[i]
		g.t, r.t, version = t, t, g.version
		until(t, "no program is left", func() bool { return len(r.Clients()) == 0 })
		g.mu.Lock()
		g.peers = nil
		g.mu.Unlock()
		c := startRaw(t, r.number, version, 7)
		if version < 201 {
			c.write(place(version, "5", "1", "0", "1"))
		} else {
			c.write(frameOf([]byte{0, 0, 0, 203}, protoPlace(5)...))
		}
		p := g.peer(0)
		until(t, "the order is sent", func() bool { return r.Clients()[0].Sent == 1 })
		_, _ = p.tcp.Write(b)
		p.tcp.Close()
		var want []byte
		for in := wire.NewReader(bytes.NewReader(b)); ; {
			payload, err := in.Next()
			if err != nil {
				break
			}
			framed, start := wire.BeginFrame(want)
			want = wire.EndFrame(append(framed, payload...), start)
		}
		var got []byte
		for {
			payload, err := c.in.Next()
			if err != nil {
				break
			}
			framed, start := wire.BeginFrame(got)
			got = wire.EndFrame(append(framed, payload...), start)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		c.tcp.Close()
		until(t, "the program is gone", func() bool { return len(r.Clients()) == 0 })
	})
}
