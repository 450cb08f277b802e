package sim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// verb is one fault as the control port and scripts know it.
type verb struct {
	name   string
	params string // "key=default" pairs, also for the help; the keys are the only ones allowed
	help   string
	run    func(*Gateway, *args) error
}

// verbs are all faults, in the order of the help.
var verbs = []verb{
	{"drop", "", "close all connections with FIN", plain((*Gateway).Drop)},
	{"reset", "", "close all connections with RST", plain((*Gateway).Reset)},
	{
		"freeze", "", "keep the sockets, read and write nothing; new connections are accepted into silence",
		plain((*Gateway).Freeze),
	},
	{"thaw", "", "end freeze", plain((*Gateway).Thaw)},
	{"refuse", "", "close the listener: dials are refused, open connections stay", plain((*Gateway).Refuse)},
	{"accept", "", "end refuse, accept-silent and accept-close, on the same port", func(g *Gateway, a *args) error {
		return a.do(g.Accept)
	}},
	{"accept-silent", "", "accept new connections and say nothing", plain((*Gateway).AcceptSilent)},
	{"accept-close", "", "accept new connections and close them at once", plain((*Gateway).AcceptClose)},
	{
		"slow", "delay=0s rate=0", "wait before every message, send at most rate bytes per second; both 0 ends it",
		func(g *Gateway, a *args) error {
			s := Slowness{PerMessage: a.positive("delay"), BytesPerSecond: a.int("rate", 0, 1<<30)}
			return a.run(func() { g.Slow(s) })
		},
	},
	{"lag", "by=0s", "send every message so much later; 0 ends it", timed("by", (*Gateway).Lag)},
	{"ticks-only", "on=true", "send market data and nothing else, whatever is asked", switched((*Gateway).TicksOnly)},
	{"garbage", "bytes=64", "send random bytes outside any frame", counted("bytes", 1, 1<<20, (*Gateway).Garbage)},
	{
		"garbage-frame", "bytes=64", "send a well-framed message of random bytes",
		counted("bytes", 1, 1<<20, (*Gateway).FramedGarbage),
	},
	{
		"truncate", "stall=false", "send a frame that is shorter than its header says, then close, or stall",
		func(g *Gateway, a *args) error {
			stall := a.bool("stall")
			return a.run(func() { g.Truncate(stall) })
		},
	},
	{"oversize", "", "send the header of a frame of 2 GiB", plain((*Gateway).Oversize)},
	{
		"stall", "at=no-ready", "stop new handshakes at one-field, half-reply, no-ready or no-accounts; at=none " +
			"ends it",
		func(g *Gateway, a *args) error {
			at := a.text("at")
			if at == "none" {
				at = ""
			}
			if !slices.Contains([]Stall{StallNone, StallOneField, StallHalfReply, StallNoReady, StallNoAccounts},
				Stall(at)) {
				a.fail("at", "one-field, half-reply, no-ready, no-accounts or none")
			}
			return a.do(func() error { return g.StallHandshake(Stall(at)) })
		},
	},
	{
		"326", "n=1", "answer the next n startApi with 326 (client id in use), and close half a second later",
		counted("n", 0, 1<<30, (*Gateway).Refuse326),
	},
	{
		"10141", "n=1", "answer the next n startApi with 10141 (paper disclaimer), and close half a second later",
		counted("n", 0, 1<<30, (*Gateway).Refuse10141),
	},
	{
		"unanswered", "what=completed-orders n=1", "leave the next n questions (-1: all) about open-orders, " +
			"completed-orders, executions, positions or contract-details unanswered, or requests by name",
		func(g *Gateway, a *args) error {
			q, n := Question(a.text("what")), a.int("n", -1, 1<<30)
			if !q.known() {
				a.fail("what", "open-orders, completed-orders, executions, positions, contract-details or the "+
					"name of a request")
			}
			return a.do(func() error { return g.LeaveUnanswered(q, n) })
		},
	},
	{"read-only", "on=true", "make the API read-only: 321 for orders and for questions about open and completed " +
		"orders; on=false ends it", switched((*Gateway).ReadOnly)},
	{
		"1300", "port=0 grace=100ms", "say that the API port changed (0: any free one), then move there",
		func(g *Gateway, a *args) error {
			port, grace := a.int("port", 0, 65535), a.positive("grace")
			return a.do(func() error {
				to, err := g.MovePort(port, grace)
				a.result["port"] = to
				return err
			})
		},
	},
	{
		"farm", "code=2103 name=", "tell the state of a data farm: 2103 to 2108, 2119, 2157, 2158",
		func(g *Gateway, a *args) error {
			code, name := a.int("code", 2100, 2199), a.text("name")
			return a.run(func() { g.Farm(code, name) })
		},
	},
	{
		"notice", "code= text=", "send a code to all sessions; 1100, 1101, 1102, 2110 and 10197 also do what they say",
		func(g *Gateway, a *args) error {
			code := a.code()
			return a.run(func() { g.Notice(code, a.text("text")) })
		},
	},
	{
		"error", "id=-1 code= text=", "send an error for one request or order id to all sessions",
		func(g *Gateway, a *args) error {
			id, code := a.int("id", -1, 1<<31-1), a.code()
			return a.run(func() { g.NoticeFor(int32(id), code, a.text("text")) })
		},
	},
	{
		"restart", "for=5s", "exit and come back: port closed, connections dropped, orders kept",
		timed("for", (*Gateway).Restart),
	},
	{
		"hold-sessions", "for=20s", "after a restart, refuse the client ids of before it with 326 for so long; 0s " +
			"ends it", timed("for", (*Gateway).HoldSessions),
	},
	{"plan-exit", "at=+0s type=restart for=40s", "restart or log off (type=logoff) at 23:45 New York, or +30s: a " +
		"full minute; reqConfig announces it; type=none ends it", planExit},
	{
		"logoff", "", "end the session with IBKR: port closed, connections dropped, until login",
		plain((*Gateway).LogOff),
	},
	{"login", "", "end logoff", plain((*Gateway).LogIn)},
	{"config", "without= refuse=false", "what reqConfig is answered: without lock-and-exit,messages,api,orders, or " +
		"refused with 10357", configFault},
	{"skew", "by=0s", "shift the gateway's clock", func(g *Gateway, a *args) error {
		d := a.duration("by")
		return a.run(func() { g.ClockSkew(d) })
	}},
	{"price", "symbol= price=0", "pin the bid of a symbol, which may fill orders; 0 lets it walk again, at -1 there " +
		"is no bid and no ask", func(g *Gateway, a *args) error {
		price, err := strconv.ParseFloat(a.text("price"), 64)
		if err != nil || !(price >= 0 && price < 1e9 || price == -1) {
			a.fail("price", "a price")
		}
		return a.do(func() error { return g.SetPrice(a.text("symbol"), price) })
	}},
	{
		"order-fault", faultParams,
		"what happens to orders to come, or to changes, when they are placed, filled or cancelled", faultOrders,
	},
	{"order", "ref=" + turnParams, "send an error for the order with a reference, and give it any status", turnOrder},
	{"discard-cancels", "n=1", "throw the next n requests to cancel an order (-1: all) away with error 100, which " +
		"names no order", counted("n", -1, 1<<30, (*Gateway).DiscardCancels)},
	{"by-hand", "symbol= action=BUY quantity=1 limit=0 id=2147483647 ref=", "make an order of client id 0 by hand, " +
		"with any id; without a limit it fills at once", placeByHand},
	{"replace-by-hand", "client=0 id=1", "replace an open order by hand: the old permId is cancelled, a new one " +
		"works under the same ids and reference", func(g *Gateway, a *args) error {
		client, id := a.int("client", 0, math.MaxInt32), a.int("id", 1, math.MaxInt32)
		return a.do(func() (err error) {
			a.result["perm_id"], err = g.ReplaceByHand(int32(client), int32(id))
			return err
		})
	}},
	{"reset-ids", "", "count order ids from the first one again; open orders keep theirs", plain((*Gateway).ResetIDs)},
	{"auction", "symbol= at=close", "hold the auction at the open or close of a symbol, or of all, now", holdAuction},
	{
		"hard-to-borrow", "symbol= on=true", "hold orders that sell a symbol short, until on=false or clear",
		hardToBorrow,
	},
	{"correct", "ref= shares=0", "correct the last execution of the order with a reference; 0 shares: the exchange " +
		"busts it", correctExecution},
	{"refuse-data", "code=354 symbol= n=1", "refuse the next n subscriptions to market data, of one symbol or of " +
		"any; -1: all, until n=0 or clear", refusing((*Gateway).RefuseData)},
	{"refuse-history", "code=162 symbol= n=1", "refuse the next n requests for historical data, bars and ticks, of " +
		"one symbol or of any; -1: all, until n=0 or clear", refusing((*Gateway).RefuseHistory)},
	{"stop-bars", "code=10182 symbol=", "end bars that are kept up to date, real-time bars and tick-by-tick data, of " +
		"one symbol or all, with an error", ofSymbol("code", 1, 1<<30, (*Gateway).StopBars)},
	{
		"halt", "symbol= reason=1", "trading halts in a symbol, or in all: tick 49, no prices, no fills; 0 ends it",
		ofSymbol("reason", 0, 2, (*Gateway).Halt),
	},
	{
		"stop-data", "code=354 symbol=", "end the subscriptions to market data, of one symbol or all, with an error",
		ofSymbol("code", 1, 1<<30, (*Gateway).StopData),
	},
	{"data-type", "type=2 symbol=", "market data is live (1), frozen (2), delayed (3) or delayed and frozen (4) from " +
		"now on; 0 ends it", ofSymbol("type", 0, 99, (*Gateway).DataType)},
	{"last-traded", "symbol= ago=48h", "no one trades a symbol any more, and its last trade was so long ago; 0s " +
		"ends it", lastTraded},
	{
		"competing", "on=true symbol=", "10197 as from a competing session, for one symbol or all: no data until " +
			"on=false",
		competing,
	},
	{"clear", "", "end all lasting faults", func(g *Gateway, a *args) error {
		return a.do(g.Clear)
	}},
}

