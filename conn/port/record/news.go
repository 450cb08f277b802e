package record

import (
	"math"
	"strconv"
)

// NoID is the id in messages that name no order and no request.
const NoID = -1

// News is what Gateway says of an order.
type News struct {
	Client, ID int64 // ID is NoID if it has none
	PermID     int64 // 0: not said
	Status     string
	Held       string // why Gateway holds it, of an order status
	Filled     string // quantity
	Combo      bool   // it is of a combo as a whole, of an execution
	Code       int    // of an error, which has no client id
	Text       string
}

// apply takes over what Gateway says, in whatever order that comes. What is filled stays so.
func (o *Order) apply(n News) {
	if n.PermID != 0 {
		o.PermID = n.PermID
	}
	if n.Code != 0 {
		o.object(n)
		return
	}
	if o.Combo && n.Status == "" && !n.Combo { // an execution of one leg, whose quantity is not the order's
		n.Filled = ""
	}
	if quantity(n.Filled) > quantity(o.Filled) || o.Filled == "" {
		o.Filled = n.Filled
	}
	switch {
	case o.State == Filled:
	case n.Status != "":
		o.follow(n)
	case sameQuantity(n.Filled, o.Quantity):
		o.State = Filled
	case o.State == Sent, o.State == Rejected && n.Filled != "":
		o.State = Working // else an execution says nothing about the rest of its order
	}
}

// follow takes over a status: it decides. What is cancelled stays so, unless it is filled: the status may be from
// before. An order that ends because of an error was rejected.
func (o *Order) follow(n News) {
	state := stateOf(n.Status)
	ends := state == Inactive && n.Held == "" || state == Cancelled && quantity(o.Filled) == 0
	switch {
	case o.cancelled() && !state.Done():
		return
	case o.objected && ends:
		state = Rejected
	case n.Status == "Submitted" || n.Status == "PreSubmitted":
		o.objected = false
	}
	o.Status, o.Held, o.State = n.Status, false, state
}

// cancelled reports whether Gateway has said that the order is cancelled, also where that is a rejection.
func (o *Order) cancelled() bool {
	return o.State == Cancelled || o.State == Rejected && (stateOf(o.Status) == Cancelled || o.Code == codeCancelled)
}

// object takes in an error: it only explains, unless it says that the order is cancelled, by whomever. It rejects an
// order that Gateway has not mentioned, or that does not work, and a status that follows puts that right.
func (o *Order) object(n News) {
	if aboutData(n.Code) {
		return // of a request with the same number
	}
	o.Code, o.Text = n.Code, n.Text
	switch {
	case n.Code == codeCancelled && !o.State.Done():
		o.State = Cancelled
		if o.objected && quantity(o.Filled) == 0 {
			o.State = Rejected
		}
		return
	case harmless(n.Code):
		return
	}
	changes := o.Changes > 0 || o.change != nil // then it may be about the change alone
	o.objected = o.objected || !changes
	if o.State == Sent || o.State == Inactive && !changes {
		o.State = Rejected
	}
}

// stateOf returns what a status of Gateway means.
func stateOf(status string) State {
	switch status {
	case "Filled":
		return Filled
	case "Cancelled", "ApiCancelled":
		return Cancelled
	case "Inactive":
		return Inactive
	}
	return Working
}

// quantity reads a quantity that is written as text, 0 if it is none.
func quantity(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) {
		return 0
	}
	return v
}

// sameQuantity reports whether both are the same quantity, and not 0.
func sameQuantity(a, b string) bool { return quantity(a) > 0 && quantity(a) == quantity(b) }

// codeCancelled is the code with which Gateway says that an order is cancelled.
const codeCancelled = 202

// harmless reports whether an error about an order that Gateway has not mentioned yet does not mean that it was
// refused.
func harmless(code int) bool {
	switch code {
	case 131, 136, 161, codeCancelled, 399, 404, 10147, 10148, 10149, 10349, 10352:
		return true
	}
	return code >= 2100 && code < 2200
}

// aboutData reports whether an error is about market data or history: programs may number requests and orders alike.
// Source: IBKR's API reference, "Message codes".
func aboutData(code int) bool {
	switch code {
	case 101, 162, 165, 166, 300, 309, 310, 316, 317, 354, 365, 366, 420,
		10089, 10090, 10091, 10167, 10168, 10182, 10186, 10189, 10190, 10197, 10225:
		return true
	}
	return false
}
