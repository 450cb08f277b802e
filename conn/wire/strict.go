package wire

import (
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The protobuf library loses a message with a text that is not UTF-8, and cuts a number that is out of range to one
// that is in it. So messages are looked through before it decodes them.

// maxParts is how many messages a message may have in it. Each takes a hundred times the memory of its bytes when it
// says nothing. An open order with its allocations to all accounts of an advisor has some thousand.
const maxParts = 10_000

func (m Message) decode(to proto.Message) error {
	body := m.body
	mended, err := repaired(body, to.ProtoReflect().Descriptor(), new(int))
	if mended != nil {
		body = mended
	}
	if err == nil {
		err = proto.Unmarshal(body, to)
	}
	return m.whatIsBad(err)
}

// repaired looks through a message of a type. It returns the message with its texts made valid UTF-8 and cut to what
// is read of them at most, nil if they are already. A value of another kind than its field's is none that is known. No
// type contains itself, so that this goes a few levels deep. It counts the messages in it.
func repaired(body []byte, typ protoreflect.MessageDescriptor, parts *int) (out []byte, err error) {
	for rest := body; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 || number > protowire.MaxValidNumber {
			return nil, errShape
		}
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if size < 0 {
			return nil, errShape
		}
		tag, value, whole, at := rest[:n], rest[n:n+size], rest[:n+size], len(body)-len(rest)
		rest = rest[n+size:]
		var mended []byte // what has to take the value's place
		switch field := typ.Fields().ByNumber(number); {
		case field == nil:
		case field.Kind() == protoreflect.Int32Kind && kind == protowire.VarintType:
			if v, _ := protowire.ConsumeVarint(value); !fits32(v) {
				return nil, errRange
			}
		case field.Kind() == protoreflect.StringKind && kind == protowire.BytesType:
			s, _ := protowire.ConsumeBytes(value)
			if cut := s[:min(len(s), maxList+1)]; len(cut) < len(s) || !utf8.Valid(s) {
				mended = []byte(strings.ToValidUTF8(string(cut), "\uFFFD"))
			}
		case field.Kind() == protoreflect.MessageKind && kind == protowire.BytesType:
			if *parts++; *parts > maxParts {
				return nil, errParts
			}
			inner, _ := protowire.ConsumeBytes(value)
			if mended, err = repaired(inner, field.Message(), parts); err != nil {
				return nil, err
			}
		}
		switch {
		case mended != nil && out == nil:
			out = protowire.AppendBytes(append(slices.Clone(body[:at]), tag...), mended)
		case mended != nil:
			out = protowire.AppendBytes(append(out, tag...), mended)
		case out != nil:
			out = append(out, whole...)
		}
	}
	return out, nil
}
