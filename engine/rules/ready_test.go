package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn"
	"gatewatch/engine"
)

// written returns what is written down of a rule.
func (b *bench) written(name string) (r record) {
	b.t.Helper()
	notes, err := b.ledger.Notes()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(notes[notePrefix+name], &r); err != nil {
		b.t.Fatal(err)
	}
	return r
}

// armedBefore has trading be armed in another run of the computer, as the next start finds it on the disk.
func (b *bench) armedBefore() {
	b.t.Helper()
	db, err := bbolt.Open(b.path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("armed"), []byte("another boot"))
	}); err != nil {
		b.t.Fatal(err)
	}
}

// TestReady has the orders of rules be written down before they are wanted, and be sent under those references.
func TestReady(t *testing.T) {
	b := newBench(t)
	g, s := b.trade()
	price, offset := 95.0, -1.0
	whole := with(order("whole", Order{Side: "BUY", Quantity: 2, Type: "LMT", LimitOffset: &offset, TakeProfit: &Exit{Price: p(120)}, StopLoss: &Exit{Offset: &offset}}), func(r *Rule) { r.CooldownSeconds = 60 })
	torn := order("torn", Order{Side: "SELL", Quantity: 1, Type: "LMT", LimitPrice: &price, StopLoss: &Exit{Price: p(0)}}) // an exit that cannot be sent
	torn.Conditions[0].Value = 200
	tell := notify("tell", "last", "at_or_above", 1e6)
	b.put(whole, torn, tell)
	b.instruments()
	b.set.OnBegin(s)
	ready := b.written("whole").Ready
	if len(ready) != 3 || len(b.written("torn").Ready) != 2 || len(b.written("tell").Ready) != 0 {
		t.Fatalf("%+v", ready)
	}
	if first := ready[0]; first.Contract.Symbol != "AAPL" || first.Quantity != 2 || first.Side != conn.Buy || first.LimitPrice != 0 || first.Ref == "" {
		t.Errorf("%+v", first)
	}
	if ready[1].LimitPrice != 120 || ready[1].Side != conn.Sell || ready[2].StopPrice != 0 {
		t.Errorf("%+v", ready)
	}
	refs := func(orders []conn.Order) (list []string) {
		for _, o := range orders {
			list = append(list, o.Ref)
		}
		return list
	}
	sent := func(rule string) (list []conn.Order) {
		for _, i := range b.ledger.Intents() {
			if i.Rule == rule {
				list = append(list, i.Order)
			}
		}
		return list
	}
	if fired := b.tick("AAPL last 100"); fired != "whole" {
		t.Fatalf("%q", fired)
	}
	orders := sent("whole")
	if !slices.Equal(refs(orders), refs(ready)) || orders[0].LimitPrice != 99 || orders[1].LimitPrice != 120 || orders[2].StopPrice != 99 {
		t.Errorf("%+v, written down: %+v", orders, ready)
	}
	if n := arrived(t, g, s); n != 3 {
		t.Errorf("%d orders", n)
	}
	if r := b.written("whole"); r.State != Triggered || len(r.Ready) != 0 {
		t.Errorf("%+v", r)
	}
	// When its cooldown is over it is ready anew.
	for _, i := range b.ledger.Intents() {
		i.Fate = engine.Filled
		b.set.OnOrder(i)
	}
	b.age(time.Minute)
	b.set.OnTime(b.now)
	again := b.written("whole")
	if again.State != Active || len(again.Ready) != 3 || slices.Contains(refs(ready), again.Ready[0].Ref) {
		t.Errorf("%+v", again)
	}
	// References that were used for what came apart are not used again; those of an order that was not even written down are.
	ready = b.written("torn").Ready
	if fired := b.tick("AAPL last 99", "AAPL last 200"); fired != "whole torn!" {
		t.Fatalf("%q", fired)
	}
	if orders := sent("torn"); !slices.Equal(refs(orders), refs(ready)) {
		t.Errorf("%+v, written down: %+v", orders, ready)
	}
	r := b.written("torn")
	if r.State != Active || len(r.Ready) != 2 || slices.Contains(refs(ready), r.Ready[0].Ref) || slices.Contains(refs(ready), r.Ready[1].Ref) {
		t.Errorf("%+v", r)
	}
	b.desk.Disarm()
	if fired := b.tick("AAPL last 99", "AAPL last 200"); fired != "torn!" {
		t.Fatalf("%q", fired)
	}
	if now := b.written("torn"); !slices.Equal(refs(now.Ready), refs(r.Ready)) {
		t.Errorf("%+v", now)
	}
}

// TestNotReady has a rule become active again when the disk takes nothing: its order is not ready, since its references are not there.
func TestNotReady(t *testing.T) {
	b := newBench(t)
	_, s := b.trade()
	b.put(with(order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}), func(r *Rule) { r.CooldownSeconds = 60 }))
	b.instruments()
	b.set.OnBegin(s)
	if fired := b.tick("AAPL last 100"); fired != "r" {
		t.Fatalf("%q", fired)
	}
	i := b.ledger.Intents()[0]
	i.Fate = engine.Filled
	b.set.OnOrder(i)
	b.age(time.Minute)
	b.ledger.Close()
	b.set.OnTime(b.now)
	if e := b.set.entries[0]; e.State != Active || len(e.Ready) != 0 {
		t.Errorf("%s, %+v", e.State, e.Ready)
	}
}

