package ledger

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
)

func status(s string, filled float64) ib.OrderNews {
	return ib.OrderNews{Kind: ib.OrderStatus, ID: 5, Client: clientID, Status: s, Filled: filled}
}

func held(s, why string) ib.OrderNews {
	return ib.OrderNews{Kind: ib.OrderStatus, ID: 5, Client: clientID, Status: s, WhyHeld: why}
}

func open(s string, quantity, limit float64) ib.OrderNews {
	return ib.OrderNews{
		Kind: ib.OrderOpen, ID: 5, Client: clientID, Ref: "gw-x", Status: s, Quantity: quantity,
		Limit: limit,
	}
}

func completed(s string) ib.OrderNews {
	return ib.OrderNews{Kind: ib.OrderCompleted, Client: clientID, Ref: "gw-x", Status: s}
}

func fill(id string, shares, total float64) ib.OrderNews {
	return ib.OrderNews{Kind: ib.OrderFilled, Ref: "gw-x", Execution: id, Filled: shares, Total: total}
}

func says(code int) ib.OrderNews {
	return ib.OrderNews{Kind: ib.OrderError, ID: 5, Client: clientID, Code: code}
}

// TestLearn plays what Gateway says to a single order, and what is concluded when it is asked about it: that it lists
// the order, or does not.
func TestLearn(t *testing.T) {
	const asks, fits = true, false
	type play struct {
		news     []ib.OrderNews
		want     OrderState
		filled   float64
		asks     bool
		listed   OrderState // what follows from an answer that lists it and tells nothing new
		unlisted OrderState // what follows if it is not listed
	}
	for name, c := range map[string]play{
		"nothing": {nil, Sent, 0, fits, Sent, Unknown},
		"acknowledged": {
			[]ib.OrderNews{status("PreSubmitted", 0)},
			Working, 0, fits, Working,
			Unknown,
		},
		"not passed on":            {[]ib.OrderNews{status("PendingSubmit", 0)}, Sent, 0, fits, Sent, Unknown},
		"not passed on by the API": {[]ib.OrderNews{status("ApiPending", 0)}, Sent, 0, fits, Sent, Unknown},
		"not passed on any more": {
			[]ib.OrderNews{status("Submitted", 0), status("PendingSubmit", 0)},
			Sent,
			0, fits, Sent, Unknown,
		},
		"to be cancelled": {
			[]ib.OrderNews{status("Submitted", 0), status("PendingCancel", 0)},
			Working, 0, fits, Working, Unknown,
		},
		"to be cancelled from the first": {[]ib.OrderNews{status("PendingCancel", 0)}, Sent, 0, fits, Sent, Unknown},
		"a word of the future": {
			[]ib.OrderNews{status("Submitted", 0), status("Suspended", 0)},
			Inactive,
			0, asks, Inactive, Inactive,
		},

		"filled by status": {
			[]ib.OrderNews{status("Submitted", 4), status("Filled", 10)},
			Filled, 10,
			fits, Filled, Filled,
		},
		"filled by fills": {
			[]ib.OrderNews{fill("a.01", 4, 4), fill("b.01", 6, 10)},
			Filled, 10, asks,
			Filled, Filled,
		},
		"fills told twice": {
			[]ib.OrderNews{fill("a.01", 4, 0), fill("a.01", 4, 0), fill("a.01", 4, 0)},
			Sent, 4, asks, Sent, Unknown,
		},
		"a correction": {[]ib.OrderNews{
			status("Submitted", 0), fill("a.01", 4, 0),
			fill("a.02", 5, 0),
		}, Working, 5, fits, Working, Unknown},
		"fills in disorder": {
			[]ib.OrderNews{fill("b.01", 6, 10), fill("a.01", 4, 4)},
			Filled, 10, fits,
			Filled, Filled,
		},
		"part, then cancelled": {
			[]ib.OrderNews{fill("a.01", 4, 4), status("Cancelled", 4)},
			Cancelled, 4,
			asks, Cancelled, Cancelled,
		},
		"cancelled, then a late fill": {
			[]ib.OrderNews{status("Cancelled", 0), fill("a.01", 10, 10)},
			Filled, 10,
			fits, Filled, Filled,
		},
		"cancelled, then it works": {
			[]ib.OrderNews{status("Cancelled", 0), status("Submitted", 0)},
			Cancelled, 0,
			asks, Cancelled, Cancelled,
		},
		"rejected, then what was said before comes once more": {
			[]ib.OrderNews{status("Submitted", 0), status("Cancelled", 0), says(201), open("Submitted", 10, 0)},
			Rejected, 0, asks, Rejected, Rejected,
		},
		"rejected, then that it was held comes once more": {
			[]ib.OrderNews{held("Inactive", "locate"), says(201), status("Inactive", 0), held("Inactive", "locate")},
			Rejected, 0, asks, Rejected, Rejected,
		},
		"a warning, cancelled, then the warning comes once more": {
			[]ib.OrderNews{says(110), status("Submitted", 0), status("Cancelled", 0), says(110)},
			Cancelled, 0, fits, Cancelled, Cancelled,
		},
		"a warning, cancelled, said so, then the warning comes once more": {
			[]ib.OrderNews{says(110), status("Submitted", 0), says(202), status("Cancelled", 0), says(110)},
			Cancelled, 0, fits, Cancelled, Cancelled,
		},
		"more than all of it": {
			[]ib.OrderNews{open("Submitted", 20, 0), open("Submitted", 10, 0), fill("a.01", 15, 15)},
			Working, 15, asks, Working, Filled,
		},
		"cancelled, and what it was before comes once more": {
			[]ib.OrderNews{
				open("Submitted", 4, 0), open("Submitted", 10, 0), fill("a.01", 4, 4), status("Cancelled", 4),
				open("Submitted", 4, 0),
			},
			Cancelled, 4, asks, Cancelled, Cancelled,
		},
		"more than all of it, then cancelled": {
			[]ib.OrderNews{status("Submitted", 0), fill("a.01", 15, 15), status("Cancelled", 15)},
			Cancelled, 15, asks, Cancelled, Cancelled,
		},
		"filled stays so": {
			[]ib.OrderNews{status("Filled", 10), status("Cancelled", 10), says(201)},
			Filled, 10, fits, Filled, Filled,
		},
		"filled, but how": {
			[]ib.OrderNews{status("Filled", 0), status("Submitted", 0)},
			Filled, 0, asks,
			Filled, Filled,
		},
		"filled and rejected": {
			[]ib.OrderNews{says(201), fill("a.01", 4, 4)},
			Rejected, 4, asks, Rejected,
			Rejected,
		},

		"rejected before any status": {[]ib.OrderNews{says(201)}, Rejected, 0, fits, Rejected, Rejected},
		"rejected while it worked": {
			[]ib.OrderNews{status("Submitted", 0), says(201)},
			Working, 0, asks,
			Working, Rejected,
		},
		"rejected, so inactive": {
			[]ib.OrderNews{says(201), status("Inactive", 0)},
			Rejected, 0, asks,
			Rejected, Rejected,
		},
		"rejected, so cancelled": {
			[]ib.OrderNews{status("Submitted", 0), says(203), status("Cancelled", 0)},
			Rejected, 0, asks, Rejected, Rejected,
		},
		"rejected, so both": {[]ib.OrderNews{
			status("Submitted", 0), says(460), says(202),
			status("Cancelled", 0),
		}, Rejected, 0, asks, Rejected, Rejected},
		"an open order that is refused": {
			[]ib.OrderNews{says(10289), open("Inactive", 10, 0)},
			Rejected, 0, asks,
			Rejected, Rejected,
		},
		"inactive, then rejected": {
			[]ib.OrderNews{status("Inactive", 0), says(10318)},
			Rejected, 0, asks,
			Rejected, Rejected,
		},
		"cancelled, then rejected": {
			[]ib.OrderNews{status("Cancelled", 0), says(203)},
			Rejected, 0, fits,
			Rejected, Rejected,
		},
		"completed as inactive": {
			[]ib.OrderNews{status("Submitted", 0), completed("Inactive")},
			Inactive, 0,
			fits, Inactive, Inactive,
		},
		"rejected, but Gateway has it": {
			[]ib.OrderNews{says(321), status("Submitted", 0)},
			Working, 0, fits,
			Working, Unknown,
		},

		"inactive at the exchange": {
			[]ib.OrderNews{status("Submitted", 0), status("Inactive", 0)},
			Inactive, 0,
			asks, Inactive, Inactive,
		},
		"inactive from the first": {
			[]ib.OrderNews{status("Inactive", 0)},
			Inactive, 0, asks, Inactive,
			Inactive,
		},
		"held until shares are borrowed": {
			[]ib.OrderNews{says(404), held("Inactive", "locate")},
			Inactive, 0, fits,
			Inactive, Inactive,
		},
		"held, and listed": {
			[]ib.OrderNews{held("Inactive", "locate"), open("Inactive", 10, 0)},
			Inactive, 0, fits,
			Inactive, Inactive,
		},
		"held, whatever the error means": {
			[]ib.OrderNews{says(99999), open("Inactive", 10, 0), held("Inactive", "locate")},
			Inactive, 0, asks,
			Inactive, Inactive,
		},
		"held no more": {
			[]ib.OrderNews{held("Inactive", "locate"), status("Submitted", 0)},
			Working, 0, fits, Working, Unknown,
		},

		"an unknown error": {[]ib.OrderNews{says(99999)}, Sent, 0, asks, Sent, Rejected},
		"an unknown error while it works": {
			[]ib.OrderNews{status("Submitted", 0), says(99999)},
			Working, 0, asks,
			Working, Rejected,
		},
		"an unknown error, so cancelled": {
			[]ib.OrderNews{says(99999), status("Cancelled", 0)},
			Rejected, 0, asks,
			Rejected, Rejected,
		},
		"an unknown error, and it works": {
			[]ib.OrderNews{says(99999), status("Submitted", 0), status("Cancelled", 0)},
			Cancelled, 0, asks,
			Cancelled, Cancelled,
		},
		"a warning": {
			[]ib.OrderNews{says(399), says(2109), says(10349), says(10352)},
			Sent, 0,
			fits, Sent, Unknown,
		},
		"a warning, then cancelled": {
			[]ib.OrderNews{says(399), status("Cancelled", 0)},
			Cancelled, 0, fits,
			Cancelled, Cancelled,
		},
		"the last of the warnings": {[]ib.OrderNews{says(2100), says(2199)}, Sent, 0, fits, Sent, Unknown},
		"a warning behind a rejection": {[]ib.OrderNews{
			status("Submitted", 0), says(201), says(399),
			status("Inactive", 0),
		}, Rejected, 0, asks, Rejected, Rejected},
		"below the warnings": {[]ib.OrderNews{says(2099)}, Sent, 0, asks, Sent, Rejected},
		"above the warnings": {[]ib.OrderNews{says(2200)}, Sent, 0, asks, Sent, Rejected},
		"what Gateway says it ignores": {
			[]ib.OrderNews{says(131)},
			Sent, 0, asks, Sent, Rejected,
		},

		"cancelled by error": {[]ib.OrderNews{says(202)}, Cancelled, 0, fits, Cancelled, Cancelled},
		"cancelling was refused": {
			[]ib.OrderNews{status("Submitted", 0), says(10148)},
			Working, 0, asks, Working,
			Unknown,
		},
		"cancelling was refused at once":         {[]ib.OrderNews{says(136)}, Sent, 0, asks, Sent, Unknown},
		"cancelling was refused in such a state": {[]ib.OrderNews{says(161)}, Sent, 0, asks, Sent, Unknown},
		"not there to be cancelled": {
			[]ib.OrderNews{status("Submitted", 0), says(10147)},
			Working, 0, asks, Working,
			Unknown,
		},
		"inactive, and not there": {
			[]ib.OrderNews{held("Inactive", "locate"), says(10147)},
			Inactive, 0, asks,
			Inactive, Inactive,
		},

		"without a status": {[]ib.OrderNews{status("", 3)}, Sent, 3, asks, Sent, Unknown},
		"working without a status": {
			[]ib.OrderNews{status("Submitted", 0), status("", 3)},
			Working, 3, fits, Working,
			Unknown,
		},
	} {
		for _, listed := range []bool{true, false} {
			i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Sent}
			now := time.Now()
			for _, n := range c.news {
				i.learn(n, now)
			}
			if i.State != c.want || i.Filled != c.filled || i.doubtful().IsZero() == c.asks {
				t.Errorf("%s: %s, %v filled, in doubt since %v; want %s, %v", name, i.State, i.Filled, i.doubtful(),
					c.want, c.filled)
			}
			want := c.unlisted
			if listed {
				want = c.listed
			}
			if i.settle(listed, now.Add(1), now.Add(2)); i.State != want || !i.doubtful().IsZero() {
				t.Errorf("%s, listed: %v: %s, want %s; in doubt since %v", name, listed, i.State, want, i.doubtful())
			}
		}
	}
}

