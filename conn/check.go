package conn

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of the messages from Gateway that this package has a use for.
const (
	msgTickPrice     = 1
	msgTickSize      = 2
	msgError         = 4
	msgNextValidID   = 9
	msgAccounts      = 15
	msgTickGeneric   = 45
	msgTickString    = 46
	msgCurrentTime   = 49
	msgOrderStatus   = 3
	msgOpenOrder     = 5
	msgExecution     = 11
	msgOpenEnd       = 53
	msgExecutionEnd  = 55
	msgSnapshotEnd   = 57
	msgContract      = 10
	msgContractEnd   = 52
	msgMarketRule    = 93
	msgDataType      = 58
	msgCommission    = 59
	msgTickReqParams = 81
	msgCompleted     = 101
	msgCompletedEnd  = 102

	// The numbers of the requests that place and cancel an order.
	reqPlaceOrder  = 3
	reqCancelOrder = 4

	// protoBase is added to the number of a message whose body is protobuf.
	protoBase = 200
	// versionBinaryID is the first version whose message numbers are 4-byte binary.
	versionBinaryID = 201
	// versionOrders is the oldest version whose orders are placed and followed, and whose contracts are asked for. Older ones
	// have other fields.
	versionOrders = 176
	// versionErrorTime is the first version whose errors carry a time and no version field.
	versionErrorTime = 194
	// versionCancelTags is the first version whose text requests to cancel have no version of their own.
	versionCancelTags = 192
	// versionAdvancedReject is the first version whose errors carry a JSON text.
	versionAdvancedReject = 166
	// versionProtoContract is the first version whose contract details are protobuf.
	versionProtoContract = 205
	// versionProtoBasics is the first version whose startApi and reqCurrentTime are protobuf.
	versionProtoBasics = 213
	// lastPlausible is beyond every message number in use; the library's newest is 111.
	lastPlausible = 199
)

// textShape tells what the fields after the message number have to be for the library's decoder not to panic:
// i an integer, f a number, s anything; an integer or number may be empty. Further fields may follow.
var textShape = map[int]string{
	msgTickPrice:     "siifsi",
	msgTickSize:      "siis",
	msgNextValidID:   "si",
	msgAccounts:      "ss",
	msgTickGeneric:   "siif",
	msgTickString:    "siis",
	msgCurrentTime:   "si",
	msgSnapshotEnd:   "si",
	msgDataType:      "sii",
	msgTickReqParams: "ifsi",
}

// orderShape is textShape for the messages about orders and contracts, from versionOrders on. walkOrder knows the shape of the
// two that hold a whole order, walkContract that of a contract, walkMarketRule that of a market rule.
var orderShape = map[int]string{
	msgOrderStatus:  "isfffiifisf",
	msgOpenOrder:    "",
	msgExecution:    "iiisssfsssssssssssffiiiffssfsi",
	msgOpenEnd:      "s",
	msgExecutionEnd: "si",
	msgCommission:   "ssfsffi",
	msgCompleted:    "",
	msgCompletedEnd: "",
	msgContract:     "",
	msgContractEnd:  "si",
	msgMarketRule:   "",
}

// shapeOf returns the shape of a message that is used here.
func shapeOf(id, version int) (shape string, used bool) {
	if id == msgError {
		return errorShape(version), true
	}
	if shape, used = textShape[id]; used {
		return shape, true
	}
	shape, used = orderShape[id]
	if id == msgExecution {
		if version >= versionPriceRevision {
			shape += "s"
		}
		if version >= versionSubmitter {
			shape += "s"
		}
	}
	return shape, used && version >= versionOrders
}

// verdict says what becomes of a frame from Gateway.
type verdict uint8

const (
	pass verdict = iota // the library may see it
	skip                // well formed as far as can be told, but nothing here has a use for it
)

// checkFrame looks at the payload of a frame before the library's decoder sees it. It returns the number of the
// message without protoBase. The error is errProtocol: a stream with such a frame in it cannot be trusted further.
func checkFrame(payload []byte, version int) (id int, v verdict, err error) {
	body := payload
	if version >= versionBinaryID {
		if len(payload) < 4 {
			return 0, skip, protocolError("message of %d bytes", len(payload))
		}
		n := binary.BigEndian.Uint32(payload)
		if n == 0 || n > protoBase+lastPlausible {
			return 0, skip, protocolError("message number %d", n)
		}
		id, body = int(n), payload[4:]
		if id > protoBase {
			id -= protoBase
			if err := checkProto(id, body); err != nil {
				return id, skip, err
			}
			_, used := shapeOf(id, version)
			if !used {
				return id, skip, nil
			}
			return id, pass, checkOrderProto(id, body)
		}
	} else {
		field, rest, ok := bytes.Cut(payload, []byte{0})
		n, err := strconv.Atoi(string(field))
		if !ok || err != nil || n < 1 || n > lastPlausible {
			return 0, skip, protocolError("message starts with %.20q", field)
		}
		id, body = n, rest
	}
	shape, used := shapeOf(id, version)
	if !used {
		return id, skip, nil
	}
	switch id {
	case msgOpenOrder, msgCompleted:
		err = walkOrder(id, body, version).err
	case msgContract:
		err = walkContract(body, version).err
	case msgMarketRule:
		err = walkMarketRule(body, version).err
	default:
		err = checkText(id, body, shape)
	}
	if err != nil {
		return id, skip, err
	}
	return id, pass, nil
}

