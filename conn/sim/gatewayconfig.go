package sim

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says how a simulated gateway behaves. The zero value of every field is usable.
type Config struct {
	// Listen is the API address, loopback only. Default 127.0.0.1:0.
	Listen string
	// Control is the address of the HTTP control port, loopback only. Empty: none.
	Control string
	// ServerVersion is the gateway's own protocol version, 176 to 226. Default 226.
	ServerVersion int
	// TickRate is price ticks per second and symbol. Default 4.
	TickRate float64
	// Speed is how many times as fast as the machine's the gateway's clock runs: its ticks, timers and time stamps.
	// Default 1.
	Speed float64
	// Seed chooses how prices walk, and which orders a fault of some share affects: with the same seed and TickRate
	// every tick is the same.
	Seed uint64
	// Replay is the text of a CSV file of time, symbol, field and value, which the prices of its symbols follow from
	// the first request for data or an order of one of them.
	Replay string
	// Accounts are the managed accounts. Default DU1234567, a paper account.
	Accounts []string
	// Initial is what accounts, orders and instruments begin with; nil: empty accounts with a million USD each. If it
	// names accounts, Accounts is not set.
	Initial *Initial
	// NextOrderID is the first order id handed out. Default 1.
	NextOrderID int64
	// Script is the text of a script of timed faults, run from the start; see [ParseScript].
	Script string
	// Night is the name of one of the [Nights], which is played from the start.
	Night string
	// Log receives what happens. Default: nothing is logged.
	Log *slog.Logger

	// Farms are sent as notices after READY, in this order. Default: 2104, 2106 and 2158 for usual farm names.
	// An empty, non-nil slice sends none.
	Farms []Farm
	// Unsupported is the date, such as 20261215, from which on IBKR does not support the gateway's version. It is said
	// with code 2172 after READY, on each connection; empty: not at all.
	Unsupported string
	// ReuseIDs makes a restarted gateway hand out order ids from NextOrderID again, as real ones may.
	ReuseIDs bool
	// AutoRestart is a time of day such as 23:45, in New York, at which the gateway restarts each day; it is announced
	// to clients that ask for the gateway's configuration. Empty: none.
	AutoRestart string
	// AutoLogoff is the same for a gateway that logs off, and waits for [Gateway.LogIn]. At most one of both is set.
	AutoLogoff string
	// TradingHours cancels DAY orders when the trading day of their instrument ends, and holds auctions at 9:30 and
	// 16:00, in New York. Otherwise no order depends on the time of day: DAY orders stay, and auctions are held by
	// [Gateway.HoldAuction] only.
	TradingHours bool
	// RestartTakes is how long the gateway is not there at AutoRestart. Default 40 s.
	RestartTakes time.Duration
	// ZeroSeesAll sends client id 0 the orders of all clients, as it does where it is the master client id.
	ZeroSeesAll bool
	// RejectOrdersUpstreamLost refuses orders while upstream is lost (error 201). By default they are held and sent
	// when upstream returns, as gateways do since 10.40.
	RejectOrdersUpstreamLost bool
	// OwnCancelsOnly answers a request to cancel another client's order with error 10147, instead of cancelling it.
	OwnCancelsOnly bool
	// OpenOrdersOnConnect sends a new session its open orders unasked, the gateway setting "Download open orders on
	// connection".
	OpenOrdersOnConnect bool
	// PartialFills is in how many executions an order fills. Default 1.
	PartialFills int
	// SpreadFills lets an order have no more than one of them each time the market moves or its price is set.
	SpreadFills bool
	// AnswerEveryTime answers every time request, as gateways did before 10.19: since then the second within a second
	// of a connection stays unanswered.
	AnswerEveryTime bool
	// NoLiveData makes the user one without a subscription to live market data: requests get 354, or 10167 and delayed
	// data if the client asks for them.
	NoLiveData bool
	// MaxLines is how many instruments all clients together can follow at once before error 101. Default 100; below 0,
	// no limit.
	MaxLines int
	// MaxMessageRate is how many requests per second a client may send before error 100. Default 50; below 0, no
	// limit.
	MaxMessageRate int
}

