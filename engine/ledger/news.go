package ledger

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gatewatch/conn/ib"
)

// This file is what a piece of news does to an [Intent]. A status says how an order is; an error does not, it only says
// why the next status is what it is. What does not agree raises a doubt, and a doubt is a reason to ask Gateway, never
// to conclude anything.

// known is what news can change of an intent.
type known struct {
	order           ib.Order
	asked, refused  *ib.Order
	state           OrderState
	status, whyHeld string
	detail          string
	code            int
	warning, ended  bool
	altered         bool
	filled          float64
	permID          int64
}

func (i *Intent) known() known {
	return known{
		i.Order, i.Asked, i.Refused, i.State, i.Status, i.WhyHeld, i.Detail, i.Code, i.Warning, i.Ended, i.Altered,
		i.Filled, i.PermID,
	}
}

// take takes in a piece of news about the intent, and reports whether it was new. An answer is to a question that was
// asked after everything else became known.
func (i *Intent) take(n ib.OrderNews, answer bool, now time.Time) bool {
	before, filled, executed := i.known(), i.Filled, false
	if n.PermID != 0 {
		i.PermID = n.PermID
	}
	switch n.Kind {
	case ib.OrderFilled:
		executed = i.fill(n)
	case ib.OrderOpen, ib.OrderStatus, ib.OrderCompleted:
		if !i.tookBack() {
			i.Filled = max(i.Filled, n.Filled)
		}
		if n.Kind == ib.OrderOpen && (answer || i.State != Cancelled) { // else it may be from before
			i.confirm(n)
		}
		i.hear(n, answer, now)
	case ib.OrderError:
		i.object(n, now)
	}
	i.addUp(now)
	if n.Kind == ib.OrderStatus && n.Price != 0 && n.Filled == i.Filled {
		i.Average = n.Price
	} else if i.Filled != filled {
		i.Average = 0 // it was that of a part
	}
	if i.known() == before && !executed {
		return false
	}
	i.Changed = now
	return true
}

// hear takes in a status. What is over stays over, unless Gateway says otherwise when it is asked.
func (i *Intent) hear(n ib.OrderNews, answer bool, now time.Time) {
	state, certain := i.meaning(n)
	switch {
	case state == "":
		return
	case i.State == Filled && state != Filled && !(answer && i.Filled < i.Order.Quantity):
		i.wonder(now, i.Filled < i.Order.Quantity)
		return
	case answer || state.Done():
	case i.State == Cancelled, i.State == Rejected && i.Status != "" && (state != Inactive || n.WhyHeld != ""):
		i.wonder(now, true) // the status may be from before
		return
	}
	if i.Status != n.Status || n.Kind == ib.OrderStatus || n.WhyHeld != "" {
		i.WhyHeld = n.WhyHeld
	}
	i.Status, i.Ended = n.Status, n.Kind == ib.OrderCompleted
	if state == Working && i.Code != 0 {
		i.Warning = true // whatever it was about, the order works
	}
	if state.Done() || state == Inactive {
		if i.Code == 0 && i.Detail == "" && state != Filled {
			i.Detail = n.Detail
		}
		// An open order comes before its status, which says whether it is held.
		if state != Filled && i.rejected(state) && i.WhyHeld == "" &&
			(n.Kind != ib.OrderOpen || slices.Contains(refusals, i.Code)) {
			state = Rejected
		}
	}
	i.State = state
	if state == Filled && i.Ended && i.Filled == 0 && len(i.Shares) == 0 { // in full, and Gateway leaves out how much
		i.Filled = i.Order.Quantity
	}
	i.wonder(now, !certain && i.WhyHeld == "") // else that says why it does not work
}

