package api

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// Shown is a status in words, as the window and the page show it, so that a client can show the same. What counts up or
// down is left to the client, and so is the zone of a moment.
type Shown struct {
	// sign of the state: up, working, impaired, blocked, down, resting, paused, or unknown
	Shape string `json:"shape"`
	Title string `json:"title"` // the state in a few words
	// since when the state, the outage or a closed guard lasts; null before the first connection
	Since   *time.Time `json:"since"`
	Badge   string     `json:"badge"`   // DEMO, PAPER or LIVE; empty: not known
	Cause   string     `json:"cause"`   // what is wrong; empty if nothing is
	Hint    string     `json:"hint"`    // what to do about it, in one or more lines
	Attempt Line       `json:"attempt"` // the attempt under way or the next one, with its moment; empty if none is needed
	Notice  string     `json:"notice"`  // what to do about Gateway's version or its daily log-off; empty if nothing
	Layers  []Line     `json:"layers"`  // socket, API, IBKR, data farms, orders, with the moment since when
	// what is known of Gateway; a moment belongs behind the text, and what is left until then behind that
	Details []Line `json:"details"`
	Trading Line   `json:"trading"` // with the moment since when it is on
	Today   string `json:"today"`   // uptime and outages of the local day
	// what is to be said of open orders if Gatewatch does not answer any more; empty if there are none
	Unwatched string `json:"unwatched"`
}

// Line is one thing in words.
type Line struct {
	Shape string     `json:"shape"` // its sign, as that of [Shown], or off; empty if it has none
	Name  string     `json:"name"`
	Text  string     `json:"text"`
	At    *time.Time `json:"at"`   // null if no moment belongs to it
	More  string     `json:"more"` // a second line; may be empty
}

// ShownOf renders a status at the given moment.
func ShownOf(st *Status, now time.Time) Shown {
	s := Shown{
		Shape: shapeOf(st, now), Title: title(st, now), Since: since(st),
		Badge: wording.Account(ib.Mode(st.Gateway.Mode), st.Demo), Attempt: st.Attempt.Line(),
		Notice: wording.Paragraph(st.Gateway.Unsupported + " " + st.Restart.Hint),
		Layers: layersOf(st), Details: detailsOf(st, now), Trading: tradingOf(st),
		Today:     wording.Today(st.Today.UptimePercent, st.Today.Outages),
		Unwatched: wording.Unwatched(st.Trading.OrdersOpen),
	}
	s.Cause, s.Hint = wrong(st, s.Title)
	return s
}

// OrdersStopped returns why no order can leave, in one clause, if a step that fails keeps them from it.
func OrdersStopped(list []Failing) string {
	for _, f := range list {
		if why := wording.OrdersStopped(f.Step); why != "" {
			return why
		}
	}
	return ""
}

// ordersStopped is [OrdersStopped] while there is a connection on which orders could be sent.
func (st *Status) ordersStopped() string {
	if !st.Connected {
		return ""
	}
	return OrdersStopped(st.Failing)
}

func shapeOf(st *Status, now time.Time) string {
	switch st.State {
	case conn.Connected:
		switch {
		case st.Held.Text != "" || st.ordersStopped() != "":
			return "blocked"
		case slices.ContainsFunc(st.Failing, func(f Failing) bool { return f.Urgent }):
			return "impaired"
		}
		return "up"
	case conn.Degraded:
		return "impaired"
	case conn.UpstreamLost:
		return "down"
	case conn.ResetWindow:
		return "resting"
	case conn.Paused:
		return "paused"
	case conn.Reconnecting:
		if wording.Lasting(st.State, st.Since, now) {
			return "down"
		}
		return "working"
	case conn.Connecting:
		return "working"
	}
	return "unknown"
}

// title is the headline without what counts down.
func title(st *Status, now time.Time) string {
	switch {
	case st.Held.Closed && st.Guard.ReasonID != ib.GuardMode, st.ordersStopped() != "":
		return wording.OrdersBlockedTitle
	case st.State == conn.Connecting && st.FirstRun:
		return wording.Looking
	case st.State == conn.Connecting:
		return "Connecting"
	case wording.Lasting(st.State, st.Since, now):
		return wording.NoConnection
	case st.State == conn.Reconnecting:
		return "Reconnecting"
	case st.State == conn.UpstreamLost:
		return wording.Unreachable
	}
	return wording.OneLine(st.Headline)
}

func since(st *Status) *time.Time {
	switch {
	case st.State == conn.Connecting && st.FirstRun, st.Since.IsZero():
		return nil
	case st.Held.Closed:
		return &st.Held.Since
	case st.ordersStopped() != "": // since when is not known
		return nil
	case st.LostAt != nil && st.LostAt.Before(st.Since):
		return st.LostAt
	}
	return &st.Since
}