// TestComputerWentDown has a computer go down when a rule has just fired, and nothing of that is on its disk: rules that could fire
// are stopped, and the order is found.
func TestComputerWentDown(t *testing.T) {
	b := newBench(t)
	g, s := b.trade()
	fires := order("fires", Order{Side: "BUY", Quantity: 3, Type: "LMT", LimitPrice: p(90)})
	waits := order("waits", Order{Side: "BUY", Quantity: 1, Type: "MKT"})
	waits.Conditions[0].Value = 1e6
	tells := notify("tells", "last", "at_or_above", 1e6)
	drafted := order("drafted", Order{Side: "BUY", Quantity: 1, Type: "MKT"})
	rules := []Rule{fires, waits, tells, drafted}
	b.put(fires, waits, tells)
	if err := b.set.Put(rules); err != nil {
		t.Fatal(err)
	}
	b.instruments()
	b.set.OnBegin(s)
	before, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if fired := b.tick("AAPL last 100"); fired != "fires" {
		t.Fatalf("%q", fired)
	}
	if n := arrived(t, g, s); n != 1 {
		t.Fatalf("%d orders", n)
	}
	lost := b.ledger.Intents()[0]
	b.ledger.Close()

	b.path = filepath.Join(t.TempDir(), "orders.db")
	if err := os.WriteFile(b.path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	b.armedBefore()
	b.reports = nil
	for start := range 3 {
		b.restart()
		if err := b.set.Put(rules); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]State{"fires": Failed, "waits": Failed, "tells": Active, "drafted": Draft} {
			v := b.view(name)
			if v.State != want || v.State == Failed && (v.Reason != FailedWentDown || v.Since.IsZero()) {
				t.Errorf("start %d: %s: %+v", start, name, v)
			}
		}
		told := map[string]bool{}
		for _, r := range b.reports {
			if r.Kind != engine.ReportFailed || r.Reason != FailedWentDown || r.At.IsZero() {
				t.Errorf("%+v", r)
			}
			told[r.Rule] = true
		}
		if len(b.reports) != 2 || len(told) != 2 {
			t.Errorf("start %d: %+v", start, b.reports)
		}
	}
	if b.ledger.WentDown() {
		t.Error("it goes on for ever")
	}
	b.desk.Arm()
	if err := b.ledger.Reconcile(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	list := b.ledger.Intents()
	if len(list) != 1 || list[0].Order.Ref != lost.Order.Ref || list[0].ID != lost.ID || list[0].Rule != "fires" || list[0].Fate != engine.Working ||
		list[0].Order.Contract != lost.Order.Contract || list[0].Order.LimitPrice != 90 || list[0].Order.Quantity != 3 || list[0].Multiplier != 1 || list[0].At.IsZero() {
		t.Errorf("%+v, it was %+v", list, lost)
	}
	b.set.OnOrder(list[0])
	if v := b.view("fires"); v.State != Failed {
		t.Errorf("%+v", v)
	}
	// Activated anew it is a rule as it was, and the order is none of its own.
	b.put(rules[:3]...)
	if err := b.set.Put(rules); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.desk.Arm()
	if err := b.set.Put(rules); err != nil {
		t.Fatal(err)
	}
	if v := b.view("fires"); v.State != Active || v.Fired != 0 {
		t.Errorf("%+v", v)
	}
	b.instruments()
	b.set.OnBegin(s)
	if fired := b.tick("AAPL last 100"); fired != "fires" {
		t.Errorf("%q", fired)
	}
	if n := arrived(t, g, s); n != 2 {
		t.Errorf("%d orders", n)
	}
}

// TestStoppedWhereTheDiskRefuses cannot write down that a rule was stopped: it is stopped all the same, at each start.
func TestStoppedWhereTheDiskRefuses(t *testing.T) {
	b := newBench(t)
	b.put(order("r", Order{Side: "BUY", Quantity: 1, Type: "MKT"}))
	odd := b.set.notes
	odd["rule/odd"], odd["rule/none"], odd["other"] = []byte("{"), []byte(`{"state":"active","ready":[{}],"contracts":[null]}`), []byte("x")
	if err := b.ledger.Note(odd); err != nil {
		t.Fatal(err)
	}
	b.ledger.Close()
	b.armedBefore()
	b.restart()
	b.ledger.Close() // nothing more can be written down
	set := &Set{cfg: b.set.cfg, notes: odd}
	before := len(b.reports)
	set.lookBack()
	var r record
	if err := json.Unmarshal(set.notes["rule/r"], &r); err != nil || r.State != Failed || r.Reason != FailedWentDown {
		t.Errorf("%+v, %v", r, err)
	}
	if len(b.reports) != before+1 {
		t.Errorf("%+v", b.reports[before:])
	}
}
