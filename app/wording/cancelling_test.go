package wording

import (
	"testing"

	"gatewatch/engine/ledger"
)

func TestCancelling(t *testing.T) {
	for want, c := range map[string]ledger.Cancelling{
		"": {},
		"Gateway has confirmed 142 of 160 cancellations.": {
			Asked: 160, Confirmed: 142,
		},
		"Gateway has confirmed 0 of 1 cancellation.": {Asked: 1},
		"Gateway has confirmed the cancellation.": {
			Asked: 1, Confirmed: 1,
		},
		"Gateway has confirmed all 160 cancellations.": {
			Asked: 160, Confirmed: 160,
		},
		"Gateway has confirmed 142 of 160 cancellations and refused 2: look at these orders in TWS.": {
			Asked: 160, Confirmed: 142, Refused: 2,
		},
	} {
		if got := Cancelling(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCancellation(t *testing.T) {
	for want, c := range map[string]ledger.Cancellation{
		"Cancellation requested; Gateway has not confirmed it yet.": {},
		"Gateway refuses to cancel it (IB code 10148: state: Filled). Cancel it in TWS.": {
			Refused: true, Code: 10148, Detail: "state:\nFilled",
		},
		"Gateway does not find it to cancel it (IB code 10147). Look in TWS whether it still works.": {
			Refused: true, Code: 10147,
		},
		"It cannot be cancelled: this Gateway is too old": {
			Refused: true, Detail: "this Gateway is too old",
		},
	} {
		if got := Cancellation(c, true); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Cancellation(ledger.Cancellation{}, false); got != "" {
		t.Errorf("nothing was asked for: %q", got)
	}
}

func TestOtherClient(t *testing.T) {
	one := ledger.Intent{ID: 12, Client: 3}
	for want, e := range map[string]*ledger.OtherClientError{
		"order 12 belongs to client id 3, and Gatewatch is connected with client id 7; connect with client id 3, or " +
			"cancel it in TWS": {
			Session: 7, Orders: []ledger.Intent{one},
		},
		"2 orders belong to another client id than 7, with which Gatewatch is connected (the first is order 12 of " +
			"client id 3); " +
			"connect with their client id, or cancel them in TWS": {Session: 7, Orders: []ledger.Intent{
			one, {ID: 13, Client: 4},
		}},
	} {
		if got := OtherClient(e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