// TestFilledIsMore has someone in TWS make an order larger, of which Gateway says nothing before it is filled as it
// was.
func TestFilledIsMore(t *testing.T) {
	now := time.Now()
	i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 5}, State: Working}
	for _, n := range []ib.OrderNews{fill("a.01", 5, 5), open("Submitted", 8, 0), status("Submitted", 5)} {
		i.learn(n, now)
	}
	if i.State != Filled || i.doubtful().IsZero() {
		t.Errorf("%+v", i)
	}
	for _, n := range []ib.OrderNews{open("Submitted", 8, 0), status("Submitted", 5)} {
		i.take(n, true, now)
	}
	if i.settle(true, now.Add(1), now.Add(2)); i.State != Working || i.Filled != 5 || !i.doubtful().IsZero() {
		t.Errorf("when it was asked: %+v", i)
	}
}

// TestLearnKeepsErrors has an order be told errors, of which one says why it came to its end.
func TestLearnKeepsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		news    []ib.OrderNews
		code    int
		warning bool
	}{
		"a notice":                    {[]ib.OrderNews{says(399)}, 399, true},
		"a rejection before a notice": {[]ib.OrderNews{status("Submitted", 0), says(203), says(399)}, 203, false},
		"a rejection before others":   {[]ib.OrderNews{status("Submitted", 0), says(203), says(99999)}, 203, false},
		"a rejection behind others":   {[]ib.OrderNews{status("Submitted", 0), says(99999), says(203)}, 203, false},
		"it works all the same":       {[]ib.OrderNews{says(99999), status("Submitted", 0)}, 99999, true},
		"what came of it":             {[]ib.OrderNews{says(201), status("Inactive", 0), says(202)}, 201, false},
		"cancelled":                   {[]ib.OrderNews{status("Cancelled", 0), says(202)}, 202, true},
	} {
		i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Sent}
		for _, n := range c.news {
			i.learn(n, time.Now())
		}
		if i.Code != c.code || i.Warning != c.warning {
			t.Errorf("%s: %d, a warning: %v", name, i.Code, i.Warning)
		}
	}
}

