package ledger

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn/ib"
)

// hostile is a gateway with an order, or with one and its exits. What it says may arrive in any order, more than once,
// or not at all.
type hostile struct {
	t         *rapid.T
	l         *Ledger
	client    int
	session   uint64
	connected bool
	silent    bool            // it leaves the question about completed orders unanswered
	unit      float64         // the least part of a share
	orders    []*played       // the exits, a stop and a profit, behind their order
	today     []ib.OrderNews  // executions and corrections since midnight
	said      []ib.OrderNews  // in this session
	fees      []ib.OrderNews  // of the executions of today
	dated     map[string]bool // executions of another day, by their names
	bare      bool            // the position has been without its stop
	busted    bool            // shares of an execution were taken back: it is told before its correction
}

// played is an order as the gateway has it.
type played struct {
	i                *Intent
	quantity, filled float64
	limit            float64
	asked            *ib.Order               // a change that the gateway has yet to take or to refuse
	altered          bool                    // by someone else
	status           string                  // as the gateway has it
	why              string                  // why it holds it
	refused          bool                    // it ended with a rejection
	last             map[string]ib.OrderNews // executions by their names, each as it was corrected last
	fee              map[string]ib.OrderNews // of those
	lost             bool                    // a correction is of an execution of another day of which nothing was said
}

func (o *played) over() bool { return o.status == "Filled" || o.status == "Cancelled" || o.refused }

// works reports whether it can be filled: exits can, once their order is.
func (h *hostile) works(o *played) bool {
	head := h.orders[0]
	return !o.over() && (o == head || head.status == "Filled" || head.over() && head.filled > 0)
}

// round leaves out the last bits: numbers come as decimals.
func round(v float64) float64 { return math.Round(v*1e8) / 1e8 }

func (o *played) average() float64 {
	shares, worth := 0.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(o.last)) {
		shares += o.last[name].Filled
		worth += o.last[name].Filled * o.last[name].Price
	}
	if shares == 0 {
		return 0
	}
	return worth / shares
}