// args are the parameters that are given, and the defaults of others.
func (v *verb) args(given map[string]string) *args {
	a := &args{verb: v.name, values: map[string]string{}, result: map[string]any{}}
	for p := range strings.FieldsSeq(v.params) {
		key, value, _ := strings.Cut(p, "=")
		a.values[key] = value
	}
	maps.Copy(a.values, given)
	return a
}

// keys are the parameters a verb takes.
func (v *verb) keys() []string {
	var keys []string
	for p := range strings.FieldsSeq(v.params) {
		key, _, _ := strings.Cut(p, "=")
		keys = append(keys, key)
	}
	return keys
}

// findVerb looks a verb up. A number that is no verb of its own is the notice with that code.
func findVerb(name string) (verb, bool) {
	for _, v := range verbs {
		if v.name == name {
			return v, true
		}
	}
	code, err := strconv.Atoi(name)
	if err != nil || code < 1 || code > 99999 || strconv.Itoa(code) != name {
		return verb{}, false
	}
	if _, ok := farmNotices[code]; ok {
		return verb{name: name, params: "farm=", run: func(g *Gateway, a *args) error {
			return a.run(func() { g.Farm(code, a.text("farm")) })
		}}, true
	}
	return verb{name: name, params: "text=", run: func(g *Gateway, a *args) error {
		return a.run(func() { g.Notice(code, a.text("text")) })
	}}, true
}

// checkVerb returns the verb, or why it cannot be called like that.
func checkVerb(name string, values map[string]string) (verb, error) {
	v, ok := findVerb(name)
	if !ok {
		return v, fmt.Errorf("unknown fault %q", name)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(v.keys(), key) {
			return v, fmt.Errorf("%s has no parameter %q (it has: %s)", name, key,
				strings.Join(append(v.keys(), "nothing else"), ", "))
		}
	}
	return v, nil
}

// Do runs a fault by its name on the control port, with its parameters as text, and returns what it reports.
func (g *Gateway) Do(name string, params map[string]string) (map[string]any, error) {
	v, err := checkVerb(name, params)
	if err != nil {
		return nil, err
	}
	a := v.args(params)
	if err := v.run(g, a); err != nil {
		return nil, err
	}
	g.log.Info("fault", "name", name, "params", params)
	return a.result, nil
}
