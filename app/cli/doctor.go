package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/region"
	"gatewatch/app/secrets"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Doctor looks which Gateway or TWS answers.
type Doctor struct {
	JSON bool `help:"Print what was found as JSON."`
}

// doctorID is the client id that doctor signs on with: a high one, so that it takes no one's place.
const doctorID = 901_517

func (d Doctor) Run(ctx context.Context, p Program) error {
	out := io.Writer(Stdout)
	if d.JSON {
		out = io.Discard
	}
	report, err := examine(ctx, out, p.Home)
	if err != nil {
		return err
	}
	if d.JSON {
		if err := printJSON(report); err != nil {
			return err
		}
	}
	if !report.Ready {
		return exit.With(exit.NotThere, errors.New("no Gateway or TWS is ready"))
	}
	return nil
}

// examine looks at everything, and says what it has found as it goes on: a port may need seconds.
func examine(ctx context.Context, out io.Writer, h home.Home) (doctorReport, error) {
	report := doctorReport{Advice: []string{}}
	var s settings.Settings
	s, report.Settings = settingsOf(h)
	report.Settings.write(out)
	report.Gatewatch = running(ctx, h)
	report.Gatewatch.write(out)
	if report.Secrets = report.Gatewatch.secrets; report.Gatewatch.State != "running" {
		report.Secrets = secrets.Missing(&alert.Secrets{File: h.Secrets()}, s.References())
	}
	report.writeSecrets(out)
	fmt.Fprintln(out) // ports have wider names
	ports := conn.DefaultPorts
	if s.Gateway.Port != 0 {
		ports = []int{s.Gateway.Port}
	}
	for _, port := range ports {
		found, advice := look(ctx, s, port)
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		found.write(out)
		report.Ready = report.Ready || found.Ready
		report.Ports = append(report.Ports, found)
		report.Advice = append(report.Advice, advice...)
	}
	report.writeAdvice(out)
	if !report.Ready && len(report.Advice) == 0 {
		report.Advice = nothingAnswers
	}
	return report, nil
}

// settingsOf reads the settings, or returns the defaults.
func settingsOf(h home.Home) (settings.Settings, doctorSettings) {
	s, found, err := settings.Load(h.Settings())
	d := doctorSettings{Path: h.Settings(), Found: found}
	switch {
	case err != nil:
		d.Problem = err.Error()
	case !found:
		here := region.Look()
		if v := api.SuggestReset(settings.For(here.Applies()), here, time.Now()); v != nil {
			d.Reset = v.Text
		}
	}
	return s, d
}

// running says whether the resident program runs and what it knows.
func running(ctx context.Context, h home.Home) doctorProgram {
	card, err := home.FindCard(h.Card())
	var st api.Status
	if err == nil {
		st, _, err = api.NewClient(card).Status(ctx)
	}
	switch {
	case errors.Is(err, api.ErrNotResponding):
		return doctorProgram{State: "not_responding", URL: card.URL, Problems: []string{wording.NotRespondingDo}}
	case errors.Is(err, api.ErrNotRunning) && !home.Claimed(h.Card()):
		return doctorProgram{State: "not_running", Problems: []string{}}
	case err != nil:
		return doctorProgram{State: "unreachable", Problems: []string{home.Explain(err).Error()}}
	}
	d := doctorProgram{
		State: "running", URL: card.URL, Headline: st.Headline, Unsupported: st.Gateway.Unsupported,
		Problems: []string{}, secrets: []string{},
	}
	for _, f := range st.Failing {
		if f.Step == wording.FailingSecrets {
			d.secrets = []string{f.Detail}
			continue
		}
		d.Problems = append(d.Problems, strings.TrimSpace(wording.FailingLine(f.Text, f.Detail)+" "+f.Hint))
	}
	if p := st.Trading.RulesProblem; p != "" {
		d.Problems = append(d.Problems, wording.FailingLine(wording.RulesRefused, p))
	}
	return d
}

// look says what answers at a port, and what to do.
func look(ctx context.Context, s settings.Settings, port int) (doctorPort, []string) {
	seen := conn.Look(ctx, s.Gateway.Host, port, doctorID, min(s.Gateway.ConnectTimeout(), 5*time.Second))
	d := doctorPort{
		Host: s.Gateway.Host, Port: port, Ready: seen.Err == nil, Mode: conn.PortMode(port), Details: []string{},
		TookMillis: float64(seen.Took) / float64(time.Millisecond),
	}
	if seen.Err != nil {
		view := &conn.Snapshot{
			State: conn.Reconnecting, Cause: seen.Err.Cause, Code: seen.Err.Code, Detail: seen.Err.Detail(),
			Gateway: ib.Gateway{Host: s.Gateway.Host, Port: port},
		}
		d.CauseID, d.Code, d.Cause = view.Cause, view.Code, wording.Cause(view)
		if view.Cause == ib.CauseRefused {
			return d, nil
		}
		return d, []string{d.label() + ": " + wording.Hint(view, doctorID)}
	}
	g := seen.Gateway
	d.Mode, d.ServerVersion, d.Accounts = g.Mode, g.ServerVersion, g.Accounts
	var advice []string
	d.Details, advice = describeSettings(port, &seen.Settings)
	if text := wording.Unsupported(seen.Unsupported, time.Now()); text != "" {
		advice = append(advice, text)
	}
	for i := range advice {
		advice[i] = d.label() + ": " + advice[i]
	}
	if m := ib.Mode(s.Gateway.Mode); m != ib.AnyMode && g.Mode != m {
		advice = append(advice, fmt.Sprintf("%s is %s, but gateway.mode is %s: change one of them.",
			d.label(), cmp.Or(wording.Mode(g.Mode), kindNotKnown), m))
	}
	return d, advice
}

// describeSettings says what Gateway says of its settings, and returns what to change. It is for the screen alone: the
// addresses are personal.
func describeSettings(port int, told *ib.GatewaySettings) (lines, advice []string) {
	lines = []string{}
	line := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if told.Exit.Kind != "" {
		at := told.Exit.Next(time.Now())
		line("%s", wording.Exit(at, time.Now()))
		if hint := wording.ExitHint(at); hint != "" {
			advice = append(advice, hint)
		}
	}
	if told.ReadOnly == ib.SwitchOn {
		line("API is read-only: orders are blocked")
		advice = append(advice, wording.ReadOnlyHint)
	}
	if text := wording.Resubmit(told.Resubmit); text != "" {
		line("orders sent while IBKR is disconnected are %s", text)
	}
	if told.Port != 0 && told.Port != port {
		line("API port in its settings: %d", told.Port)
	}
	if told.LocalOnly == ib.SwitchOn {
		line("takes connections from its own computer only")
	} else if len(told.Trusted) > 0 {
		more := ""
		if told.TrustedMore > 0 {
			more = fmt.Sprintf(" and %d more", told.TrustedMore)
		}
		line("trusted addresses: %s%s", wording.OneLine(strings.Join(told.Trusted, ", ")), more)
	}
	return lines, advice
}
