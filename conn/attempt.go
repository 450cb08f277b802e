package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// connector makes one attempt. The real one is [tcpConnector]; tests have others.
type connector func(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, Gateway, *Ticks, *AttemptError)

// tcpConnector tries the given ports one after the other until one of them is READY. Each port has the whole
// connect timeout. The error is that of the port which got furthest.
func tcpConnector(mono func() time.Duration) connector {
	return func(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, Gateway, *Ticks, *AttemptError) {
		var worst *AttemptError
		for _, port := range d.ports {
			l, err := onePort(ctx, d, port, cfg, mono, post)
			if err == nil {
				return l, l.about(cfg.Host, port), l.ticks, nil
			}
			err.Port, err.Addr = port, net.JoinHostPort(cfg.Host, strconv.Itoa(port))
			if worst == nil || telling(err.Cause) > telling(worst.Cause) {
				worst = err
			}
			if ctx.Err() != nil || (!d.rests.IsZero() && !time.Now().Before(d.rests)) {
				break
			}
		}
		if worst == nil {
			worst = &AttemptError{Cause: CauseUnreachable, Err: errors.New("no port to try")}
		}
		if len(d.ports) > 1 && worst.Cause == CauseRefused {
			worst.Port, worst.Addr = 0, cfg.Host
		}
		return nil, Gateway{}, nil, worst
	}
}

func onePort(ctx context.Context, d doDial, port int, cfg *Config, mono func() time.Duration, post func(input)) (*socket, *AttemptError) {
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	gw := d.conn
	if gw == nil {
		post(inSocket{session: d.session, port: port})
		var err error
		gw, err = dial(ctx, cfg.Host, port)
		if err != nil {
			return nil, dialError(err)
		}
	}
	post(inSocket{session: d.session, port: port, up: true})
	return open(ctx, gw, d.session, cfg, mono, post)
}

// dial opens a TCP connection to Gateway. Keep-alive is on, for hosts other than this one.
func dial(ctx context.Context, host string, port int) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4}}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

func dialError(err error) *AttemptError {
	switch {
	case isErrno(err, syscall.ECONNREFUSED, wsaRefused):
		return &AttemptError{Cause: CauseRefused, Err: err}
	case isErrno(err, syscall.ECONNRESET, wsaReset): // accepted, and reset before the dial returned
		return &AttemptError{Cause: CauseClosedEarly, Err: err}
	}
	return &AttemptError{Cause: CauseUnreachable, Err: err}
}

// What Windows' sockets return as it is; its syscall package has numbers of its own for the POSIX names.
const (
	wsaRefused = syscall.Errno(10061) // WSAECONNREFUSED
	wsaReset   = syscall.Errno(10054) // WSAECONNRESET
)

func isErrno(err error, posix, windows syscall.Errno) bool {
	return errors.Is(err, posix) || (runtime.GOOS == "windows" && errors.Is(err, windows))
}

// telling ranks causes by how much a person learns from them when several ports failed.
func telling(c Cause) int {
	switch c {
	case CauseRefused:
		return 0
	case CauseUnreachable:
		return 1
	case CauseClosedEarly:
		return 2
	case CauseGarbage, CauseUnsupported:
		return 3
	case CauseNoAnswer:
		return 4
	}
	return 5
}

// watchInterval is how often a closed port on this machine is tried while waiting: a refusal there costs nothing.
const watchInterval = 250 * time.Millisecond

// watchPorts tries the ports until one opens and returns the connection, which becomes the attempt, so that Gateway
// sees no connection that is thrown away. It returns nil when ctx ends.
func watchPorts(ctx context.Context, host string, ports []int) (net.Conn, int) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		for _, port := range ports {
			// Windows takes two seconds to report a refusal on loopback, and connects at once if the port opens meanwhile.
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			c, err := dial(ctx, host, port)
			cancel()
			if err == nil {
				return c, port
			}
		}
		select {
		case <-ctx.Done():
			return nil, 0
		case <-tick.C:
		}
	}
}

