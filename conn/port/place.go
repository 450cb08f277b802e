package port

import (
	"context"
	"errors"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/port/record"
)

// recordLimit is how long the record of orders may take for an order.
const recordLimit = 5 * time.Second

// placing is an order on its way to Gateway.
type placing struct {
	*waiting
	in       instruction
	change   bool      // Gateway has the order, or may have it
	proved   time.Time // when Gateway has proved that it is there
	recorded bool
	order    record.Order
}

// place sends an order, or refuses it.
func (c *client) place(w *waiting) {
	p := &placing{waiting: w, in: readInstruction(&w.request, c.version)}
	if c.port.settings.Load().observes() {
		if reason := c.placeObserved(p); reason != Allowed {
			c.refuseOrder(p, reason)
		}
		return
	}
	reason := Allowed
	if p.in.unsupported {
		reason = Unreadable
	}
	for reason == Allowed {
		if !c.turn() {
			reason = Reason(ib.GuardSocket)
			break
		}
		if reason = c.permit(p); reason != Allowed {
			break
		}
		switch {
		case time.Since(p.proved) > c.port.settings.Load().proof():
			reason = c.prove(p)
		case !p.recorded:
			reason = c.recordOrder(p)
		default:
			if reason = c.release(p); reason == Allowed {
				return
			}
		}
	}
	c.refuseOrder(p, reason)
}

// forbidden says why the client's orders must not leave because a person has said so. It holds in [Observe], too.
func (c *client) forbidden() Reason {
	switch {
	case c.port.settings.Load().Stopped:
		return TradingStopped
	case c.options().ReadOnly:
		return ReadOnly
	}
	return Allowed
}

// permit says why an order must not leave now.
func (c *client) permit(p *placing) Reason {
	o := c.options()
	c.queue.mu.Lock()
	withdrawn, orphan := p.withdrawn, p.in.parent != 0 && c.queue.refused[p.in.parent]
	c.queue.mu.Unlock()
	forbidden, guard := c.forbidden(), c.guard()
	switch {
	case forbidden != Allowed:
		return forbidden
	case guard != Allowed:
		return guard
	case !c.ready.Load():
		return NotStarted
	case orphan:
		return ParentRefused
	case withdrawn:
		return Withdrawn
	case o.MaxOrdersPerMinute > 0 && c.port.withRates(c.id.Load(), func(r *rates) bool {
		return r.orders.full(time.Now(), o.MaxOrdersPerMinute)
	}):
		return TooMany
	}
	return Allowed
}

// prove waits until Gateway has proved that it is there.
func (c *client) prove(p *placing) Reason {
	err := c.port.cfg.Connection.Alive(c.over, c.port.settings.Load().proof(), c.fresh.since())
	switch {
	case err == nil:
		p.proved = time.Now()
		return Allowed
	case !errors.Is(err, ib.ErrGatewaySilent):
		return Reason(ib.GuardSocket)
	}
	if reason := c.guard(); reason != Allowed { // the time may be over because Gatewatch did not run
		return reason
	}
	return NoProof
}

// prepare makes the order that is recorded, and finds out whether it changes another.
func (c *client) prepare(p *placing) {
	o := c.order(&p.in)
	o.State = record.Sent
	if p.in.preview {
		o.State = record.Preview
	}
	p.order, p.change = c.port.orders.Prepare(o, c.number, c.first.Load(), p.in.exercise)
}

// order returns what is known of an order of the program.
func (c *client) order(in *instruction) record.Order {
	who := c.program.Load()
	return record.Order{
		Client: c.id.Load(), ID: in.id, Program: who.Name, PID: who.PID, Words: in.words, Quantity: in.quantity,
		Account: in.account, Ref: in.ref, Parent: in.parent, Held: in.hold, Combo: in.combo,
	}
}

// recordOrder puts an order on disk.
func (c *client) recordOrder(p *placing) Reason {
	c.prepare(p)
	ctx, cancel := context.WithTimeout(context.Background(), recordLimit)
	defer cancel()
	p.recorded = true
	if err := c.port.cfg.Record.Write(ctx, p.order); err != nil {
		c.log.Error("an order could not be recorded", "err", err)
		return NotRecorded
	}
	return Allowed
}

// release writes an order to Gateway, unless it must not leave any more.
func (c *client) release(p *placing) Reason {
	c.upMu.Lock()
	defer c.upMu.Unlock()
	if c.isOver() {
		return Reason(ib.GuardSocket)
	}
	if reason := c.permit(p); reason != Allowed {
		return reason
	}
	u := &c.queue
	u.mu.Lock()
	if p.withdrawn {
		u.mu.Unlock()
		return Withdrawn
	}
	p.claimed = true
	u.leaves(p)
	u.mu.Unlock()
	c.sends(p)
	if !c.writeUpLocked(p.frame) {
		c.lose()
	}
	return Allowed
}

// leaves takes in that an order leaves now. The lock is held.
func (u *upward) leaves(p *placing) {
	u.pace.note(time.Now())
	delete(u.refused, p.id)
	switch {
	case p.in.preview || p.in.exercise:
	case p.in.hold:
		u.held[p.id] = true
	default:
		delete(u.held, p.id)
		delete(u.held, p.in.parent)
	}
}