// TestLearnHeldAndEnded has an order be told in the words of IBKR how it is.
func TestLearnHeldAndEnded(t *testing.T) {
	i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Sent}
	for _, c := range []struct {
		news        ib.OrderNews
		status, why string
		done        bool
	}{
		{held("PreSubmitted", "child,trigger"), "PreSubmitted", "child,trigger", false},
		{open("PreSubmitted", 10, 0), "PreSubmitted", "child,trigger", false},
		{held("PreSubmitted", "trigger"), "PreSubmitted", "trigger", false},
		{open("Submitted", 10, 0), "Submitted", "", false},
		{held("Inactive", "locate"), "Inactive", "locate", false},
		{completed("Inactive"), "Inactive", "locate", true},
		{status("Submitted", 0), "Submitted", "", false},
	} {
		if i.learn(c.news, time.Now()); i.Status != c.status || i.WhyHeld != c.why || i.Done() != c.done {
			t.Errorf("%+v: %+v", c.news, i)
		}
	}
	for _, tif := range []string{"FOK", "IOC"} {
		i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10, TIF: tif}, State: Sent}
		if i.learn(completed("Inactive"), time.Now()); i.State != Cancelled || i.Status != "Inactive" {
			t.Errorf("%s: %+v", tif, i)
		}
	}
}

