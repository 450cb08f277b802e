package api

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gatewatch/app/wording"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// Orders is the answer to GET /orders.
type Orders struct {
	Orders     []OrderView `json:"orders"`     // those that are open or need a person first, each the newest first
	Cancelling Cancelling  `json:"cancelling"` // those that were to be cancelled
	Blocked    []Blocked   `json:"blocked"`    // the newest first; the last of this run of the program
	Problem    string      `json:"problem"`    // why orders are not known, for people; empty if they are
}

// OrderView is one order that was meant to be sent.
type OrderView struct {
	ID         int64             `json:"id"`
	At         time.Time         `json:"at"`
	Rule       string            `json:"rule"` // the rule that placed it, empty if none did
	Text       string            `json:"text"` // the order in a sentence
	Symbol     string            `json:"symbol"`
	Side       string            `json:"side"`
	Type       string            `json:"type"`
	Quantity   float64           `json:"quantity"`
	LimitPrice float64           `json:"limit_price"` // 0 if it has none
	StopPrice  float64           `json:"stop_price"`  // 0 if it has none
	TIF        string            `json:"tif"`
	Filled     float64           `json:"filled"`
	State      ledger.OrderState `json:"state"`
	StateText  string            `json:"state_text"` // the same for people
	Fate       ledger.OrderState `json:"fate"`       // the first name of state, for programs that read it
	// its sign: working, up, over, down, impaired or unknown
	Shape string `json:"shape"`
	Alarm bool   `json:"alarm"` // a person has to look after it
	// what went wrong with it or is still asked of it, and what to do, for people, in lines; may be empty
	Note string `json:"note"`
	// IBKR's own word, as Gateway has said it last; empty if it has said nothing
	Status string `json:"status"`
	// why Gateway holds it, in IBKR's words, such as trigger or locate; empty if it does not
	WhyHeld string    `json:"why_held"`
	Changed time.Time `json:"changed"`
	Code    int       `json:"code"`   // IB code of a rejection or of a warning, 0 if none
	Detail  string    `json:"detail"` // technical text
	Parent  int64     `json:"parent"` // id of the order that this one closes, 0 if none
	Open    bool      `json:"open"`   // something is still expected; it can be cancelled
	// what came of a request to cancel it, for people; empty if there is none, or if it is done
	CancelText   string `json:"cancel_text"`
	CancelFailed bool   `json:"cancel_failed"` // Gateway refuses to cancel it
	CancelCode   int    `json:"cancel_code"`   // IB code of that, 0 if none
	// The quantity and the prices above are those that Gateway has. A change asks for these, as long as Gateway has not
	// confirmed or refused it; null: nothing is asked for.
	AskedQuantity   *float64 `json:"asked_quantity"`
	AskedLimitPrice *float64 `json:"asked_limit_price"`
	AskedStopPrice  *float64 `json:"asked_stop_price"`
	// what has become of the last change, or that it is not as it was sent, for people; empty if it was confirmed
	ChangeText string `json:"change_text"`
	// AveragePrice is that of all fills, 0 if it is not known. Commission and fees, and the profit or loss that was
	// realised, are as Gateway has reported them; null: not of all fills.
	AveragePrice       float64  `json:"average_price"`
	Multiplier         float64  `json:"multiplier"` // one of the instrument is worth its price times this; 0: not known
	Commission         *float64 `json:"commission"`
	Realised           *float64 `json:"realised_pnl"`
	CommissionCurrency string   `json:"commission_currency"` // of these two; empty if they are not known
	Currency           string   `json:"currency"`            // of the instrument, and of all prices
	CostText           string   `json:"cost_text"`           // the same for people; empty if nothing is known
	Unprotected        bool     `json:"unprotected"`         // it is a stop that does not work, and its position is open
}

// Current reports whether something is expected of an order, or whether a person has to look after it.
func (o *OrderView) Current() bool { return o.Open || o.State == ledger.Unknown || o.Unprotected }

