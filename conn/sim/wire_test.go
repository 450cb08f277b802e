package sim_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// wire is a client that owns nothing but the bytes.
type wire struct {
	t       testing.TB
	tcp     *net.TCPConn
	version int
}

// patience is how long a test waits for what must come; silence is how long it listens to be sure that nothing does.
const (
	patience = 3 * time.Second
	silence  = 60 * time.Millisecond
)

func dial(t testing.TB, g *sim.Gateway) *wire {
	t.Helper()
	c, err := net.Dial("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t: t, tcp: c.(*net.TCPConn)}
}

func framed(payload string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

func (w *wire) write(b []byte) {
	w.t.Helper()
	if _, err := w.tcp.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// frame reads one frame that begins within d. The rest of it is waited for longer, else the next one would be misread.
func (w *wire) frame(d time.Duration) ([]byte, error) {
	_ = w.tcp.SetReadDeadline(time.Now().Add(d))
	var head [4]byte
	if _, err := io.ReadFull(w.tcp, head[:]); err != nil {
		return nil, err
	}
	_ = w.tcp.SetReadDeadline(time.Now().Add(patience))
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(w.tcp, body)
	return body, err
}

// hello shakes hands and returns the fields of the reply.
func (w *wire) hello(versions string) ([]string, error) {
	w.write(append([]byte("API\x00"), framed(versions)...))
	b, err := w.frame(patience)
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	w.version, _ = strconv.Atoi(fields[0])
	return fields, nil
}

// send sends a text request, with the id in the form the version asks for.
func (w *wire) send(id int, fields ...any) { w.t.Helper(); w.write(w.text(id, fields...)) }

func (w *wire) text(id int, fields ...any) []byte {
	var b strings.Builder
	if w.version >= 201 {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(id)))
	} else {
		fmt.Fprintf(&b, "%d\x00", id)
	}
	for _, f := range fields {
		fmt.Fprintf(&b, "%v\x00", f)
	}
	return framed(b.String())
}

// sendProto sends a protobuf request.
func (w *wire) sendProto(id int, m proto.Message) {
	w.t.Helper()
	body, err := proto.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(framed(string(binary.BigEndian.AppendUint32(nil, uint32(id+200))) + string(body)))
}

// message is one answer.
type message struct {
	id     int
	proto  bool
	fields []string // of a text message
	body   []byte   // of a protobuf message
}

func (w *wire) parse(b []byte) message {
	w.t.Helper()
	var m message
	if w.version >= 201 {
		m.id, m.body = int(binary.BigEndian.Uint32(b)), b[4:]
		if m.id > 200 {
			m.id, m.proto = m.id-200, true
			return m
		}
		m.fields = strings.Split(strings.TrimSuffix(string(m.body), "\x00"), "\x00")
		return m
	}
	if b[len(b)-1] != 0 {
		w.t.Fatalf("message without final NUL: %q", b)
	}
	m.fields = strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	m.id, _ = strconv.Atoi(m.fields[0])
	m.fields = m.fields[1:]
	return m
}

// next reads the next message with that id, passing over others.
func (w *wire) next(id int) message {
	w.t.Helper()
	end := time.Now().Add(patience)
	for {
		b, err := w.frame(time.Until(end))
		if err != nil {
			w.t.Fatalf("waiting for message %d: %v", id, err)
		}
		if m := w.parse(b); m.id == id {
			return m
		}
	}
}

// errorCode reads the next error or notice that is no farm's; want is checked.
func (w *wire) errorCode(want int) *protobuf.ErrorMessage {
	w.t.Helper()
	for {
		e := w.anyError()
		if c := e.GetErrorCode(); c != 2104 && c != 2106 && c != 2158 {
			if int(c) != want {
				w.t.Fatalf("error %d (%s), want %d", c, e.GetErrorMsg(), want)
			}
			return e
		}
	}
}

func (w *wire) anyError() *protobuf.ErrorMessage {
	w.t.Helper()
	m := w.next(4)
	if m.proto {
		var e protobuf.ErrorMessage
		if err := proto.Unmarshal(m.body, &e); err != nil {
			w.t.Fatal(err)
		}
		return &e
	}
	f := m.fields
	if w.version < 194 {
		f = f[1:]
	}
	id, _ := strconv.Atoi(f[0])
	code, _ := strconv.Atoi(f[1])
	return &protobuf.ErrorMessage{Id: new(int32(id)), ErrorCode: new(int32(code)), ErrorMsg: &f[2]}
}

// startAPI asks for READY.
func (w *wire) startAPI(client int32) {
	w.t.Helper()
	if w.version >= 213 {
		w.sendProto(71, &protobuf.StartApiRequest{ClientId: &client})
	} else {
		w.send(71, 2, client, "")
	}
}

// ready connects at a version and waits for READY.
func ready(t testing.TB, g *sim.Gateway, version int, client int32) *wire {
	t.Helper()
	w := dial(t, g)
	if _, err := w.hello(fmt.Sprintf("v100..%d", version)); err != nil {
		t.Fatal(err)
	}
	w.startAPI(client)
	w.next(15)
	w.next(9)
	return w
}

// currentTime asks for the time and returns the answer, or the error of not getting one within d.
func (w *wire) currentTime(d time.Duration) (int64, error) {
	if w.version >= 213 {
		w.sendProto(49, &protobuf.CurrentTimeRequest{})
	} else {
		w.send(49, 1)
	}
	return w.awaitTime(d)
}

func (w *wire) awaitTime(d time.Duration) (int64, error) {
	for end := time.Now().Add(d); ; {
		b, err := w.frame(time.Until(end))
		if err != nil {
			return 0, err
		}
		m := w.parse(b)
		if m.id != 49 {
			continue
		}
		if m.proto {
			var at protobuf.CurrentTime
			err := proto.Unmarshal(m.body, &at)
			return at.GetCurrentTime(), err
		}
		return strconv.ParseInt(m.fields[1], 10, 64)
	}
}

// alive fails the test unless the session answers.
func (w *wire) alive() {
	w.t.Helper()
	if _, err := w.currentTime(patience); err != nil {
		w.t.Fatalf("session does not answer: %v", err)
	}
}

// subscribe asks for market data of AAPL.
func (w *wire) subscribe(id int32, symbol string) {
	w.t.Helper()
	if w.version >= 206 {
		w.sendProto(1, &protobuf.MarketDataRequest{ReqId: &id, Contract: wireStock(symbol)})
		return
	}
	w.send(1, 11, id, 0, symbol, "STK", "", "", "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
}

func wireStock(symbol string) *protobuf.Contract {
	return &protobuf.Contract{
		Symbol: &symbol, SecType: new("STK"), Exchange: new("SMART"),
		Currency: new("USD"),
	}
}

// end reads until the connection ends and returns how.
func (w *wire) end() error {
	w.t.Helper()
	_ = w.tcp.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, w.tcp)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Fatal("connection did not end")
	}
	return err
}

// quiet fails the test if anything arrives within the time of silence.
func (w *wire) quiet() {
	w.t.Helper()
	if b, err := w.frame(silence); err == nil {
		w.t.Fatalf("message %d arrived, want silence", w.parse(b).id)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Fatalf("want silence: %v", err)
	}
}