// meaning says what a status means for the order, and whether that is certain. Without a meaning the state is empty.
func (i *Intent) meaning(n ib.OrderNews) (f OrderState, certain bool) {
	switch n.Status {
	case "":
		return "", true
	case "PreSubmitted", "Submitted":
		return Working, true
	case "Filled":
		return Filled, true
	case "Cancelled", "ApiCancelled":
		return Cancelled, true
	case "PendingSubmit", "ApiPending":
		return Sent, true
	case "PendingCancel": // it works until that is confirmed, if it did
		if i.State == Working {
			return Working, true
		}
		return Sent, true
	case "Inactive":
		if i.Order.TIF == "FOK" || i.Order.TIF == "IOC" { // which is how one ends that is not filled
			return Cancelled, true
		}
		return Inactive, n.Kind == ib.OrderCompleted
	}
	return Inactive, false // a word that no one knows yet is not known to be good
}

// refused reports whether an error explains why the order has come to an end.
func (i *Intent) refused() bool {
	return i.Code != 0 && !i.Warning && i.Code != cancelled && !i.ToCancel
}

// rejected reports whether an error explains why the order has come to such an end. That a change was refused explains
// no cancellation: an exit goes with its entry, whatever was asked of it before.
func (i *Intent) rejected(end OrderState) bool {
	return i.refused() && (end != Cancelled || i.Refused == nil)
}

// wonder raises a doubt.
func (i *Intent) wonder(now time.Time, doubtful bool) {
	if doubtful && i.doubt.IsZero() {
		i.doubt = now
	}
}

// confirm takes in what Gateway has the order to be. What it neither was nor was asked to become, others have made of
// it; but when one exit is filled in part, IBKR makes the others smaller.
func (i *Intent) confirm(n ib.OrderNews) {
	o, before := &i.Order, i.Order
	take := func(to *float64, from float64) {
		if *to != 0 && from != 0 {
			*to = from
		}
	}
	if n.Quantity > 0 {
		o.Quantity = n.Quantity
	}
	if another := n.Type != "" && n.Type != o.Type; another || o.TrailAmount != 0 && n.Aux == 0 && n.Percent != 0 ||
		o.TrailPercent != 0 && n.Percent == 0 && n.Aux != 0 {
		o.Type = cmp.Or(n.Type, o.Type)
		o.LimitPrice, o.StopPrice, o.TrailAmount, o.TrailPercent = n.Limit, n.Aux, 0, n.Percent
		if o.Type == ib.Trail {
			o.LimitPrice, o.StopPrice, o.TrailAmount = 0, 0, n.Aux
		}
	}
	take(&o.LimitPrice, n.Limit)
	take(&o.StopPrice, n.Aux)
	take(&o.TrailAmount, n.Aux)
	take(&o.TrailPercent, n.Percent)
	if n.TIF != "" && n.TIF != cmp.Or(o.TIF, "DAY") {
		o.TIF = n.TIF
	}
	if n.Account != "" && o.Account != "" {
		o.Account = n.Account
	}
	if o.OutsideHours = n.Outside; !i.Found {
		smaller := o.Parent != 0 && o.Quantity < before.Quantity
		i.Altered = i.Altered || o.Type != before.Type || o.TIF != before.TIF || o.Account != before.Account ||
			!i.expects(o, &before, smaller)
	}
	if i.Asked != nil && alike(o, i.Asked) {
		i.Asked = nil
	}
	if i.Refused != nil && alike(o, i.Refused) {
		i.Refused = nil
	}
}

// expects reports whether each number of an order is as it was before, or as it was to become; the quantity, too,
// unless it may be any.
func (i *Intent) expects(o, before *ib.Order, anyQuantity bool) bool {
	known := [][5]float64{numbers(before)}
	for _, to := range []*ib.Order{i.Asked, i.Refused} {
		if to != nil {
			known = append(known, numbers(to))
		}
	}
	for n, v := range numbers(o) {
		if !slices.ContainsFunc(known, func(k [5]float64) bool { return same(k[n], v) }) && !(n == 0 && anyQuantity) {
			return false
		}
	}
	return true
}

