package conn

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// An order in text has some 136 fields, whose presence depends on the version and on each other. The client library
// dies of one that is missing, of a word where it wants a number, and of every condition, since it reads their fields in
// another order than Gateway writes them. So orders are walked through before the library sees them, and conditions,
// which nobody here needs, are taken out. From 204 on orders are protobuf.

// The versions that add fields to orders, executions and contracts in text. Source: the server versions of IBKR's TWS API.
const (
	versionNoFAProfile     = 177
	versionPriceRevision   = 178
	versionFunds           = 179
	versionLastTradeDate   = 182
	versionCustomerAccount = 183
	versionProfessional    = 184
	versionBondAccrued     = 185
	versionIneligibility   = 186
	versionOvernight       = 189
	versionCMETagging      = 193
	versionOrderPreview    = 195
	versionSubmitter       = 198
	versionImbalanceOnly   = 199
)

// textWalk goes through the fields of one order or contract.
type textWalk struct {
	id      int // of the message
	version int
	body    []byte // whole
	rest    []byte // not walked through yet
	fields  int    // walked through
	err     error

	conditions, after int // where the number of conditions begins in body, and what comes after them
}

// walkOrder goes through an open or a completed order in text.
func walkOrder(id int, body []byte, version int) *textWalk {
	w := &textWalk{id: id, version: version, body: body, rest: body}
	w.walk(id == msgOpenOrder)
	return w
}

// walkContract goes through contract details in text. Lists have no length that the library would check, and it gets memory for
// as many entries as it is told.
func walkContract(body []byte, version int) *textWalk {
	w := &textWalk{id: msgContract, version: version, body: body, rest: body}
	w.shape("is") // request, symbol
	kind := w.next('s')
	w.next('s') // expiry
	w.since(versionLastTradeDate, "s")
	w.shape("fssssss" + "if") // strike, …, trading class, id, least price step
	w.shape("sssii" + "ss")   // multiplier, …, long name, primary exchange
	w.shape("sssssss" + "si") // month, …, hours, economic value
	w.each("ss")              // numbers in other registers
	w.shape("i" + "sssss" + "sss")
	if kind == "FUND" {
		w.since(versionFunds, "sssssss"+"sss"+"sssssss")
	}
	if version >= versionIneligibility {
		w.each("ss")
	}
	return w
}

func walkMarketRule(body []byte, version int) *textWalk {
	w := &textWalk{id: msgMarketRule, version: version, body: body, rest: body}
	w.shape("i")
	w.each("ff")
	return w
}

// next returns the next field if it is of a kind: those of textShape, and u, a number that may be "None".
func (w *textWalk) next(kind byte) string {
	if w.err != nil {
		return ""
	}
	w.fields++
	at := bytes.IndexByte(w.rest, 0)
	if at < 0 {
		w.err = protocolError("message %d ends in field %d", w.id, w.fields)
		return ""
	}
	field := w.rest[:at]
	if kind == 'u' {
		if kind = 'f'; string(field) == "None" {
			kind = 's'
		}
	}
	if err := checkField(field, kind); err != nil {
		w.err = protocolError("message %d field %d is %.20q", w.id, w.fields, field)
		return ""
	}
	w.rest = w.rest[at+1:]
	return string(field)
}

func (w *textWalk) shape(kinds string) {
	for i := range len(kinds) {
		w.next(kinds[i])
	}
}

// each goes through as many groups of fields as the next field says.
func (w *textWalk) each(kinds string) {
	n, _ := strconv.ParseInt(w.next('i'), 10, 64) // empty: none
	if n < 0 || n > int64(len(w.rest)) {
		w.fail("%d groups in field %d", n, w.fields)
	}
	for range n {
		if w.err != nil {
			return
		}
		w.shape(kinds)
	}
}

func (w *textWalk) fail(format string, args ...any) {
	if w.err == nil {
		w.err = protocolError("message "+strconv.Itoa(w.id)+": "+format, args...)
	}
}

// since goes through fields that a version has added.
func (w *textWalk) since(version int, kinds string) {
	if w.version >= version {
		w.shape(kinds)
	}
}