func (cfg *Config) setDefaults() error {
	cfg.Listen = cmp.Or(cfg.Listen, "127.0.0.1:0")
	cfg.ServerVersion = cmp.Or(cfg.ServerVersion, MaxVersion)
	if cfg.ServerVersion < MinVersion || cfg.ServerVersion > MaxVersion {
		return fmt.Errorf("server version %d: must be %d to %d", cfg.ServerVersion, MinVersion, MaxVersion)
	}
	cfg.TickRate = cmp.Or(cfg.TickRate, 4)
	if !(cfg.TickRate > 0 && cfg.TickRate <= 1e6) {
		return fmt.Errorf("tick rate %v: must be above 0 and at most 1000000 per second", cfg.TickRate)
	}
	cfg.Speed = cmp.Or(cfg.Speed, 1)
	if !(cfg.Speed >= 0.01 && cfg.Speed <= 10_000) {
		return fmt.Errorf("speed %v: must be 0.01 to 10000", cfg.Speed)
	}
	if cfg.Initial != nil {
		if err := cfg.Initial.check(); err != nil {
			return err
		}
		if ids := cfg.Initial.ids(); len(ids) > 0 {
			if len(cfg.Accounts) > 0 && !slices.Equal(cfg.Accounts, ids) {
				return errors.New("accounts are named twice: as such, and in what the gateway begins with")
			}
			cfg.Accounts = ids
		}
	}
	if len(cfg.Accounts) == 0 {
		cfg.Accounts = []string{"DU1234567"}
	}
	for i, id := range cfg.Accounts {
		if id == "" || strings.ContainsAny(id, ", \x00") || slices.Contains(cfg.Accounts[:i], id) {
			return fmt.Errorf("account %q: must be an id such as DU1234567, and named once", id)
		}
	}
	for _, f := range cfg.Farms {
		if _, ok := farmNotices[f.Code]; !ok || f.Name == "" {
			return fmt.Errorf("farm %d:%s: must be one of %v and a name", f.Code, f.Name, farmCodes())
		}
	}
	cfg.NextOrderID = cmp.Or(cfg.NextOrderID, 1)
	if cfg.NextOrderID < 1 || cfg.NextOrderID > 1<<31-2 {
		return fmt.Errorf("next order id %d: must be 1 to %d", cfg.NextOrderID, 1<<31-2)
	}
	if cfg.Farms == nil {
		cfg.Farms = []Farm{
			{2104, "usfarm.nj"},
			{2104, "usfuture"},
			{2104, "cashfarm"},
			{2104, "usfarm"},
			{2106, "ushmds"},
			{2158, "secdefil"},
		}
	}
	if cfg.AutoRestart != "" && cfg.AutoLogoff != "" {
		return errors.New("auto restart and auto logoff: only one of them can be set")
	}
	if exit := cfg.exit(); exit != (Exit{}) {
		if _, err := exit.plan(time.Time{}); err != nil {
			return err
		}
	}
	cfg.PartialFills = max(1, cfg.PartialFills)
	cfg.MaxLines = cmp.Or(cfg.MaxLines, 100)
	cfg.MaxMessageRate = cmp.Or(cfg.MaxMessageRate, 50)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return nil
}

// exit is the planned exit of AutoRestart or AutoLogoff.
func (cfg *Config) exit() Exit {
	if cfg.AutoLogoff != "" {
		return Exit{At: cfg.AutoLogoff, LogOff: true}
	}
	if cfg.AutoRestart != "" {
		return Exit{At: cfg.AutoRestart, Takes: cfg.RestartTakes}
	}
	return Exit{}
}

// loopbackAddr resolves an address and refuses one that other machines could reach: this gateway has no password.
func loopbackAddr(s string) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return nil, err
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address; the simulated gateway listens on 127.0.0.1, ::1 or "+
			"localhost only", host)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return &net.TCPAddr{IP: ip, Port: int(n)}, nil
}