// numbers returns what a change can make another of an order.
func numbers(o *ib.Order) [5]float64 {
	return [5]float64{o.Quantity, o.LimitPrice, o.StopPrice, o.TrailAmount, o.TrailPercent}
}

func same(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

// alike reports whether an order has become another one, as far as a change can make it that.
func alike(a, b *ib.Order) bool {
	x, y := numbers(a), numbers(b)
	return slices.EqualFunc(x[:], y[:], same)
}

// fill takes in an execution or a correction of one, and reports whether it was new. It says nothing about what is left
// of the order. What is taken back of a filled order leaves open what becomes of it.
func (i *Intent) fill(n ib.OrderNews) bool {
	before := i.Executions.filled()
	if !i.Executions.add(n) {
		return false
	}
	if name, _ := execution(n.Execution); i.revision(name) > 0 {
		i.price(name, n.Price)
	}
	after := i.Executions.filled()
	if after >= before {
		if i.Filled = max(i.Filled, after); i.State == Planned {
			i.State = Sent
		}
		return true
	}
	if i.Filled = after; i.State == Filled {
		i.State, i.Detail = Unknown, "an execution was taken back"
	}
	return true
}

// addUp settles the order as filled when its executions say so, whatever else was said: a fill is a fact.
func (i *Intent) addUp(now time.Time) {
	most, least := i.Order.Quantity, i.Order.Quantity
	if i.Asked != nil {
		most, least = max(most, i.Asked.Quantity), min(least, i.Asked.Quantity)
	}
	const hair = 1e-7
	expected := !i.Done() && i.State != Unknown
	switch {
	case most > 0 && i.Filled > most+hair && (expected || i.State == Cancelled): // its quantity is another one by now
		i.wonder(now, expected)
	case most > 0 && i.Filled >= most-hair:
		i.State = Filled
	case i.Asked != nil && i.Filled >= least-hair && expected: // that is all of it, or not
		i.wonder(now, true)
	case i.State == Sent && i.Filled > 0 && i.Status == "": // known from executions alone
		i.wonder(now, true)
	case i.State == Rejected && i.Filled > 0:
		i.wonder(now, true)
	}
	if i.State == Filled && i.Asked != nil {
		if math.Abs(i.Filled-i.Asked.Quantity) < hair {
			i.Order.Quantity = i.Asked.Quantity
		}
		i.Asked = nil
	}
}

// object takes in an error that names the order.
func (i *Intent) object(n ib.OrderNews, now time.Time) {
	notice := slices.Contains(notices, n.Code) || n.Code >= 2100 && n.Code < 2200
	refusal := slices.Contains(refusals, n.Code)
	change := i.Asked != nil && !i.ToCancel && (refusal || n.Code == notChanged || n.Code == notFound)
	switch {
	case i.State == Filled || i.State == NotSent || i.State == Rejected:
	case change: // what becomes of the order itself, its next status says, unless it is over
		i.note(n, i.Done() || slices.Contains(tooLate, n.Code))
		i.Asked, i.Refused = nil, i.Asked
		i.wonder(now, !i.Done())
	case slices.Contains([]int{notCancellable, notCancelling, notFound, notCancelled}, n.Code):
		i.note(n, true)
		i.wonder(now, !i.Done())
	case notice:
		i.note(n, true)
	case n.Code == cancelled && i.rejected(Cancelled):
		i.State = Rejected
	case n.Code == cancelled:
		i.note(n, true)
		i.State = Cancelled
	case i.late(n, now):
		i.note(n, false)
		i.State = Rejected
	case i.Done():
	case refusal && i.Status == "" && (i.State == Planned || i.State == Sent):
		i.note(n, false)
		i.State = Rejected
	default:
		i.note(n, false)
		i.wonder(now, true)
	}
}

// late reports whether an error explains a status that came before it. One that is repeated does not.
func (i *Intent) late(n ib.OrderNews, now time.Time) bool {
	again := n.Code == i.Code && n.Detail == i.Detail
	explained := i.Code != 0 && !i.Warning || i.Code == cancelled || i.ToCancel
	if slices.Contains(tooLate, n.Code) || again || explained {
		return false
	}
	return i.State == Inactive && i.WhyHeld == "" || i.State == Cancelled && now.Sub(i.Changed) < lateErrors
}

// lateErrors is how long after an order has come to an end an error may say why.
const lateErrors = 5 * time.Second

// note remembers an error. A refusal that nothing has explained yet outlasts what is said after it.
func (i *Intent) note(n ib.OrderNews, warning bool) {
	if i.Code != 0 && !i.Warning && (warning || slices.Contains(refusals, i.Code)) {
		return
	}
	i.Code, i.Detail, i.Warning = n.Code, n.Detail, warning
}

// doubtful returns since when Gateway has to be asked about the intent, the zero time if it has not.
func (i *Intent) doubtful() time.Time {
	if i.Asked != nil && !i.Done() && !i.changing && !i.asking.IsZero() &&
		(i.doubt.IsZero() || i.asking.Before(i.doubt)) {
		return i.asking
	}
	return i.doubt
}

// vanishes reports whether it would be a contradiction if Gateway did not list the order.
func (i *Intent) vanishes() bool {
	return !i.Done() && i.State != Inactive && (i.Status != "" || i.Filled > 0)
}

// settle concludes from what Gateway has answered to a question of that time: listed says whether the order is among
// the open or the completed ones. It reports whether that is new.
func (i *Intent) settle(listed bool, asked, now time.Time) bool {
	before := i.known()
	earlier := func(at time.Time) bool { return at.Before(asked) || at.After(now) } // or the clock was set back
	doubt := i.doubt
	if earlier(doubt) {
		doubt = time.Time{}
	}
	if i.Asked != nil && !i.Done() && !i.changing && earlier(i.asking) {
		if i.asking = (time.Time{}); listed { // else no question tells what became of it
			i.Asked, i.Refused = nil, i.Asked
		}
	}
	switch {
	case i.Done():
	case i.State == Inactive: // Gateway need not list it; what is not found cannot be cancelled either
		i.Ended = !listed && i.Code == notFound
		if i.refused() && i.WhyHeld == "" {
			i.State = Rejected
		}
	case listed || i.State == Unknown && i.Code == 0:
	case i.Filled == 0 && i.rejected(Cancelled):
		i.State = Rejected // it was refused, and is not there
	default:
		i.State = Unknown
	}
	i.addUp(now)
	i.doubt = doubt // what adds up or not was known before
	if i.known() == before {
		return false
	}
	i.Changed = now
	return true
}

const (
	notChanged     = 104   // what is filled cannot be changed
	notCancellable = 136   // it cannot be cancelled
	notCancelling  = 161   // it cannot be cancelled as it is
	cancelled      = 202   // the order was cancelled, by whomever
	notFound       = 10147 // it cannot be cancelled: Gateway does not have it
	notCancelled   = 10148 // it cannot be cancelled: it is done, says the text
)

// tooLate are the codes with which Gateway refuses a change of an order that is over, or is not what the change takes
// it for: its id was used, it is filled, it is another order, it is not found. They do not say why it is over.
var tooLate = []int{103, notChanged, 105, 135, notFound}

// notices are the codes that name an order and say nothing about its state: it waits for the market to open or for
// shares to be borrowed, its time in force was set by a preset. So do those from 2100 to 2199.
var notices = []int{399, 404, 10349, 10352}

// refusals are codes with which Gateway refuses an order, or a change of one. What is not among them may mean anything.
// Source: IBKR's API reference, "Message codes".
var refusals = []int{
	103, 105, 106, 107, 109, 110, 111, 113, 116, 132, 133, 134, 135, 200, 201, 203, 321, 355, 382, 383, 387,
	388, 391, 392, 434, 435, 436,
	460, 461, 10289, 10293, 10318,
}
