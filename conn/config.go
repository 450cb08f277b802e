package conn

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// DefaultPorts are the ports that are tried when none is configured, paper first: Gateway paper, TWS paper,
// Gateway live, TWS live. Source: IBKR's TWS API guide, "Establishing an API connection".
var DefaultPorts = []int{4002, 7497, 4001, 7496}

// PortMode returns the kind of account that IBKR's default port numbers stand for, [ib.AnyMode] for other ports.
func PortMode(port int) ib.Mode {
	switch port {
	case 4002, 7497:
		return ib.Paper
	case 4001, 7496:
		return ib.Live
	}
	return ib.AnyMode
}

// Config is everything the supervisor needs to know. It must not be changed after it has been passed on.
type Config struct {
	Host     string
	Port     int // 0: DefaultPorts are tried
	ClientID int // 0 binds manual orders
	Mode     ib.Mode

	ConnectTimeout time.Duration // for the whole of one attempt on one port: dial, version and READY
	// Gateway is asked for its time when nothing has been read for this long; at least a second
	Poll time.Duration
	// a time request that is unanswered for this long closes the guard, a faster answer opens it
	Soft time.Duration
	// this long without an answer, or without a byte, ends the session; not before Soft has
	Hard           time.Duration
	ProofOfLife    time.Duration // an order leaves only if Gateway was heard within this time; 0: defaultProof
	Delays         []time.Duration
	Jitter         float64           // each delay is shortened by a random share, from a quarter of this up to this
	Stable         time.Duration     // a session has to last this long before the delays start over
	WatchLocalPort bool              // on loopback, after a refusal: take the next attempt the moment the port opens
	Calendar       calendar.Calendar // reset windows: attempts after the first one, and alerts, rest

	CloseBeforeExit time.Duration // the guard closes so long before Gateway exits as announced; 0: it does not
	ExitQuiet       time.Duration // outages are expected so long after that

	// First says that no connection was ever made. Until one is, no time is an outage, and attempts do not rest in
	// reset windows. It counts for [New] alone.
	First bool

	// Reconcile, if set, is run for each session after READY and after every restore of upstream, before the
	// guard opens. It must return when ctx ends. After an error the guard stays closed, and it is run again.
	Reconcile func(ctx context.Context, s *ib.Session) error
	// Said and Answered, if set, are called with each message with a code from Gateway, and with each answer to a time
	// request and how long that took; at is by the wall clock. They must return at once.
	Said     func(code int, text string, at time.Time)
	Answered func(at time.Time, took time.Duration)
}

const defaultProof = 250 * time.Millisecond

// SameTarget reports whether a session made for c, at the given port (0: not known), also serves d. Otherwise
// [Supervisor.Configure] ends it.
func (c *Config) SameTarget(d *Config, port int) bool {
	same := c.Port == d.Port || port != 0 && (d.Port == port || d.Port == 0)
	return same && c.Host == d.Host && c.ClientID == d.ClientID && c.Mode == d.Mode
}

// ports returns the ports to try in order: the configured one, or else first, where it is known, and those of
// DefaultPorts that stand for the given kind of account.
func (c *Config) ports(first int, mode ib.Mode) []int {
	if c.Port != 0 {
		return []int{c.Port}
	}
	var list []int
	if first != 0 {
		list = append(list, first)
	}
	for _, p := range DefaultPorts {
		if m := PortMode(p); (mode == ib.AnyMode || mode == m) && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// Loopback reports whether a host is this computer, as far as its text says.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// delay returns the wait after the given number of waits of the same outage. r is uniform in [0,1). Jitter only
// shortens, so that what settings.json names is the longest wait, and by a quarter of itself at least, so that with
// the defaults a Gateway that is there again has its session back within the first second.
func (c *Config) delay(waits int, r float64) time.Duration {
	d := c.Delays[min(waits, len(c.Delays)-1)]
	return d - time.Duration(c.Jitter*(0.25+0.75*r)*float64(d))
}

// ConfigError says what is wrong with a [Config].
type ConfigError struct {
	Field string // name of the field
	Text  string
}

func (e *ConfigError) Error() string { return e.Field + ": " + e.Text }

// Validate returns a *[ConfigError] if [New] and [Supervisor.Configure] would refuse c.
func (c *Config) Validate() error {
	const above0, not0 = "must be above 0", "must not be negative"
	for _, check := range []struct {
		wrong       bool
		field, text string
	}{
		{c.Host == "", "Host", "is empty"},
		{c.Port < 0 || c.Port > 65535, "Port", fmt.Sprintf("%d is out of range 0 to 65535", c.Port)},
		{c.ConnectTimeout <= 0, "ConnectTimeout", above0},
		{c.Poll <= 0, "Poll", above0},
		{c.Soft <= 0, "Soft", above0},
		{c.Hard <= c.Soft, "Hard", fmt.Sprintf("%v must be above the soft limit, %v", c.Hard, c.Soft)},
		{c.ProofOfLife < 0, "ProofOfLife", not0},
		{c.CloseBeforeExit < 0, "CloseBeforeExit", not0},
		{c.ExitQuiet < 0, "ExitQuiet", not0},
		{len(c.Delays) == 0, "Delays", "must not be empty"},
		{slices.ContainsFunc(c.Delays, func(d time.Duration) bool { return d <= 0 }), "Delays", above0},
		{!(c.Jitter >= 0 && c.Jitter < 1), "Jitter", fmt.Sprintf("%v is out of range 0 to 1", c.Jitter)}, // NaN, too
	} {
		if check.wrong {
			return &ConfigError{check.field, check.text}
		}
	}
	if err := c.Calendar.Validate(); err != nil {
		return &ConfigError{"Calendar", err.Error()}
	}
	return nil
}
