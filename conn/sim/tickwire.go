package sim

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn/wire"
)

// tickWriter appends market data as the frames that a session of its version expects. There may be hundreds of
// thousands a second, so that they are written field by field, in text or protobuf.
type tickWriter struct{ textWriter }

// begin writes the head of a message, and reports where it starts and whether it is protobuf.
func (t *tickWriter) begin(id int, reqID, kind int32) (start int, isProto bool) {
	t.b, start = wire.BeginFrame(t.b)
	switch {
	case t.version >= verProtoMarketData:
		t.b = binary.BigEndian.AppendUint32(t.b, uint32(id+wire.ProtoBase))
		t.varint(1, reqID)
		t.varint(2, kind)
		return start, true
	case t.version >= verBinaryID:
		t.b = binary.BigEndian.AppendUint32(t.b, uint32(id))
	default:
		t.int(int64(id))
	}
	t.int(6) // the version of the message
	t.int(int64(reqID))
	t.int(int64(kind))
	return start, false
}

func (t *tickWriter) end(start int) { t.b = wire.EndFrame(t.b, start) }

// varint, double and bytes append fields of a protobuf message.
func (t *tickWriter) varint(field protowire.Number, v int32) {
	t.b = protowire.AppendTag(t.b, field, protowire.VarintType)
	t.b = protowire.AppendVarint(t.b, uint64(int64(v)))
}

func (t *tickWriter) double(field protowire.Number, v float64) {
	t.b = protowire.AppendTag(t.b, field, protowire.Fixed64Type)
	t.b = protowire.AppendFixed64(t.b, math.Float64bits(v))
}

func (t *tickWriter) bytes(field protowire.Number, v []byte) {
	t.b = protowire.AppendTag(t.b, field, protowire.BytesType)
	t.b = protowire.AppendBytes(t.b, v)
}

func (t *tickWriter) tickPrice(reqID, kind int32, price float64, size int64) {
	mask := int32(0)
	if kind == tickBid || kind == tickAsk {
		mask = 1 // can be executed automatically
	}
	start, isProto := t.begin(wire.MsgTickPrice, reqID, kind)
	if isProto {
		var digits [20]byte
		t.double(3, price)
		t.bytes(4, strconv.AppendInt(digits[:0], size, 10))
		t.varint(5, mask)
	} else {
		t.float(price)
		t.int(size)
		t.int(int64(mask))
	}
	t.end(start)
}

func (t *tickWriter) tickSize(reqID, kind int32, size int64) {
	start, isProto := t.begin(wire.MsgTickSize, reqID, kind)
	if isProto {
		var digits [20]byte
		t.bytes(3, strconv.AppendInt(digits[:0], size, 10))
	} else {
		t.int(size)
	}
	t.end(start)
}

func (t *tickWriter) tickGeneric(reqID, kind int32, value float64) {
	start, isProto := t.begin(wire.MsgTickGeneric, reqID, kind)
	if isProto {
		t.double(3, value)
	} else {
		t.float(value)
	}
	t.end(start)
}

func (t *tickWriter) tickString(reqID, kind int32, value string) {
	start, isProto := t.begin(wire.MsgTickString, reqID, kind)
	if isProto {
		t.bytes(3, []byte(value))
	} else {
		t.str(value)
	}
	t.end(start)
}
