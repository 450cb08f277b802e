package rulebook

import (
	"reflect"
	"strings"
	"testing"

	"gatewatch/app/strict"
	"gatewatch/app/strict/stricttest"
	"gatewatch/engine/rules"
)

// TestGenerated holds the schema to the Go types; with -update it writes it.
func TestGenerated(t *testing.T) {
	preset := content{Schema: SchemaRef, Rules: []rules.Rule{}}
	stricttest.Golden(t, "rules.schema.json", stricttest.Schema(t, "Gatewatch rules", preset))
}

func TestEveryKeyHasLimits(t *testing.T) {
	stricttest.EveryKeyHasLimits(t, reflect.TypeFor[content]())
	if f := strict.Fields(reflect.TypeFor[content]())[1]; f.Limits.MaxItems != rules.MaxRules {
		t.Errorf("the list takes %d rules, want %d", f.Limits.MaxItems, rules.MaxRules)
	}
}

// TestSchemaAgrees feeds the same rules to the reader and to the schema.
func TestSchemaAgrees(t *testing.T) {
	for _, c := range []struct {
		old, now string
		want     bool
	}{
		{"", "", true},
		{`"price": "last", `, ``, false},
		{`"value": 230.5`, `"value": "230.5"`, false},
		{`"value": 230.5`, `"value": 1e10`, false},
		{`"value": 230.5`, `"value": 230.5, "for": 1`, false},
		{`"AAPL"`, `"A APL"`, false},
		{`"AAPL"`, `""`, false},
		{`"AAPL"`, `"AAPL", "con_id": 1.5`, false},
		{`"name": "breakout"`, `"name": ""`, false},
		{`"BUY"`, `"buy"`, false},
		{`"quantity": 100`, `"quantity": 0`, false},
		{`"offset": 2`, `"offset": null`, false},
		{`"market_hours": true`, `"days": ["mon", "mon"]`, false},
		{`"market_hours": true`, `"from": "09:30", "until": "16:00", "days": ["mon", "tue"]`, true},
	} {
		text := strings.Replace(breakout, c.old, c.now, 1)
		if breach := stricttest.Breach(t, schema, text); (breach == "") != c.want {
			t.Errorf("schema with %s: %q, want valid %v", c.now, breach, c.want)
		}
		if b := Parse("f", []byte(text)); (b.Problems == nil) != c.want {
			t.Errorf("reader with %s: %v, want valid %v", c.now, b.Problems, c.want)
		}
	}
}
