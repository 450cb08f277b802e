package ib

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// FuzzReceive gives a session any message: it takes it in, or says that it is not the protocol.
func FuzzReceive(f *testing.F) {
	for _, framed := range [][]byte{
		ibtest.TickPrice(marketBase+1, 1, 100.25),
		ibtest.ProtoMessage(wire.MsgTickPrice, marketBase+1, 1, 100.25, "300", 0),
		ibtest.ProtoMessage(wire.MsgTickSize, 1, 0, "12345678901234567890"),
		ibtest.ProtoMessage(wire.MsgTickString, marketBase+1, 45, "1700000000"),
		ibtest.ProtoMessage(wire.MsgMarketDataType, marketBase+1, 3),
		ibtest.ProtoMessage(wire.MsgError, -1, 5, 2104, "text", "{}"),
		ibtest.ProtoMessage(wire.MsgError, executions+1, 5, 200, "text"),
		ibtest.ProtoMessage(wire.MsgError, 7, 5, 201, "text"),
		ibtest.ProtoMessage(wire.MsgNextValidID, 1),
		ibtest.ProtoMessage(wire.MsgManagedAccounts, "DU1,,F2"),
		ibtest.ProtoMessage(wire.MsgCurrentTime, 1_700_000_000),
		ibtest.ProtoMessage(wire.MsgOrderStatus, 1, "Filled", "1", "0", 100.5, 7, 0, 100.5, 17, "", 0.0),
		ibtest.ProtoMessage(wire.MsgOpenOrdersEnd),
		ibtest.ProtoMessage(wire.MsgExecutionsEnd, executions+1),
		ibtest.ProtoMessage(wire.MsgCommission, "0001.01", 1.25, "USD"),
		ibtest.ProtoMessage(wire.MsgContractDetailsEnd, detailsBase+1),
		ibtest.ProtoMessage(wire.MsgMarketRule, 26),
		ibtest.ProtoMessage(wire.MsgTickPrice, "wrong", "types"),
		ibtest.TextMessage(wire.MsgError, "-1", "2104", "text", "", "1"),
		ibtest.TextMessage(wire.MsgNextValidID, "1", "7"),
	} {
		f.Add(framed[4:])
	}
	s := offline(func(News) {})
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
		string(ibtest.TextFrame("225", "20261123 10:00:00 EST")), string(ibtest.TextFrame("176", "x")),
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
