package ui

import (
	"fmt"
	"math"
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
	connectNow: wording.ConnectNow, startProgram: "Start Gatewatch",
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

// plainText is the picture as text that can be pasted elsewhere, with the moment and the zone for which it is true.
func (p *picture) plainText(now time.Time) string {
	state := p.headline
	if p.since != "" {
		state += ", " + p.since
	}
	list := []string{
		"Gatewatch, " + now.Local().Format("2 Jan 2006 15:04:05 MST"), strings.TrimSpace(state + " " + p.badge),
	}
	if b := p.banner; b != nil {
		list = append(list, b.plainText())
	}
	for _, r := range p.layers {
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
	s := api.ShownOf(st, now)
	p := picture{
		shape: named[s.Shape], headline: s.Title, since: sinceFor(s.Since, now), badge: s.Badge, support: s.Notice,
		today: s.Today, day: dayBar(&st.Today), command: commandFor(st),
	}
	if s.Cause != "" {
		p.banner = &banner{shape: p.shape, cause: s.Cause, hint: s.Hint, attempt: attempt(s.Attempt, now)}
		switch {
		case p.shape == Up:
			p.banner.shape = Impaired
		case s.Since != nil && (st.State != conn.Connected || st.Held.Text != ""):
			p.banner.since = "Since " + clock(*s.Since, now)
		}
		if p.command == connectNow {
			p.banner.button = connectNow
		}
	}
	for _, l := range s.Layers {
		r := row{shape: named[l.Shape], name: l.Name, word: l.Text, more: l.More}
		if l.At != nil {
			r.since = "since " + clock(*l.At, now)
		}
		p.layers = append(p.layers, r)
	}
	for _, d := range s.Details {
		p.details = append(p.details, pair{d.Name, withMoment(d, now)})
	}
	return p
}

// withMoment returns a line's text with the moment that belongs to it, and how long it is until then.
func withMoment(l api.Line, now time.Time) string {
	switch {
	case l.At == nil:
		return l.Text
	case l.At.After(now):
		return fmt.Sprintf("%s %s (in %s)", l.Text, clock(*l.At, now), left(l.At.Sub(now)))
	}
	return l.Text + " " + clock(*l.At, now)
}

// absent is the picture while the resident program does not answer.
func absent(st *api.Status, lost absence, now time.Time) picture {
	p := picture{shape: Unknown, headline: wording.LookingForGatewatch, today: wording.TodayNotKnown}
	if lost.is() {
		p.shape, p.headline, p.since = Down, lost.text(), sinceFor(&lost.since, now)
		p.banner, p.command = lost.banner(), lost.remedy()
	}
	for _, name := range api.LayerNames {
		p.layers = append(p.layers, row{shape: Unknown, name: name, word: none})
	}
	if st != nil {
		p.details = []pair{{"Gateway", api.Address(&st.Gateway)}}
	}
	return p
}

// unwatched adds to the banner the orders that nothing watches now.
func (p *picture) unwatched(st *api.Status, orders *ordersPage) {
	if st != nil && st.Trading.OrdersOpen > 0 {
		p.banner.hint += "\n" + orders.unwatched(st.Trading.OrdersOpen)
	}
}

// commandFor returns the one command that applies.
func commandFor(st *api.Status) command {
	if st.Layers.Socket && st.Layers.API {
		return disconnect
	}
	return connectNow
}

// attempt returns the attempt line, counting down to now; empty if no attempt is needed. The seconds are rounded up,
// also above a minute.
func attempt(a api.Line, now time.Time) string {
	if a.At == nil {
		return a.Text
	}
	seconds := wording.Seconds(a.At.Sub(now))
	return a.Text + " in " + wording.Duration(time.Duration(seconds)*time.Second)
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
func plain(text string) string { return wording.Paragraph(text) }