func (h *hostile) news(o *played, kind ib.OrderNewsKind) ib.OrderNews {
	n := ib.OrderNews{Kind: kind, Session: h.session, ID: o.i.ID, Client: int64(h.client), PermID: o.i.ID << 10}
	switch kind {
	case ib.OrderStatus:
		n.Status, n.Filled, n.WhyHeld, n.Price = o.status, o.filled, o.why, o.average()
	case ib.OrderOpen, ib.OrderCompleted:
		n.Ref, n.Status, n.Side, n.Type, n.TIF = o.i.Order.Ref, o.status, o.i.Order.Side, o.i.Order.Type, "DAY"
		if n.Quantity = o.quantity; n.Type == ib.Limit {
			n.Limit = o.limit
		} else {
			n.Aux = o.limit
		}
		if kind == ib.OrderCompleted {
			n.ID, n.Filled = 0, o.filled
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
	list = rapid.Permutation(list).Draw(h.t, "said")
	h.said = append(h.said, list...)
	for range rapid.IntRange(0, 2).Draw(h.t, "repeated") {
		list = append(list, rapid.SampledFrom(h.said).Draw(h.t, "again"))
	}
	for _, n := range list {
		h.learn(n)
	}
}

func (h *hostile) learn(n ib.OrderNews) {
	var over []*Intent
	for _, o := range h.orders {
		if o.i.Done() && o.i.State != Inactive { // which may work again
			over = append(over, o.i)
		}
	}
	h.l.Learn(n)
	for _, i := range over {
		if !i.Done() && (n.Kind != ib.OrderFilled || i.State != Unknown) { // unless an execution was taken back
			h.t.Fatalf("it was over and is %+v, after %+v", i, n)
		}
	}
	h.holds(n)
}

// happens is one thing that becomes of an order.
func (h *hostile) happens() {
	o := h.orders[rapid.IntRange(0, len(h.orders)-1).Draw(h.t, "of")]
	var list []ib.OrderNews
	add := func(o *played, kinds ...ib.OrderNewsKind) {
		for _, kind := range kinds {
			list = append(list, h.news(o, kind))
		}
	}
	code := func(o *played, codes ...int) {
		list = append(list, ib.OrderNews{
			Kind: ib.OrderError, Session: h.session, ID: o.i.ID, Client: int64(h.client),
			Code: rapid.SampledFrom(codes).Draw(h.t, "code"), Detail: "no",
		})
	}
	end := func(o *played, status string) {
		o.status, o.why = status, ""
		add(o, ib.OrderStatus)
		for _, exit := range h.orders[1:] {
			switch {
			case o != h.orders[0] || exit.over():
			case o.filled == 0:
				exit.status, exit.why = "Cancelled", ""
				add(exit, ib.OrderStatus)
				code(exit, 202)
			default:
				exit.quantity = min(exit.quantity, o.filled)
				add(exit, ib.OrderOpen, ib.OrderStatus)
			}
		}
	}
	arrives := func() {
		for _, one := range h.orders {
			if one.status == "" {
				one.status = "Submitted"
				add(one, ib.OrderOpen, ib.OrderStatus)
			}
		}
	}
	what := rapid.SampledFrom([]string{
		"accept", "fill", "fill", "correct", "bust", "cancel", "reject", "warn", "hold", "want it cancelled",
		"too late", "change", "change", "take the change", "refuse the change", "alter", "stranger", "midnight",
	}).Draw(h.t, "what")
	switch {
	case what == "accept" && o.status == "":
		arrives()
	case what == "fill" && h.works(o):
		arrives()
		most := int(math.Round((o.quantity - o.filled) / h.unit))
		shares := round(float64(rapid.IntRange(1, most).Draw(h.t, "shares")) * h.unit)
		o.filled, o.why = round(o.filled+shares), ""
		if o.status = "Submitted"; o.filled == o.quantity {
			o.status = "Filled"
		}
		list = append(list, h.execute(o, fmt.Sprintf("%s.%d", o.i.Order.Ref, len(o.last)), 1, shares)...)
		add(o, ib.OrderOpen, ib.OrderStatus)
		for _, other := range h.orders[1:] {
			switch {
			case o == h.orders[0] || other == o || other.over():
			case o.status == "Filled":
				other.status, other.why = "Cancelled", ""
				add(other, ib.OrderStatus)
				code(other, 202)
			default:
				other.quantity = max(round(other.quantity-shares), round(other.filled+h.unit))
				add(other, ib.OrderOpen)
			}
		}
	case (what == "correct" || what == "bust") && len(o.last) > 0:
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(o.last))).Draw(h.t, "execution")
		_, revision := execution(o.last[name].Execution)
		shares := o.last[name].Filled
		if what == "bust" {
			h.busted = true
			most := int(math.Round(shares / h.unit))
			if round(o.filled+h.unit) < o.quantity {
				most++
			}
			shares = round(float64(rapid.IntRange(0, most).Draw(h.t, "left")) * h.unit)
		}
		o.filled = round(o.filled + shares - o.last[name].Filled)
		list = append(list, h.execute(o, name, revision+1, shares)...)
	case what == "cancel" && !o.over() && o.status != "": // by someone else
		end(o, "Cancelled")
		code(o, 202)
	case what == "reject" && !o.over() && o.filled == 0 && o.status != "":
		o.refused = true
		end(o, rapid.SampledFrom([]string{"Cancelled", "Inactive"}).Draw(h.t, "status"))
		code(o, 201, 203, 10289)
	case what == "hold" && !o.over() && o.status != "":
		o.status = rapid.SampledFrom([]string{
			"PreSubmitted", "Submitted", "PendingSubmit", "Inactive",
		}).Draw(h.t, "status")
		if o.why = ""; o.status == "Inactive" {
			o.why = "locate"
			code(o, 404)
		}
		add(o, ib.OrderStatus)
	case what == "want it cancelled" && o.status == "Submitted": // by us
		h.l.mu.Lock()
		h.l.want(o.i)
		h.l.mu.Unlock()
		pending := h.news(o, ib.OrderStatus)
		pending.Status = "PendingCancel"
		list = append(list, pending)
	case what == "change" && o.status == "Submitted" && h.connected: // by us
		h.change(o)
	case what == "take the change" && o.asked != nil && !o.over():
		h.becomes(o)
		add(o, ib.OrderOpen, ib.OrderStatus)
	case what == "refuse the change" && o.asked != nil:
		o.asked = nil
		if o.over() {
			code(o, 103, 104, 135, 10147)
		} else {
			code(o, 201, 110, 321, 10147)
		}
	case what == "alter" && o.status == "Submitted" && len(h.orders) == 1: // by someone in TWS
		if o.altered = true; rapid.Bool().Draw(h.t, "its quantity") {
			least := int(math.Round(o.filled/h.unit)) + 1
			o.quantity = round(float64(rapid.IntRange(least, max(least, 8)).Draw(h.t, "to")) * h.unit)
			h.said = nil
		} else {
			o.limit = float64(rapid.IntRange(50, 60).Draw(h.t, "limit"))
		}
		if rapid.Bool().Draw(h.t, "and says so") {
			add(o, ib.OrderOpen)
		}
	case what == "too late" && o.over() && !o.refused: // a request to cancel it
		code(o, 161, 10147, 10148)
	case what == "too late" && o.i.ToCancel && !o.over(): // it is being cancelled
		code(o, 161, 10148)
	case what == "warn" && !o.over():
		code(o, 399, 2109, 10349)
	case what == "stranger" && h.connected:
		h.stranger(o)
	case what == "midnight" && !h.connected:
		for _, n := range h.today {
			name, _ := execution(n.Execution)
			h.dated[name] = true
		}
		h.today, h.fees = nil, nil
	}
	h.looks()
	h.says(list...)
}

