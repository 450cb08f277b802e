package port_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatewatch/conn/wire"
)

func newReader(r io.Reader) *wire.Reader { return wire.NewReader(r) }

// mustFrame frames a request in protobuf.
func mustFrame(r wire.Request) []byte {
	frame, err := wire.Frame(r)
	if err != nil {
		panic(err)
	}
	return frame
}

// startFrame returns startApi in the form of a version.
func startFrame(version int, client int64) []byte {
	if version >= 213 {
		return mustFrame(wire.StartAPI(client))
	}
	return textFrame(version, 71, "2", strconv.FormatInt(client, 10), "")
}

// cancelFrame returns cancelOrder in the form of version 176 or 226.
func cancelFrame(version int, id int64) []byte {
	if version >= 213 {
		return mustFrame(wire.CancelOrder(id))
	}
	return textFrame(version, 4, "1", strconv.FormatInt(id, 10), "")
}

// orderFrame returns placeOrder in the form of version 176 or 226.
func orderFrame(version int, id int64, kind string, limit float64) []byte {
	if version >= 213 {
		o := wire.Order{
			Contract: wire.Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"},
			Side:     "BUY", Type: wire.OrderType(kind), Quantity: 1, TIF: "GTC",
		}
		if kind == "LMT" {
			o.LimitPrice = limit
		}
		return mustFrame(wire.PlaceOrder(id, &o))
	}
	f := make([]string, 0, 120)
	add := func(s ...string) { f = append(f, s...) }
	none := func(n int) {
		for range n {
			add("")
		}
	}
	price := ""
	if kind == "LMT" {
		price = strconv.FormatFloat(limit, 'f', 2, 64)
	}
	add(strconv.FormatInt(id, 10), "0", "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", "", "")
	add("BUY", "1", kind, price, "", "GTC", "", "", "", "0", "", "1", "0")
	add("0", "0", "0", "0", "0", "0") // block to hidden
	add("", "0", "", "", "", "", "", "")
	add("", "0", "", "-1")                  // model, short sale
	add("0", "", "", "0", "", "", "0", "0") // OCA type to firm quote
	add("", "0")                            // NBBO cap, auction strategy
	none(5)                                 // box
	add("0")
	add("", "", "", "", "0", "")                  // volatility
	add("", "")                                   // trailing
	add("", "", "")                               // scale
	add("", "", "")                               // scale table
	add("")                                       // hedge
	add("0", "", "", "0", "0", "", "", "0", "")   // opt out to misc options
	add("0", "0", "0", "0")                       // solicited, randomize, conditions
	add("", "", "", "", "", "", "0")              // adjusted
	add("", "", "", "", "", "", "", "", "0", "0") // operator, tier, cash, MiFID, hedge price, container
	// discretionary, price management, duration, ATS, auto cancel, override, time
	add("0", "", "", "", "0", "", "")
	return textFrame(version, 3, f...)
}

// errorOf reads an error in the form of version 176 or 226.
func errorOf(version int, body []byte) (id int64, code int, text string) {
	if version >= 213 {
		m, err := wire.Split(append([]byte{0, 0, 0, 204}, body...))
		if err != nil {
			return 0, 0, err.Error()
		}
		e, _ := m.Error()
		return e.Request, e.Code, e.Text
	}
	f := strings.Split(string(body), "\x00")
	id, _ = strconv.ParseInt(f[1], 10, 64)
	code, _ = strconv.Atoi(f[2])
	return id, code, f[3]
}

// statusOf reads the status of an order in the form of version 176 or 226.
func statusOf(version int, body []byte) (id int64, status string) {
	if version >= 213 {
		m, err := wire.Split(append(binary.BigEndian.AppendUint32(nil, 203), body...))
		if err != nil {
			return 0, fmt.Sprint(err)
		}
		s, _ := m.OrderNews()
		return s.ID, s.Status
	}
	f := strings.Split(string(body), "\x00")
	id, _ = strconv.ParseInt(f[0], 10, 64)
	return id, f[1]
}
