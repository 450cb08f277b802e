package ledger

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gatewatch/conn/ib"
)

// hostile is one order as a gateway has it, and what that has said of it, which may arrive in any order, more than
// once, or not at all.
type hostile struct {
	t       *rapid.T
	l       *Ledger
	session uint64
	ref     string
	id      int64
	permID  int64

	quantity, filled float64
	limit            float64
	asked            *ib.Order // a change that the gateway has yet to take or to refuse
	altered          bool      // by someone else
	status           string    // as the gateway has it
	refused          bool      // it ended with a rejection
	executions       []ib.OrderNews
	said             []ib.OrderNews // in this session
	connected        bool
}

func (h *hostile) news(kind ib.OrderNewsKind) ib.OrderNews {
	n := ib.OrderNews{Kind: kind, Session: h.session, ID: h.id, Client: clientID, PermID: h.permID}
	switch kind {
	case ib.OrderStatus:
		n.Status, n.Filled = h.status, h.filled
	case ib.OrderOpen, ib.OrderCompleted:
		n.Ref, n.Status, n.Side, n.Type, n.Limit, n.TIF = h.ref, h.status, ib.Buy, ib.Limit, h.limit, "DAY"
		n.Quantity = h.quantity
		if kind == ib.OrderCompleted {
			n.ID, n.Filled = 0, h.filled
		}
	}
	if kind != ib.OrderCompleted && rapid.IntRange(0, 3).Draw(h.t, "without permId") == 0 {
		n.PermID = 0
	}
	return n
}

// says has what happened arrive in some order, with some of what came before once more; or not at all.
func (h *hostile) says(list ...ib.OrderNews) {
	if !h.connected || len(list) == 0 {
		return
	}
	list = rapid.Permutation(list).Draw(h.t, "order")
	h.said = append(h.said, list...)
	for range rapid.IntRange(0, 2).Draw(h.t, "repeated") {
		list = append(list, rapid.SampledFrom(h.said).Draw(h.t, "again"))
	}
	for _, n := range list {
		i := h.l.intents[h.ref]
		over := i.Done()
		if h.l.Learn(n); over && !i.Done() {
			h.t.Fatalf("it was over and is %+v, after %+v", i, n)
		}
		h.holds(n)
	}
}

func (h *hostile) over() bool { return h.status == "Filled" || h.status == "Cancelled" || h.refused }

// happens is one thing that becomes of the order.
func (h *hostile) happens() {
	var list []ib.OrderNews
	add := func(kinds ...ib.OrderNewsKind) {
		for _, kind := range kinds {
			list = append(list, h.news(kind))
		}
	}
	code := func(code int) {
		list = append(list, ib.OrderNews{
			Kind: ib.OrderError, Session: h.session, ID: h.id, Client: clientID, Code: code, Detail: "no",
		})
	}
	what := rapid.SampledFrom([]string{
		"accept", "fill", "fill", "correct", "cancel", "reject", "warn", "hold", "want it cancelled", "too late",
		"change", "change", "take the change", "refuse the change", "alter",
	}).Draw(h.t, "what")
	switch {
	case what == "accept" && h.status == "":
		h.status = "Submitted"
		add(ib.OrderOpen, ib.OrderStatus)
	case what == "fill" && !h.over():
		shares := float64(rapid.IntRange(1, int(h.quantity-h.filled)).Draw(h.t, "shares"))
		h.filled += shares
		if h.status = "Submitted"; h.filled == h.quantity {
			h.status = "Filled"
		}
		e := h.news(ib.OrderFilled)
		e.Ref, e.Execution = h.ref, fmt.Sprintf("%s.%d.01", h.ref, len(h.executions))
		e.Filled, e.Total, e.Price = shares, h.filled, 90
		h.executions = append(h.executions, e)
		list = append(list, e)
		add(ib.OrderOpen, ib.OrderStatus)
	case what == "correct" && len(h.executions) > 0: // of its price
		e := rapid.SampledFrom(h.executions).Draw(h.t, "execution")
		name, revision := execution(e.Execution)
		e.Session, e.Execution, e.Price = h.session, fmt.Sprintf("%s.%02d", name, revision+1), e.Price+1
		h.executions = append(h.executions, e)
		list = append(list, e)
	case what == "cancel" && !h.over() && h.status != "": // by someone else
		h.status = "Cancelled"
		add(ib.OrderStatus)
		code(202)
	case what == "reject" && !h.over() && h.filled == 0:
		h.status, h.refused = rapid.SampledFrom([]string{"Cancelled", "Inactive"}).Draw(h.t, "status"), true
		add(ib.OrderStatus)
		code(rapid.SampledFrom([]int{201, 203, 10289}).Draw(h.t, "code"))
	case what == "hold" && !h.over():
		h.status = rapid.SampledFrom([]string{"PreSubmitted", "Submitted", "PendingSubmit"}).Draw(h.t, "status")
		add(ib.OrderStatus)
	case what == "want it cancelled" && h.status == "Submitted": // by us
		h.l.mu.Lock()
		h.l.intents[h.ref].ToCancel = true
		h.l.mu.Unlock()
		pending := h.news(ib.OrderStatus)
		pending.Status = "PendingCancel"
		list = append(list, pending)
	case what == "change" && h.status == "Submitted" && h.connected: // by us
		h.change()
	case what == "take the change" && h.asked != nil && !h.over():
		h.becomes()
		add(ib.OrderOpen, ib.OrderStatus)
	case what == "refuse the change" && h.asked != nil:
		codes := []int{201, 110, 321, 10147}
		if h.over() {
			codes = []int{103, 104, 135, 10147}
		}
		h.asked = nil
		code(rapid.SampledFrom(codes).Draw(h.t, "code"))
	case what == "alter" && h.status == "Submitted": // by someone in TWS
		h.limit, h.altered = float64(rapid.IntRange(50, 60).Draw(h.t, "limit")), true
		add(ib.OrderOpen)
	case what == "too late" && h.over() && !h.refused: // a request to cancel it
		code(rapid.SampledFrom([]int{161, 10147, 10148}).Draw(h.t, "code"))
	case what == "warn" && !h.over():
		code(rapid.SampledFrom([]int{399, 2109, 10349}).Draw(h.t, "code"))
	}
	h.says(list...)
}

