package settings

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one key of settings.json as its struct tags describe it.
type field struct {
	key   string
	doc   string
	index int // of the struct field
	rule  rule
}

// rule is what a value must satisfy. Of a list, all but count and unique apply to its entries.
type rule struct {
	min, max float64 // both included; both zero: no limit
	enum     []string
	format   string // key of formats
	minItems int
	maxItems int // zero: not a list
	unique   bool
	required bool
}

var windowType = reflect.TypeFor[ResetWindow]()

// fieldsOf lists the keys of a struct type in their order. It panics on a malformed tag, which every test would meet.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if key := f.Tag.Get("json"); key != "-" {
			fields = append(fields, field{key: key, doc: f.Tag.Get("doc"), index: i, rule: ruleOf(f.Tag)})
		}
	}
	return fields
}

// presetRule is the rule of an entry of reset_windows that is only a name.
func presetRule() (r rule, doc string) {
	f, _ := windowType.FieldByName("Preset")
	return ruleOf(f.Tag), f.Tag.Get("doc")
}

// Presets are the names that stand for a published reset window.
func Presets() []string {
	r, _ := presetRule()
	return r.enum
}

func ruleOf(tag reflect.StructTag) rule {
	r := rule{format: tag.Get("format"), unique: tag.Get("unique") != "", required: tag.Get("required") != ""}
	if s, ok := tag.Lookup("enum"); ok {
		r.enum = strings.Split(s, ",")
	}
	if s, ok := tag.Lookup("min"); ok {
		r.min, r.max = number(s), number(tag.Get("max"))
	}
	if s, ok := tag.Lookup("count"); ok {
		least, most, _ := strings.Cut(s, "..")
		r.minItems, r.maxItems = int(number(least)), int(number(most))
	}
	return r
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("settings: limit in a struct tag: " + err.Error())
	}
	return v
}

func (r rule) bounded() bool { return r.min != 0 || r.max != 0 }

// checkNumber returns what is wrong with a number, "" if nothing.
func (r rule) checkNumber(v float64) string {
	if r.bounded() && (v < r.min || v > r.max) {
		return "is out of range " + r.span()
	}
	return ""
}

func (r rule) span() string {
	return strconv.FormatFloat(r.min, 'f', -1, 64) + " to " + strconv.FormatFloat(r.max, 'f', -1, 64)
}

// checkString returns what is wrong with a string, "" if nothing.
func (r rule) checkString(s string) string {
	if r.enum != nil && !slices.Contains(r.enum, s) {
		text := "is not one of " + strings.Join(r.enum, ", ")
		if near := nearest(s, r.enum); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		return text
	}
	if f, ok := formats[r.format]; ok && !(f.pattern.MatchString(s) && f.valid(s)) {
		return f.advice
	}
	return ""
}

// checkCount returns what is wrong with the length of a list, "" if nothing.
func (r rule) checkCount(n int) string {
	if n < r.minItems || n > r.maxItems {
		return fmt.Sprintf("needs %d to %d entries, found %d", r.minItems, r.maxItems, n)
	}
	return ""
}

// format is a kind of string. The pattern also stands in the schema; valid says what a pattern cannot.
type format struct {
	pattern *regexp.Regexp
	valid   func(string) bool
	advice  string
}

var formats = map[string]format{
	"clock": {
		pattern: regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`),
		valid:   func(string) bool { return true },
		advice:  `is not a time of day; write hours and minutes as 00:00 to 23:59, such as "18:00"`,
	},
	"timezone": {
		pattern: regexp.MustCompile(`^[A-Za-z0-9_+/-]+$`),
		valid:   func(s string) bool { _, err := time.LoadLocation(s); return err == nil },
		advice:  `is not a known time zone; write an IANA name such as "Australia/Sydney" or "America/New_York", or "Local"`,
	},
	"host": {
		pattern: regexp.MustCompile(`^[A-Za-z0-9._:%-]{1,253}$`),
		valid: func(s string) bool {
			_, err := netip.ParseAddr(s)
			return err == nil || !strings.ContainsAny(s, ":%")
		},
		advice: `is not a host; write a name or an IP address such as "127.0.0.1", and the port in gateway.port`,
	},
}

// nearest returns the candidate that s most likely stands for, "" if none is close.
func nearest(s string, candidates []string) string {
	best, least := "", min(3, 1+len(s)/3)
	if len(s) > 60 {
		return ""
	}
	for _, c := range candidates {
		if d := distance(strings.ToLower(s), c); d <= least && (best == "" || d < least) {
			best, least = c, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or replace to turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
