package engine

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
)

// Desk is the only way from a strategy to the market. An order passes it if trading is on, the connection's guard is
// open, the account is of the kind that was configured, and the order keeps within the limits; then the
// [ledger.Ledger] sends it. An order that does not pass is logged, counted and reported, and is never kept for later.
// Its methods may be called from any goroutine.
type Desk struct {
	ledger *ledger.Ledger
	log    *slog.Logger
	report func(Report)
	now    func() time.Time

	armed atomic.Bool // asked for again when an order's bytes leave

	turn sync.Mutex // order by order: two that pass one limit together might exceed it; taken before mu

	mu      sync.Mutex // never held while an order leaves
	limits  Limits     // written with the turn, too
	since   time.Time  // when trading was armed
	blocked []Blocked  // the last ones, the oldest first
	reasons map[string]uint64

	tellMu   sync.Mutex
	reported map[string]reported // by reference
}

// Limits bound what a [Desk] lets out. The zero value lets nothing out.
type Limits struct {
	Mode      ib.Mode  // of the accounts that orders are for; with AnyMode they may leave for paper accounts alone
	PerMinute int      // orders in any 60 seconds, exits included
	PerDay    int      // orders on one local day, exits included
	Quantity  float64  // of one order, in shares or contracts
	Notional  float64  // price × quantity × multiplier of one order that is no exit, in the contract's currency
	Symbols   []string // of contracts that may be traded; empty: all
}

// The reasons for which an order is blocked. Their texts are stable.
const (
	BlockedGuard      = "guard_shut"     // the detail is the ib.GuardReason
	BlockedSilent     = "gateway_silent" // Gateway did not prove in time that it is there
	BlockedDisarmed   = "disarmed"
	BlockedPaperOnly  = "paper_only" // the account is not a paper account, and no mode was configured
	BlockedWrongMode  = "wrong_mode" // the account is not of the configured mode
	BlockedPerMinute  = "per_minute"
	BlockedPerDay     = "per_day"
	BlockedQuantity   = "quantity"
	BlockedNotional   = "notional"
	BlockedNoPrice    = "no_price"      // the notional value cannot be known
	BlockedValue      = "value_unknown" // not even with a price; the detail is the type of the contract
	BlockedInstrument = "instrument"
	BlockedDisk       = "disk"        // it could not be written down
	BlockedMoved      = "files_moved" // the record of orders was deleted or moved
	BlockedOrderIDs   = "order_ids"   // the order ids of the client id are used up
	BlockedNotSent    = "not_sent"    // it could not be sent
)

// BlockedError is the error for an order that was blocked. Nothing of it works: what was sent of an order with exits
// before one of them was blocked is held by Gateway, and cancelled.
type BlockedError struct {
	Reason string // one of the constants that begin with Blocked
	Detail string // a limit, or technical text
	Err    error  // what blocked it, may be nil
}

func (e *BlockedError) Error() string {
	if e.Detail == "" {
		return "order blocked: " + e.Reason
	}
	return "order blocked: " + e.Reason + ": " + e.Detail
}

func (e *BlockedError) Unwrap() error { return e.Err }

// Blocked is an order that was blocked.
type Blocked struct {
	At     time.Time // UTC
	Rule   string
	Order  ib.Order
	Reason string
	Detail string
}

// keepBlocked is how many blocked orders are remembered to be shown.
const keepBlocked = 50

// NewDesk returns a desk that is not armed. What a person should know goes to report, which must not block.
func NewDesk(l *ledger.Ledger, limits Limits, report func(Report), log *slog.Logger) *Desk {
	d := &Desk{
		ledger: l, limits: limits, report: report, log: log, now: utc, reasons: map[string]uint64{},
		reported: map[string]reported{},
	}
	for _, i := range l.Intents() {
		d.reported[i.Order.Ref] = reportable(&i) // by the program that wrote it
	}
	l.OnAlarm(d.reportOverdue, d.reportResembled, d.reportFew)
	return d
}

// Arm lets orders leave until [Desk.Disarm].
func (d *Desk) Arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.armed.Load() {
		return
	}
	d.armed.Store(true)
	d.since = d.now()
	d.log.Info("trading is on")
}

// Disarm ends what [Desk.Arm] has begun. It waits for nothing, neither for the disk nor for an order that is on its
// way: that asks once more when its bytes are about to leave, and is blocked. It cancels no order.
func (d *Desk) Disarm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.armed.Load() {
		d.log.Info("trading is off")
	}
	d.disarm()
}

// Finish returns when no order is being placed or changed.
func (d *Desk) Finish() {
	d.turn.Lock()
	defer d.turn.Unlock()
}

// disarm is Disarm for who has the lock.
func (d *Desk) disarm() {
	d.armed.Store(false)
	d.since = time.Time{}
}

// halt is [Desk.Disarm] that waits for no one: who holds the desk may be who has panicked.
func (d *Desk) halt() {
	if d.armed.Swap(false) {
		d.log.Error("trading is off: the engine has failed")
	}
}

// Armed reports whether orders may leave, and since when.
func (d *Desk) Armed() (bool, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.armed.Load(), d.since
}

// Configure puts limits in effect. Trading is disarmed if the mode of accounts is another one than before.
func (d *Desk) Configure(l Limits) {
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.configure(l) {
		d.log.Info("trading is off: the mode of accounts has changed")
	}
}

// configure is Configure in memory, and reports whether trading was disarmed.
func (d *Desk) configure(l Limits) (disarmed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.Mode != d.limits.Mode { // before the new mode lets anything pass
		disarmed = d.armed.Load()
		d.disarm()
	}
	d.limits = l
	return disarmed
}