func errorShape(version int) string {
	switch {
	case version >= versionErrorTime:
		return "iissi"
	case version >= versionAdvancedReject:
		return "siiss"
	}
	return "siis"
}

func checkText(id int, body []byte, shape string) error {
	for i, kind := range []byte(shape) {
		at := bytes.IndexByte(body, 0)
		if at < 0 {
			return protocolError("message %d ends in field %d of %d", id, i+1, len(shape))
		}
		field := body[:at]
		body = body[at+1:]
		if checkField(field, kind) != nil {
			return protocolError("message %d field %d is %.20q", id, i+1, field)
		}
	}
	return nil
}

// checkField says what is wrong with a field of a kind of textShape.
func checkField(field []byte, kind byte) (err error) {
	switch {
	case len(field) == 0:
	case kind == 'i':
		_, err = strconv.ParseInt(string(field), 10, 64)
	case kind == 'f':
		_, err = strconv.ParseFloat(string(field), 64)
	}
	return err
}

// checkProto walks over the fields of a protobuf message without knowing its type.
func checkProto(id int, body []byte) error {
	for len(body) > 0 {
		_, _, size := protowire.ConsumeField(body)
		if size < 0 {
			return protocolError("message %d is not protobuf", id)
		}
		body = body[size:]
	}
	return nil
}

// orderRequest returns the number of a request to Gateway that places or cancels an order, and the order's id; 0 for any other.
func orderRequest(payload []byte, version int) (request int, id int64) {
	number, body := 0, payload
	if version >= versionBinaryID {
		if len(payload) < 4 {
			return 0, 0
		}
		number, body = int(binary.BigEndian.Uint32(payload)), payload[4:]
	} else {
		field, rest, _ := bytes.Cut(payload, []byte{0})
		number, _ = strconv.Atoi(string(field))
		body = rest
	}
	switch number {
	case reqPlaceOrder:
		return reqPlaceOrder, textID(body)
	case reqCancelOrder:
		if version < versionCancelTags {
			_, body, _ = bytes.Cut(body, []byte{0}) // the version of the message
		}
		return reqCancelOrder, textID(body)
	case reqPlaceOrder + protoBase, reqCancelOrder + protoBase:
		return number - protoBase, protoID(body)
	}
	return 0, 0
}

// textID returns the number that a message in text begins with.
func textID(body []byte) int64 {
	field, _, _ := bytes.Cut(body, []byte{0})
	id, _ := strconv.ParseInt(string(field), 10, 64)
	return id
}

// protoID returns the first field of a protobuf message, 0 if it has none that is a number.
func protoID(body []byte) int64 {
	for len(body) > 0 {
		field, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			break
		}
		if field == 1 && kind == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(body[n:])
			return int64(v)
		}
		size := protowire.ConsumeFieldValue(field, kind, body[n:])
		if size < 0 {
			break
		}
		body = body[n+size:]
	}
	return 0
}

// currentTimeFrame returns a currentTime message as Gateway sends it.
func currentTimeFrame(version int, unix int64) []byte {
	if version >= versionBinaryID {
		body := binary.BigEndian.AppendUint32(nil, msgCurrentTime+protoBase)
		body = protowire.AppendTag(body, 1, protowire.VarintType)
		return frame(protowire.AppendVarint(body, uint64(unix)))
	}
	return textFrame(strconv.Itoa(msgCurrentTime), "1", strconv.FormatInt(unix, 10))
}

// probeFrame returns a reqCurrentTime request in the form that version asks for.
func probeFrame(version int) []byte {
	switch {
	case version >= versionProtoBasics:
		return frame(binary.BigEndian.AppendUint32(nil, msgCurrentTime+protoBase))
	case version >= versionBinaryID:
		return frame(append(binary.BigEndian.AppendUint32(nil, msgCurrentTime), "1\x00"...))
	}
	return textFrame(strconv.Itoa(msgCurrentTime), "1")
}
