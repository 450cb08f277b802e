package record

import "time"

// State is what is known of an order of a program. Its text is stable.
type State string

// The states of orders.
const (
	Sent      State = "sent"      // its bytes have left; Gateway has not mentioned it yet
	Working   State = "working"   // Gateway has it
	Filled    State = "filled"    // done
	Cancelled State = "cancelled" // done; a part may be filled
	Rejected  State = "rejected"  // Gateway refused it
	Inactive  State = "inactive"  // Gateway has it, and it does not work: refused, or held
	Unknown   State = "unknown"   // the connection ended; it is not known what became of it
	Refused   State = "refused"   // Gatewatch refused it; nothing was sent
	Preview   State = "preview"   // a what-if question: nothing was ordered
)

// Done reports whether nothing more is expected of an order.
func (s State) Done() bool {
	switch s {
	case Filled, Cancelled, Rejected, Refused, Preview:
		return true
	}
	return false
}

// Order is an order of a program, as it stands in the record of orders.
type Order struct {
	Number  uint64    `json:"number"` // counts all orders of the record
	At      time.Time `json:"time"`   // when it was sent or refused
	Client  int64     `json:"client_id"`
	ID      int64     `json:"order_id"`
	PermID  int64     `json:"perm_id,omitempty"` // 0: not known yet
	Program string    `json:"program,omitempty"` // name of the program, if the system says it
	PID     int       `json:"pid,omitempty"`
	// Quantity is as the program wrote it.
	Quantity string `json:"quantity,omitempty"`
	Words    string `json:"order"` // such as "BUY 100 AAPL STK LMT 150.5 DAY", as it was sent last
	Account  string `json:"account,omitempty"`
	Ref      string `json:"order_ref,omitempty"`
	Parent   int64  `json:"parent_id,omitempty"`
	// Adopted says that it was not sent through the port, as far as is known: Gateway has mentioned it to its program.
	Adopted bool   `json:"adopted,omitempty"`
	Held    bool   `json:"held,omitempty"`    // was sent without being transmitted
	Combo   bool   `json:"combo,omitempty"`   // of several instruments: Gateway also reports executions of each
	Changes int    `json:"changes,omitempty"` // how often it was sent again to change it
	State   State  `json:"state"`
	Status  string `json:"status,omitempty"` // Gateway's own word
	Filled  string `json:"filled,omitempty"` // quantity, as Gateway writes it
	Code    int    `json:"code,omitempty"`   // of the last error about it
	Text    string `json:"text,omitempty"`   // of that error; comes from outside
	// Reason is why the port refused it, or in observe mode would have.
	Reason string    `json:"reason,omitempty"`
	Heard  time.Time `json:"heard,omitzero"` // when Gateway mentioned it last

	objected   bool   // Gateway has refused it with an error, and it has not worked since
	aside      bool   // another order that is not done has its id; Gateway's messages are taken for that one's
	change     *Order // as which it is being recorded to be changed; nil: it is not
	connection uint64 // of the program that sent it last, 0 if that was before the start
}