// execute makes an execution, or a correction of one, and what it costs.
func (h *hostile) execute(o *played, name string, revision int, shares float64) []ib.OrderNews {
	e := h.news(o, ib.OrderFilled)
	e.Ref, e.Execution = o.i.Order.Ref, fmt.Sprintf("%s.%02d", name, revision)
	e.Filled, e.Total, e.Price = shares, o.filled, float64(rapid.IntRange(80, 99).Draw(h.t, "price"))
	o.last[name] = e
	o.lost = o.lost || h.dated[name] && o.i.revision(name) == 0
	delete(h.dated, name)
	h.today = append(h.today, e)
	delete(o.fee, name)
	if shares == 0 {
		return []ib.OrderNews{e}
	}
	fee := ib.OrderNews{Kind: ib.OrderCommission, Session: h.session, Execution: e.Execution, Currency: "USD"}
	fee.Price = float64(rapid.IntRange(1, 9).Draw(h.t, "fee"))
	if fee.Closes = rapid.Bool().Draw(h.t, "closes"); fee.Closes {
		fee.Realised = fee.Price * -3
	}
	o.fee[name] = fee
	h.fees = append(h.fees, fee)
	return []ib.OrderNews{e, fee}
}

// stranger has the gateway speak of an order of others, which changes nothing.
func (h *hostile) stranger(like *played) {
	n := h.news(like, rapid.SampledFrom([]ib.OrderNewsKind{
		ib.OrderOpen, ib.OrderStatus, ib.OrderFilled, ib.OrderCompleted, ib.OrderError,
	}).Draw(h.t, "kind"))
	n.Client = int64(rapid.SampledFrom([]int{0, 3, h.client}).Draw(h.t, "client"))
	n.ID = rapid.SampledFrom([]int64{0, -4, 1<<31 - 1, 5_000_000, like.i.ID}).Draw(h.t, "id")
	n.PermID = like.i.ID<<10 + 1
	same := n.Client == int64(h.client) && n.ID == like.i.ID
	switch {
	case n.Kind == ib.OrderError && same, like.i.PermID == 0 && (same || n.Ref != ""):
		return // no one can tell it from ours
	case n.Kind == ib.OrderError:
		n.Code = rapid.SampledFrom([]int{201, 202, 10147}).Draw(h.t, "code")
	case n.Kind == ib.OrderFilled:
		n.Execution, n.Filled, n.Total = "stranger.01", 1, 1
	}
	n.Status = rapid.SampledFrom([]string{"Submitted", "Filled", "Cancelled", "Inactive"}).Draw(h.t, "status")
	n.Filled = 1
	before, known := fmt.Sprint(like.i.known()), len(like.i.Shares)
	h.l.Learn(n)
	if after := fmt.Sprint(like.i.known()); after != before || len(like.i.Shares) != known {
		h.t.Fatalf("of others is %+v; before %s, after %s", n, before, after)
	}
}

