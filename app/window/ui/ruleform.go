package ui

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

// ruleDraft is what is in the editor of a rule: a text for each path, such as "action.order.side", and for each
// condition the same. Of what need not be there as a whole, the path itself has "true" if it is.
type ruleDraft struct {
	texts      map[string]string
	conditions []map[string]string
}

var conditionsType = reflect.TypeFor[[]rules.Condition]()

// unsaid is what a key means that is not there, by its path.
var unsaid = map[string]string{"instrument.type": "STK", "action.order.tif": "DAY", "match": "all"}

// start is what an order starts from that is not there yet, by the path.
var start = map[string]string{"action.order.side": "BUY", "action.order.type": "LMT"}

// newRule is where a new rule starts.
func newRule() ruleDraft {
	d := ruleDraftOf(rules.Rule{Action: rules.Action{Do: "notify"}})
	d.conditions = append(d.conditions, newCondition())
	return d
}

// newCondition is where a new condition starts.
func newCondition() map[string]string {
	texts := map[string]string{}
	scatter(reflect.ValueOf(rules.Condition{Price: "last", Is: "at_or_below"}), "", texts)
	texts["value"] = "" // no one has said 0
	return texts
}

// ruleDraftOf returns the editor's content for a rule.
func ruleDraftOf(r rules.Rule) ruleDraft {
	d := ruleDraft{texts: map[string]string{}}
	scatter(reflect.ValueOf(r), "", d.texts)
	delete(d.texts, "conditions")
	for _, c := range r.Conditions {
		texts := map[string]string{}
		scatter(reflect.ValueOf(c), "", texts)
		d.conditions = append(d.conditions, texts)
	}
	return d
}

// scatter puts a text for each key of a struct below the path into texts; of one that is not there, those that it
// starts with.
func scatter(v reflect.Value, path string, texts map[string]string) {
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		at, f := below(path, key), v.Field(i)
		if f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct {
			texts[at] = strconv.FormatBool(!f.IsNil())
			if f.IsNil() {
				f = reflect.New(f.Type().Elem())
			}
			f = f.Elem()
		}
		switch f.Kind() {
		case reflect.Struct:
			scatter(f, at, texts)
		case reflect.Pointer:
			texts[at] = ""
			if !f.IsNil() {
				texts[at] = fieldNumber(f.Elem().Float())
			}
		case reflect.Float64:
			texts[at] = fieldNumber(f.Float())
			if f.Float() == 0 && key != "value" {
				texts[at] = ""
			}
		case reflect.Int64:
			texts[at] = ""
			if f.Int() != 0 {
				texts[at] = strconv.FormatInt(f.Int(), 10)
			}
		case reflect.Bool:
			texts[at] = strconv.FormatBool(f.Bool())
		case reflect.String:
			texts[at] = f.String()
			if f.String() == "" {
				texts[at] = unsaid[at] + start[at]
			}
		case reflect.Slice:
			if list, ok := f.Interface().([]string); ok {
				texts[at] = strings.Join(list, ", ")
			}
		}
	}
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// equal reports whether two drafts say the same.
func (d ruleDraft) equal(o ruleDraft) bool {
	return maps.Equal(d.texts, o.texts) && slices.EqualFunc(d.conditions, o.conditions, maps.Equal)
}

// rule returns the rule that the editor says, or what is wrong with it, by key. Whatever does not apply is left out.
func (d ruleDraft) rule() (r rules.Rule, problems settings.Problems) {
	g := gatherer{texts: d.texts, applies: func(path string) bool { return applies(d.texts, path) }}
	g.object(reflect.ValueOf(&r).Elem(), "")
	problems = g.problems
	if len(d.conditions) < 2 {
		r.Match = ""
	}
	for i, texts := range d.conditions {
		c := gatherer{texts: texts, prefix: fmt.Sprintf("conditions[%d].", i), applies: func(path string) bool {
			return conditionApplies(texts, path)
		}}
		var one rules.Condition
		c.object(reflect.ValueOf(&one).Elem(), "")
		r.Conditions = append(r.Conditions, one)
		problems = append(problems, c.problems...)
	}
	if len(d.conditions) == 0 {
		problems = append(problems, settings.Problem{Key: "conditions", Text: "a condition is missing"})
	}
	return r, append(problems, d.missing()...)
}

