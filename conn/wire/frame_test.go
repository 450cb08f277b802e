package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scmhub/ibapi/protobuf"
)

func framed(payloads ...string) (stream []byte) {
	for _, p := range payloads {
		out, start := BeginFrame(stream)
		stream = EndFrame(append(out, p...), start)
	}
	return stream
}

// TestReader: frames come out as they went in, however the stream is cut, and what waits is known.
func TestReader(t *testing.T) {
	want := []string{
		"a", strings.Repeat("b", 3000), strings.Repeat("c", readSize), "d",
		strings.Repeat("e", 16*readSize), "f",
	}
	for len(want) < 100 {
		want = append(want, strings.Repeat("x", 1+len(want)*37))
	}
	for name, from := range map[string]func(io.Reader) io.Reader{
		"whole":        func(r io.Reader) io.Reader { return r },
		"bytes":        iotest.OneByteReader,
		"halves":       iotest.HalfReader,
		"EOF at once":  iotest.DataErrReader,
		"small pieces": func(r io.Reader) io.Reader { return &pieces{r, 7} },
	} {
		r := NewReader(from(bytes.NewReader(framed(want...))))
		for i, p := range want {
			got, err := r.Next()
			if err != nil || string(got) != p {
				t.Fatalf("%s: frame %d has %d bytes, %v", name, i, len(got), err)
			}
			if cap(got) != len(got) {
				t.Fatalf("%s: what is appended to frame %d overwrites the next", name, i)
			}
		}
		if got, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %q, %v at the end", name, got, err)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v behind the end", name, err)
		}
		if r.in.Size() > readSize {
			t.Errorf("%s: a buffer of %d bytes is kept", name, r.in.Size())
		}
	}
}

// pieces reads at most so many bytes at once.
type pieces struct {
	io.Reader
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.most)]) }

func TestReaderHasFrame(t *testing.T) {
	stream := framed("one", "two")
	r := NewReader(&pieces{bytes.NewReader(stream), len(stream) - 1})
	if r.HasFrame() {
		t.Error("a frame waits before anything was read")
	}
	if _, err := r.Next(); err != nil || r.HasFrame() {
		t.Errorf("%v, or a frame waits of which a byte is missing", err)
	}
	r = NewReader(bytes.NewReader(stream))
	if _, err := r.Next(); err != nil || !r.HasFrame() {
		t.Errorf("%v, or no frame waits", err)
	}
	r = NewReader(bytes.NewReader(append(framed("one"), 0, 0, 0, 0)))
	if _, err := r.Next(); err != nil || !r.HasFrame() {
		t.Errorf("%v, or what is no frame is waited for", err)
	}
}

// TestBadFrames holds what a stream may end with.
func TestBadFrames(t *testing.T) {
	header := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	for _, c := range []struct {
		name   string
		stream []byte
		want   error // nil: a ProtocolError
	}{
		{"nothing", nil, io.EOF},
		{"half a header", []byte{0, 0}, io.ErrUnexpectedEOF},
		{"half a frame", framed("frame")[:6], io.ErrUnexpectedEOF},
		{"header alone", header(maxTaken), io.ErrUnexpectedEOF},
		{"length 0", header(0), nil},
		{"too long", header(MaxFrame + 1), nil},
		{"text", []byte("HTTP/1.1 400 Bad Request\r\n"), nil},
	} {
		for name, read := range map[string]func(io.Reader) ([]byte, error){
			"Reader": func(r io.Reader) ([]byte, error) { return NewReader(r).Next() }, "ReadFrame": ReadFrame,
		} {
			for _, from := range []io.Reader{
				bytes.NewReader(c.stream),
				iotest.DataErrReader(bytes.NewReader(c.stream)),
			} {
				got, err := read(from)
				_, bad := errors.AsType[*ProtocolError](err)
				if got != nil || c.want == nil && !bad || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s, %s: %q, %v", c.name, name, got, err)
				}
			}
		}
	}
	r := NewReader(io.MultiReader(bytes.NewReader(framed("one")), iotest.ErrReader(io.ErrClosedPipe)))
	if got, err := r.Next(); string(got) != "one" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
	if _, err := NewReader(silent{}).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%v from a stream that says nothing", err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// TestHeaderCostsNothing: a header alone allocates no memory for its frame.
