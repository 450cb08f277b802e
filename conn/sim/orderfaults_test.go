package sim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi"
)

// story is what a client gets of an order from an event on, in words.
func (r *recorder) story(id int64, from int) (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events[from:] {
		switch {
		case e.name == "commission":
			list = append(list, "fees "+e.fees.ExecID[len(e.fees.ExecID)-2:])
		case e.name == "execDetails" && e.exec.OrderID == id:
			list = append(list, fmt.Sprintf("exec %v %s", e.exec.Shares, e.exec.ExecID[len(e.exec.ExecID)-2:]))
		case e.id != id:
		case e.name == "orderStatus":
			list = append(list, e.status.status+" "+e.status.filled)
		case e.name == "error":
			list = append(list, fmt.Sprintf("error %d", e.code))
		}
	}
	return list
}

// told waits until a client got that much of an order, and checks that it got nothing else.
func (r *recorder) told(t testing.TB, id int64, from int, want string) {
	t.Helper()
	words := strings.Split(want, ", ")
	if want == "" {
		words = nil
	}
	for end := time.Now().Add(patience); len(r.story(id, from)) < len(words) &&
		time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	mark := r.len()
	r.client.ReqCurrentTime()
	r.byName(t, "currentTime", mark)
	if got := r.story(id, from); !slices.Equal(got, words) {
		t.Errorf("told %q\nwant %q", got, words)
	}
}

const (
	resting = "PreSubmitted 0, Submitted 0"
	filled  = "PreSubmitted 0, exec 4 01, Filled 4, fees 01"
)