// ConfigError says what is wrong with a [Config].
type ConfigError struct {
	Field string // name of the field
	Text  string
}

func (e *ConfigError) Error() string { return e.Field + ": " + e.Text }

// Validate returns a *[ConfigError] if [New] and [Supervisor.Configure] would refuse c.
func (c *Config) Validate() error {
	wrong := func(field, format string, values ...any) error {
		return &ConfigError{field, fmt.Sprintf(format, values...)}
	}
	switch {
	case c.Host == "":
		return wrong("Host", "is empty")
	case c.Port < 0 || c.Port > 65535:
		return wrong("Port", "%d is out of range 0 to 65535", c.Port)
	case c.ConnectTimeout <= 0:
		return wrong("ConnectTimeout", "must be above 0")
	case c.Poll <= 0:
		return wrong("Poll", "must be above 0")
	case c.Soft <= 0:
		return wrong("Soft", "must be above 0")
	case c.Hard <= c.Soft:
		return wrong("Hard", "%v must be above the soft limit, %v", c.Hard, c.Soft)
	case c.ProofOfLife < 0:
		return wrong("ProofOfLife", "must not be negative")
	case c.CloseBeforeExit < 0:
		return wrong("CloseBeforeExit", "must not be negative")
	case c.ExitQuiet < 0:
		return wrong("ExitQuiet", "must not be negative")
	case len(c.Delays) == 0:
		return wrong("Delays", "must not be empty")
	case slices.ContainsFunc(c.Delays, func(d time.Duration) bool { return d <= 0 }):
		return wrong("Delays", "must be above 0")
	case !(c.Jitter >= 0 && c.Jitter < 1): // NaN is out of range, too
		return wrong("Jitter", "%v is out of range 0 to 1", c.Jitter)
	}
	if err := c.Calendar.validate(); err != nil {
		return wrong("Calendar", "%v", err)
	}
	return nil
}

// Sighting is what [Look] found at one port.
type Sighting struct {
	Gateway Gateway       // valid if Err is nil
	Err     *AttemptError // why there is no READY
	Took    time.Duration

	Unsupported Unsupported     // as far as Gateway has said so right after READY
	Settings    GatewaySettings // likewise
}

// lookLonger is how long Look waits after READY for what Gateway says of itself.
const lookLonger = 300 * time.Millisecond

// Look connects once to see who answers, up to READY, and leaves again. The client id should be one that nobody else
// uses. It returns within the timeout.
func Look(ctx context.Context, host string, port, clientID int, timeout time.Duration) Sighting {
	begin := time.Now()
	cfg := &Config{Host: host, Port: port, ClientID: clientID, ConnectTimeout: timeout}
	mono := func() time.Duration { return time.Since(begin) }
	said := make(chan Unsupported, 1)
	told := make(chan GatewaySettings, 1)
	post := func(in input) {
		switch in := in.(type) {
		case inCode:
			if codeTable[in.code].effect == effectUnsupported {
				offer(said, unsupportedIn(in.text))
			}
		case inConfig:
			offer(told, in.told)
		}
	}
	l, gateway, _, err := tcpConnector(mono)(ctx, doDial{session: 1, ports: []int{port}}, cfg, post)
	s := Sighting{Gateway: gateway, Err: err, Took: time.Since(begin)}
	if err == nil {
		for limit, left := time.After(lookLonger), 2; left > 0; left-- {
			select {
			case s.Unsupported = <-said:
			case s.Settings = <-told:
			case <-limit:
				left = 0
			case <-ctx.Done():
				left = 0
			}
		}
		l.end(CauseStopping)
		<-l.gone()
	}
	return s
}

// offer puts a value into a channel that has room for it, or drops it.
func offer[T any](to chan<- T, v T) {
	select {
	case to <- v:
	default:
	}
}
