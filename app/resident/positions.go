package resident

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// positions is what Gateway has reported last of positions.
type positions struct {
	conn *connection

	mu   sync.Mutex
	at   time.Time // zero: never
	list []ib.Position
}

// Positions returns what GET /positions answers.
func (p *positions) Positions(ctx context.Context) (view api.Positions) {
	list, err := p.conn.positions(ctx)
	reason := p.conn.mayEdit()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && reason == "" {
		p.at, p.list, view.Current = time.Now(), list, true
	} else if view.Reason = reason; reason == "" {
		view.Reason = wording.OneLine(err.Error())
		if silent, ok := errors.AsType[*ib.UnansweredError](err); ok {
			view.Reason = wording.Unanswered(silent)
		}
	}
	view.At = api.Moment(p.at)
	for i := range p.list {
		view.Positions = append(view.Positions, positionView(&p.list[i]))
	}
	return view
}

func positionView(p *ib.Position) api.Position {
	c := p.Contract
	return api.Position{
		Account: wording.OneLine(p.Account), ConID: c.ConID, Symbol: wording.OneLine(c.Symbol),
		Contract: cmp.Or(wording.Contract(c), "Instrument not named by Gateway"),
		Currency: wording.OneLine(c.Currency), Quantity: p.Quantity, AverageCost: p.AverageCost,
		MarketValue: p.Value, Unrealised: p.Unrealised, ValuedAt: api.Moment(p.ValuedAt),
	}
}

// positions asks Gateway for positions while IBKR is connected: without it Gateway repeats what it knew.
func (c *connection) positions(ctx context.Context) ([]ib.Position, error) {
	s := c.Session()
	if s == nil || c.mayEdit() != "" {
		return nil, ib.ErrSessionOver
	}
	return s.Positions(ctx)
}
