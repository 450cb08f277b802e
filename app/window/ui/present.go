package ui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// command is what the one button does.
type command int

const (
	noCommand command = iota
	connectNow
	disconnect
	startProgram
	restartProgram
)

// labels are what is written on the banner's button.
var labels = map[command]string{
	connectNow: "Connect now", startProgram: "Start Gatewatch",
	restartProgram: "Restart Gatewatch",
}

// picture is everything that the status page shows, in words and shapes.
type picture struct {
	shape    Shape
	headline string
	since    string
	badge    string // DEMO, PAPER, LIVE or empty
	banner   *banner
	support  string // until when IBKR supports Gateway's version; empty: nothing is known of that
	layers   []row
	orders   row
	details  []pair
	today    string // its uptime and outages
	day      []bar  // what it is made of
	command  command
}

// banner says what is wrong and what to do.
type banner struct {
	shape                       Shape
	cause, since, hint, attempt string
	button                      command // that stands here, if any
}

// plainText is the picture as text that can be pasted elsewhere.
func (p *picture) plainText() string {
	list := []string{strings.TrimSpace("Gatewatch: " + p.headline + ", " + p.since + " " + p.badge)}
	if b := p.banner; b != nil {
		list = append(list, b.plainText())
	}
	for _, r := range append(slices.Clone(p.layers), p.orders) {
		list = append(list, strings.TrimSpace(r.name+": "+r.word+" "+r.since))
		if r.more != "" {
			list = append(list, "  "+r.more)
		}
	}
	for _, d := range p.details {
		list = append(list, d.name+": "+d.value)
	}
	return strings.Join(list, "\n") + "\n"
}

func (b *banner) plainText() string {
	return strings.TrimSpace(strings.Join([]string{b.cause, b.since, b.hint}, "\n"))
}

// row is one line of a list of conditions.
type row struct {
	shape             Shape
	name, word, since string
	more              string // a second line, may be empty
}

type pair struct{ name, value string }

// none stands for what is not known.
const none = "–"

// picture returns what is shown now of the status st, nil before the first, while the resident program is there or,
// since lost, does not answer.
func pictureOf(st *api.Status, lost absence, now time.Time) picture {
	if st == nil || lost.is() {
		return absent(st, lost, now)
	}
	p := picture{
		shape: shapeOf(st, now), headline: headline(st, now), since: sinceFor(downSince(st), now),
		badge: wording.Account(conn.Mode(st.Gateway.Mode), st.Demo),
		today: wording.Today(st.Today.UptimePercent, st.Today.Outages), day: dayBar(&st.Today), command: commandFor(st),
	}
	if st.Held.Closed {
		p.headline, p.since = "Orders blocked", sinceFor(st.Held.Since, now)
	}
	p.support = plain(strings.TrimSpace(st.Gateway.Unsupported + " " + st.Restart.Hint))
	p.banner = bannerOf(st, p.shape, now)
	if p.banner != nil {
		if p.command == connectNow {
			p.banner.button = connectNow
		}
	}
	p.layers = layersOf(st, now)
	p.orders = row{shape: Up, name: "Orders", word: wording.OneLine(st.Guard.Text)}
	if !st.Guard.Open || fails(st, wording.FailingOrders) {
		p.orders.shape = Down
	}
	p.details = details(st, now)
	return p
}

// absent is the picture while the resident program does not answer.
func absent(st *api.Status, lost absence, now time.Time) picture {
	p := picture{shape: Unknown, headline: "Looking for Gatewatch…", orders: row{
		shape: Unknown, name: "Orders",
		word: none,
	}}
	if lost.is() {
		p.shape, p.headline, p.since = Down, lost.text(), sinceFor(lost.since, now)
		p.banner, p.command = lost.banner(now), lost.remedy()
	}
	for _, name := range []string{layerSocket, layerAPI, layerUpstream, layerFarms} {
		p.layers = append(p.layers, row{shape: Unknown, name: name, word: none})
	}
	p.today = "Today: not known"
	if st != nil {
		p.details = []pair{{"Gateway", address(&st.Gateway)}}
	}
	return p
}

