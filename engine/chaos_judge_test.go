package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
)

// tally is what came of a number of kills.
type tally struct {
	kills, orders, families, broken, notes int
	worked                                 int // runs that had placed an order before they were killed
	faulted                                int // orders and changes that the gateway had a fault for
	late                                   int // orders that met the news of a lost IBKR on their way
	others                                 int // orders of someone else
	states                                 map[ledger.OrderState]int
}

func (a *tally) add(b tally) {
	a.kills, a.worked, a.late = a.kills+b.kills, a.worked+b.worked, a.late+b.late
	a.others, a.faulted = a.others+b.others, a.faulted+b.faulted
	a.orders, a.families, a.broken, a.notes = a.orders+b.orders, a.families+b.families, a.broken+b.broken,
		a.notes+b.notes
	for state, n := range b.states {
		a.states[state] += n
	}
}

// settled reports whether the orders of a session's client id are as a gateway has them.
func (r *rig) settled(s *ib.Session, orders []sim.OrderState) bool {
	done, filled := map[string]bool{}, map[string]float64{}
	for _, o := range orders {
		filled[o.Ref] = o.Filled
		if o.Status != "Inactive" { // which is the end of one that was rejected
			done[o.Ref] = o.Status == "Filled" || o.Status == "Cancelled"
		}
	}
	type number struct { // of an order
		client int
		id     int64
	}
	list, heads := r.orders.Intents(), map[number]ledger.Intent{}
	for _, i := range list {
		heads[number{i.Client, i.ID}] = i
	}
	for _, i := range list {
		over, there := done[i.Order.Ref]
		if i.Client != s.ClientID() {
			continue
		}
		if there && (over != i.State.Done() || i.Filled != filled[i.Order.Ref]) {
			return false
		}
		head := heads[number{i.Client, i.Order.Parent}]
		if over, there := done[head.Order.Ref]; lost(i) && there && !over && head.Filled == 0 {
			return false // it is being taken back
		}
	}
	return true
}

// lost reports whether Gateway does not have an exit although that was not wanted: its order is taken back then.
func lost(i ledger.Intent) bool {
	switch i.State {
	case ledger.Rejected, ledger.Unknown, ledger.NotSent:
		return true
	case ledger.Inactive:
		return i.Status == "Inactive" && i.WhyHeld == ""
	case ledger.Cancelled:
		return i.Order.Type == ib.Stop && !i.ToCancel
	}
	return false
}

// judge compares what a ledger says with what a gateway has, and says what is wrong.
func (a *tally) judge(list []ledger.Intent, notes map[string][]byte, orders []sim.OrderState) (faults []string) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	a.orders, a.families, a.broken, a.notes, a.others = len(list), 0, 0, len(notes), 0
	a.states = map[ledger.OrderState]int{}
	there := map[string]sim.OrderState{}
	for _, o := range orders {
		if !strings.HasPrefix(o.Ref, "gw-") {
			if o.Status != "Submitted" && o.Type == "LMT" || o.Quantity != 77 {
				wrong("an order of somebody else was touched: %+v", o)
			}
			a.others++
			continue
		}
		if _, twice := there[o.Ref]; twice {
			wrong("%s was placed twice", o.Ref)
		}
		there[o.Ref] = o
	}
	ids, ruled, family := map[int64]bool{}, map[string]int{}, map[int64][]ledger.Intent{}
	forgotten := maps.Clone(there)
	for _, i := range list {
		a.states[i.State]++
		if ids[i.ID] {
			wrong("id %d was used twice", i.ID)
		}
		ids[i.ID] = true
		head := i.ID
		if i.Order.Parent != 0 {
			head = i.Order.Parent
		}
		family[head] = append(family[head], i)
		if strings.HasPrefix(i.Rule, "noted ") {
			ruled[i.Rule]++
		}
		o, arrived := there[i.Order.Ref]
		delete(forgotten, i.Order.Ref)
		if !arrived {
			// Gateway refuses exits whose order it has cancelled meanwhile.
			if i.State != ledger.Unknown && i.State != ledger.NotSent && i.State != ledger.Rejected {
				wrong("%s is %s; the gateway has no trace of it", i.Order.Ref, i.State)
			}
			continue
		}
		want := map[string]ledger.OrderState{
			"Filled": ledger.Filled, "Cancelled": ledger.Cancelled, "Submitted": ledger.Working,
			"PreSubmitted": ledger.Working, "Inactive": ledger.Inactive, "PendingSubmit": ledger.Sent,
		}[o.Status]
		if o.Filled >= o.Quantity {
			want = ledger.Filled // whatever Gateway says of it later
		}
		if i.State == ledger.Rejected && i.Code == mishapCode && (o.Status == "Inactive" || o.Status == "Cancelled") {
			want = ledger.Rejected // and it is known why
		}
		if want == ledger.Working && (i.Order.Quantity != o.Quantity || i.Asked != nil) {
			wrong("%s is shown with %v, %+v is asked for; the gateway has it with %v", i.Order.Ref, i.Order.Quantity,
				i.Asked, o.Quantity)
		}
		if i.State != want || i.Filled != o.Filled || i.ID != int64(o.OrderID) {
			wrong("%+v; the gateway has %+v", i, o)
		}
	}
	for ref, o := range forgotten {
		wrong("%s is forgotten: %+v", ref, o)
	}
	for _, members := range family {
		if len(members) == 1 {
			if members[0].Order.Parent != 0 {
				wrong("%s is an exit of nothing", members[0].Order.Ref)
			}
			continue
		}
		a.families++
		whole := !slices.ContainsFunc(members, func(i ledger.Intent) bool { _, ok := there[i.Order.Ref]; return !ok })
		head := there[members[0].Order.Ref]
		if !whole {
			a.broken++
			if head.Status != "" && head.Status != "Cancelled" && head.Status != "Inactive" &&
				head.Status != "Filled" && head.Filled == 0 {
				wrong("%s stays without its exits: %s", head.Ref, head.Status)
			}
		}
		for n, i := range members {
			o := there[i.Order.Ref]
			if active := o.Filled > 0 || o.Status == "Submitted"; active && !whole {
				wrong("%s of an order that did not arrive as a whole: %s, %v filled", i.Order.Ref, o.Status, o.Filled)
			} else if active && n > 0 && head.Filled == 0 && head.Status != "Filled" { // which may have been busted
				wrong("exit %s works before its order: %s, %v filled", i.Order.Ref, o.Status, o.Filled)
			}
		}
	}
	for key, text := range notes {
		if string(text) != strconv.Itoa(ruled[key]) {
			wrong("the note of %s orders is there, and %d orders are", text, ruled[key])
		}
		delete(ruled, key)
	}
	for rule, n := range ruled {
		wrong("%d orders are there, and not their note %q", n, rule)
	}
	return faults
}