// TestOrderFaults has the client library see each fault of an order, at a text version and at a protobuf one.
// Orders buy 4 shares at 90.00, or at the market if their reference says so.
func TestOrderFaults(t *testing.T) {
	zero, three := 0.0, 3.0
	rise := func(price float64) func(*testing.T, *sim.Gateway, *recorder) {
		return func(t *testing.T, g *sim.Gateway, _ *recorder) { pin(t, g, price) }
	}
	cancel := func(_ *testing.T, _ *sim.Gateway, r *recorder) { r.client.CancelOrder(1, ibapi.NewOrderCancel()) }
	list := func(_ *testing.T, _ *sim.Gateway, r *recorder) { r.client.ReqOpenOrders() }
	for _, c := range []struct {
		name  string
		fault sim.OrderFault
		ref   string
		told  string
		then  func(*testing.T, *sim.Gateway, *recorder)
		more  string
	}{
		{"no fault", sim.OrderFault{Ref: "other"}, "market", filled, nil, ""},
		{"refused", sim.OrderFault{Refuse: true, Turn: sim.Turn{Code: 460}}, "", "error 460", list, ""},
		{
			"rejected, then cancelled",
			sim.OrderFault{Turn: sim.Turn{Code: 201, Status: "Cancelled"}},
			"", resting + ", error 201, Cancelled 0", nil, "",
		},
		{
			"rejected at once, then inactive",
			sim.OrderFault{Early: true, Turn: sim.Turn{Code: 10318, Status: "Inactive", Ended: true}},
			"", "error 10318, Inactive 0", nil, "",
		},
		{
			"inactive, then rejected",
			sim.OrderFault{Early: true, Turn: sim.Turn{Code: 434, Status: "Inactive", Ended: true, Late: true}},
			"", "Inactive 0, error 434", nil, "",
		},
		{
			"10349",
			sim.OrderFault{Turn: sim.Turn{Code: 10349}},
			"", resting + ", error 10349", rise(89.5), "exec 4 01, Filled 4, fees 01",
		},
		{"399", sim.OrderFault{Early: true, Turn: sim.Turn{Code: 399}}, "market", "error 399, " + filled, nil, ""},
		{"404", sim.OrderFault{Turn: sim.Turn{Code: 404}}, "", resting + ", error 404", nil, ""},
		{"2109", sim.OrderFault{Turn: sim.Turn{Code: 2109}}, "market", filled + ", error 2109", nil, ""},
		{
			"2161",
			sim.OrderFault{Turn: sim.Turn{Code: 2161}},
			"", resting + ", error 2161", cancel, "PendingCancel 0, Cancelled 0, error 202",
		},
		{"an unknown code", sim.OrderFault{Turn: sim.Turn{Code: 10999}}, "market", filled + ", error 10999", nil, ""},
		{
			"acknowledgement lost",
			sim.OrderFault{Unacknowledged: true},
			"", "", rise(89.5), "exec 4 01, Filled 4, fees 01",
		},
		{"acknowledgement lost, asked for", sim.OrderFault{Unacknowledged: true}, "", "", list, "Submitted 0"},
		{
			"cancellation told late",
			sim.OrderFault{CancelLate: 200 * time.Millisecond},
			"", resting, cancel, "PendingCancel 0, Cancelled 0, error 202",
		},
		{
			"cancellation never told",
			sim.OrderFault{CancelLost: true},
			"", resting,
			func(t *testing.T, g *sim.Gateway, r *recorder) {
				cancel(t, g, r)
				waitFor(t, func() bool { return g.State().Orders[0].Status == "Cancelled" })
				cancel(t, g, r)
			}, "error 10148",
		},
		{
			"execution before status",
			sim.OrderFault{ExecutionFirst: true},
			"market", "exec 4 01, fees 01, PreSubmitted 0, Filled 4", nil, "",
		},
		{
			"execution before status, later",
			sim.OrderFault{ExecutionFirst: true},
			"", "", rise(89.5), "exec 4 01, fees 01, PreSubmitted 0, Filled 4",
		},
		{
			"status before execution",
			sim.OrderFault{StatusFirst: true},
			"market", "PreSubmitted 0, Filled 4, exec 4 01, fees 01", nil, "",
		},
		{"reported twice", sim.OrderFault{Twice: true}, "market", filled + ", exec 4 01, fees 01", nil, ""},
		{"corrected", sim.OrderFault{Correct: &three}, "market", filled + ", exec 3 02, fees 02", nil, ""},
		{"busted", sim.OrderFault{Correct: &zero}, "market", filled + ", exec 0 02, fees 02", nil, ""},
		{
			"in parts, at a pace",
			sim.OrderFault{Parts: 3, Pace: 30 * time.Millisecond},
			"market",
			"PreSubmitted 0, exec 2 01, Submitted 2, fees 01, exec 2 01, Filled 4, fees 01", nil, "",
		},
		{
			"stuck",
			sim.OrderFault{Early: true, Turn: sim.Turn{Status: "PendingSubmit"}},
			"market", "PendingSubmit 0, PendingSubmit 0", cancel, "Cancelled 0, error 202",
		},
		{
			"held",
			sim.OrderFault{Early: true, Turn: sim.Turn{Status: "PreSubmitted", Fixed: true}},
			"market", "PreSubmitted 0, PreSubmitted 0", rise(80), "",
		},
		{
			"filled while upstream is lost",
			sim.OrderFault{Lost: true},
			"market", resting,
			func(_ *testing.T, g *sim.Gateway, _ *recorder) {
				g.Notice(1100, "")
				g.Notice(1102, "")
			}, "exec 4 01, Filled 4, fees 01",
		},
		{
			"filled before it could be cancelled",
			sim.OrderFault{Lost: true},
			"market", resting,
			func(t *testing.T, g *sim.Gateway, r *recorder) {
				g.Notice(1100, "")
				cancel(t, g, r)
				waitFor(t, func() bool { return g.State().Orders[0].Status == "PendingCancel" })
				g.Notice(1102, "")
			}, "PendingCancel 0, exec 4 01, Filled 4, fees 01",
		},
		{
			"not affected by chance",
			sim.OrderFault{Share: 1e-12, Turn: sim.Turn{Code: 201, Status: "Cancelled"}},
			"market", filled, nil, "",
		},
		{
			"another symbol",
			sim.OrderFault{Symbol: "MSFT", Turn: sim.Turn{Code: 201, Status: "Cancelled"}},
			"market", filled, nil, "",
		},
		{
			"by reference",
			sim.OrderFault{Ref: "market", Turn: sim.Turn{Code: 10999}},
			"market", filled + ", error 10999", nil, "",
		},
	} {
		for _, version := range []int{176, 225} {
			t.Run(fmt.Sprintf("%s/%d", c.name, version), func(t *testing.T) {
				t.Parallel()
				g := still(t, sim.Config{ServerVersion: version})
				r := connect(t, g, 1)
				g.FaultOrders(c.fault)
				place(r, 1, c.ref)
				r.told(t, 1, 0, c.told)
				if from := r.len(); c.then != nil {
					c.then(t, g, r)
					r.told(t, 1, from, c.more)
				}
			})
		}
	}
}

