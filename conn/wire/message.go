package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Message is a message from Gateway that has not been decoded yet. It holds as long as the payload it was made of.
type Message struct {
	Number int // one of those above, or 0 for a message that nothing here has a use for
	inText bool
	body   []byte
}

// understood are the messages that can be decoded, in protobuf and in text.
var understood, understoodInText [numberEnd]bool

func init() {
	for _, n := range []int{
		MsgTickPrice, MsgTickSize, MsgTickString, MsgTickGeneric, MsgTickReqParams, MsgTickSnapshotEnd,
		MsgMarketDataType,
		MsgError, MsgNextValidID, MsgManagedAccounts, MsgCurrentTime,
		MsgOrderStatus, MsgOpenOrder, MsgOpenOrdersEnd, MsgCompletedOrder, MsgCompletedOrdersEnd,
		MsgExecution, MsgExecutionsEnd, MsgCommission,
		MsgContractDetails, MsgContractDetailsEnd, MsgMarketRule, MsgConfig,
	} {
		understood[n] = true
	}
	for _, n := range []int{MsgError, MsgNextValidID, MsgManagedAccounts, MsgCurrentTime} {
		understoodInText[n] = true
	}
}

// Split reads the number of the message that is the payload of a frame.
func Split(payload []byte) (Message, error) {
	if len(payload) > 0 && payload[0] >= '1' && payload[0] <= '9' { // the number is text, too: before version 201
		field, body, _ := bytes.Cut(payload, []byte{0})
		n, err := strconv.ParseUint(string(field), 10, 31)
		if err != nil || n >= numberEnd || !understoodInText[n] {
			return Message{}, bad(0, "message starts with %.20q", field)
		}
		return Message{Number: int(n), inText: true, body: body}, nil
	}
	if len(payload) < 4 {
		return Message{}, bad(0, "message of %d bytes", len(payload))
	}
	n := binary.BigEndian.Uint32(payload)
	switch {
	case n == 0 || n > maxNumber:
		return Message{}, bad(0, "message number %d", n)
	case n > ProtoBase:
		return message(int(n-ProtoBase), false, payload[4:]), nil
	}
	return message(int(n), true, payload[4:]), nil
}

func message(number int, inText bool, body []byte) Message {
	known := &understood
	if inText {
		known = &understoodInText
	}
	if number >= numberEnd || !known[number] {
		return Message{}
	}
	return Message{Number: number, inText: inText, body: body}
}

func (m Message) bad(format string, args ...any) error { return bad(m.Number, format, args...) }

// whatIsBad returns the error of a message of which something cannot be read.
func (m Message) whatIsBad(err error) error {
	if err != nil {
		return m.bad("%v", err)
	}
	return nil
}

// fields returns the fields of a message in text, of which there have to be so many.
func (m Message) fields(atLeast int) ([]string, error) {
	list := strings.Split(string(m.body), "\x00")
	list = list[:len(list)-1] // behind the last NUL
	if len(list) < atLeast {
		return nil, m.bad("%d fields, not %d", len(list), atLeast)
	}
	return list, nil
}

// number reads a whole number; empty stands for 0.
func (m Message) number(field string) (int64, error) {
	if field == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0, m.bad("%.20q is no whole number", field)
	}
	return n, nil
}

// Error is what Gateway says with a code, of a request or an order, or of neither.
type Error struct {
	Request int64 // or order; -1 for none
	Code    int
	Text    string
}

// errorInText decodes an error in text, which begins with its own version up to version 193: "2", request, code, text.
// Later it does not: request, code, text, rejection, time.
func (m Message) errorInText() (e Error, err error) {
	f, err := m.fields(3)
	if err != nil {
		return e, err
	}
	if _, err := strconv.ParseInt(f[2], 10, 64); err == nil && f[0] == "2" && len(f) >= 4 {
		f = f[1:]
	}
	code, err := m.number(f[1])
	if err == nil {
		e.Request, err = m.number(f[0])
	}
	if e.Code = int(code); int64(e.Code) != code {
		e.Code = 0
	}
	e.Text = text(f[2])
	return e, err
}

// accounts splits a list of accounts.
func accounts(s string) []string {
	return slices.DeleteFunc(strings.Split(list(s), ","), func(a string) bool { return a == "" })
}
