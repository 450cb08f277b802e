package sim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"gatewatch/conn/sim"
)

const twoAccounts = `{
  "accounts": [
    {"id": "DU1111111", "cash": 50000,
     "positions": [{"symbol": "AAPL", "quantity": 100, "average_cost": 190.5}, {"symbol": "ACME", "quantity": -20}],
     "orders": [{"client_id": 1, "order_id": 12, "order_ref": "bot-12", "symbol": "MSFT", "action": "BUY", "quantity": 10,
       "limit": 300}]},
    {"id": "DU2222222", "orders": [
      {"client_id": 1, "order_id": 13, "symbol": "AAPL", "action": "SELL", "type": "STP", "quantity": 5, "stop": 100,
       "tif": "DAY"}]}
  ],
  "instruments": [{"symbol": "AAPL", "price": 200}, {"symbol": "ACME", "price": 12.34, "name": "ACME CORP"}]
}`

// TestInitial has a client of each language see what the file says.
func TestInitial(t *testing.T) {
	in, err := sim.ParseInitial([]byte(twoAccounts))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{176, 225} {
		g := startSim(t, sim.Config{Initial: in, ServerVersion: version, Farms: []sim.Farm{}, TickRate: 0.001})
		r := connect(t, g, 1)
		if e, _ := r.byName(t, "managedAccounts", 0); strings.Join(e.list, ",") != "DU1111111,DU2222222" {
			t.Errorf("accounts %v", e.list)
		}
		if e, _ := r.byName(t, "nextValidId", 0); e.id != 14 {
			t.Errorf("next order id %d", e.id)
		}
		r.client.ReqPositions()
		r.byName(t, "positionEnd", 0)
		var held []string
		for _, e := range r.all("position") {
			held = append(held, fmt.Sprint(e.text, " ", e.contract.Symbol, " ", e.list[0], " at ", e.price))
		}
		if got := strings.Join(held, ", "); got != "DU1111111 AAPL 100 at 190.5, DU1111111 ACME -20 at 12.34" {
			t.Errorf("version %d: positions %s", version, got)
		}
		r.client.ReqAllOpenOrders()
		r.byName(t, "openOrderEnd", 0)
		var open []string
		for _, e := range r.all("openOrder") {
			open = append(open, fmt.Sprint(e.id, " ", e.order.Account, " ", e.order.Action, " ", e.order.OrderType, " ",
				e.order.TotalQuantity, " ", e.contract.Symbol, " ", e.order.TIF, " ", e.order.OrderRef))
		}
		const want = "12 DU1111111 BUY LMT 10 MSFT GTC bot-12, 13 DU2222222 SELL STP 5 AAPL DAY "
		if got := strings.Join(open, ", "); got != want {
			t.Errorf("version %d: orders %s", version, got)
		}
		r.client.ReqAccountSummary(1, "All", "TotalCashValue,NetLiquidation")
		r.byName(t, "accountSummaryEnd", 0)
		cash := map[string]string{}
		for _, e := range r.all("accountSummary") {
			cash[e.list[0]+" "+e.list[1]] = e.list[2]
		}
		if cash["DU1111111 TotalCashValue"] != "50000.00" || cash["DU2222222 NetLiquidation"] != "1000000.00" {
			t.Errorf("version %d: %v", version, cash)
		}
		r.client.ReqContractDetails(2, stock("ACME"))
		if e, _ := r.byName(t, "contractDetails", 0); len(e.details.SecIDList) != 0 ||
			e.details.Contract.ConID != 900_000_002 || e.details.Contract.PrimaryExchange != "NASDAQ" {
			t.Errorf("version %d: details %+v", version, e.details)
		}
		if n := g.State().Counters.Orders; n != 0 {
			t.Errorf("%d orders are counted as placed", n)
		}
	}
}