// change sends another limit price, or another quantity, as [Ledger.Change] does.
func (h *hostile) change() {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	i := h.l.intents[h.ref]
	if i.State != Working || i.Asked != nil || i.ToCancel || h.asked != nil {
		return
	}
	o := i.Order
	if rapid.Bool().Draw(h.t, "change its quantity") {
		o.Quantity = float64(rapid.IntRange(max(1, int(i.Filled)), 8).Draw(h.t, "to"))
	} else {
		o.LimitPrice = float64(rapid.IntRange(80, 99).Draw(h.t, "to"))
	}
	if !alike(&i.Order, &o) {
		i.Asked, i.Refused, i.Changed, i.asking = &o, nil, h.l.now(), h.l.now()
		sent := o
		h.asked = &sent
	}
}

// becomes makes the order what it was asked to become, as far as that is possible.
func (h *hostile) becomes() {
	h.limit, h.quantity = h.asked.LimitPrice, max(h.asked.Quantity, h.filled)
	if h.asked = nil; h.filled == h.quantity {
		h.status = "Filled"
	}
}

// reconnects begins another session, which asks for all that is known.
func (h *hostile) reconnects() {
	h.session, h.said, h.connected = h.session+1, nil, true
	if h.asked != nil && !h.over() && rapid.Bool().Draw(h.t, "the change arrives") {
		h.becomes()
	}
	h.asked = nil
	h.asks()
}

// asks does what the ledger does with the answers of a gateway.
func (h *hostile) asks() {
	s := &ib.Session{}
	begun := h.l.now()
	listed := map[string]bool{}
	answer := func(list []ib.OrderNews) {
		for ref := range h.l.takeIn(list, h.l.now()) {
			listed[ref] = listed[ref] || list[0].Kind != ib.OrderFilled
		}
	}
	if h.status != "" && !h.over() {
		answer([]ib.OrderNews{h.news(ib.OrderOpen), h.news(ib.OrderStatus)})
	}
	executions := slices.Clone(h.executions)
	for i := range executions {
		executions[i].Session = h.session
	}
	answer(rapid.Permutation(executions).Draw(h.t, "executions"))
	if h.over() {
		answer([]ib.OrderNews{h.news(ib.OrderCompleted)})
	}
	h.l.settle(s, begun, listed, func(ref string, _ *Intent) bool { return ref == h.ref })
}

// holds is what has to be true at each moment.
func (h *hostile) holds(after any) {
	i := h.l.intents[h.ref]
	switch {
	case i.Filled > h.filled,
		i.State == Filled && h.status != "Filled",
		i.State == Cancelled && (h.status != "Cancelled"),
		i.State == Rejected && !h.refused:
		h.t.Fatalf("it is %+v, and the gateway has it as %s, %v filled; after %+v", i, h.status, h.filled, after)
	}
}

// TestHostileGateway has a gateway tell of an order in odd orders, more than once, without numbers, and not at all
// while it is not connected. At no time is the order taken for done that is not, or for filled by more than it is, and
// what is over stays so. When everything was asked for, it is as the gateway has it.
func TestHostileGateway(t *testing.T) {
	l, err := Open(filepath.Join(t.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	count := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		count++
		h := &hostile{
			t: rt, l: l, session: uint64(count) << 20, ref: fmt.Sprint("gw-", count), id: count, permID: count << 10,
			quantity: float64(rapid.IntRange(1, 5).Draw(rt, "quantity")), limit: 90, connected: true,
		}
		i := &Intent{ID: h.id, Client: clientID, At: l.now(), Changed: l.now(), State: Sent, Order: ib.Order{
			Ref: h.ref, Contract: aapl, Side: ib.Buy, Type: ib.Limit, LimitPrice: 90,
			Quantity: h.quantity,
		}}
		l.mu.Lock()
		l.intents[h.ref], l.ids[i.key()], l.sentIn[h.ref] = i, i, h.session
		l.mu.Unlock()
		for range rapid.IntRange(1, 12).Draw(rt, "events") {
			switch rapid.IntRange(0, 5).Draw(rt, "next") {
			case 0:
				h.connected = false
			case 1:
				h.reconnects()
				h.holds("an answer")
			default:
				h.happens()
			}
		}
		if h.status == "" { // it arrives after all
			h.status = "Submitted"
		}
		h.reconnects()
		h.asks() // the answer may have raised a doubt
		want := map[string]OrderState{
			"Submitted": Working, "PreSubmitted": Working, "PendingSubmit": Sent,
			"Filled": Filled, "Cancelled": Cancelled, "Inactive": Inactive,
		}
		state := want[h.status]
		if i.State != state && !(h.refused && i.State == Rejected) || i.Filled != h.filled || !i.doubtful().IsZero() {
			rt.Fatalf("it is %+v, doubt since %v; the gateway has it as %s, %v filled", i, i.doubt, h.status, h.filled)
		}
		if i.Asked != nil && !i.Done() ||
			!h.over() && (i.Order.Quantity != h.quantity || i.Order.LimitPrice != h.limit) {
			rt.Fatalf("it is %+v; the gateway has it at %v for %v", i, h.limit, h.quantity)
		}
	})
}
