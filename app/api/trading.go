package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

// Trader is the part of a [Backend] that is about rules and orders.
type Trader interface {
	Trading() Trading
	// Arm lets orders leave. It returns a Conflict, or Unconfirmed if the account is not known to be a paper account
	// and live is false. Disarm ends that, and waits for nothing: an order whose bytes have not left by then is
	// blocked.
	Arm(ctx context.Context, live bool) error
	Disarm(ctx context.Context) error

	Rules() Rules
	// RulesText returns the text of rules.json, and its tag.
	RulesText() (FileText, string, error)
	// SaveRules checks, writes and applies a whole file of rules, all of it or nothing. Its errors are those of
	// SaveSettings, and a Conflict while not connected.
	SaveRules(ctx context.Context, body []byte, tag string) error
	// SaveRule writes a rule down as a draft, in place of the one with the given name, or as a new one if that is
	// empty. It returns settings.Problems if the rule is at fault, and a Conflict while not connected.
	SaveRule(ctx context.Context, name string, rule []byte) error
	// ActivateRule has a rule watch prices. It returns ErrNoRule, or a Conflict while not connected.
	ActivateRule(ctx context.Context, name string) error
	DeactivateRule(ctx context.Context, name string) error
	// PreviewRule returns how a rule would stand now if it were active, PreviewInstrument only the price. They return
	// settings.Problems if the rule is at fault, and a Conflict while not connected.
	PreviewRule(ctx context.Context, rule []byte) (RulePreview, error)
	PreviewInstrument(ctx context.Context, in rules.Instrument) (RulePreview, error)
	DeleteRule(ctx context.Context, name string) error

	Orders() Orders
	// CancelOrder asks for one of our orders to be cancelled, CancelOrders for all of them. They return ErrNoOrder or a
	// Conflict, or a Remark when not all of them can be cancelled. What comes of it is told by Orders.
	CancelOrder(ctx context.Context, id int64) error
	CancelOrders(ctx context.Context) error
	// ChangeOrder changes quantity or price of a working order.
	ChangeOrder(ctx context.Context, c OrderChange) error
	// Resolve looks for the contracts that an instrument can mean. It returns a Conflict while not connected.
	Resolve(ctx context.Context, in rules.Instrument) ([]Candidate, error)
}

// Conflict means that something cannot be done as things stand, and says why.
type Conflict struct{ Reason string }

func (c *Conflict) Error() string { return c.Reason }

// Remark means that what was asked for goes on, and that there is something to say about it.
type Remark struct{ Text string }

func (r *Remark) Error() string { return r.Text }

// Unconfirmed means that somebody has to confirm something first, and says what.
type Unconfirmed struct{ Reason string }

func (u *Unconfirmed) Error() string { return u.Reason }

// Unanswered means that Gateway left a question unanswered that had to be asked; the reason says which, for people.
type Unanswered struct{ Reason string }

func (u *Unanswered) Error() string { return u.Reason }

// ErrNoRule means that there is no rule with that name.
var ErrNoRule = errors.New("no such rule; GET /rules lists them")

// ErrNoOrder means that there is no order with that id.
var ErrNoOrder = errors.New("no such order of ours; GET /orders lists them")

// Trading summarizes the state of rules and orders; it is a part of [Status].
type Trading struct {
	Armed       bool       `json:"armed"`        // orders may leave while the guard is open
	ArmedSince  *time.Time `json:"armed_since"`  // null while not armed
	MayTrade    bool       `json:"may_trade"`    // armed, and nothing else is in the way
	Reason      string     `json:"reason"`       // why not, for people; empty if it may
	ReasonID    string     `json:"reason_id"`    // the same for programs; stable
	RulesActive int        `json:"rules_active"` // rules that watch prices
	// active rules that cannot fire: Gateway refuses the market data that they need, and is asked again
	RulesNoData   int    `json:"rules_no_data"`
	RulesFailed   int    `json:"rules_failed"`   // rules that stopped and wait for the trader
	RulesProblem  string `json:"rules_problem"`  // what is wrong in rules.json, empty if nothing
	OrdersOpen    int    `json:"orders_open"`    // orders of which something is still expected
	OrdersUnknown int    `json:"orders_unknown"` // orders that a person has to look after
	// OrdersUnprotected are stops that do not work while their position is open, for a day: until then a person may
	// have seen to it.
	OrdersUnprotected int    `json:"orders_unprotected"`
	OrdersBlocked     uint64 `json:"orders_blocked"` // orders that were blocked, since the start of the program

	Text string `json:"text"` // for people: whether trading is on, such as "Trading is off"
	// for people: what there is of rules and orders, such as "2 rules active"; what needs a person comes first
	Counts []string `json:"counts"`
}

