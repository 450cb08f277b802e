package conn

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"gatewatch/conn/wire"
)

// FuzzReceive gives a session any message: it takes it in, or says that it is not the protocol.
func FuzzReceive(f *testing.F) {
	for _, framed := range [][]byte{
		tickPrice(marketBase+1, 1, 100.25), protoMessage(wire.MsgTickPrice, marketBase+1, 1, 100.25, "300", 0),
		protoMessage(wire.MsgTickSize, 1, 0, "12345678901234567890"), protoMessage(wire.MsgTickString, marketBase+1, 45,
			"1700000000"),
		protoMessage(wire.MsgMarketDataType, marketBase+1, 3), protoMessage(wire.MsgError, -1, 5, 2104, "text", "{}"),
		protoMessage(wire.MsgError, executions+1, 5, 200, "text"), protoMessage(wire.MsgError, 7, 5, 201, "text"),
		protoMessage(wire.MsgNextValidID, 1), protoMessage(wire.MsgManagedAccounts, "DU1,,F2"),
		protoMessage(wire.MsgCurrentTime, 1_700_000_000),
		protoMessage(wire.MsgOrderStatus, 1, "Filled", "1", "0", 100.5, 7, 0, 100.5, 17, "", 0.0),
		protoMessage(wire.MsgOpenOrdersEnd),
		protoMessage(wire.MsgExecutionsEnd, executions+1), protoMessage(wire.MsgCommission, "0001.01", 1.25, "USD"),
		protoMessage(wire.MsgContractDetailsEnd, detailsBase+1), protoMessage(wire.MsgMarketRule, 26),
		protoMessage(wire.MsgTickPrice, "wrong", "types"),
		textMessage(wire.MsgError, "-1", "2104", "text", "", "1"), textMessage(wire.MsgNextValidID, "1", "7"),
	} {
		f.Add(framed[4:])
	}
	s := offline(func(news) {})
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := wire.Split(payload)
		if err == nil {
			err = s.receive(m)
		}
		if err != nil && !errors.As(err, new(*wire.ProtocolError)) {
			t.Fatalf("error of another kind: %v", err)
		}
	})
}

// FuzzReply reads any bytes as the answer to the greeting, until the stream ends.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		string(textFrame("225", "20261123 10:00:00 EST")), string(textFrame("176", "x")),
		"HTTP/1.1 200 OK\r\n\r\n", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		version, _, err := wire.NewReader(bytes.NewReader(b)).Reply()
		if err == nil {
			if version < wire.Oldest || version > wire.Newest {
				t.Fatalf("version %d", version)
			}
			return
		}
		e := greetingError(t.Context(), err)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if (e.Cause == CauseClosedEarly) != ended || e.Cause != CauseClosedEarly && e.Cause != CauseGarbage &&
			e.Cause != CauseUnsupported && e.Cause != CauseTooNew {
			t.Fatalf("%v becomes %v", err, e)
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