func TestHeaderCostsNothing(t *testing.T) {
	stream := append(binary.BigEndian.AppendUint32(nil, maxTaken), make([]byte, 1000)...)
	r := bytes.NewReader(stream)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := NewReader(r).Next()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, io.ErrUnexpectedEOF) || got > 16*readSize {
		t.Errorf("%v, with %d bytes of memory", err, got)
	}
}

// TestLongMessages: a message which no one needs may be as long as the protocol allows, in no memory, and one which is
// decoded may not.
func TestLongMessages(t *testing.T) {
	useless := framed(string(numbered(ProtoBase+99, make([]byte, MaxFrame-4))))
	stream := slices.Concat(useless, framed(string(numbered(ProtoBase+MsgOpenOrdersEnd, nil))), useless[:1<<20])
	r := NewReader(bytes.NewReader(stream))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, want := range []int{0, MsgOpenOrdersEnd} {
		if m, err := r.Message(); err != nil || m.Number != want {
			t.Errorf("message %d, %v, want %d", m.Number, err, want)
		}
	}
	if _, err := r.Message(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, and the stream has ended inside a message", err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes of memory", got)
	}
	for _, start := range []string{
		string(numbered(ProtoBase+MsgError, nil)), "4\x002\x00", "99\x00", "\x00\x00\x00\x00",
	} {
		r := NewReader(strings.NewReader(string(framed(start + strings.Repeat("x", maxTaken)))))
		_, err := r.Message()
		if _, bad := errors.AsType[*ProtocolError](err); !bad {
			t.Errorf("%q: %v", start, err)
		}
	}
}

// TestManyParts: a message cannot have so many others in it that it takes a hundred times its bytes.
func TestManyParts(t *testing.T) {
	rule := func(steps int) (err error) {
		m, err := Split(inProto(t, MsgMarketRule, &protobuf.MarketRule{
			PriceIncrements: slices.Repeat([]*protobuf.PriceIncrement{{}}, steps),
		}))
		if err == nil {
			_, _, err = m.MarketRule()
		}
		return err
	}
	if err := rule(maxParts); err != nil {
		t.Error(err)
	}
	if _, bad := errors.AsType[*ProtocolError](rule(maxParts + 1)); !bad {
		t.Error("more parts are taken")
	}
}

// TestCutTextsHoldNoMore: what is kept of a text does not keep all of its message in memory.
func TestCutTextsHoldNoMore(t *testing.T) {
	long := strings.Repeat("x", maxTaken/2)
	var kept []any
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 64 {
		inText := Message{MsgError, true, []byte("2\x007\x00201\x00" + long + "\x00")}
		inOther := Message{MsgError, true, []byte("2\x007\x00201\x00short\x00" + long + "\x00")}
		m, _ := Split(inProto(t, MsgError, &protobuf.ErrorMessage{ErrorMsg: &long}))
		for _, one := range []Message{inText, inOther, m} {
			e, err := one.Error()
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, e)
		}
		kept = append(kept, list(strings.Repeat("DU1,", maxTaken/8)))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := int(after.HeapAlloc) - int(before.HeapAlloc); got > 16<<20 {
		t.Errorf("%d texts hold %d MB", len(kept), got>>20)
	}
	runtime.KeepAlive(kept)
}