// missing returns what a rule needs beside the keys that are always required.
func (d ruleDraft) missing() (problems settings.Problems) {
	need := func(key, text string) {
		problems = append(problems, settings.Problem{Key: key, Text: text})
	}
	instrument := func(texts map[string]string, prefix, path string) {
		if strings.TrimSpace(texts[below(path, "symbol")]+texts[below(path, "con_id")]+
			texts[below(path, "local_symbol")]) == "" {
			need(prefix+below(path, "symbol"), "a symbol is missing")
		}
	}
	instrument(d.texts, "", "instrument")
	for i, texts := range d.conditions {
		if texts["instrument"] == "true" {
			instrument(texts, fmt.Sprintf("conditions[%d].", i), "instrument")
		}
	}
	for _, pair := range []struct{ one, other, text string }{
		{"action.order.limit_price", "action.order.limit_offset", "a price is missing"},
		{"action.order.stop_price", "action.order.stop_offset", "a price is missing"},
		{"action.order.trail_amount", "action.order.trail_percent", "a distance is missing"},
		{"action.order.take_profit.price", "action.order.take_profit.offset", "a price is missing"},
		{"action.order.stop_loss.price", "action.order.stop_loss.offset", "a price is missing"},
	} {
		if applies(d.texts, pair.one) && strings.TrimSpace(d.texts[pair.one]+d.texts[pair.other]) == "" {
			need(pair.one, pair.text)
		}
	}
	return problems
}

// changedSince returns the problems of what was changed since base, and the names of the fields left to fill in.
func (d ruleDraft) changedSince(base ruleDraft, problems settings.Problems) (
	changed settings.Problems, missing []string,
) {
	for _, p := range problems {
		i, path := ruleKey(p.Key)
		text, was := d.texts[path], base.texts[path]
		if i >= 0 && i < len(d.conditions) {
			if text, was = d.conditions[i][path], newCondition()[path]; i < len(base.conditions) {
				was = base.conditions[i][path]
			}
		}
		if text != was {
			changed = append(changed, p)
			continue
		}
		name := strings.ReplaceAll(path[1+strings.LastIndexByte(path, '.'):], "_", " ")
		if name != "" && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return changed, missing
}

// applies reports whether a key of a rule, other than its conditions, means anything beside the others.
func applies(texts map[string]string, path string) bool {
	order, inOrder := strings.CutPrefix(path, "action.order")
	if !inOrder {
		_, inOnly := strings.CutPrefix(path, "only")
		return !inOnly || texts["only"] == "true"
	}
	if texts["action.do"] != "order" {
		return false
	}
	kind := texts["action.order.type"]
	switch order = strings.TrimPrefix(order, "."); {
	case strings.HasPrefix(order, "limit_"):
		return kind == "LMT" || kind == "STP LMT"
	case order == "stop_price" || order == "stop_offset":
		return kind == "STP" || kind == "STP LMT"
	case strings.HasPrefix(order, "trail_"):
		return kind == "TRAIL"
	case strings.HasPrefix(order, "take_profit."), strings.HasPrefix(order, "stop_loss."):
		exit, _, _ := strings.Cut(order, ".")
		return texts["action.order."+exit] == "true"
	}
	return true
}

// conditionApplies reports whether a key of a condition means anything beside the others.
func conditionApplies(texts map[string]string, path string) bool {
	switch {
	case path == "for_seconds":
		return texts["is"] == "at_or_above" || texts["is"] == "at_or_below"
	case strings.HasPrefix(path, "instrument"):
		return texts["instrument"] == "true"
	}
	return true
}

// gatherer makes a struct of texts.
type gatherer struct {
	texts    map[string]string
	prefix   string // of the keys of problems
	applies  func(path string) bool
	problems settings.Problems
}

func (g *gatherer) bad(path, format string, args ...any) {
	g.problems = append(g.problems, settings.Problem{Key: g.prefix + path, Text: fmt.Sprintf(format, args...)})
}

func (g *gatherer) object(v reflect.Value, path string) {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		at := below(path, key)
		if field.Type == conditionsType || !g.applies(at) {
			continue
		}
		value := strings.TrimSpace(g.texts[at])
		if f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct {
			if value != "true" && at != "action.order" { // which is there if it applies
				continue
			}
			f.Set(reflect.New(f.Type().Elem()))
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct {
			g.object(f, at)
			continue
		}
		switch {
		case value == "" && field.Tag.Get("required") != "":
			what := "a name"
			if key != "name" {
				what = "a value"
			}
			g.bad(at, "%s is missing", what)
		case value == "", value == unsaid[at]:
		default:
			g.value(f, field.Tag, at, value)
		}
	}
}

// value sets f to what the text says.
func (g *gatherer) value(f reflect.Value, tag reflect.StructTag, at, value string) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(value)
	case reflect.Bool:
		f.SetBool(value == "true")
	case reflect.Slice:
		f.Set(reflect.ValueOf(split(value)))
	case reflect.Float64, reflect.Int64, reflect.Pointer:
		n, err := parseFloat(value)
		least, _ := strconv.ParseFloat(tag.Get("min"), 64)
		most, _ := strconv.ParseFloat(tag.Get("max"), 64)
		switch {
		case err != nil:
			g.bad(at, "%v", err)
		case n < least || n > most:
			g.bad(at, "%s is out of range %s to %s", number(n), number(least), number(most))
		case f.Kind() == reflect.Float64:
			f.SetFloat(n)
		case f.Kind() == reflect.Pointer:
			f.Set(reflect.ValueOf(&n))
		case n != math.Trunc(n):
			g.bad(at, "%s is not a whole number", number(n))
		default:
			f.SetInt(int64(n))
		}
	}
}

