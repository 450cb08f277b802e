package rulebook

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSave(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "new", "rules.json")
	if b, found, err := Load(path); found || err != nil || len(b.Rules) > 0 || b.Broken {
		t.Errorf("without a file: %+v, %v, %v", b, found, err)
	}
	list := Parse("f", []byte(breakout)).Rules
	if err := Save(path, list); err != nil {
		t.Fatal(err)
	}
	if b, found, err := Load(path); !found || err != nil || !reflect.DeepEqual(b.Rules, list) {
		t.Errorf("reloaded: %+v, %v, %v", b, found, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if b, found, err := Load(folder); !found || err == nil || !b.Broken {
		t.Errorf("a folder: %+v, %v, %v", b, found, err)
	}

	// What could not be loaded is not saved.
	nan := list[0]
	nan.CooldownSeconds = math.NaN()
	bad := list[0]
	bad.Name = "\n"
	for _, refused := range [][]rules.Rule{{list[0], list[0]}, {bad}, {nan}, {{}}} {
		var problems strict.Problems
		if err := Save(path, refused); !errors.As(err, &problems) {
			t.Errorf("saved %+v: %v", refused, err)
		}
	}
	if b, _, _ := Load(path); !reflect.DeepEqual(b.Rules, list) {
		t.Errorf("after a refused save: %+v", b)
	}
}

func TestWriteSchema(t *testing.T) {
	folder := t.TempDir()
	if err := WriteSchema(folder); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "rules.schema.json")); err != nil ||
		string(got) != string(schema) {
		t.Errorf("schema: %v", err)
	}
}

// TestWatch goes through a real file, and then through what a file can become.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(path, []byte(told(notify("a"))), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	news := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		Watch(ctx, path, func() { news <- nil }, func(err error) { news <- err })
		close(done)
	}()
	expect := func(want error) {
		t.Helper()
		select {
		case err := <-news:
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing told")
		}
	}
	expect(nil)
	if err := Save(path, Parse("f", []byte(told(notify("b")))).Rules); err != nil {
		t.Fatal(err)
	}
	expect(nil)
	if b, found, err := Load(path); !found || err != nil || len(b.Rules) != 1 || b.Rules[0].Name != "b" {
		t.Errorf("%+v, %v, %v", b, found, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect(fs.ErrNotExist)
	cancel()
	<-done
}

func TestText(t *testing.T) {
	rule := func(text string) rules.Rule {
		t.Helper()
		r, err := ParseRule("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	with := func(old, now string) rules.Rule {
		t.Helper()
		b := Parse("f", []byte(strings.Replace(breakout, old, now, 1)))
		if b.Problems != nil {
			t.Fatal(b.Problems)
		}
		return b.Rules[0]
	}
	const plain = `"limit_offset": -0.05`
	for _, c := range []struct {
		rule rules.Rule
		want string
	}{
		{with("", ""), "When AAPL last crosses up 230.5, for market hours only: BUY 100 LMT 0.05 below, take profit " +
			"2 above, stop 1.5 below; once."},
		{
			with(`"LMT",`, `"STP LMT", "stop_price": 231, "tif": "GTC", "outside_hours": true,`),
			"When AAPL last crosses up 230.5, for market hours only: BUY 100 STP LMT stop 231, limit 0.05 below GTC, " +
				"also outside regular hours, take profit 2 above, stop 1.5 below; once.",
		},
		{with(`"LMT",`+"\n          "+plain, `"TRAIL", "trail_percent": 1.5`), "When AAPL last crosses up 230.5, for " +
			"market hours only: BUY 100 TRAIL by 1.5%, take profit 2 above, stop 1.5 below; once."},
		{with(`"LMT",`+"\n          "+plain, `"TRAIL", "trail_amount": 1e-7`), "When AAPL last crosses up 230.5, for " +
			"market hours only: BUY 100 TRAIL by 0.0000001, take profit 2 above, stop 1.5 below; once."},
		{with(`"LMT",`+"\n          "+plain, `"STP", "stop_offset": 0`), "When AAPL last crosses up 230.5, for " +
			"market hours only: BUY 100 STP at the same price, take profit 2 above, stop 1.5 below; once."},
		{
			with(`{"price": "last", "is"`,
				`{"instrument": {"symbol": "EUR", "type": "CASH", "currency": "USD"}, "price": "last", "is"`),
			"When EUR.USD last crosses up 230.5, for market hours only: BUY 100 AAPL LMT 0.05 below, take profit 2 " +
				"above, stop 1.5 below; once.",
		},
		{
			rule(`{"name": "x", "instrument": {"symbol": "ES", "type": "FUT"}, "match": "any", "allow_delayed": true, "cooldown_seconds": 300,
				"conditions": [{"price": "bid", "is": "at_or_above", "value": 6000, "for_seconds": 5}, {"instrument": {"con_id": 7}, "price": "mid", "is": "crosses_down", "value": -1},
				{"instrument": {"symbol": "ES", "local_symbol": "ESZ6"}, "price": "ask", "is": "at_or_below", "value": 0}],
				"only": {"market_hours": true, "from": "22:00", "until": "02:00", "timezone": "Europe/Zurich", "days": ["mon", "tue"]}, "action": {"do": "notify"}}`),
			"When ES FUT bid is at or above 6000 for 5 s or contract 7 mid crosses down -1 or ESZ6 ask is at " +
				"or below 0, for market hours only and only from 22:00 to 02:00 Europe/Zurich on mon, tue, on " +
				"delayed prices too: notify; again after at least 300 s.",
		},
	} {
		if got := Text(c.rule); got != c.want {
			t.Errorf(" got %s\nwant %s", got, c.want)
		}
	}
	Text(rules.Rule{}) // must not panic
}