// unwatched adds to the banner the orders that nothing watches now.
func (p *picture) unwatched(st *api.Status, orders *ordersPage) {
	if st != nil && st.Trading.OrdersOpen > 0 {
		p.banner.hint += "\n" + orders.unwatched(st.Trading.OrdersOpen)
	}
}

func shapeOf(st *api.Status, now time.Time) Shape {
	switch st.State {
	case conn.Connected:
		switch {
		case st.Held.Text != "" || fails(st, wording.FailingOrders):
			return Blocked
		case slices.ContainsFunc(st.Failing, func(f api.Failing) bool { return f.Urgent }):
			return Impaired
		}
		return Up
	case conn.Degraded:
		return Impaired
	case conn.UpstreamLost:
		return Down
	case conn.ResetWindow:
		return Resting
	case conn.Paused:
		return PausedByUser
	case conn.Reconnecting:
		if wording.Lasting(st.State, st.Since, now) {
			return Down
		}
		return Working
	case conn.Connecting:
		return Working
	}
	return Unknown
}

// fails reports whether a step in the background fails.
func fails(st *api.Status, step string) bool {
	return slices.ContainsFunc(st.Failing, func(f api.Failing) bool { return f.Step == step })
}

// downSince returns when the outage began that lasts, otherwise when the state was entered.
func downSince(st *api.Status) time.Time {
	if st.LostAt != nil && st.LostAt.Before(st.Since) {
		return *st.LostAt
	}
	return st.Since
}

// headline is the state without what counts down, which the banner shows.
func headline(st *api.Status, now time.Time) string {
	switch st.State {
	case conn.Connecting:
		if st.FirstRun {
			return wording.Looking
		}
		return "Connecting"
	case conn.Reconnecting:
		if wording.Lasting(st.State, st.Since, now) {
			return wording.NoConnection
		}
		return "Reconnecting"
	case conn.UpstreamLost:
		return "IBKR unreachable"
	}
	return wording.OneLine(st.Headline)
}

// commandFor returns the one command that applies.
func commandFor(st *api.Status) command {
	if st.Layers.Socket && st.Layers.API {
		return disconnect
	}
	return connectNow
}

func bannerOf(st *api.Status, shape Shape, now time.Time) *banner {
	if st.State == conn.Connected && st.Held.Text == "" {
		return failing(st)
	}
	b := &banner{
		shape: shape, cause: wording.OneLine(st.Cause), hint: plain(st.Hint),
		since: "Since " + clock(downSince(st), now),
	}
	if b.cause == "" {
		b.cause = headline(st, now)
		if st.State == conn.Connecting {
			b.cause = "Connecting to Gateway for the first time."
		}
	}
	if st.Held.Text != "" {
		b.hint = plain(strings.TrimSpace(st.Held.Hint + " " + st.Hint))
		if st.State == conn.Connected {
			b.cause, b.since = "", "Since "+clock(st.Held.Since, now)
		}
		b.cause = strings.TrimSpace(wording.OneLine(st.Held.Text) + " " + b.cause)
	}
	if f := failing(st); f != nil {
		b.hint = plain(strings.TrimSpace(b.hint + " " + f.cause + " " + f.hint))
	}
	b.attempt = attempt(&st.Attempt, now)
	return b
}

