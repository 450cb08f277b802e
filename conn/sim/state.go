package sim

import (
	"cmp"
	"maps"
	"slices"
)

// State is a snapshot of a gateway: what GET /state answers.
type State struct {
	Addr         string           `json:"addr"`
	Version      int              `json:"server_version"`
	Listening    bool             `json:"listening"`
	UpstreamLost bool             `json:"upstream_lost"`
	Faults       []string         `json:"faults"` // lasting faults that are on
	NextOrderID  int64            `json:"next_order_id"`
	Scripts      int              `json:"scripts_running"`
	Counters     Counters         `json:"counters"`
	Rejected     map[string]int64 `json:"rejected"` // refused input by reason
	Connections  []ConnState      `json:"connections"`
	Orders       []OrderState     `json:"orders"`
}

// ConnState is one connection in a [State].
type ConnState struct {
	ID            int64  `json:"id"`
	Remote        string `json:"remote"`
	Version       int    `json:"version"` // 0: before the handshake
	ClientID      int32  `json:"client_id"`
	Ready         bool   `json:"ready"`
	Requests      int64  `json:"requests"`
	Received      int64  `json:"bytes_received"`
	Subscriptions int    `json:"subscriptions"`
	Queued        int    `json:"bytes_queued"`
}

// OrderState is one order in a [State].
type OrderState struct {
	ClientID int32   `json:"client_id"`
	OrderID  int32   `json:"order_id"`
	PermID   int64   `json:"perm_id"`
	Ref      string  `json:"order_ref,omitempty"`
	Symbol   string  `json:"symbol"`
	Action   string  `json:"action"`
	Type     string  `json:"type"`
	Quantity float64 `json:"quantity"`
	Filled   float64 `json:"filled"`
	AvgPrice float64 `json:"avg_price,omitempty"`
	Status   string  `json:"status"`
	WhyHeld  string  `json:"why_held,omitempty"`
	Held     bool    `json:"held,omitempty"` // waits for upstream
}

// State returns a snapshot; it never changes afterwards.
func (g *Gateway) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := State{
		Addr: g.addr.String(), Version: g.cfg.ServerVersion, Listening: g.listener != nil, UpstreamLost: g.upstreamLost,
		Faults: g.faultNamesLocked(), NextOrderID: g.book.next, Scripts: g.scripts, Counters: g.counters,
		Rejected:    maps.Clone(g.rejected),
		Connections: []ConnState{}, Orders: []OrderState{},
	}
	s.Counters.Ticks = g.ticks.Load()
	for c := range g.conns {
		c.outMu.Lock()
		queued := len(c.out)
		c.outMu.Unlock()
		s.Connections = append(s.Connections, ConnState{
			ID: c.id, Remote: c.tcp.RemoteAddr().String(), Version: c.version, ClientID: c.clientID, Ready: c.ready,
			Requests: c.requests.Load(), Received: c.received.Load(), Subscriptions: len(c.subs), Queued: queued,
		})
	}
	slices.SortFunc(s.Connections, func(a, b ConnState) int { return cmp.Compare(a.ID, b.ID) })
	for _, o := range g.book.orders {
		s.Orders = append(s.Orders, OrderState{
			ClientID: o.key.client, OrderID: o.key.id, PermID: o.permID, Ref: o.order.GetOrderRef(),
			Symbol: o.q.in.label(),
			Action: o.order.GetAction(), Type: o.order.GetOrderType(), Quantity: o.qty, Filled: o.filled,
			AvgPrice: o.avgPrice,
			Status:   o.status, WhyHeld: o.heldBy(), Held: o.held,
		})
	}
	return s
}

func (g *Gateway) faultNamesLocked() []string {
	f := g.faults
	names := []string{}
	for _, fault := range []struct {
		on   bool
		name string
	}{
		{g.frozen != nil, "freeze"},
		{g.down && !g.loggedOff, "restart"},
		{g.loggedOff, "logoff"},
		{f.oldSessions != 0, "hold-sessions"},
		{f.noConfig, "no-config"},
		{len(f.configParts) > 0, "config"},
		{f.refusing, "refuse"},
		{f.acceptSilent, "accept-silent"},
		{f.acceptClose, "accept-close"},
		{f.handshake != "", "stall-" + string(f.handshake)},
		{f.refuse326 > 0, "326"},
		{f.refuse10141 > 0, "10141"},
		{slices.ContainsFunc(g.quotes, g.competing), "10197"},
		{slices.ContainsFunc(f.refuseData, func(r dataRefusal) bool { return r.what == refuseQuotes }), "refuse-data"},
		{slices.ContainsFunc(f.refuseData, func(r dataRefusal) bool {
			return r.what == refuseHistory
		}), "refuse-history"},
		{slices.ContainsFunc(g.quotes, func(q *quote) bool { return q.halted != 0 }), "halt"},
		{slices.ContainsFunc(g.quotes, func(q *quote) bool { return q.dataType != 0 }), "data-type"},
		{slices.ContainsFunc(g.quotes, func(q *quote) bool { return !q.silence.traded.IsZero() }), "last-traded"},
		{f.skew != 0, "skew"},
		{f.slow != Slowness{}, "slow"},
		{f.lag != 0, "lag"},
		{f.ticksOnly, "ticks-only"},
		{slices.ContainsFunc(f.orders, func(one *OrderFault) bool { return one.Times != 0 }), "order-fault"},
		{slices.ContainsFunc(g.quotes, func(q *quote) bool { return q.borrow }), "hard-to-borrow"},
		{f.readOnly, "read-only"},
		{f.discard != 0, "discard-cancels"},
		{g.upstreamLost, "upstream-lost"},
	} {
		if fault.on {
			names = append(names, fault.name)
		}
	}
	for _, q := range slices.Sorted(maps.Keys(f.unanswered)) {
		if f.unanswered[q] != 0 {
			names = append(names, "unanswered-"+string(q))
		}
	}
	return names
}
