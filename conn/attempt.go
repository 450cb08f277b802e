package conn

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
)

// connector makes one attempt. The real one is [tcpConnector]; tests have others.
type connector func(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, ib.Gateway, *ib.AttemptError)

// tcpConnector tries the given ports one after the other until one of them is READY. Each port has the whole
// connect timeout. The error is that of the port which got furthest.
func tcpConnector(mono func() time.Duration) connector {
	return func(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, ib.Gateway, *ib.AttemptError) {
		var worst *ib.AttemptError
		var tried []ib.PortTry
		for _, port := range d.ports {
			l, err := onePort(ctx, d, port, cfg, mono, post)
			if err == nil {
				return l, l.About(cfg.Host, port), nil
			}
			tried = append(tried, ib.PortTry{Port: port, Cause: err.Cause})
			err.Port, err.Addr = port, net.JoinHostPort(cfg.Host, strconv.Itoa(port))
			if worst == nil || saysMore(err.Cause, worst.Cause) {
				worst = err
			}
			if ctx.Err() != nil || (!d.rests.IsZero() && !time.Now().Before(d.rests)) {
				break
			}
		}
		if len(d.ports) > 1 && worst.Cause == ib.CauseRefused {
			worst.Port, worst.Addr = 0, cfg.Host
		}
		worst.Tried = tried
		return nil, ib.Gateway{}, worst
	}
}

func onePort(ctx context.Context, d doDial, port int, cfg *Config, mono func() time.Duration,
	post func(input),
) (*ib.Socket, *ib.AttemptError) {
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
	s := ib.NewSocket(gw, d.session, cfg.ClientID, mono, func(n ib.News) { post(inNews{n}) })
	s.RepeatWithin(cfg.Hard / 2)
	return s, s.Open(ctx)
}

// dial opens a TCP connection to Gateway. Keep-alive is on, for hosts other than this one.
func dial(ctx context.Context, host string, port int) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second,
		Interval: 5 * time.Second, Count: 4,
	}}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

func dialError(err error) *ib.AttemptError {
	switch {
	case isErrno(err, syscall.ECONNREFUSED, wsaRefused):
		return &ib.AttemptError{Cause: ib.CauseRefused, Err: err}
	case isErrno(err, syscall.ECONNRESET, wsaReset): // accepted, and reset before the dial returned
		return &ib.AttemptError{Cause: ib.CauseClosedEarly, Err: err}
	}
	return &ib.AttemptError{Cause: ib.CauseUnreachable, Err: err}
}

// What Windows' sockets return as it is; its syscall package has numbers of its own for the POSIX names.
const (
	wsaRefused = syscall.Errno(10061) // WSAECONNREFUSED
	wsaReset   = syscall.Errno(10054) // WSAECONNRESET
)

func isErrno(err error, posix, windows syscall.Errno) bool {
	return errors.Is(err, posix) || (runtime.GOOS == "windows" && errors.Is(err, windows))
}

// vague has the causes that say little when several ports failed, the vaguest first. All others say more.
var vague = []ib.Cause{
	ib.CauseRefused, ib.CauseUnreachable, ib.CauseClosedEarly, ib.CauseGarbage, ib.CauseUnsupported, ib.CauseTooNew,
	ib.CauseNoAnswer,
}

// saysMore reports whether a person learns more from a cause than from another one.
func saysMore(c, other ib.Cause) bool {
	rank := func(c ib.Cause) uint { return uint(slices.Index(vague, c)) } // not in the list: the highest
	return rank(c) > rank(other)
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
			// Windows takes two seconds to report a refusal on loopback, and connects at once if the port opens
			// meanwhile.
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

// Sighting is what [Look] found at one port.
type Sighting struct {
	Gateway ib.Gateway       // valid if Err is nil
	Err     *ib.AttemptError // why there is no READY
	Took    time.Duration

	Unsupported Unsupported        // as far as Gateway has said so right after READY
	Settings    ib.GatewaySettings // likewise
}

// lookLonger is how long Look waits after READY for what Gateway says of itself.
const lookLonger = 300 * time.Millisecond

// Look connects once to see who answers, up to READY, and leaves again. The client id should be one that no one else
// uses. It returns within the timeout.
func Look(ctx context.Context, host string, port, clientID int, timeout time.Duration) Sighting {
	begin := time.Now()
	cfg := &Config{Host: host, Port: port, ClientID: clientID, ConnectTimeout: timeout}
	mono := func() time.Duration { return time.Since(begin) }
	said := make(chan ib.News, 2)
	post := func(in input) {
		switch in, _ := in.(inNews); news := in.News.(type) {
		case ib.Said:
			if codeTable[news.Code].effect == effectUnsupported {
				nudge.Offer(said, in.News)
			}
		case ib.Reported:
			nudge.Offer(said, in.News)
		}
	}
	l, gateway, err := tcpConnector(mono)(ctx, doDial{session: 1, ports: []int{port}}, cfg, post)
	s := Sighting{Gateway: gateway, Err: err, Took: time.Since(begin)}
	if err != nil {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, lookLonger)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case in := <-said:
			switch in := in.(type) {
			case ib.Said:
				s.Unsupported = unsupportedIn(in.Text)
			case ib.Reported:
				s.Settings = in.Settings
			}
		case <-ctx.Done():
		}
	}
	l.End(ib.CauseStopping)
	<-l.Gone()
	return s
}
