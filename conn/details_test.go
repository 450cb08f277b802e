package conn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// sentContracts are contract details as gateways send them, and some with all that changes which fields the message has.
func sentContracts(tb testing.TB) []sent {
	tb.Helper()
	list := sentIn(tb, "testdata/contracts.txt")
	for _, v := range fuzzVersions[:3] {
		list = append(list, sent{v, fund(v)})
	}
	for _, v := range fuzzVersions[4:] {
		list = append(list, sent{v, fund(v)})
	}
	return list
}

// fund is a contract in text with numbers in other registers, the fields of a fund and reasons why it cannot be traded.
func fund(version int) []byte {
	fields := strings.Split("2147418113,VFINX,FUND,20260101 08:30 CST", ",")
	if version >= versionLastTradeDate {
		fields = append(fields, "20260101")
	}
	fields = append(fields, strings.Split("0,,FUNDSERV,USD,VFINX,VFINX,VFINX,123,0.01,1000,LMT,FUNDSERV,1,0,Fonds \\u00e9,,,,,,EST,,,,0,2,ISIN,US9229081081,CUSIP,922908108,"+
		"1,,,26,,,1,1,1", ",")...)
	if version >= versionFunds {
		fields = append(fields, "name", "family", "type", "1", "2", "3", "4", "0", "1", "0", "5", "6", "7", "NY", "PR", "N", "001")
	}
	if version >= versionIneligibility {
		fields = append(fields, "1", "id", "why")
	}
	return textMessage(version, msgContract, fields...)[4:]
}

// TestTextContracts walks through contracts as they came, and cuts and changes them.
func TestTextContracts(t *testing.T) {
	for i, c := range sentContracts(t) {
		id, v, err := checkFrame(c.payload, c.version)
		if err != nil || v != pass || id != msgContract && id != msgContractEnd {
			t.Errorf("contract %d: %d, %v, %v", i, id, v, err)
		}
		if c.version >= versionProtoContract {
			if _, _, err := checkFrame(append(slices.Clone(c.payload), 18, 1, 0), c.version); id == msgContract && err == nil {
				t.Errorf("contract %d passes with half a contract in it", i)
			}
			continue
		}
		for n := len(c.payload) - 1; n > 4; n-- {
			if _, _, err := checkFrame(c.payload[:n], c.version); err == nil {
				t.Errorf("contract %d passes when it is cut to %d of %d bytes", i, n, len(c.payload))
				break
			}
		}
	}
	for _, count := range []string{"-1", "3", "99999999", "9223372036854775807", "x"} {
		for _, old := range []string{"\x002\x00ISIN", "\x001\x00id\x00"} {
			broken := strings.Replace(string(fund(200)), old, "\x00"+count+old[2:], 1)
			if _, _, err := checkFrame([]byte(broken), 200); err == nil {
				t.Errorf("a list of %s passes", count)
			}
		}
	}
	if _, v, err := checkFrame(fund(176), 175); err != nil || v != skip {
		t.Errorf("a contract of version 175: %v, %v", v, err)
	}
}

// TestFund has the library decode a contract with everything in it.
func TestFund(t *testing.T) {
	for _, v := range []int{176, 181, 185, 200, 203} {
		d := newDecoder(t, v)
		_, asked, _ := d.l.book.enquiries.begin()
		if !d.decode(t, fund(v)) {
			t.Fatalf("version %d: the library died", v)
		}
		d.l.book.enquiries.end(1, nil)
		want := Details{
			Contract: Contract{ConID: 123, Symbol: "VFINX", Type: "FUND", Exchange: "FUNDSERV", Currency: "USD", Local: "VFINX"},
			Name:     "Fonds é", MinTick: 0.01, Rule: 26, Multiplier: 1000, Expiry: "20260101",
		}
		if len(asked.list) != 1 || asked.list[0] != want {
			t.Errorf("version %d: %+v", v, asked.list)
		}
		d.close()
	}
}

func TestSpelled(t *testing.T) {
	for from, want := range map[string]string{
		"[65 66]": "AB", "[]": "", "[34]": `"`, "[92 117 48 48 101 57]": "é", "[92 120]": `\x`, "[195 169]": "é",
		"AB": "AB", "[AB]": "[AB]", "[65": "[65", "[256]": "[256]", "": "",
	} {
		if got := spelled(from); got != want {
			t.Errorf("%q becomes %q, want %q", from, got, want)
		}
	}
}

