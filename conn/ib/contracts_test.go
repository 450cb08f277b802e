package ib

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/conn/wire"
)

// TestEnquiries has answers come late, twice, without an end and for no one.
func TestEnquiries(t *testing.T) {
	e := newPending(1)
	first, one, err := e.askContract()
	second, two, _ := e.askContract()
	if err != nil || first == second {
		t.Fatalf("questions %d and %d, %v", first, second, err)
	}
	e.putContract(second, Details{Name: "B"})
	e.putContract(first, Details{Name: "A"})
	e.endContract(first, nil)
	e.putContract(first, Details{Name: "late"})
	e.endContract(first, nil)
	e.putContract(0, Details{})
	e.endContract(99, nil)
	if <-one.over; one.err != nil || len(one.list) != 1 || one.list[0].Name != "A" {
		t.Errorf("%+v, %v", one.list, one.err)
	}
	e.endContract(second, errNoDetails)
	if <-two.over; !errors.Is(two.err, errNoDetails) || two.list != nil {
		t.Errorf("%+v, %v", two.list, two.err)
	}
	number, many, _ := e.askContract()
	for range maxDetails {
		e.putContract(number, Details{})
	}
	if len(many.list) != maxDetails {
		t.Errorf("%d contracts", len(many.list))
	}
	e.putContract(number, Details{})
	e.putContract(number, Details{})
	if <-many.over; many.err == nil || many.list != nil {
		t.Errorf("%d contracts, %v", len(many.list), many.err)
	}
	number, none, _ := e.askContract()
	if e.endContract(number, nil); none.err == nil {
		t.Error("an empty answer is none")
	}
	// The numbers come round, and those under way are passed over.
	held, _, _ := e.askContract()
	seen := map[int64]bool{held: true}
	for len(e.contracts) < maxEnquiry {
		n, _, err := e.askContract()
		if err != nil || seen[n] || n < 1 || n > maxEnquiry {
			t.Fatalf("number %d, %v", n, err)
		}
		seen[n] = true
	}
	if _, _, err := e.askContract(); err == nil {
		t.Error("more questions than numbers")
	}
}

// TestDetails asks a gateway for contracts of all kinds, and at the same time.
func TestDetails(t *testing.T) {
	for _, v := range ibtest.Versions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			g := simtest.Start(t, sim.Config{ServerVersion: v, Farms: []sim.Farm{}})
			s := signOn(t, g.Port())
			ask := func(c Contract) []Details {
				t.Helper()
				list, err := s.Details(t.Context(), c)
				if err != nil {
					t.Errorf("%+v: %v", c, err)
				}
				return list
			}
			apple := Details{
				Contract: ibtest.SomeStock, Name: "APPLE INC", MinTick: 0.01, Rule: 26, Multiplier: 1, Magnifier: 1,
			}
			apple.Contract.ConID, apple.Contract.Primary, apple.Contract.Local = 265598, "NASDAQ", "AAPL"
			for _, c := range []Contract{ibtest.SomeStock, {ConID: 265598}, {ConID: 265598, Exchange: "SMART"}} {
				if got := ask(c); len(got) != 1 || got[0] != apple {
					t.Errorf("%+v is %+v", c, got)
				}
			}
			euro := Details{
				Contract: Contract{
					ConID: 12087792, Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD",
					Local: "EUR.USD",
				},
				Name: "EUR.USD", MinTick: 0.00005, Rule: 239, Multiplier: 1, Magnifier: 1,
			}
			if got := ask(Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"}); len(
				got) != 1 || got[0] != euro {
				t.Errorf("the euro is %+v", got)
			}
			futures := ask(Contract{Symbol: "ES", Type: "FUT", Exchange: "CME", Currency: "USD"})
			if len(futures) != 3 {
				t.Fatalf("futures %+v", futures)
			}
			for i, f := range futures {
				if i > 0 && f.Expiry <= futures[i-1].Expiry {
					t.Errorf("expiries %s, %s", futures[i-1].Expiry, f.Expiry)
				}
				if f.Multiplier != 50 || f.MinTick != 0.25 || len(f.Expiry) != 8 || f.Name != "E-mini S&P 500" ||
					f.Contract.ConID == 0 {
					t.Errorf("future %+v", f)
				}
			}
			last := futures[2]
			if got := ask(Contract{Local: last.Contract.Local, Type: "FUT", Exchange: "CME"}); len(got) != 1 ||
				got[0] != last {
				t.Errorf("%s is %+v", last.Contract.Local, got)
			}
			listings := ask(Contract{Symbol: "IBM", Type: "STK"})
			if len(listings) != 2 || listings[0].Contract.Currency != "USD" || listings[1].Contract.Currency != "MXN" {
				t.Errorf("IBM is %+v", listings)
			}
			for code, c := range map[int]Contract{200: {Symbol: "NONE", Type: "STK"}, 321: {Symbol: "AAPL"}} {
				var refused *RequestError
				if list, err := s.Details(t.Context(), c); !errors.As(err, &refused) || refused.Code != code ||
					refused.Text == "" || list != nil {
					t.Errorf("%+v: %+v, %v", c, list, err)
				}
			}
			answers := make(chan error, 30)
			for i := range cap(answers) {
				go func() {
					symbol := []string{"AAPL", "MSFT", "NONE"}[i%3]
					list, err := s.Details(t.Context(), Contract{
						Symbol: symbol, Type: "STK", Exchange: "SMART",
						Currency: "USD",
					})
					var refused *RequestError
					switch {
					case symbol == "NONE" && errors.As(err, &refused):
						err = nil
					case err == nil && (len(list) != 1 || list[0].Contract.Symbol != symbol):
						err = fmt.Errorf("%s is %+v", symbol, list)
					}
					answers <- err
				}()
			}
			for range cap(answers) {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			// Refusals are the asker's own, and no notice.
			g.Notice(399, "the end")
			if list := s.told(t, 399); len(list) != 1 {
				t.Errorf("codes %+v", list)
			}
			if len(s.socket.pending.contracts) != 0 {
				t.Error("answers are still awaited")
			}
		})
	}
}