// Lines says for people what there is of rules and orders, each in a few words.
func (t *Trading) Lines() []string {
	return wording.Counts{
		RulesActive: t.RulesActive, RulesNoData: t.RulesNoData, RulesFailed: t.RulesFailed,
		OrdersOpen: t.OrdersOpen, OrdersUnknown: t.OrdersUnknown, Unprotected: t.OrdersUnprotected,
	}.Lines()
}

// Cancelling is how far the orders are that were to be cancelled. All is 0 if there are none, or if all have been done
// for a minute.
type Cancelling struct {
	Asked     int `json:"asked"`     // all of them
	Confirmed int `json:"confirmed"` // Gateway has confirmed that they are done
	// Gateway refuses to cancel them; all others are asked for again until it answers
	Failed int    `json:"failed"`
	Text   string `json:"text"` // the same for people; empty if there are none
}

// Guarded is the answer to GET /guard and the data of the events at GET /guard/events: whether a bot may trade now.
type Guarded struct {
	// the connection may be trusted: socket, API and upstream are up, no probe is overdue, orders are reconciled
	Open     bool             `json:"open"`
	Reason   string           `json:"reason"`    // why not, for people; empty if it may
	ReasonID conn.GuardReason `json:"reason_id"` // the same for programs; stable
	Session  uint64           `json:"session"`   // an answer is about this session alone; 0 if there is none
	// how often the guard was opened since the start of Gatewatch; another number than before: it was closed in between
	Opened uint64 `json:"opened"`
	Mode   string `json:"mode"`  // paper, live or unknown
	Armed  bool   `json:"armed"` // Gatewatch's own orders may leave
	Seq    uint64 `json:"seq"`   // of the status that this was taken from
}

// Rules is the answer to GET /rules.
type Rules struct {
	Path     string     `json:"path"`     // of rules.json
	Problems []Problem  `json:"problems"` // what is wrong in rules.json; the rules that are right are in effect
	Rules    []RuleView `json:"rules"`    // in the order of the file
	MayEdit  bool       `json:"may_edit"` // rules can be saved and activated
	Reason   string     `json:"reason"`   // why they cannot, for people
}

// RuleView is a rule and how it stands.
type RuleView struct {
	Rule  rules.Rule  `json:"rule"`
	Text  string      `json:"text"`  // the rule in a sentence
	State rules.State `json:"state"` //
	Since time.Time   `json:"since"` // when the state was entered
	Why   string      `json:"why"`   // why it has not fired, or what came of it, for people
	// why an active rule has not fired, for programs; stable, such as no_data or old_price
	WhyID      string      `json:"why_id"`
	WhyCode    int         `json:"why_code"`   // IB's code of that; 0 if there is none
	Price      *float64    `json:"price"`      // newest price of the first condition; null if there is none
	PriceAt    *time.Time  `json:"price_at"`   // when that came
	Delayed    bool        `json:"delayed"`    // that price is delayed
	Fired      int         `json:"fired"`      // how often, since it was activated
	LastFired  *time.Time  `json:"last_fired"` //
	Contract   string      `json:"contract"`   // what the instrument was resolved to; empty if it was not yet
	Candidates []Candidate `json:"candidates"` // what it may mean, if that is more than one contract
}

// Candidate is a contract that an instrument can mean.
type Candidate struct {
	Instrument rules.Instrument `json:"instrument"` // which means this one alone
	Name       string           `json:"name"`       // of the company, or of the contract
	Text       string           `json:"text"`       // the contract in short
}

