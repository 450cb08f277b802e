package rulebook

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

const breakout = `{
  "$schema": "./rules.schema.json",
  "rules": [
    {
      "name": "breakout",
      "instrument": {"symbol": "AAPL", "currency": "USD"},
      "conditions": [
        {"price": "last", "is": "crosses_up", "value": 230.5}
      ],
      "only": {"market_hours": true},
      "action": {
        "do": "order",
        "order": {
          "side": "BUY",
          "quantity": 100,
          "type": "LMT",
          "limit_offset": -0.05,
          "take_profit": {"offset": 2},
          "stop_loss": {"offset": -1.5}
        }
      }
    }
  ]
}
`

// told makes a rules file of single rules.
func told(list ...string) string { return `{"rules": [` + strings.Join(list, ", ") + `]}` }

func notify(name string) string {
	return `{"name": "` + name + `", "instrument": {"con_id": 1}, "conditions": [{"price": "mid", "is": "at_or_below", "value": 0}], "action": {"do": "notify"}}`
}

func TestParse(t *testing.T) {
	b := Parse("f", []byte(breakout))
	if b.Problems != nil || len(b.Rules) != 1 || b.Broken {
		t.Fatalf("%+v", b)
	}
	if text := string(Marshal(b.Rules)); text != breakout {
		t.Errorf("written as\n%s", text)
	}
	for _, text := range []string{`{}`, `{"rules": []}`, `{"$schema": "x"}`} {
		if b := Parse("f", []byte(text)); b.Problems != nil || len(b.Rules) > 0 || b.Broken {
			t.Errorf("%s: %+v", text, b)
		}
	}
	if b := Parse("f", []byte(told(strings.Replace(notify("a"), `"action"`, `"only": {"days": []}, "action"`,
		1)))); b.Problems != nil || b.Rules[0].Only != nil {
		t.Errorf("an empty only is dropped: %+v", b)
	}
}

func TestParseLeavesOutWhatIsWrong(t *testing.T) {
	many := make([]string, rules.MaxRules+2)
	for i := range many {
		many[i] = notify(fmt.Sprint("r", i))
	}
	many[7] = `{"nam": ""}`
	for name, c := range map[string]struct {
		text   string
		good   []string // names
		broken bool
		want   string // beginning of the first problem
	}{
		"one of three": {
			told(notify("a"), notify("b"), strings.Replace(notify("c"), `"mid"`, `"middle"`, 1), notify("d")),
			[]string{"a", "b", "d"},
			false,
			`f:1:358: rules[2].conditions[0].price: "middle" is not one of bid, ask, last, mid`,
		},
		"a relation": {
			told(strings.Replace(notify("a"), `notify`, `order`, 1), notify("b")),
			[]string{"b"},
			false, `f:1:122: rules[0].action.order: is missing`,
		},
		"one name": {
			told(notify("a"), notify("b"), notify("a")),
			[]string{"a", "b"},
			false,
			`f:1:291: rules[2].name: "a" is the name of a rule above`,
		},
		"name of a bad one": {
			told(strings.Replace(notify("a"), "mid", "?", 1), notify("a")), nil, false,
			`f:1:80: rules[0].conditions[0].price`,
		},
		"no name": {
			told(`{}`, notify("a")),
			[]string{"a"},
			false,
			`f:1:12: rules[0]: the key "name" is missing`,
		},
		"strange key": {`{"x": 1, ` + told(notify("a"))[1:], []string{"a"}, false, "f:1:2: x: unknown key"},
		"cut":         {`{"rules": [`, nil, true, "f:1:12: the file ends too early"},
		"no object":   {`[]`, nil, true, "f:1:1: needs an object"},
		"no list":     {`{"rules": {}}`, nil, true, "f:1:11: rules: needs a list"},
		"empty":       {"", nil, true, "f:1:1: the file is empty; write {} for no rules"},
		"huge": {
			strings.Repeat(" ", file.MaxSize) + "{}", nil, true,
			"f:1:1: the file is larger than 2048 KiB; this is no rules file",
		},
		"too many": {told(many...), nil, false, "f:1:11: rules: needs 0 to 1000 entries, found 1002"},
	} {
		b := Parse("f", []byte(c.text))
		var good []string
		for _, rule := range b.Rules {
			good = append(good, rule.Name)
		}
		if name == "too many" {
			if len(good) != rules.MaxRules-1 || slices.Contains(good, "r1000") || !slices.Contains(good, "r999") {
				t.Errorf("%s: %d good ones", name, len(good))
			}
			good = nil
		}
		if !slices.Equal(good, c.good) || b.Broken != c.broken || len(b.Problems) == 0 ||
			!strings.HasPrefix(b.Problems[0].String(), c.want) {
			t.Errorf("%s: %v, broken %v\n%v\nwant %s", name, good, b.Broken, b.Problems, c.want)
		}
	}
}

