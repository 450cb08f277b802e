package sim

import (
	"encoding/binary"
	"fmt"

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
	verNoFAProfile      = 177
	verPendingPrice     = 178
	verLastTradeDate    = 182
	verCustomerAccount  = 183
	verProfessional     = 184
	verBondAccrued      = 185
	verIneligibility    = 186
	verRFQ              = 187
	verIncludeOvernight = 189
	verUndoRFQ          = 190
	verCMETagging       = 192
	verCMETaggingOpen   = 193
	verErrorTime        = 194
	verOrderPreview     = 195
	verHistoryEnd       = 196
	verTimeInMillis     = 197
	verSubmitter        = 198
	verImbalanceOnly    = 199
	verExecutionDays    = 200
	verBinaryID         = 201
	verProtoOrders      = 203
	verProtoOpenOrders  = 204
	verProtoContracts   = 205
	verProtoMarketData  = 206
	verProtoAccounts    = 207
	verProtoHistory     = 208
	verProtoNews        = 209
	verProtoScanner     = 210
	verProtoRest1       = 211
	verProtoRest2       = 212
	verProtoRest3       = 213
	verCancelContract   = 215
	verConfigRequests   = 219
	verUpdateConfig     = 221
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
	f := form{textWriter: textWriter{dst, version}}
	if version >= verBinaryID {
		f.b = binary.BigEndian.AppendUint32(f.b, uint32(kind.id))
	} else {
		f.int(int64(kind.id))
	}
	kind.text(&f, m)
	return wire.EndFrame(f.b, start)
}