// Orders is the answer to GET /orders.
type Orders struct {
	Orders     []OrderView `json:"orders"`     // those that are open or need a person first, each the newest first
	Cancelling Cancelling  `json:"cancelling"` // those that were to be cancelled
	Blocked    []Blocked   `json:"blocked"`    // the newest first; the last of this run of the program
}

// OrderView is one order that was meant to be sent.
type OrderView struct {
	ID         int64       `json:"id"`
	At         time.Time   `json:"at"`
	Rule       string      `json:"rule"` // the rule that placed it, empty if none did
	Text       string      `json:"text"` // the order in a sentence
	Symbol     string      `json:"symbol"`
	Side       string      `json:"side"`
	Type       string      `json:"type"`
	Quantity   float64     `json:"quantity"`
	LimitPrice float64     `json:"limit_price"` // 0 if it has none
	StopPrice  float64     `json:"stop_price"`  // 0 if it has none
	TIF        string      `json:"tif"`
	Filled     float64     `json:"filled"`
	Fate       engine.Fate `json:"fate"`
	FateText   string      `json:"fate_text"` // the same for people
	// IBKR's own word, as Gateway has said it last; empty if it has said nothing
	Status string `json:"status"`
	// why Gateway holds it, in IBKR's words, such as trigger or locate; empty if it does not
	WhyHeld string    `json:"why_held"`
	Changed time.Time `json:"changed"`
	Code    int       `json:"code"`   // IB code of a rejection or of a warning, 0 if none
	Detail  string    `json:"detail"` // technical text
	Parent  int64     `json:"parent"` // id of the order that this one closes, 0 if none
	Open    bool      `json:"open"`   // something is still expected; it can be cancelled
	// what came of a request to cancel it, for people; empty if there is none, or if it is done
	CancelText   string `json:"cancel_text"`
	CancelFailed bool   `json:"cancel_failed"` // Gateway refuses to cancel it
	CancelCode   int    `json:"cancel_code"`   // IB code of that, 0 if none
	// The quantity and the prices above are those that Gateway has. A change asks for these, as long as Gateway has not
	// confirmed or refused it; null: nothing is asked for.
	AskedQuantity   *float64 `json:"asked_quantity"`
	AskedLimitPrice *float64 `json:"asked_limit_price"`
	AskedStopPrice  *float64 `json:"asked_stop_price"`
	// what has become of the last change, for people; empty if it was confirmed
	ChangeText string `json:"change_text"`
	// AveragePrice is that of all fills, 0 if it is not known. Commission and fees, and the profit or loss that was
	// realised, are as far as Gateway has reported them; null: not at all.
	AveragePrice float64  `json:"average_price"`
	Multiplier   float64  `json:"multiplier"` // of the instrument: what one of it is worth is its price times this
	Commission   *float64 `json:"commission"`
	Realised     *float64 `json:"realised_pnl"`
	Currency     string   `json:"currency"`    // of these; of the instrument, if Gateway has reported none
	CostText     string   `json:"cost_text"`   // the same for people; empty if nothing is known
	Unprotected  bool     `json:"unprotected"` // it is a stop that does not work, and its position is open
}

// Current reports whether something is expected of an order, or whether a person has to look after it.
func (o *OrderView) Current() bool { return o.Open || o.Fate == engine.Unknown || o.Unprotected }

// OpenFirst puts the orders that are [OrderView.Current] before the others, and keeps their order otherwise.
func OpenFirst(list []OrderView) {
	rank := func(o *OrderView) int {
		if o.Current() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b OrderView) int { return rank(&a) - rank(&b) })
}

// Blocked is an order that was blocked.
type Blocked struct {
	At       time.Time `json:"at"`
	Rule     string    `json:"rule"`
	Text     string    `json:"text"`
	Reason   string    `json:"reason"`
	ReasonID string    `json:"reason_id"`
}

// OrderChange is what is to be changed of a working order; null leaves it as it is.
type OrderChange struct {
	ID         int64    `json:"id"`
	Quantity   *float64 `json:"quantity,omitempty"`
	LimitPrice *float64 `json:"limit_price,omitempty"`
	StopPrice  *float64 `json:"stop_price,omitempty"`
}
