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
	msgSnapshotEnd   = 57
	msgDataType      = 58
	msgTickReqParams = 81

	// protoBase is added to the number of a message whose body is protobuf.
	protoBase = 200
	// versionBinaryID is the first version whose message numbers are 4-byte binary.
	versionBinaryID = 201
	// versionErrorTime is the first version whose errors carry a time and no version field.
	versionErrorTime = 194
	// versionAdvancedReject is the first version whose errors carry a JSON text.
	versionAdvancedReject = 166
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
			if _, used := textShape[id]; used || id == msgError {
				return id, pass, nil
			}
			return id, skip, nil
		}
	} else {
		field, rest, ok := bytes.Cut(payload, []byte{0})
		n, err := strconv.Atoi(string(field))
		if !ok || err != nil || n < 1 || n > lastPlausible {
			return 0, skip, protocolError("message starts with %.20q", field)
		}
		id, body = n, rest
	}
	shape, used := textShape[id]
	if id == msgError {
		shape, used = errorShape(version), true
	}
	if !used {
		return id, skip, nil
	}
	if err := checkText(id, body, shape); err != nil {
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
		if len(field) == 0 || kind == 's' {
			continue
		}
		var err error
		if kind == 'i' {
			_, err = strconv.ParseInt(string(field), 10, 64)
		} else {
			_, err = strconv.ParseFloat(string(field), 64)
		}
		if err != nil {
			return protocolError("message %d field %d is %.20q", id, i+1, field)
		}
	}
	return nil
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