func TestRelations(t *testing.T) {
	const head = `{"name": "r", "instrument": {"symbol": "A"}, "conditions": [{"price": "last", "is": "at_or_above", "value": 1}], "action": {"do": "order", "order": `
	order := func(keys string) string { return head + `{"side": "BUY", "quantity": 1, ` + keys + `}}}` }
	sell := func(keys string) string { return head + `{"side": "SELL", "quantity": 1, ` + keys + `}}}` }
	only := func(keys string) string {
		return strings.Replace(notify("r"), `"action"`, `"only": {`+keys+`}, "action"`, 1)
	}
	condition := func(keys string) string {
		return strings.Replace(notify("r"), `"price": "mid", "is": "at_or_below"`, keys, 1)
	}
	for _, c := range []struct{ text, want string }{ // want: key and beginning of the text; empty if all is well
		{order(`"type": "MKT"`), ""},
		{order(`"type": "MKT", "limit_price": 1`), "action.order.limit_price: a MKT order does not use it"},
		{order(`"type": "MKT", "stop_offset": 1`), "action.order.stop_offset: a MKT order does not use it"},
		{order(`"type": "LMT", "limit_price": 0`), ""},
		{order(`"type": "LMT", "limit_offset": -1`), ""},
		{order(`"type": "LMT"`), `action.order: a LMT order needs "limit_price" or "limit_offset"`},
		{
			order(`"type": "LMT", "limit_price": 1, "limit_offset": 1`),
			`action.order.limit_offset: cannot be combined with "limit_price"`,
		},
		{
			order(`"type": "LMT", "limit_price": 1, "trail_amount": 1`),
			"action.order.trail_amount: a LMT order does not use it",
		},
		{order(`"type": "STP", "stop_price": 1`), ""},
		{order(`"type": "STP", "limit_price": 1`), "action.order: a STP order needs"},
		{order(`"type": "STP LMT", "stop_offset": 1, "limit_price": 1`), ""},
		{
			order(`"type": "STP LMT", "stop_offset": 1`),
			`action.order: a STP LMT order needs "limit_price" or "limit_offset"`,
		},
		{
			order(`"type": "STP LMT", "limit_offset": 1`),
			`action.order: a STP LMT order needs "stop_price" or "stop_offset"`,
		},
		{order(`"type": "TRAIL", "trail_percent": 1`), ""},
		{order(`"type": "TRAIL", "trail_percent": 0`), "action.order.trail_percent: has to be above 0"},
		{order(`"type": "TRAIL", "trail_amount": 0`), "action.order.trail_amount: has to be above 0"},
		{order(`"type": "TRAIL"`), "action.order: a TRAIL order needs"},
		{
			order(`"type": "TRAIL", "trail_amount": 1, "trail_percent": 1`),
			"action.order.trail_percent: cannot be combined with",
		},
		{order(`"type": "MKT", "take_profit": {"price": 2}, "stop_loss": {"price": 1}`), ""},
		{
			order(`"type": "MKT", "take_profit": {"price": 1}, "stop_loss": {"price": 1}`),
			"action.order.stop_loss.price: 1 is on the wrong side",
		},
		{
			sell(`"type": "MKT", "take_profit": {"price": 2}, "stop_loss": {"price": 1}`),
			"action.order.stop_loss.price: 1 is on the wrong side",
		},
		{sell(`"type": "MKT", "take_profit": {"price": 1}, "stop_loss": {"price": 2}`), ""},
		{order(`"type": "MKT", "take_profit": {}`), `action.order.take_profit: needs "price" or "offset"`},
		{
			order(`"type": "MKT", "stop_loss": {"price": 1, "offset": -1}`),
			`action.order.stop_loss.offset: cannot be combined with "price"`,
		},
		{order(`"type": "MKT", "take_profit": {"offset": 1}, "stop_loss": {"offset": -1}`), ""},
		{
			order(`"type": "MKT", "take_profit": {"offset": -1}`),
			"action.order.take_profit.offset: -1 has to be above 0 for a BUY",
		},
		{
			order(`"type": "MKT", "stop_loss": {"offset": 0}`),
			"action.order.stop_loss.offset: 0 has to be below 0 for a BUY",
		},
		{sell(`"type": "MKT", "take_profit": {"offset": -1}, "stop_loss": {"offset": 1}`), ""},
		{
			sell(`"type": "MKT", "take_profit": {"offset": 1}`),
			"action.order.take_profit.offset: 1 has to be below 0 for a SELL",
		},
		{
			sell(`"type": "MKT", "stop_loss": {"offset": -1}`),
			"action.order.stop_loss.offset: -1 has to be above 0 for a SELL",
		},
		{strings.Replace(order(`"type": "MKT"`), `"quantity": 1`, `"quantity": 0.0000001`, 1), ""},
		{
			strings.Replace(order(`"type": "MKT"`), `"quantity": 1`, `"quantity": 0.00000011`, 1),
			"action.order.quantity: 0.00000011 has more than 7 decimals",
		},
		{strings.Replace(order(`"type": "MKT"`), `"quantity": 1`, `"quantity": 1e9`, 1), ""},
		{
			strings.Replace(order(`"type": "MKT"`), `"order", `, `"notify", `, 1),
			`action.order: is only allowed with "do": "order"`,
		},
		{head[:len(head)-len(`, "order": `)] + `}}`, `action.order: is missing`},
		{strings.Replace(notify("r"), `"con_id": 1`, `"currency": "USD"`, 1), `instrument: needs "con_id" or "symbol"`},
		{
			strings.Replace(notify("r"), `"price": "mid"`, `"instrument": {}, "price": "mid"`, 1),
			`conditions[0].instrument: needs "con_id" or "symbol"`,
		},
		{condition(`"for_seconds": 3, "price": "bid", "is": "at_or_below"`), ""},
		{
			condition(`"for_seconds": 3, "price": "bid", "is": "crosses_up"`),
			"conditions[0].for_seconds: a crossing is a moment",
		},
		{condition(`"for_seconds": 0, "price": "bid", "is": "crosses_up"`), ""},
		{only(`"from": "09:30", "until": "16:00", "days": ["mon"], "timezone": "Local"`), ""},
		{only(`"from": "09:30"`), `only.from: "from" and "until" belong together`},
		{only(`"until": "09:30"`), `only.from: "from" and "until" belong together`},
		{only(`"market_hours": true, "days": ["mon"]`), `only.days: needs "from" and "until"`},
		{only(`"timezone": "Local"`), `only.timezone: needs "from" and "until"`},
	} {
		_, err := ParseRule("f", []byte(c.text))
		got := ""
		if problems, ok := errors.AsType[strict.Problems](err); ok {
			p := problems[0]
			got = p.Key + ": " + p.Text
			// It stands at the key, or at the object in which the key is missing, or at that key's neighbour.
			names := strings.FieldsFunc(p.Key, func(r rune) bool { return r == '.' || r == '[' })
			place := c.text[p.Column-1:]
			if !slices.ContainsFunc(names[max(len(names)-2, 0):], func(name string) bool {
				return strings.HasPrefix(place, `"`+name+`"`)
			}) && p.Key != "only.from" {
				t.Errorf("%s: stands at %.20s", got, place)
			}
		}
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestParseEndsSoonOnHostileFiles(t *testing.T) {
	for _, text := range []string{
		`{"rules": [` + strings.Repeat("0,", file.MaxSize/2-20) + "0]}",
		`{"rules": [{` + strings.Repeat(`"aaaaaaaaaaaaaaaaaaa":0,`, file.MaxSize/25) + `"x":0}]}`,
		strings.Repeat("[", file.MaxSize-1),
	} {
		start := time.Now()
		if b := Parse("f", []byte(text)); len(b.Problems) == 0 || len(b.Problems) > 20 || len(b.Rules) > 0 {
			t.Errorf("%.30s…: %d problems", text, len(b.Problems))
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%.30s…: took %v", text, took)
		}
	}
}

// anyRule draws a rule that is in order.
func anyRule(t *rapid.T, name string) rules.Rule {
	maybe := func(label string) bool { return rapid.Bool().Draw(t, label) }
	price := func(label string) *float64 {
		v := rapid.Float64Range(-1e9, 1e9).Draw(t, label)
		return &v
	}
	positive := func(label string, sign float64) *float64 {
		v := sign * rapid.Float64Range(1e-9, 100).Draw(t, label)
		return &v
	}
	either := func(label string, a, b **float64) {
		if maybe(label) {
			*a = price(label)
		} else {
			*b = price(label)
		}
	}
	instrument := func() rules.Instrument {
		if maybe("by id") {
			return rules.Instrument{ConID: rapid.Int64Range(1, math.MaxInt32).Draw(t, "id"), Exchange: "SMART"}
		}
		return rules.Instrument{
			Symbol: rapid.StringMatching(`[!-~]{1,40}`).Draw(t, "symbol"), Currency: "USD",
			Type:  rapid.SampledFrom([]string{"", "STK", "CASH", "FUT"}).Draw(t, "kind"),
			Local: rapid.StringMatching(`[ -~äé<&]{0,20}`).Draw(t, "local"),
		}
	}
	rule := rules.Rule{
		Name: name, Instrument: instrument(), Match: rapid.SampledFrom([]string{"", "all", "any"}).Draw(t, "match"),
		AllowDelayed: maybe("delayed"), CooldownSeconds: rapid.Float64Range(0, 604800).Draw(t, "cooldown"),
		Action: rules.Action{Do: "notify"},
	}
	for range rapid.IntRange(1, 10).Draw(t, "conditions") {
		c := rules.Condition{
			Price: rapid.SampledFrom([]string{"bid", "ask", "last", "mid"}).Draw(t, "price"),
			Is: rapid.SampledFrom([]string{"at_or_above", "at_or_below", "crosses_up", "crosses_down"}).Draw(t,
				"is"), Value: *price("value"),
		}
		if maybe("other") {
			in := instrument()
			c.Instrument = &in
		}
		if strings.HasPrefix(c.Is, "at_or") {
			c.ForSeconds = rapid.Float64Range(0, 86400).Draw(t, "for")
		}
		rule.Conditions = append(rule.Conditions, c)
	}
	if maybe("only") {
		rule.Only = &rules.Only{MarketHours: true}
		if maybe("from") {
			rule.Only = &rules.Only{
				MarketHours: maybe("hours"), From: "22:00", Until: "02:00",
				Timezone: rapid.SampledFrom([]string{"", "Local", "Europe/Zurich"}).Draw(t, "zone"),
			}
			if maybe("days") {
				rule.Only.Days = []string{"sun", "mon"}
			}
		}
	}
	if maybe("tell") {
		return rule
	}
	o := &rules.Order{
		Side:     rapid.SampledFrom([]string{"BUY", "SELL"}).Draw(t, "side"),
		Quantity: float64(rapid.Int64Range(1, 1e12).Draw(t, "quantity")) / 100,
		Type:     rapid.SampledFrom([]string{"MKT", "LMT", "STP", "STP LMT", "TRAIL"}).Draw(t, "type"),
		TIF:      rapid.SampledFrom([]string{"", "DAY", "GTC", "IOC"}).Draw(t, "tif"), OutsideHours: maybe("outside"),
	}
	if strings.HasSuffix(o.Type, "LMT") {
		either("limit", &o.LimitPrice, &o.LimitOffset)
	}
	if strings.HasPrefix(o.Type, "STP") {
		either("stop", &o.StopPrice, &o.StopOffset)
	}
	if o.Type == "TRAIL" {
		if o.TrailAmount = positive("amount", 1); maybe("percent") {
			o.TrailAmount, o.TrailPercent = nil, positive("percent", 1)
		}
	}
	sign := 1.0
	if o.Side == "SELL" {
		sign = -1
	}
	if maybe("profit") {
		if o.TakeProfit = (&rules.Exit{Price: price("profit")}); maybe("offset") {
			o.TakeProfit = &rules.Exit{Offset: positive("profit", sign)}
		}
	}
	if maybe("loss") {
		o.StopLoss = &rules.Exit{Offset: positive("loss", -sign)}
	}
	rule.Action = rules.Action{Do: "order", Order: o}
	return rule
}

func TestMarshalKeepsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zÄé<&"\\]{1,60}`), 0, 5, rapid.ID[string]).Draw(t,
			"names")
		var list []rules.Rule
		for _, name := range names {
			list = append(list, anyRule(t, name))
		}
		text := Marshal(list)
		b := Parse("f", text)
		if b.Problems != nil || b.Broken || !reflect.DeepEqual(b.Rules, list) {
			t.Fatalf("%v: became %+v in\n%s", b.Problems, b.Rules, text)
		}
		for _, rule := range list {
			if said := Text(rule); strings.ContainsAny(said, "\n\r") || !strings.HasPrefix(said, "When ") {
				t.Errorf("said %q", said)
			}
		}
	})
}