// failing says what fails in the background; nil if nothing does.
func failing(st *api.Status) *banner {
	var causes, hints []string
	for _, f := range st.Failing {
		causes = append(causes, wording.FailingLine(f.Text, f.Detail))
		if hint := plain(f.Hint); !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	if len(causes) == 0 {
		return nil
	}
	return &banner{shape: Impaired, cause: strings.Join(causes, " "), hint: strings.Join(hints, " ")}
}

// attempt returns the attempt line, counting down to now; empty if no attempt is needed.
func attempt(a *api.Attempt, now time.Time) string {
	switch {
	case a.Number == 0:
		return ""
	case a.Running:
		return fmt.Sprintf("Attempt %d is under way", a.Number)
	case a.NextAt == nil:
		return fmt.Sprintf("Attempt %d is next", a.Number)
	}
	left := a.NextAt.Sub(now)
	if seconds := wording.Seconds(left); seconds < 60 {
		return fmt.Sprintf("Attempt %d in %d s", a.Number, seconds)
	}
	// The seconds run down to 60 s as they do below it: rounded up.
	return fmt.Sprintf("Attempt %d in %s", a.Number, wording.Duration(time.Duration(wording.Seconds(left))*time.Second))
}

func details(st *api.Status, now time.Time) []pair {
	g := &st.Gateway
	list := []pair{{"Gateway", address(g)}}
	if st.Layers.API {
		account := wording.Account(conn.Mode(g.Mode), st.Demo)
		if account == "" {
			account = none
		}
		if g.Accounts > 1 {
			account += fmt.Sprintf(" · %d accounts", g.Accounts)
		}
		list = append(list, pair{"Account", account})
	}
	if g.ServerVersion != 0 {
		protocol := strconv.Itoa(g.ServerVersion)
		if st.Layers.Socket && st.Probe.RoundTripMillis > 0 {
			protocol += fmt.Sprintf(" · answers in %s", millis(st.Probe.RoundTripMillis))
		}
		list = append(list, pair{"Protocol", protocol})
	}
	if skew := st.Probe.ClockSkewSeconds; st.Layers.Socket && math.Abs(skew) >= 2 {
		word := "ahead of"
		if skew < 0 {
			word = "behind"
		}
		list = append(list, pair{"Clock", fmt.Sprintf("Gateway's is %s %s this one",
			wording.Duration(time.Duration(math.Abs(skew)*float64(time.Second))), word)})
	}
	session := "none"
	if st.Session != 0 {
		session = fmt.Sprintf("number %d", st.Session)
	}
	if st.Lost > 0 {
		session += fmt.Sprintf(" · %d lost so far", st.Lost)
	}
	list = append(list, pair{"Session", session})
	list = append(list, pair{"Reset window", resetWindow(&st.Reset, now)})
	if at := st.Restart.At; at != nil {
		name := "Gateway restarts"
		if st.Restart.Kind == conn.ExitLogOff {
			name = "Gateway logs off"
		}
		list = append(list, pair{name, exitAt(*at, now)})
	}
	if text := wording.Resubmit(st.Gateway.Resubmits); text != "" {
		list = append(list, pair{"Without IBKR", "orders are " + text})
	}
	return list
}

func resetWindow(w *api.ResetWindow, now time.Time) string {
	switch {
	case w.Active && w.EndsAt != nil:
		return fmt.Sprintf("now, until %s (%s left)", clock(*w.EndsAt, now), left(w.EndsAt.Sub(now)))
	case w.Active:
		return "now"
	case w.NextAt != nil:
		return fmt.Sprintf("next %s (in %s)", clock(*w.NextAt, now), left(w.NextAt.Sub(now)))
	}
	return "none"
}

// exitAt says when Gateway restarts or logs off, with a countdown.
func exitAt(at, now time.Time) string {
	if !at.After(now) {
		return "now, since " + clock(at, now)
	}
	return fmt.Sprintf("at %s (in %s)", clock(at, now), left(at.Sub(now)))
}

func address(g *api.Gateway) string {
	host := wording.OneLine(g.Host)
	if host == "" {
		return none
	}
	if g.Port == 0 {
		return host + ", looking for the port"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, g.Port)
}

// dayBar returns what the day so far is made of, as one bar from left to right, to whole thousandths: what changes with
// every second need not be painted with every second.
func dayBar(p *api.Period) []bar {
	var list []bar
	x := 0.0
	for _, k := range kinds {
		share := math.Round(1000*term(p, k.kind)/max(1, p.Seconds)) / 1000
		if share > 0 {
			list = append(list, bar{x0: x, x1: min(1, x+share), y0: 0, y1: 1, kind: k.kind})
			x += share
		}
	}
	return list
}

// plain returns text in one line that may be as long as advice.
func plain(text string) string { return wording.Line(text, 1000) }