// passed says what an error of the ledger means: the order was blocked, unless no one knows or there was none to
// change.
func passed(err error) error {
	if err == nil || errors.Is(err, ib.ErrOrderUnknown) || errors.Is(err, ledger.ErrNotOpen) ||
		errors.Is(err, ledger.ErrNotChanged) {
		return err
	}
	return blockedBy(err)
}

// blockedBy says what an error of the session means.
func blockedBy(err error) *BlockedError {
	var shut *ib.GuardError
	var blocked *BlockedError
	switch {
	case errors.As(err, &blocked):
		return blocked
	case errors.Is(err, ib.ErrGatewaySilent):
		return &BlockedError{Reason: BlockedSilent, Err: err}
	case errors.As(err, &shut):
		return &BlockedError{Reason: BlockedGuard, Detail: string(shut.Reason), Err: err}
	case errors.Is(err, ib.ErrSessionOver):
		return &BlockedError{Reason: BlockedGuard, Detail: string(ib.GuardSocket), Err: err}
	case errors.Is(err, ledger.ErrNoOrderID):
		return &BlockedError{Reason: BlockedOrderIDs, Err: err}
	case errors.Is(err, ledger.ErrMoved):
		return &BlockedError{Reason: BlockedMoved, Err: err}
	case errors.Is(err, ledger.ErrNotWritten):
		return &BlockedError{Reason: BlockedDisk, Detail: err.Error(), Err: err}
	}
	return &BlockedError{Reason: BlockedNotSent, Detail: err.Error(), Err: err}
}

// Refuse takes down that an order is blocked: logged, counted and reported. A strategy calls it for an order that it
// cannot make.
func (d *Desk) Refuse(t Ticket, why *BlockedError) {
	now := d.now()
	d.mu.Lock()
	if len(d.blocked) == keepBlocked {
		d.blocked = slices.Delete(d.blocked, 0, 1)
	}
	d.blocked = append(d.blocked, Blocked{
		At: now, Rule: t.Rule, Order: t.Order, Reason: why.Reason,
		Detail: why.Detail,
	})
	d.reasons[why.Reason]++
	d.mu.Unlock()
	number := uint64(0)
	if t.Session != nil {
		number = t.Session.Number()
	}
	d.log.Warn("order blocked", "session", number, "reason", why.Reason, "detail", why.Detail, "rule", t.Rule)
	d.report(Report{
		Kind: ReportBlocked, At: now, Rule: t.Rule, Text: Describe(&t.Order), Reason: why.Reason,
		Detail: why.Detail,
	})
}

// Blocked returns the orders that were blocked last, the oldest first, and how many there were, by reason.
func (d *Desk) Blocked() (last []Blocked, count map[string]uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.blocked), maps.Clone(d.reasons)
}

// Change is what is to be changed of an open order; nil leaves it as it is.
type Change struct{ Quantity, LimitPrice, StopPrice *float64 }

// Change changes an open order. It has to pass like a new one, but for the limits on how many there are. Errors are as
// those of Place, [ledger.ErrNotOpen] and [ledger.ErrNotChanged].
func (d *Desk) Change(s *ib.Session, id int64, c Change) (ledger.Intent, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	list := d.ledger.Pending()
	at := slices.IndexFunc(list, func(i ledger.Intent) bool { return i.ID == id })
	if at < 0 {
		return ledger.Intent{}, ledger.ErrNotOpen
	}
	old := list[at]
	apply := func(o *ib.Order) {
		set := func(to, from *float64) {
			if from != nil {
				*to = *from
			}
		}
		set(&o.Quantity, c.Quantity)
		set(&o.LimitPrice, c.LimitPrice)
		set(&o.StopPrice, c.StopPrice)
	}
	changed := old.Order
	apply(&changed)
	err := d.check(s)
	if err == nil && !d.limits.trades(changed.Contract.Symbol) {
		err = &BlockedError{Reason: BlockedInstrument, Detail: changed.Contract.Symbol}
	}
	if err == nil && !(changed.Quantity <= d.limits.Quantity) {
		err = &BlockedError{Reason: BlockedQuantity, Detail: plain(d.limits.Quantity)}
	}
	// What an order without a price is worth is not known here: it may only become smaller.
	priced := changed.Type == ib.Limit || changed.Type == ib.StopLimit || changed.Type == ib.Stop
	if err == nil && changed.Parent == 0 && (priced || changed.Quantity > old.Order.Quantity) {
		err = d.worth(&changed, 0, old.Multiplier)
	}
	var now ledger.Intent
	if err == nil {
		now, err = d.ledger.Change(s, id, apply, d.allowed)
		err = passed(err)
	}
	if shut, ok := errors.AsType[*BlockedError](err); ok {
		d.Refuse(Ticket{Session: s, Order: changed, Rule: old.Rule}, shut)
	}
	return now, err
}

// Check says what is in the way of any order in a session, as a *[BlockedError]; nil if nothing is. A nil session
// blocks.
func (d *Desk) Check(s *ib.Session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.check(s)
}

// Ticket is an order as a strategy wants it.
type Ticket struct {
	Session *ib.Session // in which it was decided; it cannot leave in another one
	// Opened is the session's GuardSince when it was decided: it cannot leave after the guard was closed, not even when
	// that is open again. 0: whenever the guard is open.
	Opened time.Duration
	Order  ib.Order
	Exits  []ib.Order // orders that close the position; the first that is filled cancels the others
	// Price is what the contract trades at, for orders that name no price, or but the least; 0 if it is not known.
	Price      float64
	Multiplier float64 // of the contract; 0: Gateway has named none
	Rule       string  // name of the rule that wants it, empty if none does
	// Notes, if set, is called once while the order is on its way, for what is written down together with it; see
	// [ledger.Ledger.Notes].
	Notes func() map[string][]byte
}