// change sends another limit price, or another quantity, as [Ledger.Change] does.
func (h *hostile) change(o *played) {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	i := o.i
	if i.State != Working || i.Asked != nil || i.ToCancel || o.asked != nil || i.Order.Type != ib.Limit {
		return
	}
	to := i.Order
	if len(h.orders) == 1 && rapid.Bool().Draw(h.t, "change its quantity") {
		least := max(1, int(math.Round(i.Filled/h.unit)))
		to.Quantity = round(float64(rapid.IntRange(least, max(least, 8)).Draw(h.t, "to")) * h.unit)
	} else {
		to.LimitPrice = float64(rapid.IntRange(80, 99).Draw(h.t, "to"))
	}
	if !alike(&i.Order, &to) {
		i.Asked, i.Refused, i.Changed, i.asking = &to, nil, h.l.now(), h.l.now()
		sent := to
		o.asked = &sent
	}
}

// becomes makes the order what it was asked to become, as far as that is possible. What was said before does not come
// again: no one could tell it from another change, made in TWS.
func (h *hostile) becomes(o *played) {
	h.said = nil
	o.limit, o.quantity = o.asked.LimitPrice, max(o.asked.Quantity, o.filled)
	if o.asked = nil; o.filled == o.quantity {
		o.status = "Filled"
	}
}

// returns begins another session, or goes on in this one after IBKR was away (1100, 1102). Either way the gateway is
// asked for all that is known.
func (h *hostile) returns(another bool) {
	h.connected = true
	if another {
		h.session, h.said = h.session+1, nil
	}
	for _, o := range h.orders {
		if o.asked != nil && !o.over() && rapid.Bool().Draw(h.t, "the change arrives") {
			h.becomes(o)
		}
		o.asked = nil
	}
	h.asks(func(ref string, i *Intent) bool {
		onItsWay := h.l.sentIn[ref] == h.session && i.Status == ""
		return !i.Done() && i.State != Unknown && i.Client == h.client && !onItsWay
	})
}

// asks does what the ledger does with the answers of a gateway. All that is in them also comes like other news.
func (h *hostile) asks(about func(ref string, i *Intent) bool) {
	begun := h.l.now()
	listed := map[string]bool{}
	answer := func(list []ib.OrderNews, lists bool) {
		asked := h.l.now()
		take := func() {
			for ref := range h.l.takeIn(list, asked) {
				listed[ref] = listed[ref] || lists
			}
			h.holds("an answer")
		}
		if rapid.Bool().Draw(h.t, "the answer comes first") {
			take()
		} else {
			defer take()
		}
		for _, n := range list {
			h.learn(n)
		}
	}
	var open, completed []ib.OrderNews
	for _, o := range h.orders {
		if o.over() {
			completed = append(completed, h.news(o, ib.OrderCompleted))
		} else if o.status != "" {
			open = append(open, h.news(o, ib.OrderOpen), h.news(o, ib.OrderStatus))
		}
	}
	answer(open, true)
	executions := slices.Clone(h.today)
	for i := range executions {
		executions[i].Session = h.session
	}
	fees := rapid.Permutation(h.fees).Draw(h.t, "fees")
	early := rapid.IntRange(0, len(fees)).Draw(h.t, "early fees")
	for _, n := range fees[:early] {
		h.learn(n)
	}
	if !h.busted {
		executions = rapid.Permutation(executions).Draw(h.t, "executions")
	}
	answer(executions, false)
	for _, n := range fees[early:] {
		h.learn(n)
	}
	if !h.silent && h.l.awaits(h.client, listed) {
		answer(completed, true)
	}
	h.l.settle(new(ib.Socket).Session(ib.Gateway{}, nil, nil, nil), begun, listed, func(ref string, i *Intent) bool {
		return slices.ContainsFunc(h.orders, func(o *played) bool { return o.i == i }) && about(ref, i)
	})
}

