package engine

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

// ReportKind says what a [Report] is about. Its text is stable.
type ReportKind string

// The kinds of report.
const (
	ReportTriggered ReportKind = "rule_fired"     // a rule triggered
	ReportFailed    ReportKind = "rule_failed"    // a rule stopped and has to be activated again
	ReportBlocked   ReportKind = "order_blocked"  // an order was blocked
	ReportRejected  ReportKind = "order_rejected" // Gateway, IBKR or the exchange refused an order
	// no one knows whether an order has reached Gateway: a person has to look
	ReportUnknown ReportKind = "order_unknown"
	// orders that were to be cancelled live on: a person has to cancel them
	ReportNotCancelled ReportKind = "order_not_cancelled"
	// an order that is not ours has the number or the reference of one of ours
	ReportForeign ReportKind = "order_foreign"
	// few order ids are left, see More: Gateway has to count from 1 again
	ReportFewIDs ReportKind = "order_ids_low"
	// the engine failed inside: trading was disarmed, and the engine starts again
	ReportHalted ReportKind = "engine_halted"
	// files of the program were deleted or moved while it runs: trading is off
	ReportMoved   ReportKind = "files_moved"
	ReportCrashed ReportKind = "crashed" // the program had crashed before this start; At is when

	ReportProgramRefused ReportKind = "program_order_refused" // an order of a program at the guarded port was refused
	ReportProgramUnknown ReportKind = "program_order_unknown" // it is unknown what became of one: a person has to look
	// the relay of a program failed inside, and its connection was closed
	ReportProgramFailed ReportKind = "program_failed"

	ReportInactive ReportKind = "order_inactive" // Gateway has an order that does not work
	// a position is open and its stop does not work: a person has to act at once
	ReportUnprotected ReportKind = "position_unprotected"
	ReportNotChanged  ReportKind = "order_not_changed" // Gateway refused a change; Text is what was asked for
)

// Report is something about rules and orders that a person should know. Each is reported once, at once.
type Report struct {
	Kind    ReportKind
	At      time.Time // UTC
	Rule    string    // name of the rule, empty if none has a part in it
	Text    string    // what triggered, or the order in short, such as "BUY 100 AAPL LMT 230.50"
	Reason  string    // why, as a stable id such as "guard_shut" or "disarmed"; empty where Kind says it all
	Program string    // which program it is about, by name or client id; empty: none
	Order   int64     // id of the order that Text is about, 0 if it has none or it does not matter
	More    int       // how many other orders the same is true of; with ReportFewIDs, how many ids are left
	Code    int       // IB code, 0 if there is none
	Detail  string    // technical text, may come from outside

	Status  string // IBKR's own word for how the order is
	WhyHeld string // why Gateway holds it, in IBKR's words
}

// reported is what was last reported about an order.
type reported struct {
	state       ledger.OrderState
	refused     *ib.Order
	unprotected bool
}

func reportable(i *ledger.Intent) reported { return reported{i.State, i.Refused, i.Unprotected} }

// follow reports what became of orders that a person should look at, each time that it does. It is called by the
// ledger, which is locked.
func (d *Desk) follow(i ledger.Intent) {
	now := reportable(&i)
	d.tellMu.Lock()
	before := d.reported[i.Order.Ref]
	d.reported[i.Order.Ref] = now
	d.tellMu.Unlock()
	report := func(kind ReportKind, o *ib.Order) {
		d.report(Report{
			Kind: kind, At: i.Changed, Rule: i.Rule, Text: Describe(o), Order: i.ID, Status: i.Status,
			WhyHeld: i.WhyHeld, Code: i.Code, Detail: i.Detail,
		})
	}
	kinds := map[ledger.OrderState]ReportKind{
		ledger.Rejected: ReportRejected, ledger.Inactive: ReportInactive, ledger.Unknown: ReportUnknown,
	}
	if kind, bad := kinds[now.state]; bad && now.state != before.state {
		report(kind, &i.Order)
	}
	if now.unprotected && !before.unprotected {
		report(ReportUnprotected, &i.Order)
	}
	if now.refused != nil && now.refused != before.refused {
		report(ReportNotChanged, now.refused)
	}
}

// reportOverdue reports orders that live on though they were to be cancelled. It is called by the ledger, which is
// locked.
func (d *Desk) reportOverdue(list []ledger.Cancellation) {
	first := list[0]
	r := Report{
		Kind: ReportNotCancelled, At: d.now(), Rule: first.Order.Rule, Text: Describe(&first.Order.Order),
		Order: first.Order.ID, More: len(list) - 1,
	}
	for _, c := range list {
		if c.Refused && r.Code == 0 {
			r.Code, r.Detail = c.Code, c.Detail
		}
	}
	d.report(r)
}

// reportResembled reports an order of others that may be taken for one of ours. It is called by the ledger, which is
// locked.
func (d *Desk) reportResembled(i ledger.Intent, n ib.OrderNews) {
	d.report(Report{
		Kind: ReportForeign, At: d.now(), Rule: i.Rule, Text: Describe(&i.Order), Order: i.ID,
		Detail: fmt.Sprintf("client id %d, order id %d, permId %d", n.Client, n.ID, n.PermID),
	})
}

// reportFew reports that few order ids are left. It is called by the ledger, which is locked.
func (d *Desk) reportFew(left int) { d.report(Report{Kind: ReportFewIDs, At: d.now(), More: left}) }

// Describe returns an order in short, such as "BUY 100 AAPL LMT 230.5".
func Describe(o *ib.Order) string {
	name := cmp.Or(o.Contract.Local, o.Contract.Symbol, fmt.Sprint(o.Contract.ConID))
	text := fmt.Sprintf("%s %s %s %s", o.Side, plain(o.Quantity), name, o.Type)
	for _, p := range []float64{o.StopPrice, o.LimitPrice, o.TrailAmount} {
		if p != 0 {
			text += " " + plain(p)
		}
	}
	if o.TrailPercent != 0 {
		text += " " + plain(o.TrailPercent) + " %"
	}
	return text
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