func (w *textWalk) walk(open bool) {
	only := func(yes bool, kinds string) {
		if yes {
			w.shape(kinds)
		}
	}
	only(open, "i")        // order id
	w.shape("isssfssssss") // contract
	w.shape("sf")          // action, quantity
	kind := w.next('s')    // order type
	w.shape("uussssis")    // prices, TIF, OCA group, account, open or close, origin, reference
	only(open, "i")        // client id
	w.shape("issfs")       // permanent id, outside hours, hidden, discretionary amount, good after time
	only(open, "s")        // shares allocation
	w.shape("sss")         // advisor
	only(w.version < versionNoFAProfile, "s")
	w.shape("sssus")  // model, good till date, rule 80A, percent offset, settling firm
	w.shape("isi")    // short sale
	only(open, "i")   // auction strategy
	w.shape("uuuuui") // box, pegged to stock, display size
	only(open, "s")   // block order
	w.shape("ssii")   // sweep to fill, all or none, least quantity, OCA type
	only(open, "ssui")
	w.shape("i") // trigger method
	w.volatility(open)
	w.shape("uu")    // trail
	only(open, "ui") // basis points
	w.combos()
	w.scale()
	if w.next('s') != "" { // hedge type
		w.next('s') // its parameter
	}
	only(open, "s") // no smart routing
	w.shape("sss")  // clearing, not held
	if present := w.next('s'); present != "" && present != "0" {
		w.shape("iff") // delta-neutral contract
	}
	if w.next('s') != "" { // algorithm
		w.each("ss")
	}
	w.next('s') // solicited
	if open {
		w.preview()
	} else {
		w.next('s') // status
	}
	w.shape("ss") // randomise
	if kind == "PEG BENCH" {
		w.shape("isffs")
	}
	w.walkConditions()
	if open {
		w.shape("sffffffi") // adjusted order
		w.shape("sss")      // soft-dollar tier
	} else {
		w.shape("ff") // stop price and offset
	}
	w.shape("fss") // cash quantity, hedge price, OMS container
	if open {
		w.shape("siiis") // up to limit, price management, duration, ATS, cancel with parent
	} else {
		w.shape("sfissssiss") // cancel date, filled, reference future, …, parent, completed: time and status
	}
	w.shape("iiuuu") // pegged to best and to mid
	w.since(versionCustomerAccount, "s")
	w.since(versionProfessional, "s")
	if open {
		w.since(versionBondAccrued, "s")
		w.since(versionOvernight, "s")
		w.since(versionCMETagging, "si")
	}
	w.since(versionSubmitter, "s")
	if open {
		w.since(versionImbalanceOnly, "s")
	}
}

func (w *textWalk) volatility(open bool) {
	w.shape("ui")
	deltaNeutral := w.next('s')
	w.next('u')
	if deltaNeutral != "" {
		w.next('i')
		if open {
			w.shape("ssss")
		}
		w.shape("sis")
	}
	w.shape("si")
}

func (w *textWalk) combos() {
	w.next('s')        // in words
	w.each("iissiisi") // legs
	w.each("u")        // their prices
	w.each("ss")       // routing
}

func (w *textWalk) scale() {
	w.shape("ii")
	if step, err := strconv.ParseFloat(w.next('u'), 64); err == nil && step > 0 && step != unsetPrice {
		w.shape("uiusiis")
	}
}

// unsetPrice is what stands for a price that is not set.
const unsetPrice = 1.7976931348623157e308

// preview goes through whether the order is one, its status, margins and commissions.
func (w *textWalk) preview() {
	w.shape("ss" + "sssssssss" + "uuus")
	if w.version >= versionOrderPreview {
		w.shape("s" + "uuuuuuuuu" + "fs")
		w.each("sfffffs") // allocations to accounts
	}
	w.next('s') // warning
}

// conditionShapes are the fields behind a condition's type, in Gateway's order. Source: IBKR's TWS API, OrderCondition.
var conditionShapes = map[string]string{
	"1": "ssfisi", // price
	"3": "sss",    // time
	"4": "ssi",    // margin
	"5": "ssss",   // execution
	"6": "ssiis",  // volume
	"7": "ssfis",  // percent change
}

func (w *textWalk) walkConditions() {
	w.conditions = len(w.body) - len(w.rest)
	n, _ := strconv.ParseInt(w.next('i'), 10, 64)
	if n < 0 || n > int64(len(w.rest)) {
		w.fail("%d conditions", n)
	}
	for range n {
		if w.err != nil {
			return
		}
		kind := w.next('i')
		shape, known := conditionShapes[kind]
		if !known {
			w.fail("condition of type %.20q", kind)
			return
		}
		w.shape(shape)
	}
	if n > 0 {
		w.shape("ss")
	}
	w.after = len(w.body) - len(w.rest)
}

// withoutConditions returns a frame without the conditions of the order in it, if it holds an order in text that has some.
// The frame has been checked.
func withoutConditions(framed []byte, id, version int) []byte {
	if id != msgOpenOrder && id != msgCompleted {
		return framed
	}
	head := 8 // length and binary number
	if version < versionBinaryID {
		head = 4 + bytes.IndexByte(framed[4:], 0) + 1
	} else if binary.BigEndian.Uint32(framed[4:]) > protoBase {
		return framed
	}
	w := walkOrder(id, framed[head:], version)
	if w.err != nil || string(w.body[w.conditions:w.after]) == "0\x00" {
		return framed
	}
	out := append([]byte(nil), framed[:head+w.conditions]...)
	out = append(append(out, "0\x00"...), w.body[w.after:]...)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}
