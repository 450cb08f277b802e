package ledger

import (
	"time"

	"gatewatch/conn/ib"
)

// OrderState is what has become of an order, as far as is known. Its text is stable.
type OrderState string

// The states.
const (
	Planned OrderState = "planned"  // on disk; whether it left is not known yet
	NotSent OrderState = "not_sent" // it never left and never will
	Sent    OrderState = "sent"     // its bytes left; Gateway has said nothing yet, or has not passed it on
	Working OrderState = "working"  // so Gateway says
	// Gateway has it, and it does not work: held, de-activated or refused; it may work again
	Inactive  OrderState = "inactive"
	Filled    OrderState = "filled"    // in full
	Cancelled OrderState = "cancelled" // or expired; it may have been filled in part
	Rejected  OrderState = "rejected"  // by Gateway, IBKR or the exchange
	Unknown   OrderState = "unknown"   // it may have reached Gateway, which knows nothing of it: a person has to look
)

// Done reports whether nothing more is expected of an order. It is of [Unknown] and of [Inactive]: Gateway may still
// tell of it. See [Intent.Done] for those that it counts among the completed.
func (f OrderState) Done() bool {
	return f == NotSent || f == Filled || f == Cancelled || f == Rejected
}

// Intent is an order that was meant to be sent, with its state.
type Intent struct {
	ID         int64      `json:"id"` // of the order; never used twice
	Client     int        `json:"client"`
	Rule       string     `json:"rule,omitempty"`
	At         time.Time  `json:"at"`                   // UTC; when it was meant
	Order      ib.Order   `json:"order"`                // its Ref is the intent's name
	Multiplier float64    `json:"multiplier,omitempty"` // of the contract; 0: Gateway has named none
	State      OrderState `json:"fate"`                 // its name on disk is older
	Changed    time.Time  `json:"changed"`              // UTC; when its state was learned
	PermID     int64      `json:"perm_id,omitempty"`    // IBKR's own number for it, once it has one
	Filled     float64    `json:"filled"`               // shares or contracts
	Status     string     `json:"status,omitempty"`     // IBKR's own word, as Gateway has said it last
	WhyHeld    string     `json:"why_held,omitempty"`   // why Gateway holds it: child, trigger, locate, …
	Ended      bool       `json:"ended,omitempty"`      // Gateway counts it among the completed orders
	Code       int        `json:"code,omitempty"`       // IB code of the error about it that counts
	Detail     string     `json:"detail,omitempty"`     // technical text, may come from outside
	// that error was no rejection: it is a notice, or the order has worked since
	Warning bool `json:"warning,omitempty"`
	Found   bool `json:"found,omitempty"` // by an earlier version, in Gateway: its prices may be missing
	// Asked is the order as it was asked to become, until Gateway confirms or refuses that; Order is what Gateway has.
	// Of an order that was cancelled before it has, no one knows which of them that was. Refused is what it has refused
	// last.
	Asked   *ib.Order `json:"asked,omitempty"`
	Refused *ib.Order `json:"refused,omitempty"`

	// Gateway has had it otherwise than it was sent or changed from here: by someone in TWS, by a preset there, or by
	// the exchange, where some make a stop one with protection
	Altered bool `json:"altered,omitempty"`

	// someone wants it to be cancelled, or the order that it belongs to
	ToCancel bool `json:"to_cancel,omitempty"`
	// it is to be cancelled itself: a next start goes on asking Gateway for it
	CancelAsked bool `json:"cancel_asked,omitempty"`
	// it is a stop that does not work, and what it is to protect is bought or sold
	Unprotected bool `json:"unprotected,omitempty"`
	Executions
	Costs

	doubt    time.Time // since when Gateway has to be asked about it; zero: what is known of it agrees
	asking   time.Time // when Asked was sent; zero: before this start
	changing bool      // Asked is on its way
}

// Done reports whether nothing more is expected of the order.
func (i *Intent) Done() bool { return i.State.Done() || i.State == Inactive && i.Ended }

// old reports whether no one needs the intent any more.
func (i *Intent) old(now time.Time) bool { return i.Done() && now.Sub(i.Changed) > keepDone }