// behind reports whether the ledger does not know all executions of an order as they were corrected last.
func (o *played) behind() bool {
	if o.lost {
		return true
	}
	for name, n := range o.last {
		_, revision := execution(n.Execution)
		if _, known := o.i.Shares[name]; !known || revision > max(1, o.i.Revisions[name]) {
			return true
		}
	}
	return false
}

const hair = 1e-9

// holds is what has to be true at each moment.
func (h *hostile) holds(after any) {
	for _, o := range h.orders {
		i := o.i
		switch {
		case i.Filled > o.filled+hair && !o.behind(),
			i.State == Filled && o.status != "Filled" && i.Filled <= o.filled+hair &&
				!(o.altered && (i.Order.Quantity != o.quantity || !i.doubt.IsZero() || h.silent)),
			i.State == Cancelled && o.status != "Cancelled",
			i.State == Rejected && !o.refused:
			h.t.Fatalf("it is %+v, and the gateway has it as %s, %v filled; after %+v", i, o.status, o.filled, after)
		}
	}
	if len(h.orders) == 1 {
		return
	}
	stop := h.orders[1]
	h.bare = h.bare || stop.i.State == Unknown || h.orders[0].behind() // as far as can be known
	if stop.i.Unprotected && !h.bare {
		h.t.Fatalf("it is %+v, and %v are open while the gateway has it as %s; after %+v", stop.i, h.open(),
			stop.status, after)
	}
}

// looks reports whether the position is open and its stop does not work, and notes it.
func (h *hostile) looks() bool {
	if len(h.orders) == 1 {
		return false
	}
	stop := h.orders[1]
	now := h.open() > hair && (stop.over() || stop.status == "Inactive") && !stop.i.ToCancel
	h.bare = h.bare || now
	return now
}

// open returns how much of the position is.
func (h *hostile) open() float64 {
	open := h.orders[0].filled
	for _, exit := range h.orders[1:] {
		open -= exit.filled
	}
	return open
}

// corrected reports whether an execution of an order was.
func (o *played) corrected() bool {
	for _, n := range o.last {
		if _, revision := execution(n.Execution); revision > 1 {
			return true
		}
	}
	return false
}

// ends compares what is known in the end with how it is.
func (h *hostile) ends(o *played) {
	fail := func(what string, want any) {
		h.t.Helper()
		h.t.Fatalf("%s: it is %+v, doubt since %v; the gateway has it as %+v; want %v", what, o.i, o.i.doubt, o, want)
	}
	want := map[string]OrderState{
		"Submitted": Working, "PreSubmitted": Working, "PendingSubmit": Sent,
		"Filled": Filled, "Cancelled": Cancelled, "Inactive": Inactive,
	}[o.status]
	lost := h.silent && o.over() && (o.i.State == Unknown || o.i.State == Inactive) // which it need not list
	if o.behind() && o.i.Filled > o.filled+hair && o.i.State == Filled {
		want = Filled // that an execution was taken back was never said
	}
	if o.altered && o.over() && o.i.State == Filled && (o.i.Filled == o.i.Order.Quantity || h.silent) {
		want = Filled // that it was to become more is not known
	}
	if i := o.i; i.State != want && !(o.refused && i.State == Rejected) && !lost || !i.doubtful().IsZero() {
		fail("state", want)
	}
	if !o.behind() && math.Abs(o.i.Filled-o.filled) > hair {
		fail("filled", o.filled)
	}
	if o.i.Asked != nil && !o.i.Done() && !lost || !o.over() && (o.i.Order.Quantity != o.quantity ||
		o.i.Order.LimitPrice+o.i.Order.StopPrice != o.limit) {
		fail("order", o.limit)
	}
	if p := o.i.AveragePrice(); p != 0 && !(o.behind() && (o.corrected() || math.Abs(o.i.Filled-o.filled) > hair)) &&
		math.Abs(p-o.average()) > 1e-6 {
		fail("average price", o.average())
	}
	c, ok := o.i.Charged()
	var total Charge
	dated := false
	for name, n := range o.fee {
		total.Amount += n.Price
		total.Realised += n.Realised
		total.Closes = total.Closes || n.Closes
		total.Currency = n.Currency
		dated = dated || h.dated[name]
	}
	if !o.behind() && (ok && c != total || !ok && len(o.fee) > 0 && !dated) {
		fail("costs", total)
	}
}

