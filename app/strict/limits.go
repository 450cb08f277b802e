package strict

import (
	"fmt"
	"net/mail"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // Windows has no time zone database
	"unicode"
)

// Field is one key of a struct type as its struct tags describe it.
type Field struct {
	Key    string
	Doc    string
	Index  int  // of the struct field
	Omit   bool // not written while it has its zero value
	Limits Limits
}

// Limits are what a value must satisfy. Of a list, all but count and unique apply to its entries.
type Limits struct {
	Min, Max float64 // both included; both zero: no limit
	Enum     []string
	Format   string // one of the formats
	MinItems int
	MaxItems int // zero: not a list
	Unique   bool
	Required bool
}

// Fields lists the keys of a struct type in their order. It panics on a malformed tag, which every test would meet.
func Fields(t reflect.Type) []Field {
	var fields []Field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if key, options, _ := strings.Cut(tag.Get("json"), ","); key != "-" {
			fields = append(fields, Field{key, tag.Get("doc"), i, options == "omitempty", limitsOf(tag)})
		}
	}
	return fields
}

// Alone is the field that can stand alone in the place of an object of type t: the one with the tag alone, which says
// what it is. Its Key is that text; ok is false if there is none.
func Alone(t reflect.Type) (f Field, ok bool) {
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if text := tag.Get("alone"); text != "" {
			return Field{Key: text, Doc: tag.Get("doc"), Index: i, Limits: limitsOf(tag)}, true
		}
	}
	return Field{}, false
}

func limitsOf(tag reflect.StructTag) Limits {
	l := Limits{Format: tag.Get("format"), Unique: tag.Get("unique") != "", Required: tag.Get("required") != ""}
	if s, ok := tag.Lookup("enum"); ok {
		l.Enum = strings.Split(s, ",")
	}
	if s, ok := tag.Lookup("min"); ok {
		l.Min, l.Max = number(s), number(tag.Get("max"))
	}
	if s, ok := tag.Lookup("count"); ok {
		least, most, _ := strings.Cut(s, "..")
		l.MinItems, l.MaxItems = int(number(least)), int(number(most))
	}
	return l
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("strict: limit in a struct tag: " + err.Error())
	}
	return v
}

// Bounded reports whether a number has limits.
func (l Limits) Bounded() bool { return l.Min != 0 || l.Max != 0 }

// checkNumber returns what is wrong with a number, "" if nothing.
func (l Limits) checkNumber(v float64) string {
	if l.Bounded() && (v < l.Min || v > l.Max) {
		return "is out of range " + l.span()
	}
	return ""
}

func (l Limits) span() string {
	return strconv.FormatFloat(l.Min, 'f', -1, 64) + " to " + strconv.FormatFloat(l.Max, 'f', -1, 64)
}

// checkString returns what is wrong with a string, "" if nothing.
func (l Limits) checkString(s string) string {
	if l.Enum != nil && !slices.Contains(l.Enum, s) {
		text := "is not one of " + strings.Join(l.Enum, ", ")
		if near := nearest(s, l.Enum); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		return text
	}
	if f, ok := formats[l.Format]; ok && !(matches(f.pattern, s) && f.valid(s)) {
		return f.advice
	}
	return ""
}

// checkCount returns what is wrong with the length of a list, "" if nothing.
func (l Limits) checkCount(n int) string {
	if n < l.MinItems || n > l.MaxItems {
		return fmt.Sprintf("needs %d to %d entries, found %d", l.MinItems, l.MaxItems, n)
	}
	return ""
}

// format is a kind of string. The pattern also stands in the schema; valid says what a pattern cannot.
type format struct {
	pattern string
	valid   func(string) bool
	advice  string
}

var formats = map[string]format{
	"clock": {
		pattern: `^([01][0-9]|2[0-3]):[0-5][0-9]$`,
		valid:   func(string) bool { return true },
		advice:  `is not a time of day; write hours and minutes as 00:00 to 23:59, such as "18:00"`,
	},
	"clock_or_empty": {
		pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9])?$`,
		valid:   func(string) bool { return true },
		advice:  `is not a time of day; write hours and minutes as 00:00 to 23:59, or nothing`,
	},
	"timezone": {
		pattern: `^[A-Za-z0-9_+/-]+$`,
		valid:   func(s string) bool { _, err := time.LoadLocation(s); return err == nil },
		advice:  `is not a known time zone; write an IANA name such as "Australia/Sydney" or "America/New_York", or "Local"`,
	},
	"host": {
		pattern: `^[A-Za-z0-9._:%-]{1,253}$`,
		valid:   isHost,
		advice:  `is not a host; write a name or an IP address such as "127.0.0.1", and the port in gateway.port`,
	},
	"host_or_empty": {
		pattern: `^[A-Za-z0-9._:%-]{0,253}$`,
		valid:   isHost,
		advice:  `is not a host; write a name or an IP address such as "smtp.example.com", and the port in the key beside it`,
	},
	"email": {
		pattern: emailPattern,
		valid:   isAddress,
		advice:  `is not an email address; write just the address, such as "me@example.com"`,
	},
	"email_or_empty": {
		pattern: `^$|` + emailPattern,
		valid:   func(s string) bool { return s == "" || isAddress(s) },
		advice:  `is not an email address; write just the address, such as "gatewatch@example.com"`,
	},
	"name": {
		pattern: `^[^\x00-\x1f\x7f]{1,60}$`,
		valid: func(s string) bool {
			return strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, func(r rune) bool {
				return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
			})
		},
		advice: `is not a name; write one line of 1 to 60 characters that are not all blank`,
	},
	"word": {
		pattern: `^[!-~]{1,40}$`,
		valid:   func(string) bool { return true },
		advice:  `is not a word; write 1 to 40 plain letters, digits and signs without spaces, or remove it`,
	},
	"line": {
		pattern: `^[^\x00-\x1f\x7f]{0,200}$`,
		valid:   func(string) bool { return true },
		advice:  `is not one line of at most 200 characters`,
	},
	"secret": {
		pattern: `^((keyring|file|env):[A-Za-z0-9_.-]{1,100})?$`,
		valid:   func(string) bool { return true },
		advice: "is not a reference to a secret; secrets are not kept in this file: store it with `gatewatch secret " +
			"set NAME`, which says what to write here, such as \"keyring:NAME\"; or write \"env:NAME\" for an " +
			"environment variable",
	},
}

// compiled has patterns by their text, from when they are used first: compiling all of them takes 350 kB, and most are
// never used.
var compiled sync.Map

func matches(pattern, s string) bool {
	p, ok := compiled.Load(pattern)
	if !ok {
		p, _ = compiled.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return p.(*regexp.Regexp).MatchString(s)
}

// Pattern is the regular expression of a format, "" if there is no such format.
func Pattern(name string) string {
	f, ok := formats[name]
	if !ok {
		return ""
	}
	return f.pattern
}

// IsClock reports whether s is a time of day, "00:00" to "23:59".
func IsClock(s string) bool { return matches(formats["clock"].pattern, s) }

const emailPattern = `^[^\s<>@,;:"()\[\]\\]+@[A-Za-z0-9.-]+$`

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || !strings.ContainsAny(s, ":%")
}

// nearest returns the candidate that s most likely stands for, "" if none is close.
func nearest(s string, candidates []string) string {
	best, least := "", min(3, 1+len(s)/3)
	if len(s) > 60 {
		return ""
	}
	for _, c := range candidates {
		if d := distance(strings.ToLower(s), strings.ToLower(c)); d <= least && (best == "" || d < least) {
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