// TestEnquiries has answers come late, twice, without an end and for nobody.
func TestEnquiries(t *testing.T) {
	var e enquiries
	first, one, err := e.begin()
	second, two, _ := e.begin()
	if err != nil || first == second {
		t.Fatalf("questions %d and %d, %v", first, second, err)
	}
	e.put(second, Details{Name: "B"})
	e.put(first, Details{Name: "A"})
	e.end(first, nil)
	e.put(first, Details{Name: "late"})
	e.end(first, nil)
	e.put(0, Details{})
	e.end(99, nil)
	if <-one.over; one.err != nil || len(one.list) != 1 || one.list[0].Name != "A" {
		t.Errorf("%+v, %v", one.list, one.err)
	}
	e.end(second, errNoDetails)
	if <-two.over; !errors.Is(two.err, errNoDetails) || two.list != nil {
		t.Errorf("%+v, %v", two.list, two.err)
	}
	number, many, _ := e.begin()
	for range maxDetails {
		e.put(number, Details{})
	}
	if len(many.list) != maxDetails {
		t.Errorf("%d contracts", len(many.list))
	}
	e.put(number, Details{})
	e.put(number, Details{})
	if <-many.over; many.err == nil || many.list != nil {
		t.Errorf("%d contracts, %v", len(many.list), many.err)
	}
	number, none, _ := e.begin()
	if e.end(number, nil); none.err == nil {
		t.Error("an empty answer is none")
	}
	// The numbers come round, and those under way are passed over.
	held, _, _ := e.begin()
	seen := map[int64]bool{held: true}
	for len(e.open) < maxEnquiry {
		n, _, err := e.begin()
		if err != nil || seen[n] || n < 1 || n > maxEnquiry {
			t.Fatalf("number %d, %v", n, err)
		}
		seen[n] = true
	}
	if _, _, err := e.begin(); err == nil {
		t.Error("more questions than numbers")
	}
}

// detailVersions are the versions at which the messages about contracts change.
var detailVersions = []int{176, 181, 185, 193, 203, 205, 225}

var someStock = Contract{Symbol: "AAPL", Type: "STK", Exchange: "SMART", Currency: "USD"}

