package wording

import (
	"fmt"

	"gatewatch/engine/ledger"
)

// Cancelling returns how far orders are that were to be cancelled; empty if there are none.
func Cancelling(c ledger.Cancelling) string {
	waiting := c.Asked - c.Confirmed - c.Refused
	text := fmt.Sprintf("Gateway has confirmed %d of %s", c.Confirmed, Count(c.Asked, "cancellation", "cancellations"))
	switch {
	case c.Asked == 0:
		return ""
	case c.Refused == 0 && waiting > 0:
		return text + "."
	case c.Refused == 0 && c.Asked == 1:
		return "Gateway has confirmed the cancellation."
	case c.Refused == 0:
		return fmt.Sprintf("Gateway has confirmed all %d cancellations.", c.Asked)
	}
	return fmt.Sprintf("%s and refused %d: look at these orders in TWS.", text, c.Refused)
}

// Cancellation returns what came of a request to cancel an order; empty if there was none.
func Cancellation(c ledger.Cancellation, asked bool) string {
	said := OneLine(c.Detail)
	switch {
	case !asked:
		return ""
	case c.Refused && c.Code == 0:
		return "It cannot be cancelled: " + said
	case c.Code == 10147:
		return "Gateway does not find it to cancel it" + IBCode(c.Code, said) +
			". Look in TWS whether it still works."
	case c.Refused:
		return "Gateway refuses to cancel it" + IBCode(c.Code, said) + ". Cancel it in TWS."
	}
	return "Cancellation requested; Gateway has not confirmed it yet."
}

// OtherClient says that orders cannot be cancelled under the present client id, and what to do.
func OtherClient(e *ledger.OtherClientError) string {
	first := e.Orders[0]
	if len(e.Orders) == 1 {
		return fmt.Sprintf("order %d belongs to client id %d, and Gatewatch is connected with client id %d; connect "+
			"with client id %d, or cancel it in TWS",
			first.ID, first.Client, e.Session, first.Client)
	}
	return fmt.Sprintf("%d orders belong to another client id than %d, with which Gatewatch is connected (the first "+
		"is order %d of client id %d); "+
		"connect with their client id, or cancel them in TWS", len(e.Orders), e.Session, first.ID, first.Client)
}