// sends records and counts that an order leaves now.
func (c *client) sends(p *placing) {
	c.port.orders.Sent(p.order, p.in.attached)
	c.sent.Add(1)
	c.port.withRates(c.id.Load(), func(r *rates) bool { r.orders.note(time.Now()); return true })
	c.port.mu.Lock()
	c.port.counters.Sent++
	c.port.mu.Unlock()
}

// placeObserved sends an order and records why it would have been refused, unless a person has forbidden it: then it
// returns that.
func (c *client) placeObserved(p *placing) Reason {
	if reason := c.forbidden(); reason != Allowed {
		return reason
	}
	reason := c.permit(p)
	if p.in.unsupported {
		reason = Unreadable
	}
	if failed := c.recordOrder(p); reason == Allowed {
		reason = failed
	}
	if forbidden := c.forbidden(); forbidden != Allowed {
		return forbidden
	}
	p.order.Reason = string(reason)
	c.queue.mu.Lock()
	c.queue.leaves(p)
	c.queue.mu.Unlock()
	c.sends(p)
	if reason != Allowed {
		c.observed.Add(1)
		c.port.count(c.port.counters.Observed, reason)
		o := p.order
		c.port.cfg.Record.Note(o)
		c.port.event(Event{Kind: OrderRefused, Client: c.describe(), Order: &o, Reason: reason, Observed: true})
	}
	c.writeUp(p.frame)
	return Allowed
}

// refuseOrder says to the program that an order was not sent. If it belongs to an order that Gateway has and that waits
// for it to be transmitted, that one is cancelled.
func (c *client) refuseOrder(p *placing, reason Reason) {
	if !p.recorded {
		c.prepare(p)
	}
	exists := p.change || !p.in.exercise && c.port.orders.Existed(c.id.Load(), c.number, p.id)
	works := c.mayHave(p.id)
	o := c.port.orders.Refused(p.order, p.change, string(reason), p.recorded || c.mayRecordRefusal())
	u := &c.queue
	u.mu.Lock()
	if !exists && !works {
		u.remember(p.id)
		for _, id := range p.in.attached {
			if id != 0 {
				u.remember(id)
			}
		}
	}
	parent := p.in.parent
	cut := !exists && u.held[parent]
	if cut {
		delete(u.held, parent)
		u.remember(parent)
	}
	u.mu.Unlock()
	c.refused.Add(1)
	c.port.count(c.port.counters.Refused, reason)
	c.port.event(Event{Kind: OrderRefused, Client: c.describe(), Order: o, Reason: reason})
	c.sendError(refusalOf(&p.request, reason, exists))
	if cut {
		c.sendError(parent, codeMessage, "Gatewatch: an order that belongs to it was refused; it is cancelled")
		if c.turn() {
			c.cancelOrder(parent)
		}
	}
}

// maxRefusalsRecorded is how many refusals a minute of a client id are put on disk: a program that sends orders in a
// loop must not fill it. The others are counted and shown.
const maxRefusalsRecorded = 100

func (c *client) mayRecordRefusal() bool {
	return c.port.withRates(c.id.Load(), func(r *rates) bool {
		now := time.Now()
		ok := !r.refusals.full(now, maxRefusalsRecorded)
		if ok {
			r.refusals.note(now)
		}
		return ok
	})
}

// remember remembers an id as refused. The lock is held.
func (u *upward) remember(id int64) {
	if len(u.refused) >= maxRefused {
		clear(u.refused)
	}
	u.refused[id] = true
}

// refuse says to the program that a request that is no order was not forwarded.
func (c *client) refuse(r *request, reason Reason) {
	c.port.count(c.port.counters.Refused, reason)
	c.port.event(Event{Kind: RequestRefused, Client: c.describe(), Reason: reason})
	c.sendError(refusalOf(r, reason, false))
}

// count counts a refusal, or what would have been one.
func (p *Port) count(in map[Reason]uint64, reason Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in[reason]++
}

// cancelOrder asks Gateway to cancel an order of the client.
func (c *client) cancelOrder(id int64) bool {
	c.queue.mu.Lock()
	c.queue.pace.note(time.Now())
	c.queue.mu.Unlock()
	return c.writeUp(appendCancel(nil, c.version, id))
}

// cancelLimit bounds the time for the cancellations after a program has left.
const cancelLimit = 10 * time.Second

// cancelAll cancels the orders of a program that has left, and returns true, if that is asked for.
func (c *client) cancelAll() bool {
	if !c.options().CancelOnDisconnect || !c.ready.Load() || c.port.settings.Load().observes() {
		return false
	}
	end := time.Now().Add(cancelLimit)
	for _, o := range c.port.orders.Working(c.id.Load()) {
		c.queue.mu.Lock()
		wait := c.queue.pace.wait(time.Now())
		c.queue.mu.Unlock()
		if time.Now().Add(wait).After(end) {
			break
		}
		time.Sleep(wait)
		if !c.cancelOrder(o.ID) {
			break
		}
	}
	return true
}
