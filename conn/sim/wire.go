package sim

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"gatewatch/conn/wire"
)

// The range of protocol versions the simulator can speak.
const (
	MinVersion = 176 // the oldest cap seen in clients still in use
	MaxVersion = 226 // what Gateway 10.50.01 has; its messages are those of 225
)

// Versions at which the shape of a message changes.
const (
	verNoFAProfile       = 177
	verPendingPrice      = 178
	verFundFields        = 179
	verLastTradeDate     = 182
	verCustomerAccount   = 183
	verProfessional      = 184
	verBondAccrued       = 185
	verIneligibility     = 186
	verRFQ               = 187
	verIncludeOvernight  = 189
	verUndoRFQ           = 190
	verCMETagging        = 192
	verCMETaggingOpen    = 193
	verErrorTime         = 194
	verOrderPreview      = 195
	verHistoryEnd        = 196
	verTimeInMillis      = 197
	verSubmitter         = 198
	verImbalanceOnly     = 199
	verExecutionDays     = 200
	verBinaryID          = 201
	verProtoOrders       = 203
	verProtoOpenOrders   = 204
	verProtoContracts    = 205
	verProtoMarketData   = 206
	verProtoAccounts     = 207
	verProtoHistory      = 208
	verProtoNews         = 209
	verProtoScanner      = 210
	verProtoRest1        = 211
	verProtoRest2        = 212
	verProtoRest3        = 213
	verCancelContract    = 215
	verConfigRequests    = 219
	verUpdateConfig      = 221
	verCancelHistorTicks = verCancelContract
)

// appendFrame appends m as the frame that a session of the given version expects.
func appendFrame(dst []byte, version int, m proto.Message) []byte {
	kind, ok := replyKinds[m.ProtoReflect().Descriptor().Name()]
	if !ok {
		panic(fmt.Sprintf("sim: no message id for %T", m))
	}
	dst, start := wire.BeginFrame(dst)
	if version >= kind.protoSince {
		dst = binary.BigEndian.AppendUint32(dst, uint32(kind.id+wire.ProtoBase))
		out, err := proto.MarshalOptions{}.MarshalAppend(dst, m)
		if err != nil { // only invalid UTF-8 can do this, and requests are checked for it
			panic(fmt.Sprintf("sim: marshal %T: %v", m, err))
		}
		return wire.EndFrame(out, start)
	}
	t := textWriter{b: dst, version: version}
	if version >= verBinaryID {
		t.b = binary.BigEndian.AppendUint32(t.b, uint32(kind.id))
	} else {
		t.int(int64(kind.id))
	}
	if text := replyTexts[m.ProtoReflect().Descriptor().Name()]; text != nil {
		text(&t, m)
	} else {
		t.message(m)
	}
	return wire.EndFrame(t.b, start)
}

// textWriter appends NUL-terminated fields.
type textWriter struct {
	b       []byte
	version int
}

// str writes a field. A NUL inside, which protobuf sessions can bring in, would shift all later fields: it is left out.
func (t *textWriter) str(s string) {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	t.b = append(append(t.b, s...), 0)
}

func (t *textWriter) strs(ss ...string) {
	for _, s := range ss {
		t.str(s)
	}
}

func (t *textWriter) int(i int64) { t.b = append(strconv.AppendInt(t.b, i, 10), 0) }

func (t *textWriter) bool(v bool) {
	if v {
		t.b = append(t.b, '1', 0)
	} else {
		t.b = append(t.b, '0', 0)
	}
}

func (t *textWriter) float(f float64) { t.b = append(strconv.AppendFloat(t.b, f, 'f', -1, 64), 0) }

func (t *textWriter) floats(fs ...float64) {
	for _, f := range fs {
		t.float(f)
	}
}

// opt writers leave the field empty when the value is unset, which is how the protocol says "unset".
func (t *textWriter) optInt(i *int32) {
	if i == nil {
		t.str("")
	} else {
		t.int(int64(*i))
	}
}

func (t *textWriter) optFloat(f *float64) {
	if f == nil {
		t.str("")
	} else {
		t.float(*f)
	}
}
