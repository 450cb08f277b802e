package resident

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/engine/ledger"
)

// TestCancelRefusals holds each reason for which an order is not cancelled to what the user is told.
func TestCancelRefusals(t *testing.T) {
	other := &ledger.OtherClientError{Session: 7, Orders: []ledger.Intent{{ID: 12, Client: 3}}}
	for want, err := range map[string]error{
		"connect with client id 3, or cancel it in TWS": errors.Join(other,
			ledger.ErrIDReused),
		"order 5: another order has the same client id and order id in Gateway; cancel it in TWS": fmt.Errorf(
			"order 5: %w", ledger.ErrIDReused),
	} {
		var conflict *api.Conflict
		if got := answered(err); !errors.As(got, &conflict) || !strings.HasSuffix(conflict.Reason, want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if got := answered(ledger.ErrNotOpen); !errors.Is(got, api.ErrNoOrder) {
		t.Errorf("%v", got)
	}
}
