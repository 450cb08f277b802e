package sim

// HardToBorrow makes a symbol's shares hard to borrow, or ends that: orders that would sell them short are held
// meanwhile, and go to work then.
func (g *Gateway) HardToBorrow(symbol string, on bool) error {
	return g.onMarkets(symbol, func(list []*quote) {
		for _, q := range list {
			q.borrow = on
		}
		g.locatedLocked()
	})
}

// mustLocate reports whether shares have to be found before an order can sell them.
func (g *Gateway) mustLocate(o *order) bool {
	if !o.q.borrow || o.q.in.secType() != "STK" || o.order.GetAction() == "BUY" {
		return false
	}
	held := 0.0
	if p := g.book.positions[positionKey{o.order.GetAccount(), o.q.in.conID()}]; p != nil {
		held = p.size
	}
	return o.qty-o.filled > held
}

// locatedLocked lets orders go to work whose shares are not hard to borrow any more.
func (g *Gateway) locatedLocked() {
	for _, o := range g.book.open() {
		if o.locating && !o.done() && !o.q.borrow {
			g.activate(o)
		}
	}
}

func hardToBorrow(g *Gateway, a *args) error {
	on := a.bool("on")
	return a.do(func() error { return g.HardToBorrow(a.text("symbol"), on) })
}