func FuzzBook(f *testing.F) {
	f.Add([]byte(breakout))
	f.Add([]byte(told(notify("a"), notify("a"), `{"name": "\u0000"}`, `7`)))
	f.Add([]byte("\xef\xbb\xbf" + told(strings.Replace(notify("a"), `"action"`,
		"\r\n"+`"only": {"from": "09:30", "days": []}, "match": "any", "action"`, 1))))
	for _, c := range []string{
		`"STP LMT", "stop_price": -1e8, "limit_offset": -0`, `"TRAIL", "trail_percent": 1e-300`,
		`"LMT", "limit_price": null`,
	} {
		f.Add([]byte(strings.Replace(breakout, `"LMT", "limit_offset": -0.05`, c, 1)))
		f.Add([]byte(strings.Replace(breakout, `"LMT"`, c, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := Parse("f", data)
		again := Parse("f", Marshal(b.Rules))
		if again.Problems != nil || !reflect.DeepEqual(again.Rules, b.Rules) {
			t.Fatalf("%v: %+v became %+v", again.Problems, b.Rules, again.Rules)
		}
		for _, rule := range b.Rules {
			if text := Text(rule); strings.ContainsAny(text, "\n\r\x00\x1b") {
				t.Fatalf("said %q", text)
			}
		}
		if b.Broken && len(b.Rules) > 0 || b.Broken && len(b.Problems) == 0 {
			t.Fatalf("broken, with %+v", b)
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\xef\xbb\xbf"), "\n")
		_, err := ParseRule("f", data)
		var problems strict.Problems
		errors.As(err, &problems)
		for _, p := range append(problems, b.Problems...) {
			if p.Text == "" || p.Line < 1 || p.Line > len(lines) || p.Column < 1 ||
				p.Column > len([]rune(lines[p.Line-1]))+1 {
				t.Fatalf("%v lies outside the file", p)
			}
			if strings.ContainsAny(p.String(), "\n\r\x00\x1b") {
				t.Fatalf("%q spans lines", p)
			}
		}
	})
}
