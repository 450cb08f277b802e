package sim

import (
	"fmt"
	"strconv"
	"time"
)

// args are a verb's parameters. Reading them collects the first error; what the verb wants to report goes to result.
type args struct {
	verb   string
	values map[string]string
	result map[string]any
	err    error
	dry    bool // only the parameters are checked
}

func (a *args) fail(key, want string) {
	if a.err == nil {
		a.err = fmt.Errorf("%s: %s=%s is not %s", a.verb, key, a.values[key], want)
	}
}

func (a *args) text(key string) string { return a.values[key] }

// int is a number within bounds, 0 if there is none.
func (a *args) int(key string, low, high int) int {
	if a.values[key] == "" {
		return 0
	}
	n, err := strconv.Atoi(a.values[key])
	if err != nil || n < low || n > high {
		a.fail(key, fmt.Sprintf("a number from %d to %d", low, high))
	}
	return n
}

// code is the parameter code, which must be given.
func (a *args) code() int {
	if a.values["code"] == "" && a.err == nil {
		a.err = fmt.Errorf("%s: code is missing", a.verb)
	}
	return a.int("code", 1, 1<<30)
}

// number is a number from 0 to high.
func (a *args) number(key string, high float64) float64 {
	f, err := strconv.ParseFloat(a.values[key], 64)
	if err != nil || !(f >= 0 && f <= high) {
		a.fail(key, "a number from 0 to "+formatFloat(high))
	}
	return f
}

func (a *args) duration(key string) time.Duration {
	d, err := time.ParseDuration(a.values[key])
	if err != nil {
		a.fail(key, "a duration such as 500ms or 5s")
	}
	return d
}

// positive is a duration that may not be negative.
func (a *args) positive(key string) time.Duration {
	d := a.duration(key)
	if d < 0 {
		a.fail(key, "a duration of 0 or more")
	}
	return d
}

func (a *args) bool(key string) bool {
	b, err := strconv.ParseBool(a.values[key])
	if err != nil {
		a.fail(key, "true or false")
	}
	return b
}

// plain is a verb without parameters that cannot fail.
func plain(do func(*Gateway)) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error { return a.run(func() { do(g) }) }
}

// switched is a verb that turns something on or off.
func switched(do func(*Gateway, bool)) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error {
		on := a.bool("on")
		return a.run(func() { do(g, on) })
	}
}

// counted is a verb with a number.
func counted(key string, low, high int, do func(*Gateway, int)) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error {
		n := a.int(key, low, high)
		return a.run(func() { do(g, n) })
	}
}

// timed is a verb with a time.
func timed(key string, do func(*Gateway, time.Duration)) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error {
		d := a.positive(key)
		return a.run(func() { do(g, d) })
	}
}

// ofSymbol is a verb about an instrument, with a number.
func ofSymbol(key string, low, high int, do func(*Gateway, string, int) error) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error {
		n := a.int(key, low, high)
		return a.do(func() error { return do(g, a.text("symbol"), n) })
	}
}

// refusing is a verb that refuses some requests about an instrument.
func refusing(do func(*Gateway, string, int, int) error) func(*Gateway, *args) error {
	return func(g *Gateway, a *args) error {
		code, n := a.int("code", 1, 1<<30), a.int("n", -1, 1<<30)
		return a.do(func() error { return do(g, a.text("symbol"), code, n) })
	}
}

// run does what do does with an effect that cannot fail.
func (a *args) run(effect func()) error {
	return a.do(func() error {
		effect()
		return nil
	})
}

// do runs a verb's effect unless a parameter was wrong.
func (a *args) do(effect func() error) error {
	if a.err != nil || a.dry {
		return a.err
	}
	return effect()
}