// wrong returns what is wrong and what to do.
func wrong(st *Status, title string) (cause, hint string) {
	failing, advice := failingOf(st.Failing)
	if st.State == conn.Connected && st.Held.Text == "" {
		return failing, advice
	}
	cause, hint = wording.Paragraph(st.Cause), wording.Paragraph(st.Hint)
	switch looking := st.FirstRun && st.State == conn.Connecting; {
	case looking && slices.Contains([]ib.Cause{"", ib.CauseRefused, ib.CauseUnreachable}, st.CauseID):
		cause, hint = "Welcome. "+wording.Looking, wording.Checklist
	case cause == "" && st.State == conn.Connecting:
		cause = "Connecting to Gateway for the first time."
	case cause == "":
		cause = title
	}
	if st.Held.Text != "" {
		hint = wording.Paragraph(st.Held.Hint + " " + st.Hint)
		if st.State == conn.Connected {
			cause = ""
		}
		cause = strings.TrimSpace(wording.Paragraph(st.Held.Text) + " " + cause)
	}
	if failing != "" {
		hint = strings.TrimSpace(hint + " " + failing + " " + advice)
	}
	if st.FirstRun && st.State == conn.Connecting {
		hint = strings.TrimSpace(ports(st.Tried) + "\n\n" + hint)
	}
	return cause, hint
}