// TestLearnSaysWhatIsNew tells an intent one thing after the other.
func TestLearnSaysWhatIsNew(t *testing.T) {
	i := &Intent{ID: 5, Client: clientID, Order: ib.Order{Ref: "gw-x", Quantity: 10}, State: Planned}
	for n, c := range []struct {
		news     ib.OrderNews
		is       bool
		quantity float64
	}{
		{ib.OrderNews{Kind: ib.OrderOpen, Status: "Submitted", Quantity: 10}, true, 10},
		{ib.OrderNews{Kind: ib.OrderOpen, Status: "Submitted", Quantity: 10}, false, 10},
		{ib.OrderNews{Kind: ib.OrderOpen, Status: "Submitted", Quantity: 10, PermID: 7}, true, 10},
		{ib.OrderNews{Kind: ib.OrderOpen, Status: "Submitted", Quantity: 12}, true, 12},
		{ib.OrderNews{Kind: ib.OrderOpen, Status: "Submitted"}, false, 12},
		{ib.OrderNews{Kind: ib.OrderStatus, Status: "Submitted", Quantity: 3}, false, 12},
		{ib.OrderNews{Kind: ib.OrderStatus, Status: "Submitted", Filled: 4}, true, 12},
		{ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.01", Filled: 4, Total: 4}, true, 12},
		{ib.OrderNews{Kind: ib.OrderFilled, Execution: "a.01", Filled: 4, Total: 4}, false, 12},
		{ib.OrderNews{Kind: ib.OrderError, Code: 399}, true, 12},
		{ib.OrderNews{Kind: ib.OrderError, Code: 399}, false, 12},
		{ib.OrderNews{Kind: ib.OrderCompleted, Status: "Cancelled", Quantity: 1}, true, 12},
	} {
		at := time.Unix(int64(100+n), 0)
		if is := i.learn(c.news, at); is != c.is || i.Order.Quantity != c.quantity || i.Changed.Equal(at) != c.is {
			t.Errorf("%d: %+v is news: %v; %+v", n, c.news, is, i)
		}
	}
	for state, want := range map[OrderState]OrderState{
		Planned: Rejected, Sent: Rejected, Working: Working, Unknown: Unknown,
		Filled: Filled,
	} {
		i := &Intent{Order: ib.Order{Quantity: 10}, State: state}
		if i.learn(ib.OrderNews{Kind: ib.OrderError, Code: 110}, time.Now()); i.State != want {
			t.Errorf("%s, then refused: %s", state, i.State)
		}
	}
	odd := &Intent{State: Sent} // an order for an amount of money has no quantity
	if odd.learn(ib.OrderNews{Kind: ib.OrderStatus, Status: "Submitted"}, time.Now()); odd.State != Working {
		t.Errorf("%+v", odd)
	}
}

// learn takes in news that is no answer.
func (i *Intent) learn(n ib.OrderNews, now time.Time) bool { return i.take(n, false, now) }
