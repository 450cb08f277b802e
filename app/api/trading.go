package api

import (
	"context"
	"time"

	"gatewatch/app/wording"
)

// Trading summarizes the state of rules and orders; it is a part of [Status].
type Trading struct {
	Armed       bool       `json:"armed"`        // orders may leave while the guard is open
	ArmedSince  *time.Time `json:"armed_since"`  // null while not armed
	MayTrade    bool       `json:"may_trade"`    // armed, and nothing else is in the way
	Reason      string     `json:"reason"`       // why not, for people; empty if it may
	ReasonID    string     `json:"reason_id"`    // the same for programs; stable
	RulesActive int        `json:"rules_active"` // rules that watch prices
	// active rules that cannot trigger: Gateway refuses the market data that they need, and is asked again
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
	// for people: what it means to turn trading on, which has to be confirmed: the account is a LIVE account, or not
	// known to be a paper account; empty: nothing has to be, or not connected
	Confirm string `json:"confirm"`
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

// ArmRequest is the body of POST /trading/arm. An empty body means {}.
type ArmRequest struct {
	// turn trading on although the account is a LIVE account, or not known to be a paper account
	Live bool `json:"live"`
}

// Arm lets orders leave; live says that a person has confirmed it for an account that is not known to be a paper
// account. The error may be a [*Conflict] or [*Unconfirmed].
func (c *Client) Arm(ctx context.Context, live bool) (Answer, error) {
	return request[Answer](ctx, c, "/trading/arm", ArmRequest{live}, nil)
}

// Disarm ends that, at once.
func (c *Client) Disarm(ctx context.Context) (Answer, error) {
	return request[Answer](ctx, c, "/trading/disarm", nil, nil)
}