// TestDetails asks a gateway for contracts of all kinds, and at the same time.
func TestDetails(t *testing.T) {
	for _, v := range detailVersions {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			g, err := sim.Start(t.Context(), sim.Config{ServerVersion: v, Farms: []sim.Farm{}})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			sup, r := startRecorded(t, testConfig(g.Port()))
			await(t, sup, "READY", 10*time.Second, connected)
			s := sup.Session()
			ask := func(c Contract) []Details {
				t.Helper()
				list, err := s.Details(t.Context(), c)
				if err != nil {
					t.Errorf("%+v: %v", c, err)
				}
				return list
			}
			apple := Details{Contract: someStock, Name: "APPLE INC", MinTick: 0.01, Rule: 26, Multiplier: 1}
			apple.Contract.ConID, apple.Contract.Primary, apple.Contract.Local = 265598, "NASDAQ", "AAPL"
			for _, c := range []Contract{someStock, {ConID: 265598}, {ConID: 265598, Exchange: "SMART"}} {
				if got := ask(c); len(got) != 1 || got[0] != apple {
					t.Errorf("%+v is %+v", c, got)
				}
			}
			euro := Details{
				Contract: Contract{ConID: 12087792, Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD", Local: "EUR.USD"},
				Name:     "EUR.USD", MinTick: 0.00005, Rule: 239, Multiplier: 1,
			}
			if got := ask(Contract{Symbol: "EUR", Type: "CASH", Exchange: "IDEALPRO", Currency: "USD"}); len(got) != 1 || got[0] != euro {
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
				if f.Multiplier != 50 || f.MinTick != 0.25 || len(f.Expiry) != 8 || f.Name != "E-mini S&P 500" || f.Contract.ConID == 0 {
					t.Errorf("future %+v", f)
				}
			}
			last := futures[2]
			if got := ask(Contract{Local: last.Contract.Local, Type: "FUT", Exchange: "CME"}); len(got) != 1 || got[0] != last {
				t.Errorf("%s is %+v", last.Contract.Local, got)
			}
			listings := ask(Contract{Symbol: "IBM", Type: "STK"})
			if len(listings) != 2 || listings[0].Contract.Currency != "USD" || listings[1].Contract.Currency != "MXN" {
				t.Errorf("IBM is %+v", listings)
			}
			for code, c := range map[int]Contract{200: {Symbol: "NONE", Type: "STK"}, 321: {Symbol: "AAPL"}} {
				var refused *RequestError
				if list, err := s.Details(t.Context(), c); !errors.As(err, &refused) || refused.Code != code || refused.Text == "" || list != nil {
					t.Errorf("%+v: %+v, %v", c, list, err)
				}
			}
			answers := make(chan error, 30)
			for i := range cap(answers) {
				go func() {
					symbol := []string{"AAPL", "MSFT", "NONE"}[i%3]
					list, err := s.Details(t.Context(), Contract{Symbol: symbol, Type: "STK", Exchange: "SMART", Currency: "USD"})
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
			eventually(t, "the last notice", func() bool { return len(r.of(EventNotice)) > 0 })
			if list := r.of(EventNotice); len(list) != 1 {
				t.Errorf("notices %+v", list)
			}
			if len(s.link.books().enquiries.open) != 0 {
				t.Error("answers are still awaited")
			}
		})
	}
}

// TestDetailsInterrupted has the asker, upstream and the session go while an answer is awaited.
func TestDetailsInterrupted(t *testing.T) {
	for _, v := range []int{176, 193, 203, 205, 225} {
		g, err := sim.Start(t.Context(), sim.Config{ServerVersion: v, Farms: []sim.Farm{}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		sup, r := startRecorded(t, testConfig(g.Port()))
		await(t, sup, "READY", 10*time.Second, connected)
		s := sup.Session()
		// A gateway that answers when nobody waits any more.
		g.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.Details(ctx, Contract{Symbol: "IBM", Type: "STK"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("version %d: left: %v", v, err)
		}
		cancel()
		if n := len(s.link.books().enquiries.open); n != 0 {
			t.Errorf("version %d: %d answers are awaited by nobody", v, n)
		}
		g.Thaw()
		if list, err := s.Details(t.Context(), someStock); err != nil || len(list) != 1 || list[0].Contract.Symbol != "AAPL" {
			t.Errorf("version %d: after a late answer %+v, %v", v, list, err)
		}
		if _, err := s.Details(ctx, someStock); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("version %d: asked when it was over: %v", v, err)
		}
		// That upstream is lost fails the question and not the session.
		g.Notice(1100, "")
		await(t, sup, "upstream lost", 10*time.Second, func(n *Snapshot) bool { return n.State == UpstreamLost })
		var refused *RequestError
		if _, err := s.Details(t.Context(), someStock); !errors.As(err, &refused) || refused.Code != 504 {
			t.Errorf("version %d: without upstream: %v", v, err)
		}
		g.Notice(1102, "")
		await(t, sup, "upstream back", 10*time.Second, connected)
		if n := len(r.of(EventLost)); n != 0 {
			t.Errorf("version %d: %d sessions lost", v, n)
		}
		g.Freeze()
		left := make(chan error)
		go func() {
			_, err := s.Details(context.Background(), someStock)
			left <- err
		}()
		eventually(t, "the question", func() bool {
			e := &s.link.books().enquiries
			e.mu.Lock()
			defer e.mu.Unlock()
			return len(e.open) == 1
		})
		g.Reset()
		if err := <-left; !errors.Is(err, ErrSessionOver) {
			t.Errorf("version %d: the session went: %v", v, err)
		}
		if _, err := s.Details(t.Context(), someStock); !errors.Is(err, ErrSessionOver) {
			t.Errorf("version %d: asked after the session: %v", v, err)
		}
		g.Thaw()
	}
}

// TestWarningsEndNoQuestion has a warning come before the answer.
func TestWarningsEndNoQuestion(t *testing.T) {
	l := &library{book: newBooks(newestVersion), relay: &relay{version: newestVersion}}
	number, asked, _ := l.book.enquiries.begin()
	if !l.questionError(detailsBase+number, 2150, "careful") || l.questionError(detailsBase, 200, "") || !l.questionError(executions, 200, "") || l.questionError(1<<31-1, 200, "") || l.questionError(-1, 200, "") {
		t.Error("numbers are mixed up")
	}
	select {
	case <-asked.over:
		t.Errorf("a warning ends the question: %v", asked.err)
	default:
	}
	l.ContractDetails(detailsBase+number, nil)
	l.questionError(detailsBase+number, 200, "unknown")
	if <-asked.over; asked.err == nil || asked.err.Error() != "gateway refuses: code 200: unknown" {
		t.Errorf("%v", asked.err)
	}
}

// TestDetailsOfAnOldGateway asks one whose contracts have another form.
func TestDetailsOfAnOldGateway(t *testing.T) {
	s := &Session{link: &fakeLink{book: newBooks(versionOrders - 1)}}
	if _, err := s.Details(t.Context(), someStock); !errors.Is(err, ErrOldGateway) {
		t.Errorf("%v", err)
	}
}
