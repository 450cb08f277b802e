package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

const (
	// askLimit bounds one inquiry.
	askLimit = 15 * time.Second
	// askAgain is after how long orders that are not done, and whose program is not connected, are asked about again.
	askAgain = time.Minute
	// askDelay is how long programs get to connect again, and to ask themselves.
	askDelay = 3 * time.Second
)

// inquire asks Gateway about orders that no connected program follows, until ctx ends: soon after a program has left or
// Gateway can be used again, and every minute while there are such orders. It uses a short connection of its own,
// because Gatewatch's own connection asks only about Gatewatch's orders.
func (p *Port) inquire(ctx context.Context) {
	next := time.Now().Add(askDelay)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.asks:
			if soon := time.Now().Add(askDelay); soon.Before(next) {
				next = soon
			}
			continue
		case <-time.After(time.Until(next)):
		}
		next = time.Now().Add(askAgain)
		s, n := p.settings.Load(), p.cfg.Connection.Snapshot()
		if s.AskAs == 0 || s.Port == 0 || !served(n) || frozen(n) || !p.orders.Unwatched(p.connected()) {
			continue
		}
		if err := p.ask(ctx, upstreamOf(n), int64(s.AskAs)); err != nil {
			p.log.Info("Gateway did not say what became of the orders of programs", "err", err)
		}
	}
}

// connected returns the client ids of the programs whose orders pass by here.
func (p *Port) connected() map[int64]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := map[int64]bool{}
	for c := range p.clients {
		if c.ready.Load() && !c.isOver() {
			ids[c.id.Load()] = true
		}
	}
	return ids
}

// ask asks for all open orders, those that are done, and executions.
func (p *Port) ask(ctx context.Context, address string, client int64) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var dialer net.Dialer
	tcp, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer tcp.Close()
	defer context.AfterFunc(ctx, func() { tcp.Close() })()
	in := wire.NewReader(tcp)
	if _, err := tcp.Write(wire.Hello()); err != nil {
		return err
	}
	version, _, err := in.Reply()
	if err != nil {
		return err
	}
	if err := writeRequest(tcp, wire.StartAPI(client)); err != nil {
		return err
	}
	mentioned := map[uint64]bool{}
	for ends := 0; ends < 3; {
		payload, err := in.Next()
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		number, proto, body, ok := cutNumber(payload, version)
		switch {
		case !ok:
		case number == wire.MsgNextValidID:
			for _, r := range []wire.Request{
				wire.AllOpenOrders(), wire.CompletedOrders(false), wire.Executions(1, 0),
			} {
				if err := writeRequest(tcp, r); err != nil {
					return err
				}
			}
		case number == wire.MsgOpenOrdersEnd, number == wire.MsgCompletedOrdersEnd, number == wire.MsgExecutionsEnd:
			ends++
		case number == wire.MsgError:
			if n, _ := protoInt(body, 3); n == 326 || n == 321 || n == 322 {
				return fmt.Errorf("code %d", n)
			}
		case aboutOrders(number):
			if n, ok := readNews(number, proto, body, version); ok {
				order := p.orders.Heard(n)
				if n.Status != "" { // else it is an execution, which does not show that its order is still there
					mentioned[order] = true
				}
			}
		}
	}
	for _, o := range p.orders.Missing(mentioned, p.connected()) {
		p.unknown(o, Client{ClientID: o.Client, Name: o.Program, PID: o.PID})
	}
	return nil
}

// writeRequest writes one request.
func writeRequest(tcp net.Conn, r wire.Request) error {
	frame, err := wire.Frame(r)
	if err == nil {
		_, err = tcp.Write(frame)
	}
	return err
}

// unknown reports that it is not known what became of an order.
func (p *Port) unknown(o *record.Order, c Client) {
	p.mu.Lock()
	p.counters.Unknown++
	p.mu.Unlock()
	p.event(Event{Kind: OrderUnknown, Client: c, Order: o})
}
