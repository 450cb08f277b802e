package conn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// decoder is the real client library behind a relay, for as long as a fuzzer runs.
type decoder struct {
	gateway net.Conn
	l       *library
	said    chan string
	n       int
}

// newDecoder logs a library in at a gateway that does nothing else.
func newDecoder(tb testing.TB, version int) *decoder {
	tb.Helper()
	ours, theirs := tcpPair(tb)
	d := &decoder{gateway: ours, said: make(chan string, 100)}
	go func() {
		r := bufio.NewReader(ours)
		_, _ = io.ReadFull(r, make([]byte, len(hello(oldestVersion, newestVersion))))
		p := &peer{Conn: ours, version: version}
		p.send(textFrame(fmt.Sprint(version), "20261123"), p.loginFrames("DU1"))
		_, _ = io.Copy(io.Discard, r)
	}()
	cfg := testConfig(4002)
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := open(ctx, theirs, 1, &cfg, func() time.Duration { return time.Since(begin) }, d.hear)
	if err != nil {
		tb.Fatal(err)
	}
	d.l = l
	return d
}

func (d *decoder) hear(in input) {
	if c, ok := in.(inCode); ok && strings.HasPrefix(c.text, "mark ") {
		d.said <- c.text
	}
}

// decode sends a frame and reports whether the library has lived through it.
func (d *decoder) decode(tb testing.TB, payload []byte) bool {
	d.n++
	mark := fmt.Sprintf("mark %d", d.n)
	p := &peer{Conn: d.gateway, version: d.l.relay.version}
	p.send(frame(payload))
	p.code(399, mark)
	for {
		select {
		case got := <-d.said:
			if got == mark {
				return true
			}
		case <-d.l.over():
			return false
		case <-time.After(time.Minute):
			tb.Fatal("the decoder is stuck")
		}
	}
}

func (d *decoder) close() {
	d.l.end(CauseStopping)
	<-d.l.gone()
	d.gateway.Close()
}

func tcpPair(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	if b, err = net.Dial("tcp4", ln.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if a, err = ln.Accept(); err != nil {
		tb.Fatal(err)
	}
	return a, b
}

// fuzzVersions have between them every form of the messages that pass.
var fuzzVersions = append(slices.Clip(wireVersions), 181, 185)

// FuzzFrames sends every frame that passes the check through the real library: its decoder must not give up.
func FuzzFrames(f *testing.F) {
	for i, v := range fuzzVersions {
		add := func(framed []byte) { f.Add(byte(i), framed[4:]) }
		p := &peer{version: v}
		add(tickPrice(v, 1, 1, 100.25))
		add(textMessage(v, 1, "6", "1", "1", "nan", "1e30", "3"))
		add(textMessage(v, 2, "6", "1", "0", "-0.00000001"))
		add(textMessage(v, 45, "6", "1", "49", "0x1p-2"))
		add(textMessage(v, 46, "6", "1", "45", "1700000000"))
		add(textMessage(v, 57, "1", "1"))
		add(textMessage(v, 58, "1", "1", "3"))
		add(textMessage(v, 81, "1", "0.01", "SMART", "3"))
		add(textMessage(v, 4, "2", "-1", "2104", "text", "", ""))
		add(textMessage(v, 4, "-1", "2104", "text", "", "1"))
		add(textMessage(v, 5, "1"))
		add(textMessage(v, 3, "1", "Filled", "1", "0", "100.5", "7", "0", "100.5", "17", "", "0"))
		add(textMessage(v, 11, "-1", "1", "265598", "AAPL", "STK", "", "0", "", "", "SMART", "USD", "AAPL", "NMS", "0001.01", "20261124 09:30:00",
			"DU1", "NASDAQ", "BOT", "1", "100.5", "7", "17", "0", "1", "100.5", "ref", "", "", "", "1", "0", "me"))
		add(textMessage(v, 53, "1"))
		add(textMessage(v, 55, "1", "1"))
		add(textMessage(v, 59, "1", "0001.01", "1.25", "USD", "1.7976931348623157E308", "", ""))
		add(textMessage(v, 102))
		for login := p.loginFrames("DU1,,F2"); len(login) > 0; {
			n := 4 + int(login[3])
			add(login[:n])
			login = login[n:]
		}
		if v >= versionBinaryID {
			add(protoMessage(4, -1, 5, 2104, "text", "{}"))
			add(protoMessage(2, 1, 0, "12345678901234567890"))
			add(protoMessage(81, 1, "0,01", "SMART", 3))
			add(protoMessage(49, 1_700_000_000))
			add(protoMessage(1, "wrong", "types"))
		}
	}
	for _, o := range append(sentOrders(f), sentContracts(f)...) {
		if i := slices.Index(fuzzVersions, o.version); i >= 0 {
			f.Add(byte(i), o.payload)
		}
	}
	decoders := map[int]*decoder{}
	f.Cleanup(func() {
		for _, d := range decoders {
			d.close()
		}
	})
	f.Fuzz(func(t *testing.T, which byte, payload []byte) {
		if len(payload) == 0 || len(payload) > 1<<16 {
			return
		}
		version := fuzzVersions[int(which)%len(fuzzVersions)]
		id, v, err := checkFrame(payload, version)
		if err != nil && !errors.Is(err, errProtocol) {
			t.Fatalf("error of another kind: %v", err)
		}
		if err != nil || v == skip {
			return
		}
		d := decoders[version]
		if d == nil {
			d = newDecoder(t, version)
			decoders[version] = d
		}
		if !d.decode(t, withoutConditions(frame(payload), id, version)[4:]) {
			cause, _, detail := d.l.outcome()
			delete(decoders, version)
			d.close()
			t.Fatalf("version %d: the library died of %q: %s %s", version, payload, cause, detail)
		}
	})
}

// FuzzReply reads any bytes as the answer to hello.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		string(textFrame("225", "20261123 10:00:00 EST")), string(textFrame("176")), string(textFrame("-1", "x")),
		"HTTP/1.1 200 OK\r\n\r\n", "\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x02a", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		version, at, err := readReply(bufio.NewReader(bytes.NewReader(b)), oldestVersion, newestVersion)
		if err == nil && (version < oldestVersion || version > newestVersion || at == "" || !bytes.Contains(b, []byte(at))) {
			t.Fatalf("version %d, time %q", version, at)
		}
		if err != nil {
			if e := handshakeError(t.Context(), err); e.Cause == CauseNone || e.Cause == CauseNoAnswer || e.Error() == "" {
				t.Fatalf("%v becomes %v", err, e)
			}
		}
	})
}

// bytesChooser takes what happens from a fuzzer's bytes.
type bytesChooser struct{ b *[]byte }

func (c bytesChooser) more() bool { return len(*c.b) > 0 }

func (c bytesChooser) pick(n int) int {
	if !c.more() {
		return 0
	}
	v := (*c.b)[0]
	*c.b = (*c.b)[1:]
	return int(v) % n
}

// FuzzNext plays what the bytes say and checks what has to hold always.
func FuzzNext(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(bytes.Repeat([]byte{4, 0, 1, 1, 0, 2}, 40))
	f.Add(bytes.Repeat([]byte{13, 1, 0, 2, 0, 1, 11, 2, 2, 12, 4, 0, 0, 0, 1}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2000 {
			b = b[:2000]
		}
		newWorld(t, bytesChooser{&b}).liveThrough(1000)
	})
}
