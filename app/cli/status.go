package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// modeNotKnown is what is said of a connection of which it is not known whether it is paper or live.
const modeNotKnown = "paper or live not known"

// Status shows what the running program knows.
type Status struct {
	JSON bool `help:"Print the answer of GET /status as it is."`
}

func (s Status) Run(ctx context.Context, p Program) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	st, raw, err := client.Status(ctx)
	if err != nil {
		return home.Explain(err)
	}
	if s.JSON {
		_, err = Stdout.Write(raw)
		return err
	}
	fmt.Fprint(Stdout, describe(st, time.Now()))
	return nil
}

// describe renders a status as the few lines that a person reads.
func describe(st api.Status, now time.Time) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	lasts := ""
	if since := st.Shown.Since; since != nil {
		lasts = ", for " + wording.Duration(now.Sub(*since))
	}
	headline := st.Headline
	if st.Shown.Title == wording.OrdersBlockedTitle { // as the window has it: further rows say why
		headline = st.Shown.Title
	}
	row("State", "%s%s", colored(shapeColors[st.Shown.Shape], headline), lasts)
	if st.Cause != "" {
		row("Why", "%s", wording.Paragraph(st.Cause))
	}
	if st.Hint != "" {
		row("Do", "%s", st.Hint)
	}
	mode := colored(modeColor(ib.Mode(st.Gateway.Mode)), wording.Account(ib.Mode(st.Gateway.Mode), st.Demo))
	row("Gateway", "%s, %s", api.Address(&st.Gateway), cmp.Or(mode, modeNotKnown))
	if st.Gateway.Unsupported != "" {
		row("Support", "%s", st.Gateway.Unsupported)
	}
	for _, t := range st.Tried {
		row("Port", "%d: %s", t.Port, t.Text)
	}
	row("Layers", "%s", layers(st.Shown.Layers))
	row("Orders", "%s", colored(openColor(st.Guard.Open), wording.OneLine(st.Guard.Text)))
	if st.Held.Hint != "" && st.Held.Hint != st.Hint {
		row("Do", "%s", st.Held.Hint)
	}
	row("Trading", "%s", describeTrading(st.Trading, st.Shown.Trading.More, now))
	if st.Programs.Port != 0 {
		row("Programs", "%s", wording.OneLine(st.Programs.Text))
	}
	for _, f := range st.Failing {
		row("Problem", "%s", colored(doubt, wording.FailingLine(f.Text, f.Detail)))
		row("Do", "%s", f.Hint)
	}
	if p := st.Trading.RulesProblem; p != "" {
		row("Problem", "%s", colored(doubt, wording.FailingLine(wording.RulesRefused, p)))
	}
	if st.Session != 0 {
		probe := ""
		if st.Answers() && st.Probe.RoundTripMillis > 0 {
			probe = fmt.Sprintf(", probe %.1f ms", st.Probe.RoundTripMillis)
		}
		row("Session", "%d%s", st.Session, probe)
	}
	row("Uptime", "%s", st.Shown.Today)
	if st.Muted != nil && st.Muted.After(now) {
		row("Muted", "notifications, until %s", wording.Clock(*st.Muted, now))
	}
	switch {
	case st.Reset.Active:
		row("Reset", "until %s", wording.Clock(*st.Reset.EndsAt, now))
	case st.Reset.NextAt != nil:
		row("Reset", "next %s", st.Reset.NextAt.Local().Format("Mon 15:04"))
	}
	if st.Restart.Text != "" {
		row("Restart", "%s", st.Restart.Text)
	}
	if st.Restart.Hint != "" {
		row("Do", "%s", st.Restart.Hint)
	}
	row("Program", "%s, up %s", st.Version, wording.Duration(time.Duration(st.UptimeSeconds*float64(time.Second))))
	return b.String()
}

// describeTrading says in a line whether orders of rules may leave, what there is of rules and orders, and more.
func describeTrading(t api.Trading, more string, now time.Time) string {
	// the row says the rest
	state := strings.TrimPrefix(wording.Trading(t.Armed, t.MayTrade), strings.TrimSuffix(wording.TradingOff, "off"))
	if t.Armed && t.ArmedSince != nil {
		state += ", since " + wording.Clock(*t.ArmedSince, now)
	}
	line := strings.Join(append([]string{state}, t.Lines()...), ", ")
	if more != "" {
		line += ". " + more
	}
	return line
}

// layers says in a line how the layers of the connection are, other than orders, which have a line of their own.
func layers(list []api.Line) string {
	var parts []string
	for _, l := range list[:min(len(list), 4)] {
		part := l.Name + " " + l.Text
		if l.Shape == "impaired" && l.More != "" {
			part += " (" + l.More + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " · ")
}