// failingOf returns what fails in the background, and what to do; empty if nothing does.
func failingOf(list []Failing) (failing, advice string) {
	var causes, hints []string
	for _, f := range list {
		causes = append(causes, wording.FailingLine(f.Text, f.Detail))
		if hint := wording.Paragraph(f.Hint); !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	return strings.Join(causes, " "), strings.Join(hints, " ")
}

// ports says in a line each what an attempt has found.
func ports(tried []PortTry) string {
	var list []string
	for _, t := range tried {
		usual := wording.Mode(ib.Mode(t.Usually))
		if usual != "" {
			usual = " (usually " + usual + ")"
		}
		list = append(list, fmt.Sprintf("Port %d%s: %s", t.Port, usual, wording.OneLine(t.Text)))
	}
	return strings.Join(list, "\n")
}

// Line says how far the attempt is. The moment of the next one is left to be counted down to.
func (a Attempt) Line() Line {
	switch {
	case a.Number == 0:
		return Line{}
	case a.Running:
		return Line{Text: fmt.Sprintf("Attempt %d is under way", a.Number)}
	case a.NextAt == nil:
		return Line{Text: fmt.Sprintf("Attempt %d is next", a.Number)}
	}
	return Line{Text: fmt.Sprintf("Attempt %d", a.Number), At: a.NextAt}
}

// LayerNames are what [Shown.Layers] are called, in their order.
var LayerNames = []string{"Socket", "API", "IBKR", "Data farms", "Orders"}

func layersOf(st *Status) []Line {
	looking := st.FirstRun && st.State == conn.Connecting
	layer := func(i int, up, known bool, since time.Time) Line {
		l := Line{Shape: "unknown", Name: LayerNames[i], Text: wording.Layer(up, known)}
		switch {
		case known && !up && looking: // nothing is lost before the first connection
			l.Text = "not connected yet"
		case known:
			l.Shape, l.At = l.Text, Moment(since)
		}
		return l
	}
	l, at := st.Layers, st.LayersSince
	orders := Line{Shape: "up", Name: LayerNames[4], Text: wording.OneLine(st.Guard.Text)}
	switch {
	case looking:
		orders.Shape = "unknown"
	case !st.Guard.Open || OrdersStopped(st.Failing) != "":
		orders.Shape = "down"
	}
	return []Line{
		layer(0, l.Socket, true, at.Socket), layer(1, l.API, !st.Unanswered, at.API),
		layer(2, l.Upstream, st.Answers(), at.Upstream), // only a Gateway that is signed on reports it
		farmsOf(st), orders,
	}
}

func farmsOf(st *Status) Line {
	l := Line{Shape: "unknown", Name: LayerNames[3], Text: wording.Layer(false, false)}
	if !st.Layers.Upstream || st.Unanswered { // Gateway reports them only while it sees IBKR
		return l
	}
	by := map[conn.FarmState][]string{}
	for _, name := range slices.Sorted(maps.Keys(st.Layers.Farms)) {
		state := st.Layers.Farms[name]
		by[state] = append(by[state], wording.NamedFarm(name))
	}
	up, down := len(by[conn.FarmOK]), len(by[conn.FarmBroken])
	l.At = Moment(st.LayersSince.Farms)
	switch {
	case len(st.Layers.Farms) == 0:
		l.Text, l.At = "none reported", nil
		return l
	case st.CauseID == ib.CauseCompeting:
		l.Shape, l.Text, l.At = "impaired", "no prices", nil // that moment is of the farms, which are up
	case down > 0:
		l.Shape, l.Text = "impaired", fmt.Sprintf("%d up, %d down", up, down)
	case up > 0:
		l.Shape, l.Text = "up", fmt.Sprintf("%d up", up)
	default:
		l.Text = "resting"
	}
	var more []string
	for _, s := range []struct {
		state conn.FarmState
		word  string
	}{
		{conn.FarmBroken, "down"},
		{conn.FarmConnecting, "connecting"},
		{conn.FarmDormant, "dormant"},
		{conn.FarmOK, "up"},
	} {
		if names := by[s.state]; len(names) > 0 {
			more = append(more, s.word+": "+strings.Join(names, ", "))
		}
	}
	l.More = strings.Join(more, " · ")
	return l
}

// Answers reports whether Gateway answers, so that what it answered last is true now.
func (st *Status) Answers() bool { return st.Layers.API && !st.Unanswered }

func detailsOf(st *Status, now time.Time) []Line {
	g := &st.Gateway
	list := []Line{{Name: "Gateway", Text: Address(g)}}
	add := func(name, text string, at *time.Time) { list = append(list, Line{Name: name, Text: text, At: at}) }
	if st.Layers.API {
		account := cmp.Or(wording.Account(ib.Mode(g.Mode), st.Demo), none)
		if g.Accounts > 1 {
			account += fmt.Sprintf(" · %d accounts", g.Accounts)
		}
		add("Account", account, nil)
	}
	if g.ServerVersion != 0 {
		protocol := strconv.Itoa(g.ServerVersion)
		if st.Answers() && st.Probe.RoundTripMillis > 0 {
			protocol += " · answers in " + millis(st.Probe.RoundTripMillis)
		}
		add("Protocol", protocol, nil)
	}
	if skew := st.Probe.ClockSkewSeconds; st.Answers() && math.Abs(skew) >= 2 {
		word := "ahead of"
		if skew < 0 {
			word = "behind"
		}
		add("Clock", fmt.Sprintf("Gateway's is %s %s this one",
			wording.Duration(time.Duration(math.Abs(skew)*float64(time.Second))), word), nil)
	}
	session := "none"
	if st.Session != 0 {
		session = fmt.Sprintf("number %d", st.Session)
	}
	if st.Lost > 0 {
		session += fmt.Sprintf(" · %d lost so far", st.Lost)
	}
	add("Session", session, nil)
	switch w := &st.Reset; {
	case w.Active && w.EndsAt != nil:
		add("Reset window", "now, until", w.EndsAt)
	case w.Active:
		add("Reset window", "now", nil)
	case w.NextAt != nil:
		add("Reset window", "next", w.NextAt)
	default:
		add("Reset window", "none", nil)
	}
	if at := st.Restart.At; at != nil {
		text := "at"
		if !at.After(now) {
			text = "now, since"
		}
		add(wording.ExitVerb(st.Restart.Kind), text, at)
	}
	if p := &st.Programs; p.Port != 0 {
		add("Programs", wording.OneLine(p.Text), nil)
	}
	if text := wording.Resubmit(g.Resubmits); text != "" {
		add("Without IBKR", "orders are "+text, nil)
	}
	return list
}

// millis returns a round trip in whole milliseconds: what changes with every probe would be painted with every probe.
func millis(ms float64) string {
	if ms < 1 {
		return "less than 1 ms"
	}
	return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
}

// none stands for what is not known.
const none = "–"

// Address returns host and port of Gateway, as people write them.
func Address(g *Gateway) string {
	switch host := wording.OneLine(g.Host); {
	case host == "":
		return none
	case g.Port == 0:
		return host + ", looking for the port"
	default:
		return net.JoinHostPort(host, strconv.Itoa(g.Port))
	}
}

func tradingOf(st *Status) Line {
	t := &st.Trading
	l := Line{
		Shape: "off", Name: "Trading", Text: wording.Trading(t.Armed, t.MayTrade),
		More: wording.Sentence(wording.Paragraph(t.Reason)),
	}
	switch {
	case t.Armed && t.MayTrade:
		l.Shape, l.At = "up", t.ArmedSince
		if t.OrdersUnprotected > 0 {
			l.Shape = "impaired"
		}
	case t.Armed:
		l.Shape, l.At = "impaired", t.ArmedSince
	case !st.Connected:
		l.More = "Trading can be turned on once Gateway is connected."
	case slices.Contains([]string{engine.BlockedDisarmed, engine.BlockedGuard, engine.BlockedSilent}, t.ReasonID):
		l.More = wording.TradingOffMeans // it is off because a person wants it so, and the line of orders says the rest
	}
	return l
}
