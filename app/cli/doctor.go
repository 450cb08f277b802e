package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// Doctor looks which Gateway or TWS answers.
type Doctor struct{}

// doctorID is the client id that doctor signs on with: a high one, so that it takes nobody's place.
const doctorID = 901_517

func (Doctor) Run(ctx context.Context, p Program) error {
	h := p.Home
	s, found, err := settings.Load(h.Settings())
	out := os.Stdout
	switch {
	case err != nil:
		fmt.Fprintf(out, "Settings   %s\n", strings.ReplaceAll(err.Error(), "\n", "\n           "))
		fmt.Fprintln(out, "           Looking with the defaults.")
	case found:
		fmt.Fprintf(out, "Settings   %s\n", h.Settings())
	default:
		fmt.Fprintf(out, "Settings   none yet, defaults are in effect (%s)\n", h.Settings())
		here := region.Look()
		if v := api.SuggestReset(settings.For(here.Applies()), here, time.Now()); v != nil {
			fmt.Fprintf(out, "           %s\n", v.Text)
		}
	}
	running(ctx, out, h)
	return diagnose(ctx, out, s)
}

// running says whether the resident program runs and what it knows.
func running(ctx context.Context, out io.Writer, h home.Home) {
	card, err := api.FindCard(h.Card())
	if err == nil {
		var st api.Status
		if st, _, err = api.NewClient(card).Status(ctx); err == nil {
			fmt.Fprintf(out, "Gatewatch  runs at %s: %s\n", card.URL, st.Headline)
			if st.Gateway.Unsupported != "" {
				fmt.Fprintf(out, "           %s\n", st.Gateway.Unsupported)
			}
			return
		}
	}
	fmt.Fprintln(out, "Gatewatch  does not run")
}

// diagnose looks at each port and says what answers and what to do.
func diagnose(ctx context.Context, out io.Writer, s settings.Settings) error {
	ports := conn.DefaultPorts
	if s.Gateway.Port != 0 {
		ports = []int{s.Gateway.Port}
	}
	timeout := min(s.Gateway.ConnectTimeout(), 5*time.Second)
	ready := 0
	var advice []string
	for _, port := range ports {
		seen := conn.Look(ctx, s.Gateway.Host, port, doctorID, timeout)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		label := fmt.Sprintf("%s:%d", s.Gateway.Host, port)
		if seen.Err == nil {
			ready++
			fmt.Fprintf(out, "%-16s ready: %s, protocol %d, %d account(s), in %s\n", label,
				orUnknown(wording.Mode(seen.Gateway.Mode)), seen.Gateway.ServerVersion, seen.Gateway.Accounts, wording.Duration(seen.Took))
			advice = append(advice, describeSettings(out, label, port, &seen.Settings)...)
			if text := wording.Unsupported(seen.Unsupported, time.Now()); text != "" {
				advice = append(advice, label+": "+text)
			}
			if m := conn.Mode(s.Gateway.Mode); m != conn.AnyMode && seen.Gateway.Mode != m {
				advice = append(advice, fmt.Sprintf("%s is %s, but gateway.mode is %s: change one of them.", label, orUnknown(wording.Mode(seen.Gateway.Mode)), m))
			}
			continue
		}
		view := &conn.Snapshot{
			State: conn.Reconnecting, Cause: seen.Err.Cause, Code: seen.Err.Code, Detail: seen.Err.Detail(),
			Gateway: conn.Gateway{Host: s.Gateway.Host, Port: port},
		}
		usual := ""
		if m := wording.Mode(conn.PortMode(port)); m != "" {
			usual = " (usually " + m + ")"
		}
		fmt.Fprintf(out, "%-16s %s%s\n", label, wording.Cause(view), usual)
		if seen.Err.Cause != conn.CauseRefused {
			advice = append(advice, label+": "+wording.Hint(view, doctorID))
		}
	}
	switch {
	case ready == 0 && len(advice) == 0:
		fmt.Fprintln(out, "\nNothing answers. What to check:")
		fmt.Fprintln(out, "  1. IB Gateway or TWS runs and is logged in.")
		fmt.Fprintln(out, "  2. In its API settings “ActiveX and Socket Clients” is enabled (IB Gateway always has it).")
		fmt.Fprintln(out, "  3. Its socket port is one of those above, or gateway.port in settings.json names it.")
		fmt.Fprintln(out, "  4. It runs on this computer, or gateway.host names the other one and its trusted IPs name this one.")
	case len(advice) > 0:
		fmt.Fprintln(out, "\nWhat to do:")
		for _, a := range advice {
			fmt.Fprintln(out, "  "+a)
		}
	default:
		fmt.Fprintln(out, "\nNothing is wrong here.")
	}
	if ready == 0 {
		return exit.With(exit.NotThere, errors.New("no Gateway or TWS is ready"))
	}
	return nil
}

func orUnknown(mode string) string {
	if mode == "" {
		return "kind of account unknown"
	}
	return mode
}

// describeSettings says what Gateway says of its settings, and returns what to change. It is for the screen alone: the
// addresses are personal.
func describeSettings(out io.Writer, label string, port int, told *conn.GatewaySettings) (advice []string) {
	line := func(format string, args ...any) { fmt.Fprintf(out, "%16s %s\n", "", fmt.Sprintf(format, args...)) }
	if told.Exit.Kind != "" {
		at := told.Exit.Next(time.Now())
		line("%s", wording.Exit(at, time.Now()))
		if hint := wording.ExitHint(at); hint != "" {
			advice = append(advice, label+": "+hint)
		}
	}
	if told.ReadOnly == conn.SwitchOn {
		line("API is read-only: orders are blocked")
		advice = append(advice, label+": "+wording.ReadOnlyHint)
	}
	if text := wording.Resubmit(told.Resubmit); text != "" {
		line("orders sent while IBKR is disconnected are %s", text)
	}
	if told.Port != 0 && told.Port != port {
		line("API port in its settings: %d", told.Port)
	}
	if told.LocalOnly == conn.SwitchOn {
		line("takes connections from its own computer only")
	} else if len(told.Trusted) > 0 {
		more := ""
		if told.TrustedMore > 0 {
			more = fmt.Sprintf(" and %d more", told.TrustedMore)
		}
		line("trusted addresses: %s%s", wording.OneLine(strings.Join(told.Trusted, ", ")), more)
	}
	return advice
}
