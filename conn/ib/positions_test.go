package ib

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"gatewatch/conn/wire"
)

// TestPositionsUnanswered has Gateway leave the question about positions unanswered, and then answer it late and twice.
func TestPositionsUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := placing()
		s.gateway.Accounts = 1
		p, began := l.pending.positions.Load(), time.Now()
		_, err := s.Positions(t.Context())
		unanswered, ok := errors.AsType[*UnansweredError](err)
		if !ok || unanswered.Question != QuestionPositions || time.Since(began) != questionLimit {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if n := len(l.handed()); n != 2 { // positions, and what they are worth
			t.Errorf("%d requests", n)
		}
		held := wire.Position{
			Account: "DU1", Contract: Contract{ConID: 1, Symbol: "AAPL"}, Quantity: proto.Float64(5),
		}
		go func() { // the late answer to the first question
			synctest.Wait() // until the second is asked
			p.put(held)
			p.end(p.all)
			p.end(p.all)
		}()
		began = time.Now()
		list, err := s.Positions(t.Context())
		if err != nil || len(list) != 1 || *list[0].Quantity != 5 || list[0].AverageCost != nil ||
			list[0].Value != nil {
			t.Errorf("%+v, %v", list, err)
		}
		if waited := time.Since(began); waited != valueLimit {
			t.Errorf("waited %v for values", waited)
		}
		if n := len(l.handed()); n != 4 {
			t.Errorf("%d requests", n)
		}
		worth := wire.Portfolio{Position: held, Value: proto.Float64(50)}
		p.value(worth, time.Now())
		p.end(p.valued)
		if list, err = s.Positions(t.Context()); err != nil || list[0].Value == nil || *list[0].Value != 50 {
			t.Errorf("%+v, %v", list, err)
		}
		held.Quantity = proto.Float64(7)
		p.put(held) // a fill, whose value is not reported yet
		if list, err = s.Positions(t.Context()); err != nil || *list[0].Quantity != 7 || list[0].Value != nil {
			t.Errorf("%+v, %v", list, err)
		}
		held.Quantity = nil
		p.put(held)
		if list, err = s.Positions(t.Context()); err != nil || len(list) != 1 || list[0].Quantity != nil {
			t.Errorf("%+v, %v", list, err)
		}
		for i := range int64(maxPositions) {
			p.put(wire.Position{Contract: Contract{ConID: 2 + i}, Quantity: proto.Float64(1)})
		}
		if _, err = s.Positions(t.Context()); err == nil {
			t.Error("more positions than are kept")
		}
		if n := len(l.handed()); n != 4 {
			t.Errorf("%d requests", n)
		}
	})
}