// TestInitialExample begins with what docs/simulator-for-bots.md shows.
func TestInitialExample(t *testing.T) {
	docs, err := os.ReadFile("../../docs/simulator-for-bots.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(docs), "```json\n")
	text, _, ok := strings.Cut(text, "```")
	in, err := sim.ParseInitial([]byte(text))
	if err != nil || !ok {
		t.Fatal(err)
	}
	g := startSim(t, sim.Config{Initial: in})
	if n := len(g.State().Orders); n != 2 {
		t.Errorf("%d orders", n)
	}
}

func TestInitialRefuses(t *testing.T) {
	account := func(rest string) string { return `{"accounts": [{"id": "DU1", ` + rest + `}]}` }
	order := func(rest string) string {
		return account(`"orders": [{"order_id": 1, "symbol": "AAPL", "action": "BUY", "quantity": 1` + rest + `}]`)
	}
	for _, c := range []struct{ text, want string }{
		{"", "line 1: the file is empty"},
		{"{\n\"accounts\": [\n{]}", "line 3"},
		{"{} {}", "more than one"},
		{`{"account": []}`, `"account"`},
		{"{\n\n\"accounts\": {}}", "line 3: accounts"},
		{`{"accounts": [{"id": "du1"}]}`, "accounts[0].id"},
		{`{"accounts": [{"id": "D,U"}]}`, "accounts[0].id"},
		{account(`"cash": "much"`), "cash"},
		{account(`"cash": 1e300`), "accounts[0].cash"},
		{
			account(`"positions": [{"symbol": "XX", "quantity": 1}]`),
			`accounts[0].positions[0].symbol: unknown symbol "XX"`,
		},
		{account(`"positions": [{"symbol": "KO"}]`), "accounts[0].positions[0].quantity"},
		{account(`"positions": [{"symbol":"KO","quantity":1},{"symbol":"KO","quantity":1}]`), "positions[1].symbol"},
		{account(`"positions": [{"symbol": "KO", "quantity": 1, "average_cost": 1e10}]`), "average_cost"},
		{account(`"orders": [{"symbol": "AAPL", "action": "BUY", "quantity": 1}]`), "accounts[0].orders[0].order_id"},
		{order(`, "action": "HOLD"`), "accounts[0].orders[0].action"},
		{order(`, "quantity": -1`), "orders[0].quantity"},
		{order(`, "symbol": "NOPE"`), "orders[0].symbol"},
		{order(`, "client_id": -1`), "orders[0].client_id"},
		{order(`, "limit": 1.234`), "orders[0].symbol AAPL: refused with 110"},
		{order(`, "type": "MAGIC", "limit": 1`), "refused with"},
		{`{"accounts": [{"id": "DU1"}, {"id": "DU1"}]}`, "accounts[1].id"},
		{`{"instruments": [{"symbol": "AAPL"}]}`, "instruments[0].price"},
		{`{"instruments": [{"symbol": "AAPL", "price": 0.001}]}`, "instruments[0].price: 0.001 is less than 0.01"},
		{`{"instruments": [{"price": 1}]}`, "instruments[0].symbol"},
		{`{"instruments": [{"symbol": "AAPL", "price": 1, "con_id": 5}]}`, "instruments[0]"},
		{`{"instruments": [{"symbol": "NEW", "price": 1, "con_id": 265598}]}`, "instruments[0].con_id"},
		{`{"instruments": [{"symbol": "NEW", "price": 1}, {"symbol": "NEW", "price": 2}]}`, "instruments[1].symbol"},
		{`{"accounts": [{"id": "DU1", "orders": [{"order_id": 1.5}]}]}`, "order_id"},
		{`{"accounts": [{"id": "DU1", "orders": [{"order_id": 99999999999}]}]}`, "order_id"},
		{strings.Repeat(`{"accounts":[`, 100), "line 1"},
	} {
		in, err := sim.ParseInitial([]byte(c.text))
		if err == nil {
			var g *sim.Gateway
			if g, err = sim.Start(t.Context(), sim.Config{Initial: in}); err == nil {
				_ = g.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
	in, _ := sim.ParseInitial([]byte(twoAccounts))
	if _, err := sim.Start(t.Context(), sim.Config{Initial: in, Accounts: []string{"DU3"}}); err == nil {
		t.Error("accounts can be named twice")
	}
}
