package engine

import (
	"slices"
	"time"

	"gatewatch/conn"
)

// Fate is what has become of an order, as far as is known. Its text is stable.
type Fate string

// The fates.
const (
	Planned   Fate = "planned"   // on disk; whether it left is not known yet
	NotSent   Fate = "not_sent"  // it never left and never will
	Sent      Fate = "sent"      // its bytes left; Gateway has said nothing yet
	Working   Fate = "working"   // Gateway has it
	Filled    Fate = "filled"    // in full
	Cancelled Fate = "cancelled" // or expired; it may have been filled in part
	Rejected  Fate = "rejected"  // by Gateway, IBKR or the exchange
	Unknown   Fate = "unknown"   // it may have reached Gateway, which knows nothing of it: a person has to look
)

// Done reports whether nothing more is expected of an order. It is not of [Unknown]: Gateway may still tell of it.
func (f Fate) Done() bool { return f == NotSent || f == Filled || f == Cancelled || f == Rejected }

// Intent is an order that was meant to be sent, with its fate.
type Intent struct {
	ID         int64      `json:"id"` // of the order; never used twice
	Client     int        `json:"client"`
	Rule       string     `json:"rule,omitempty"`
	At         time.Time  `json:"at"`                   // UTC; when it was meant
	Order      conn.Order `json:"order"`                // its Ref is the intent's name
	Multiplier float64    `json:"multiplier,omitempty"` // of the contract; 0 stands for 1
	Fate       Fate       `json:"fate"`
	Changed    time.Time  `json:"changed"`           // UTC; when its fate was learned
	PermID     int64      `json:"perm_id,omitempty"` // IBKR's own number for it, once it has one
	Filled     float64    `json:"filled"`            // shares or contracts
	Code       int        `json:"code,omitempty"`    // IB code of a rejection
	Detail     string     `json:"detail,omitempty"`  // technical text, may come from outside
	Found      bool       `json:"found,omitempty"`   // taken in from Gateway, see [Ledger.Expect]: prices may be missing from the order
	Altered    bool       `json:"altered,omitempty"` // a change was asked for, so that its quantity is only Gateway's to know
	Executions

	doubt time.Time // since when Gateway has to be asked about it; zero: what is known of it agrees
}

// old reports whether nobody needs the intent any more.
func (i *Intent) old(now time.Time) bool { return i.Fate.Done() && now.Sub(i.Changed) > keepDone }

// learn takes in a piece of news about the intent, and reports whether it was new.
func (i *Intent) learn(n conn.OrderNews, now time.Time) bool {
	before, executed := i.Fate, false
	filled, permID, quantity := i.Filled, i.PermID, i.Order.Quantity
	if n.PermID != 0 {
		i.PermID = n.PermID
	}
	switch n.Kind {
	case conn.OrderFilled:
		executed = i.fill(n)
	case conn.OrderOpen, conn.OrderStatus, conn.OrderCompleted:
		i.Filled = max(i.Filled, n.Filled)
		if n.Kind == conn.OrderOpen && n.Quantity > 0 {
			i.Order.Quantity = n.Quantity // it may have been changed, or a change refused
		}
		if n.Status == "Inactive" && i.Fate == Rejected {
			break // which is how Gateway goes on to tell of an order that was rejected
		}
		i.stand(fateOf(n.Status))
	case conn.OrderError:
		i.refuse(n)
	}
	if !i.Altered && i.Order.Quantity > 0 && i.Filled >= i.Order.Quantity-1e-7 {
		i.Fate = Filled // whatever else was said: a fill is a fact
	}
	if i.Fate == before && i.Filled == filled && i.PermID == permID && i.Order.Quantity == quantity && !executed {
		return false
	}
	i.Changed = now
	return true
}

// stand notes what Gateway says of the order. What is done stays done, unless Gateway has an order that was thought not to be
// there.
func (i *Intent) stand(f Fate) {
	if f == "" || i.Fate == Filled || i.Fate == Cancelled && f == Working {
		return
	}
	i.Fate = f
}

// fateOf says what a status of IBKR's means.
func fateOf(status string) Fate {
	switch status {
	case "Filled":
		return Filled
	case "Cancelled", "ApiCancelled":
		return Cancelled
	case "":
		return ""
	}
	return Working // PendingSubmit, PreSubmitted, Submitted, PendingCancel, Inactive, and what comes after them
}

// fill takes in an execution or a correction of one, and reports whether it was new. What is taken back of a filled order leaves
// open what becomes of it.
func (i *Intent) fill(n conn.OrderNews) bool {
	before := i.Executions.filled()
	if !i.Executions.add(n) {
		return false
	}
	after := i.Executions.filled()
	if after >= before {
		i.Filled = max(i.Filled, after)
		i.stand(Working)
		return true
	}
	if i.Filled = after; i.Fate == Filled {
		i.Fate, i.Detail = Unknown, "an execution was taken back"
	}
	return true
}

// harmless are the codes of errors that name an order and say nothing about its fate: it waits for the market to open, its
// cancellation was refused, its price was capped.
var harmless = []int{161, 399, 404, 10147, 10148, 10349}

// refuse notes an error that names the order.
func (i *Intent) refuse(n conn.OrderNews) {
	switch {
	case slices.Contains(harmless, n.Code), n.Code >= 2100 && n.Code < 2200:
		return
	case n.Code == 202:
		i.stand(Cancelled)
	case i.Fate == Planned || i.Fate == Sent || n.Code == 201 && !i.Altered:
		i.stand(Rejected)
	default:
		return // a change of a working order was refused: the order works on
	}
	i.Code, i.Detail = n.Code, n.Detail
}
