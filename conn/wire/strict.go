package wire

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The protobuf library loses a message with a text that is not UTF-8, and cuts a number that is out of range to one
// that is in it. So messages are looked through before it decodes them.

// decode decodes a message in protobuf.
func (m Message) decode(to proto.Message) error {
	body, err := repaired(m.body, to.ProtoReflect().Descriptor())
	if err == nil {
		err = proto.Unmarshal(body, to)
	}
	return m.whatIsBad(err)
}

// repaired looks through a message of a type. It returns the message with its texts made valid UTF-8, which is the same
// slice if they are already. No type contains itself, so that this goes a few levels deep.
func repaired(body []byte, typ protoreflect.MessageDescriptor) ([]byte, error) {
	var out []byte // the message as far as rest, if it had to be changed
	fields := typ.Fields()
	for rest := body; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 || number > protowire.MaxValidNumber {
			return nil, errShape
		}
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if size < 0 {
			return nil, errShape
		}
		whole, value := rest[:n+size], rest[n:n+size]
		at := len(body) - len(rest)
		rest = rest[n+size:]
		mended, err := repairedField(value, kind, fields.ByNumber(number))
		if err != nil {
			return nil, err
		}
		switch {
		case mended != nil:
			if out == nil {
				out = append([]byte{}, body[:at]...)
			}
			out = protowire.AppendBytes(append(out, whole[:n]...), mended)
		case out != nil:
			out = append(out, whole...)
		}
	}
	if out != nil {
		return out, nil
	}
	return body, nil
}

// repairedField looks at a value. It returns nil, or what has to take its place, without a length. One that is of
// another kind than the field's is none that is known.
func repairedField(value []byte, kind protowire.Type, field protoreflect.FieldDescriptor) ([]byte, error) {
	if field == nil {
		return nil, nil
	}
	switch field.Kind() {
	case protoreflect.Int32Kind:
		if kind == protowire.VarintType {
			if v, _ := protowire.ConsumeVarint(value); !fits32(v) {
				return nil, errRange
			}
		}
	case protoreflect.StringKind:
		if kind == protowire.BytesType {
			if s, _ := protowire.ConsumeBytes(value); !utf8.Valid(s) {
				return []byte(strings.ToValidUTF8(string(s), "\uFFFD")), nil
			}
		}
	case protoreflect.MessageKind:
		if kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(value)
			mended, err := repaired(inner, field.Message())
			if err != nil || len(mended) == len(inner) && (len(inner) == 0 || &mended[0] == &inner[0]) {
				return nil, err
			}
			return mended, nil
		}
	}
	return nil, nil
}
