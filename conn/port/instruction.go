package port

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// instruction is what is read of a request that places or changes an order, or exercises an option.
type instruction struct {
	id, parent  int64
	hold        bool // not to be transmitted yet
	preview     bool // what-if: Gateway orders nothing
	exercise    bool // of an option: its id is that of a request
	combo       bool // of several instruments
	ref         string
	account     string
	quantity    string
	words       string
	attached    [2]int64 // ids of the orders that Gateway makes of it besides, 0: none
	unsupported bool     // cannot be read
}

// maxWord bounds each text that is kept of an order.
const maxWord = 64

// Fields of placeOrder in text. Source: the official client's placeOrder, from version 157 on.
const (
	textSymbol     = 2
	textSecType    = 3
	textExpiry     = 4
	textStrike     = 5
	textRight      = 6
	textAction     = 15
	textQuantity   = 16
	textOrderType  = 17
	textLimit      = 18
	textAux        = 19
	textTIF        = 20
	textAccount    = 22
	textRef        = 25
	textTransmit   = 26
	textParent     = 27
	textPlaceEnd   = 28
	maxPlaceFields = 2000
)

// readInstruction reads the order of a request of the order class.
func readInstruction(r *request, version int) instruction {
	switch {
	case r.number == reqExerciseOptions:
		return instruction{id: r.id, exercise: true, words: "exercise or lapse an option"}
	case r.proto:
		return protoInstruction(r)
	}
	return textInstruction(r, version)
}

func textInstruction(r *request, version int) instruction {
	in := instruction{id: r.id}
	f := bytes.Split(r.body, []byte{0})
	if len(f) < textPlaceEnd+1 || len(f) > maxPlaceFields {
		in.unsupported = true
		return in
	}
	in.hold = !isTrue(f[textTransmit])
	if parent := string(f[textParent]); parent != "" {
		n, err := strconv.ParseInt(parent, 10, 32)
		in.unsupported = err != nil
		if n != math.MaxInt32 {
			in.parent = n
		}
	}
	in.ref, in.account = word(f[textRef]), word(f[textAccount])
	in.preview, in.quantity = textPreview(f, version), word(f[textQuantity])
	in.combo = isCombo(f[textSecType])
	in.words = words(
		f[textAction], f[textQuantity], f[textSymbol], f[textSecType], f[textExpiry], f[textStrike], f[textRight],
		f[textOrderType], textPrice(f[textLimit]), textPrice(f[textAux]), f[textTIF],
	)
	return in
}

// textPrice returns a price as it stands in a message, empty for one that is not set.
func textPrice(f []byte) []byte {
	if v, err := strconv.ParseFloat(string(f), 64); err != nil || v == 0 || math.Abs(v) >= 1e300 {
		return nil
	}
	return f
}

func isTrue(f []byte) bool { return string(f) == "1" || string(f) == "true" }

// isCombo reports whether a type of instrument is that of several instruments which are traded as one.
func isCombo(secType []byte) bool { return string(secType) == "BAG" }

// textPreview reports whether an order in text asks for a preview. That field comes behind many that are there only
// sometimes. Where they cannot be followed, it is an order.
func textPreview(f [][]byte, version int) bool {
	at := textPlaceEnd + 6 // blockOrder to hidden
	next := func() []byte {
		if at >= len(f) {
			return nil
		}
		at++
		return f[at-1]
	}
	count := func(each int) {
		if n, err := strconv.Atoi(string(next())); err == nil && n > 0 && n <= len(f) {
			at += n * each
		}
	}
	if isCombo(f[textSecType]) {
		count(8) // legs
		count(1) // their prices
		count(2) // routing
	}
	at += 7 // shares allocation, discretionary amount, good after, good till, FA group, method, percentage
	if version < 177 {
		at++ // FA profile
	}
	at += 7 // model code to settling firm
	at += 7 // all or none to auction strategy
	at += 6 // starting price to override
	at += 2 // volatility and its type
	if len(next()) > 0 {
		at += 9 // delta neutral: auxiliary price to designated location
	} else {
		at++
	}
	at += 2 // continuous update, reference price type
	at += 2 // trailing stop price and percentage
	at += 2 // scale levels
	if v, err := strconv.ParseFloat(string(next()), 64); err == nil && v > 0 && v < 1e300 {
		at += 7
	}
	at += 3 // scale table, active times
	if len(next()) > 0 {
		at++ // hedge parameter
	}
	at += 4 // opt out, clearing account and intent, not held
	if isTrue(next()) {
		at += 3 // delta neutral contract
	}
	if len(next()) > 0 {
		count(2) // algo parameters
	}
	at++ // algo id
	return isTrue(next())
}

