package conn_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestDelayedData asks for delayed data, and for live data again.
func TestDelayedData(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v, TickRate: 0.001}, nil)
		s := d.session()
		for request, delayed := range []bool{false, true, false} {
			if request > 0 { // without it, live
				if err := s.MarketDataType(delayed); err != nil {
					t.Fatal(err)
				}
			}
			if delayed { // live data come first
				if err := d.gw.RefuseData("", 10167, 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Subscribe(int64(request+1), apple); err != nil {
				t.Fatal(err)
			}
			got := map[ib.TickField]bool{}
			d.until("there are ticks", func() bool {
				for _, k := range s.Ticks().Take(nil) {
					if k.Request == int64(request+1) {
						got[k.Field] = k.Delayed
					}
				}
				return len(got) >= 8
			})
			for field, was := range got {
				if was != delayed {
					t.Errorf("version %d: field %d is delayed %v, want %v", v, field, was, delayed)
				}
			}
		}
	}
	d := newDesk(t, sim.Config{}, nil)
	over := d.session()
	d.do("drop")
	<-over.Done()
	if err := over.MarketDataType(true); !errors.Is(err, ib.ErrSessionOver) {
		t.Errorf("asked of a session that is over: %v", err)
	}
}

// TestOrderTypes asks the simulator what it understood.
func TestOrderTypes(t *testing.T) {
	for _, v := range versions {
		d := newDesk(t, sim.Config{ServerVersion: v}, nil)
		d.price(100)
		s := d.session()
		for i, o := range []ib.Order{
			{Side: ib.Sell, Type: ib.Limit, LimitPrice: 120},
			{Side: ib.Sell, Type: ib.Stop, StopPrice: 80},
			{Side: ib.Sell, Type: ib.StopLimit, StopPrice: 80, LimitPrice: 79},
			{Side: ib.Sell, Type: ib.Trail, TrailAmount: 5},
			{Side: ib.Sell, Type: ib.Trail, TrailPercent: 10},
		} {
			o.Ref, o.Contract, o.Quantity, o.TIF, o.OutsideHours = fmt.Sprint("type-", i), apple, 2.5, "GTC", true
			if err := s.Place(int64(i+1), o, ib.Conditions{}); err != nil {
				t.Fatal(err)
			}
			n := d.news(s, "the order", func(n ib.OrderNews) bool {
				return n.Kind == ib.OrderOpen && n.ID == int64(i+1)
			})
			if n.Type != o.Type || n.Side != o.Side || n.Quantity != 2.5 || n.Ref != o.Ref {
				t.Errorf("version %d: placed %+v, told %+v", v, o, n)
			}
		}
		open, err := s.OpenOrders(t.Context())
		if err != nil || len(open) < 5 {
			t.Errorf("version %d: %d open orders, %v", v, len(open), err)
		}
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	d := newDesk(t, sim.Config{}, nil)
	s := d.session()
	good := buy("ref", 1, 100)
	for name, c := range map[string]struct {
		id     int64
		change func(*ib.Order)
		want   string
	}{
		"id 0":            {0, func(*ib.Order) {}, "order id 0"},
		"id too high":     {1<<31 - 1<<24, func(*ib.Order) {}, "order id"},
		"no reference":    {1, func(o *ib.Order) { o.Ref = "" }, "order reference"},
		"NUL in it":       {1, func(o *ib.Order) { o.Ref = "a\x00b" }, "order reference"},
		"long reference":  {1, func(o *ib.Order) { o.Ref = strings.Repeat("x", 41) }, "order reference"},
		"side":            {1, func(o *ib.Order) { o.Side = "HOLD" }, "side"},
		"type":            {1, func(o *ib.Order) { o.Type = "MOC" }, "order type"},
		"nothing":         {1, func(o *ib.Order) { o.Quantity = 0 }, "quantity"},
		"less":            {1, func(o *ib.Order) { o.Quantity = -1 }, "quantity"},
		"not a number":    {1, func(o *ib.Order) { o.Quantity = nan() }, "quantity"},
		"too much":        {1, func(o *ib.Order) { o.Quantity = 1e12 }, "quantity"},
		"no limit":        {1, func(o *ib.Order) { o.LimitPrice = 0 }, "needs a limit price"},
		"limit no number": {1, func(o *ib.Order) { o.LimitPrice = nan() }, "limit price is no number"},
		"stop too many":   {1, func(o *ib.Order) { o.StopPrice = 1 }, "has no stop price"},
		"two trails": {1, func(o *ib.Order) {
			o.Type, o.LimitPrice, o.TrailAmount, o.TrailPercent = ib.Trail, 0, 1, 1
		}, "either"},
		"trail without": {1, func(o *ib.Order) { o.Type, o.LimitPrice = ib.Trail, 0 }, "either"},
	} {
		o := good
		c.change(&o)
		if err := s.Place(c.id, o, ib.Conditions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if n := d.gw.State().Counters.Orders; n != 0 {
		t.Errorf("%d orders arrived", n)
	}
}