func place(r *recorder, id int64, ref string) {
	o := limitOrder("BUY", "4", 90)
	if ref == "market" {
		o.LmtPrice = 101
	}
	o.OrderRef = ref
	r.client.PlaceOrder(id, stock("AAPL"), o)
}

// TestCutConnections ends the connection before and after an order, or a change, is taken, and fills an order that
// no one hears of.
func TestCutConnections(t *testing.T) {
	for _, version := range []int{176, 225} {
		g := still(t, sim.Config{ServerVersion: version})
		for n, f := range []sim.OrderFault{{CutBefore: true}, {Cut: true}} {
			r := connect(t, g, 1)
			g.FaultOrders(f)
			place(r, 1, "")
			r.byName(t, "closed", 0)
			if got := len(g.State().Orders); got != n || len(r.story(1, 0)) > 0 {
				t.Errorf("version %d, %+v: %d orders, told %q", version, f, got, r.story(1, 0))
			}
		}
		for n, f := range []sim.OrderFault{{Change: true, CutBefore: true}, {Change: true, Cut: true}} {
			r := connect(t, g, 1)
			g.FaultOrders(f)
			o := limitOrder("BUY", "9", 90)
			r.client.PlaceOrder(1, stock("AAPL"), o)
			r.byName(t, "closed", 0)
			if got := g.State().Orders[0].Quantity; got != []float64{4, 9}[n] {
				t.Errorf("version %d, %+v: %v", version, f, got)
			}
		}
		r := connect(t, g, 1)
		g.FaultOrders(sim.OrderFault{Away: true})
		place(r, 2, "market")
		r.told(t, 2, 0, resting)
		pin(t, g, 100)
		if o := g.State().Orders[1]; o.Filled != 0 {
			t.Errorf("%+v", o)
		}
		g.Drop()
		waitFor(t, func() bool { return g.State().Orders[1].Status == "Filled" })
		back := connect(t, g, 1)
		back.client.ReqExecutions(9, ibapi.NewExecutionFilter())
		if e, _ := back.byName(t, "execDetails", 0); e.exec.OrderID != 2 {
			t.Errorf("%+v", e.exec)
		}
	}
}

// TestOrderFaultByName arms faults with the control port and a script, as text.
func TestOrderFaultByName(t *testing.T) {
	g := still(t, sim.Config{Control: "127.0.0.1:0"})
	r := connect(t, g, 1)
	query := "symbol=AAPL&parts=2&pace=10ms&twice=true&share=1&correct=3"
	resp, err := http.Post("http://"+g.ControlAddr()+"/fault/order-fault?"+query, "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	place(r, 1, "market")
	r.told(t, 1, 0, "PreSubmitted 0, exec 2 01, Submitted 2, fees 01, exec 2 01, fees 01, "+
		"exec 2 01, Filled 4, fees 01, exec 2 01, fees 01, exec 3 02, fees 02")
	script, err := sim.ParseScript("at 0s order-fault ref=x early=true status=PreSubmitted fixed=true code=399")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.RunScript(script); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return slices.Contains(g.State().Faults, "order-fault") })
	from := r.len()
	place(r, 2, "x")
	r.told(t, 2, from, "error 399, PreSubmitted 0, PreSubmitted 0")
	for _, bad := range []string{"share=2", "pace=-1s", "correct=many", "cancel-late=soon", "parts=-1"} {
		key, value, _ := strings.Cut(bad, "=")
		if _, err := g.Do("order-fault", map[string]string{key: value}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestUnansweredByName leaves a request unanswered that is named, and positions.
func TestUnansweredByName(t *testing.T) {
	for _, version := range []int{176, 225} {
		g := still(t, sim.Config{ServerVersion: version})
		r := connect(t, g, 1)
		for _, q := range []sim.Question{sim.Positions, "reqAccountSummary"} {
			if err := g.LeaveUnanswered(q, 1); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			r.client.ReqPositions()
			r.client.ReqAccountSummary(3, "All", "NetLiquidation")
		}
		r.byName(t, "accountSummaryEnd", 0)
		if n := len(r.all("positionEnd")) + len(r.all("accountSummaryEnd")); n != 2 {
			t.Errorf("version %d: %d answers, want 2", version, n)
		}
		if err := g.LeaveUnanswered("reqNothing", 1); err == nil {
			t.Error("a request that does not exist is taken")
		}
	}
}