// parseFloat returns the number that a person has typed.
func parseFloat(text string) (float64, error) {
	n, err := parseNumber(text)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(n, 64)
}

// instrumentAt returns the instrument that stands below the path, and what is wrong with it.
func instrumentAt(texts map[string]string, path string) (in rules.Instrument, problems settings.Problems) {
	g := gatherer{texts: texts, applies: func(string) bool { return true }}
	g.object(reflect.ValueOf(&in).Elem(), path)
	return in, g.problems
}

// ruleKey splits the key of a problem with a rule: condition is -1 unless it is about one, and then path is a key of
// that.
func ruleKey(key string) (condition int, path string) {
	if _, rest, ok := strings.Cut(key, "]."); ok && strings.HasPrefix(key, "rules[") {
		key = rest
	}
	rest, ok := strings.CutPrefix(key, "conditions[")
	if !ok {
		return -1, key
	}
	n, path, _ := strings.Cut(rest, "]")
	i, err := strconv.Atoi(n)
	if err != nil || i < 0 {
		return -1, key
	}
	return i, strings.TrimPrefix(path, ".")
}

// parentOf returns the path that path is below, empty if it is below none.
func parentOf(path string) string {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)]
}

// optionWords are words for what a key can be, by the key.
var optionWords = map[string][][2]string{
	"type": {
		{"STK", "Stock or ETF"},
		{"CASH", "Currency pair"},
		{"FUT", "Future"},
		{"OPT", "Option"},
		{"IND", "Index"},
		{"CFD", "CFD"},
		{"CRYPTO", "Crypto"},
		{"CMDTY", "Commodity"},
		{"FUND", "Fund"},
		{"BOND", "Bond"},
	},
	"order.type": {
		{"MKT", "Market"},
		{"LMT", "Limit"},
		{"STP", "Stop"},
		{"STP LMT", "Stop limit"},
		{"TRAIL", "Trailing stop"},
	},
	"side":  {{"BUY", "Buy"}, {"SELL", "Sell"}},
	"tif":   {{"DAY", "Day"}, {"GTC", "Until cancelled"}, {"IOC", "Immediate or cancel"}},
	"match": {{"all", "All of them"}, {"any", "Any of them"}},
	"do":    {{"notify", "Notify me"}, {"order", "Place an order"}},
	"price": {{"bid", "Bid"}, {"ask", "Ask"}, {"last", "Last"}, {"mid", "Middle"}},
	"is": {
		{"at_or_above", "is at or above"},
		{"at_or_below", "is at or below"},
		{"crosses_up", "crosses upwards"},
		{"crosses_down", "crosses downwards"},
	},
}

// wordFor returns the word for a value of a key.
func wordFor(key, value string) string {
	for _, o := range optionWords[key] {
		if o[0] == value {
			return o[1]
		}
	}
	return plain(value)
}