func TestHello(t *testing.T) {
	if got, want := string(Hello()), "API\x00\x00\x00\x00\x09v100..226"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReply(t *testing.T) {
	for _, v := range []int{Oldest, 219, 225, Newest} {
		r := NewReader(bytes.NewReader(framed(fmt.Sprintf("%d\x0020261201 10:00:00 EST\x00", v), "next")))
		if version, at, err := r.Reply(); version != v || at != "20261201 10:00:00 EST" || err != nil {
			t.Errorf("%d: %d, %q, %v", v, version, at, err)
		}
		if next, err := r.Next(); string(next) != "next" || err != nil {
			t.Errorf("%d: %q, %v", v, next, err)
		}
	}
	empty := NewReader(bytes.NewReader(framed("225\x00\x00")))
	if version, at, err := empty.Reply(); version != 225 || at != "" || err != nil {
		t.Errorf("with an empty time: %d, %q, %v", version, at, err)
	}
	for _, p := range []string{"176\x00now\x00", "212\x00now\x00", "227\x00now\x00"} {
		version, _, err := NewReader(bytes.NewReader(framed(p))).Reply()
		if e, ok := errors.AsType[*VersionError](err); !ok || e.Version != version || version == 0 {
			t.Errorf("%q: %d, %v", p, version, err)
		}
	}
	for _, p := range []string{
		"225\x00", "225", "\x00now\x00", "0\x00now\x00", "-225\x00now\x00", "+225\x00now\x00",
		"225.0\x00now\x00",
		"99999999999\x00now\x00", "HTTP\x00now\x00", strings.Repeat("2", maxReply+1),
	} {
		version, at, err := NewReader(bytes.NewReader(framed(p))).Reply()
		if _, bad := errors.AsType[*ProtocolError](err); !bad || version != 0 || at != "" {
			t.Errorf("%.20q: %d, %q, %v", p, version, at, err)
		}
	}
	if _, _, err := NewReader(strings.NewReader("")).Reply(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// FuzzFrames: a stream is read alike, whichever way and however it is cut, and never makes anything panic.
func FuzzFrames(f *testing.F) {
	f.Add(framed("one", "two"), uint8(3))
	f.Add(Hello(), uint8(1))
	f.Add(framed("225\x0020261201 10:00:00 EST\x00"), uint8(255))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"), uint8(9))
	f.Add(append(framed("one"), 0, 0, 0, 9, 1), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, most uint8) {
		cut := NewReaderSize(&pieces{bytes.NewReader(stream), max(1, int(most))}, readSize, MaxFrame)
		whole := bytes.NewReader(stream)
		var again []byte
		for {
			a, errA := cut.Next()
			b, errB := ReadFrame(whole)
			if !bytes.Equal(a, b) || (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
				t.Fatalf("%x, %v; read at once: %x, %v", a, errA, b, errB)
			}
			if errA != nil {
				break
			}
			again = append(again, framed(string(a))...)
		}
		if !bytes.HasPrefix(stream, again) {
			t.Fatalf("%x came out of %x", again, stream)
		}
		version, _, err := NewReader(bytes.NewReader(stream)).Reply()
		if err == nil && (version < Oldest || version > Newest) {
			t.Fatalf("version %d", version)
		}
	})
}

// TestFrames: whole frames come with their headers, as many as have been read, and in order.
func TestFrames(t *testing.T) {
	want := []string{"a", "bc", strings.Repeat("d", 200), "e", strings.Repeat("f", 3000), "g"}
	stream := framed(want...)
	for name, from := range map[string]io.Reader{
		"whole":  bytes.NewReader(stream),
		"bytes":  iotest.OneByteReader(bytes.NewReader(stream)),
		"pieces": &pieces{bytes.NewReader(stream), 150},
	} {
		r := NewReaderSize(from, 100, MaxFrame)
		var got []string
		var again []byte
		calls := 0
		for {
			frames, err := r.Frames()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || cap(frames) != len(frames) {
				t.Fatalf("%s: %v, or what is appended overwrites the next frame", name, err)
			}
			calls++
			again = append(again, frames...)
			for len(frames) > 0 {
				var payload []byte
				payload, frames = CutFrame(frames)
				got = append(got, string(payload))
			}
		}
		if !bytes.Equal(again, stream) || !slices.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d, %d frames", name, len(again), len(stream), len(got))
		}
		if name == "whole" && calls == len(want) {
			t.Error("frames that were read together came one by one")
		}
	}
}

// TestFramesLimit: frames before one that is too long still come.
func TestFramesLimit(t *testing.T) {
	r := NewReaderSize(bytes.NewReader(framed("a", strings.Repeat("b", 21))), 100, 20)
	if frames, err := r.Frames(); err != nil || string(frames[4:]) != "a" {
		t.Errorf("%q, %v", frames, err)
	}
	if _, err := r.Frames(); err == nil {
		t.Error("a frame that is too long came")
	}
}