// Fields of PlaceOrderRequest and of the messages in it.
const (
	placeContract, placeOrder, placeAttached = 2, 3, 4

	contractSymbol, contractSecType, contractExpiry, contractStrike, contractRight = 2, 3, 4, 5, 6

	orderPermID, orderParent, orderAction, orderQuantity, orderType = 3, 4, 5, 6, 8
	orderLimit, orderAux, orderTIF, orderAccount, orderRef          = 9, 10, 11, 12, 28
	orderPreview, orderTransmit                                     = 65, 66
)

func protoInstruction(r *request) instruction {
	in := instruction{id: r.id}
	contract, okContract := protoMessage(r.body, placeContract)
	order, okOrder := protoMessage(r.body, placeOrder)
	if !okContract || !okOrder || !wellFormed(contract) || !wellFormed(order) {
		in.unsupported = true
		return in
	}
	transmit, _ := protoInt(order, orderTransmit)
	preview, _ := protoInt(order, orderPreview)
	in.parent, _ = protoInt(order, orderParent)
	in.hold, in.preview = transmit == 0, preview != 0
	in.ref, in.account = word(protoBytes(order, orderRef)), word(protoBytes(order, orderAccount))
	in.quantity = word(protoBytes(order, orderQuantity))
	in.combo = isCombo(protoBytes(contract, contractSecType))
	in.words = words(
		protoBytes(order, orderAction), protoBytes(order, orderQuantity), protoBytes(contract, contractSymbol),
		protoBytes(contract, contractSecType), protoBytes(contract, contractExpiry),
		protoPrice(contract, contractStrike), protoBytes(contract, contractRight), protoBytes(order, orderType),
		protoPrice(order, orderLimit), protoPrice(order, orderAux), protoBytes(order, orderTIF),
	)
	if attached, ok := protoMessage(r.body, placeAttached); ok {
		stop, _ := protoInt(attached, 1)
		target, _ := protoInt(attached, 3)
		for i, id := range [2]int64{stop, target} {
			if id > 0 && id < math.MaxInt32 {
				in.attached[i] = id
			}
		}
	}
	return in
}

// Fields of openOrder in text. Source: the official client's decoder, from version 157 on.
const (
	openAction    = 12
	openQuantity  = 13
	openOrderType = 14
	openLimit     = 15
	openAux       = 16
	openTIF       = 17
	openAccount   = 19
	openRef       = 22
	openEnd       = 25
)

// openInstruction reads the order in an openOrder as if its program had sent it.
func openInstruction(id int64, proto bool, body []byte) instruction {
	if proto { // its contract and its order are where placeOrder has them
		return protoInstruction(&request{id: id, body: body})
	}
	in := instruction{id: id}
	f := bytes.SplitN(body, []byte{0}, openEnd+1)
	if len(f) <= openEnd {
		return in
	}
	in.quantity, in.account, in.ref = word(f[openQuantity]), word(f[openAccount]), word(f[openRef])
	in.combo = isCombo(f[textSecType])
	in.words = words(
		f[openAction], f[openQuantity], f[textSymbol], f[textSecType], f[textExpiry], textPrice(f[textStrike]),
		f[textRight], f[openOrderType], textPrice(f[openLimit]), textPrice(f[openAux]), f[openTIF],
	)
	return in
}

// protoBytes returns a field of a protobuf message that is a text: the last one, as protobuf has it.
func protoBytes(body []byte, number protowire.Number) (value []byte) {
	for at, v := range protoFields(body) {
		if at == number && v.kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(v.bytes)
		}
	}
	return value
}

// protoMessage returns a field of a protobuf message that is a message: all of them, one behind the other, which is how
// protobuf joins them.
func protoMessage(body []byte, number protowire.Number) (value []byte, ok bool) {
	for at, v := range protoFields(body) {
		if at == number && v.kind == protowire.BytesType {
			part, _ := protowire.ConsumeBytes(v.bytes)
			if ok {
				value = append(value, part...)
			} else {
				value, ok = part[:len(part):len(part)], true
			}
		}
	}
	return value, ok
}

// protoPrice returns a price of a protobuf message as text, empty for one that is not set.
func protoPrice(body []byte, number protowire.Number) (text []byte) {
	for at, v := range protoFields(body) {
		if at == number && v.kind == protowire.Fixed64Type {
			text = nil
			bits, _ := protowire.ConsumeFixed64(v.bytes)
			if v := math.Float64frombits(bits); v != 0 && math.Abs(v) < 1e300 {
				text = strconv.AppendFloat(nil, v, 'f', -1, 64)
			}
		}
	}
	return text
}

// word returns a text from outside: bounded, and valid UTF-8.
func word(b []byte) string { return bounded(b, maxWord) }

func bounded(b []byte, most int) string {
	return strings.ToValidUTF8(string(b[:min(len(b), most)]), "\uFFFD")
}

// words puts an order into words, such as "BUY 100 AAPL STK LMT 150.5 DAY".
func words(parts ...[]byte) string {
	var b strings.Builder
	for _, p := range parts {
		if len(p) == 0 || string(p) == "0" || string(p) == "0.0" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word(p))
	}
	return b.String()
}