// coarse is a clock that stands still as that of Windows does.
func coarse() time.Time { return time.Now().Truncate(16 * time.Millisecond) }

// TestMoments has each moment be later than the one before while the clock stands still, and follow one that was set.
func TestMoments(t *testing.T) {
	begin := time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC)
	clock := begin
	now := moments(func() time.Time { return clock })
	for i := range 3 {
		if got := now(); got != begin.Add(time.Duration(i)) {
			t.Errorf("%d: %v", i, got)
		}
	}
	for _, set := range []time.Duration{time.Second, -time.Hour, 19 * time.Millisecond, 0} {
		clock = begin.Add(set)
		want := clock
		if set == 0 {
			want = begin.Add(19*time.Millisecond + 1)
		}
		if got := now(); got != want {
			t.Errorf("set by %v: %v", set, got)
		}
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
	l.now = moments(coarse)
	count := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		h := &hostile{
			t: rt, l: l, client: rapid.SampledFrom([]int{clientID, 0}).Draw(rt, "client id"),
			session: uint64(count+1) << 20, connected: true, dated: map[string]bool{},
			silent: rapid.IntRange(0, 3).Draw(rt, "silent") == 0,
			unit:   rapid.SampledFrom([]float64{1, 0.1, 0.0003}).Draw(rt, "unit"),
		}
		quantity := round(float64(rapid.IntRange(1, 5).Draw(rt, "quantity")) * h.unit)
		orders := []ib.Order{
			{Side: ib.Buy, Type: ib.Limit, LimitPrice: 90},
			{Side: ib.Sell, Type: ib.Stop, StopPrice: 70},
			{Side: ib.Sell, Type: ib.Limit, LimitPrice: 110},
		}
		if rapid.Bool().Draw(rt, "alone") {
			orders = orders[:1]
		}
		head := count + 1
		l.mu.Lock()
		l.cancels = map[string]*cancellation{}
		for n, o := range orders {
			count++
			o.Ref, o.Contract, o.Quantity, o.Hold = fmt.Sprint("gw-", count), aapl, quantity, n < len(orders)-1
			if n > 0 {
				o.Parent = head
			}
			i := &Intent{ID: count, Client: h.client, At: l.now(), Changed: l.now(), State: Sent, Order: o}
			l.intents[o.Ref], l.ids[i.key()], l.sentIn[o.Ref] = i, i, h.session
			h.orders = append(h.orders, &played{
				i: i, quantity: quantity, limit: o.LimitPrice + o.StopPrice, last: map[string]ib.OrderNews{},
				fee: map[string]ib.OrderNews{},
			})
		}
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, o := range h.orders { // what is asked about looks at all there are
				delete(l.intents, o.i.Order.Ref)
				delete(l.ids, o.i.key())
			}
		}()
		for range rapid.IntRange(1, 14).Draw(rt, "events") {
			switch rapid.IntRange(0, 6).Draw(rt, "next") {
			case 0:
				h.connected = false
			case 1:
				h.returns(rapid.Bool().Draw(rt, "in another session"))
			case 2:
				if !h.connected {
					continue
				}
				h.asks(func(_ string, i *Intent) bool { return !i.doubtful().IsZero() })
			default:
				h.happens()
			}
		}
		for _, o := range h.orders { // it arrives after all
			if o.status == "" {
				o.status = "Submitted"
			}
		}
		h.returns(true)
		h.asks(func(_ string, i *Intent) bool { return !i.doubtful().IsZero() }) // the answer may have raised a doubt
		for _, o := range h.orders {
			h.ends(o)
		}
		if len(h.orders) > 1 {
			stop := h.orders[1]
			corrected := slices.ContainsFunc(h.orders, func(o *played) bool { return o.corrected() })
			if !h.silent && !corrected && stop.i.Unprotected != h.looks() {
				rt.Fatalf("it is %+v; %v are open and the gateway has it as %s", stop.i, h.open(), stop.status)
			}
		}
	})
}