// Alarming reports whether a person has to look after an order.
func (o *OrderView) Alarming() bool {
	switch o.State {
	case ledger.Unknown, ledger.Rejected, ledger.Inactive:
		return true
	}
	return o.Unprotected || o.CancelFailed
}

var orderShapes = map[ledger.OrderState]string{
	ledger.Planned: "working", ledger.Sent: "working", ledger.Working: "working", ledger.Filled: "up",
	ledger.Cancelled: "over", ledger.Rejected: "down", ledger.Unknown: "impaired", ledger.Inactive: "impaired",
	ledger.NotSent: "unknown",
}

// OrderShape returns the sign of the state of an order.
func OrderShape(state ledger.OrderState) string {
	return cmp.Or(orderShapes[state], "unknown")
}

// OrderNote returns what went wrong with an order, or what is to be done about it, in lines; empty if nothing.
func OrderNote(o *OrderView) string {
	var list []string
	add := func(text string) {
		if text != "" {
			list = append(list, text)
		}
	}
	switch o.State {
	case ledger.Unknown:
		add(wording.LookInTWS)
	case ledger.Inactive:
		add(wording.ReportHint(engine.ReportInactive))
	}
	if o.Unprotected {
		add(wording.Sentence(wording.NoStop))
	}
	add(wording.Sentence(wording.Paragraph(o.ChangeText)))
	detail := wording.Paragraph(o.Detail)
	if o.Code != 0 {
		detail = wording.Coded(o.Code, detail)
	}
	add(detail)
	add(wording.Paragraph(o.CancelText))
	return strings.Join(list, "\n")
}

// OpenFirst puts the orders that are [OrderView.Current] before the others, and keeps their order otherwise.
func OpenFirst(list []OrderView) {
	rank := func(o *OrderView) int {
		if o.Current() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b OrderView) int { return rank(&a) - rank(&b) })
}

// Blocked is an order that was blocked.
type Blocked struct {
	At       time.Time `json:"at"`
	Rule     string    `json:"rule"`
	Text     string    `json:"text"`
	Reason   string    `json:"reason"`
	ReasonID string    `json:"reason_id"`
}

// OrderChange is what is to be changed of a working order; null leaves it as it is.
type OrderChange struct {
	ID         int64    `json:"id"`
	Quantity   *float64 `json:"quantity,omitempty"`
	LimitPrice *float64 `json:"limit_price,omitempty"`
	StopPrice  *float64 `json:"stop_price,omitempty"`
}

// Cancelling is how far the orders are that were to be cancelled. All is 0 if there are none, or if all have been done
// for a minute.
type Cancelling struct {
	Asked     int `json:"asked"`     // all of them
	Confirmed int `json:"confirmed"` // Gateway has confirmed that they are done
	// Gateway refuses to cancel them; all others are asked for again until it answers
	Failed int    `json:"failed"`
	Text   string `json:"text"` // the same for people; empty if there are none
}

// OrderID is the body of POST /orders/cancel.
type OrderID struct {
	ID int64 `json:"id"`
}

// All is the body of POST /orders/cancel_all: an empty object, so that no one means one order and cancels all.
type All struct{}

// Orders asks for the orders that were meant to be sent, and those that were blocked.
func (c *Client) Orders(ctx context.Context) (Orders, error) { return get[Orders](ctx, c, "/orders") }

// CancelOrder asks for one order to be cancelled. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) CancelOrder(ctx context.Context, id int64) (Answer, error) {
	return request[Answer](ctx, c, "/orders/cancel", OrderID{id}, ErrNoOrder)
}

// CancelOrders asks for all our orders to be cancelled. The error may be a [*Conflict].
func (c *Client) CancelOrders(ctx context.Context) (Answer, error) {
	return request[Answer](ctx, c, "/orders/cancel_all", All{}, nil)
}

// ChangeOrder asks for a working order to be changed. The error is [ErrNoOrder] or a [*Conflict].
func (c *Client) ChangeOrder(ctx context.Context, change OrderChange) (Answer, error) {
	return request[Answer](ctx, c, "/orders/change", change, ErrNoOrder)
}