// TestDetailsInterrupted has the asker, upstream and the session go while an answer is awaited.
func TestDetailsInterrupted(t *testing.T) {
	for _, v := range ibtest.Versions {
		g := simtest.Start(t, sim.Config{ServerVersion: v, Farms: []sim.Farm{}})
		s := signOn(t, g.Port())
		// A gateway that answers when no one waits any more.
		g.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.Details(ctx, Contract{Symbol: "IBM", Type: "STK"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("version %d: left: %v", v, err)
		}
		cancel()
		if n := len(s.socket.pending.contracts); n != 0 {
			t.Errorf("version %d: %d answers are awaited by nobody", v, n)
		}
		g.Thaw()
		if list, err := s.Details(t.Context(), ibtest.SomeStock); err != nil || len(list) != 1 ||
			list[0].Contract.Symbol != "AAPL" {
			t.Errorf("version %d: after a late answer %+v, %v", v, list, err)
		}
		if _, err := s.Details(ctx, ibtest.SomeStock); !errors.Is(err, context.Canceled) &&
			!errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("version %d: asked when it was over: %v", v, err)
		}
		// That upstream is lost fails the question and not the session.
		g.Notice(1100, "")
		s.told(t, 1100)
		var refused *RequestError
		if _, err := s.Details(t.Context(), ibtest.SomeStock); !errors.As(err, &refused) || refused.Code != 504 {
			t.Errorf("version %d: without upstream: %v", v, err)
		}
		g.Notice(1102, "")
		s.told(t, 1102)
		if isClosed(s.Done()) {
			t.Errorf("version %d: the session is over", v)
		}
		g.Freeze()
		left := make(chan error)
		go func() {
			_, err := s.Details(context.Background(), ibtest.SomeStock)
			left <- err
		}()
		ibtest.Eventually(t, "the question", func() bool {
			e := s.socket.pending
			e.mu.Lock()
			defer e.mu.Unlock()
			return len(e.contracts) == 1
		})
		g.Reset()
		if err := <-left; !errors.Is(err, ErrSessionOver) {
			t.Errorf("version %d: the session went: %v", v, err)
		}
		if _, err := s.Details(t.Context(), ibtest.SomeStock); !errors.Is(err, ErrSessionOver) {
			t.Errorf("version %d: asked after the session: %v", v, err)
		}
		g.Thaw()
	}
}

// TestWarningsEndNoQuestion has a warning come before the answer.
func TestWarningsEndNoQuestion(t *testing.T) {
	b := newPending(1)
	number, asked, _ := b.askContract()
	for request, numbered := range map[int64]bool{
		detailsBase + number: true, detailsBase: false, executions: true,
		1<<31 - 1: false, -1: false,
	} {
		if got := b.refuseNumbered(wire.Error{Request: request, Code: 2150, Text: "careful"}); got != numbered {
			t.Errorf("request %d has a number: %v", request, got)
		}
	}
	select {
	case <-asked.over:
		t.Errorf("a warning ends the question: %v", asked.err)
	default:
	}
	b.refuseNumbered(wire.Error{Request: detailsBase + number, Code: 200, Text: "unknown"})
	if <-asked.over; asked.err == nil || asked.err.Error() != "gateway refuses: code 200: unknown" {
		t.Errorf("%v", asked.err)
	}
}
