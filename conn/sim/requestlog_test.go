package sim_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// asked calls GET /requests.
func asked(t *testing.T, g *sim.Gateway, query string) (status int, answer struct {
	OK       bool
	Count    int
	Error    string
	Requests []sim.Request
},
) {
	t.Helper()
	status, body := call(t, g, "GET", "/requests?"+query, "")
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return status, answer
}

// TestRequestLog has a client of each language place orders, and asserts what it sent.
func TestRequestLog(t *testing.T) {
	for _, version := range []int{176, 193, 225} {
		g := startSim(t, sim.Config{
			ServerVersion: version, Farms: []sim.Farm{}, Control: "127.0.0.1:0",
			TickRate: 0.01,
		})
		r := connect(t, g, 7)
		order := limitOrder("BUY", "10", 1.5)
		order.OrderRef = "mine"
		r.client.PlaceOrder(1, stock("AAPL"), order)
		r.await(t, "the order's status", 0, func(e event) bool { return e.name == "orderStatus" })
		for query, want := range map[string]int{
			"name=placeOrder": 200, "name=placeOrder&count=1": 200, "name=placeOrder&count=2": 417,
			"name=cancelOrder&count=0":            200,
			"name=placeOrder&at-least=1&client=7": 200, "name=placeOrder&at-least=1&client=8": 417,
			"name=placeOrder&at-most=0":          417,
			"name=startApi&count=1&connection=1": 200, "at-least=2": 200, "at-most=1": 417,
			"name=placeOrder&count=1&contract.symbol=AAPL&order.action=BUY&order.lmtPrice=1.5": 200,
			"name=placeOrder&count=1&order.totalQuantity=10&order.orderRef=mine":               200,
			"orderId=1&count=1": 200, "name=placeOrder&order.action=SELL&count=1": 417,
			"name=placeorder": 400, "order.acton=BUY": 400, "name=startApi&order.action=BUY": 400,
			"count=few": 400, "count=1&count=1": 400,
			"count=1&at-least=1": 400, "at-least=2&at-most=1": 400, "within=1h": 400, "limit=-1": 400,
		} {
			if status, a := asked(t, g, query); status != want || a.OK != (want == 200) || want != 200 &&
				a.Error == "" {
				t.Errorf("version %d: %s: %d %+v, want %d", version, query, status, a, want)
			}
		}
		_, a := asked(t, g, "name=placeOrder")
		if len(a.Requests) != 1 || a.Requests[0].ClientID != 7 || a.Requests[0].Version != version ||
			time.Since(a.Requests[0].At) > time.Hour {
			t.Fatalf("version %d: %+v", version, a)
		}
		if _, later := asked(t, g, url.Values{"since": {"9999"}}.Encode()); later.Count != 0 {
			t.Errorf("version %d: %+v", version, later)
		}
		r.client.PlaceOrder(2, stock("NOSUCH"), order)
		if status, a := asked(t, g, "name=placeOrder&count=2&within=5s"); status != 200 ||
			a.Requests[1].Refused != 200 {
			t.Errorf("version %d: %d %+v", version, status, a)
		}
		if got := g.Requests("placeOrder"); len(got) != 2 || !strings.Contains(string(got[1].Fields), "NOSUCH") {
			t.Errorf("version %d: %+v", version, got)
		}
		if _, a := asked(t, g, "limit=1"); a.Count < 3 || len(a.Requests) != 1 || a.Requests[0].Name != "placeOrder" {
			t.Errorf("version %d: the newest is %+v", version, a)
		}
		call(t, g, "DELETE", "/requests", "")
		if status, a := asked(t, g, "count=0"); status != 200 {
			t.Errorf("version %d: after deletion %+v", version, a)
		}
	}
}

// TestRequestLogIsBounded sends more than the log holds, and what cannot be read.
func TestRequestLogIsBounded(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1, ServerVersion: 176})
	w := ready(t, g, 176, 1)
	w.send(4711)
	w.errorCode(505)
	w.send(49, "x")
	w.errorCode(320)
	if all := g.Requests(""); len(all) != 3 || all[1].Name != "" || all[1].Refused != 505 ||
		all[2].Name != "reqCurrentTime" || all[2].Refused != 320 {
		t.Errorf("%+v", all)
	}
	for range 10_100 {
		w.write(w.text(14, 1, 2))
	}
	w.alive()
	if all := g.Requests(""); len(all) > 10_000 || len(all) < 9000 || all[len(all)-1].Seq != 10_104 {
		t.Errorf("%d requests, the last is %d", len(all), all[len(all)-1].Seq)
	}
}
