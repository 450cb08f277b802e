// Package console tells the story of the connection on stdout, in lines for people, and writes to terminals without
// ever waiting for a reader.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Console prints a line for each thing that a person wants to know. Make it with New.
type Console struct {
	Demo bool // Gateway is a simulated one

	out      io.Writer
	clientID atomic.Int64
	hinted   ib.Cause // whose hint has been printed
	looked   string   // what has been printed of ports before the first connection
}

// New returns a console that writes to out.
func New(out io.Writer) *Console { return &Console{out: out} }

// SetClientID sets the client id that hints name.
func (c *Console) SetClientID(id int) { c.clientID.Store(int64(id)) }

var labels = map[conn.State]string{
	conn.Connecting: "connecting", conn.Connected: "CONNECTED", conn.Degraded: "DEGRADED",
	conn.UpstreamLost: "IBKR LOST",
	conn.Reconnecting: "RECONNECTING", conn.ResetWindow: "RESET WINDOW", conn.Paused: "PAUSED",
}

func (c *Console) line(at time.Time, label, text string) {
	fmt.Fprintf(c.out, "%s  %-13s %s\n", at.Local().Format("15:04:05"), label, text)
}

// Say prints a line that is no event.
func (c *Console) Say(label, text string) { c.line(time.Now(), label, text) }

// Follow prints what there is to say of each event until the stream ends.
func (c *Console) Follow(ctx context.Context, events *conn.EventStream, snapshot func() *conn.Snapshot) {
	for {
		e, ok := events.Next(ctx)
		if !ok {
			return
		}
		c.tell(e, asOf(snapshot(), e))
	}
}

// tell prints a line for an event, if there is one. The hint is said once per cause, not with every attempt.
func (c *Console) tell(e conn.Event, s *conn.Snapshot) {
	text := c.text(e, s)
	if text == "" || s.First && text == c.looked {
		return
	}
	c.looked = text
	label := labels[e.State]
	if e.Cause == ib.CauseStopping {
		label = "stopping"
	}
	c.line(e.At, label, text)
	switch e.Kind {
	case conn.EventConnected:
		c.hinted = ib.CauseNone
	case conn.EventAttemptFailed, conn.EventLost, conn.EventUpstreamLost, conn.EventSuspected, conn.EventCompeting,
		conn.EventOrdersBlocked:
		if e.Cause == c.hinted {
			return
		}
		c.hinted = e.Cause
		if h := wording.Hint(s, int(c.clientID.Load())); h != "" {
			fmt.Fprintf(c.out, "%s→ %s\n", strings.Repeat(" ", 24), h)
		}
	}
}

// asOf returns the snapshot with the cause of the event: by the time a line is printed the state may have moved on.
func asOf(s *conn.Snapshot, e conn.Event) *conn.Snapshot {
	now := *s
	if e.Cause != ib.CauseNone {
		now.Cause, now.Code, now.Detail = e.Cause, e.Code, e.Detail
		now.State = e.State
	}
	return &now
}

func (c *Console) text(e conn.Event, s *conn.Snapshot) string {
	next := ""
	if !s.Attempt.Running && !s.Attempt.NextAt.IsZero() && e.State == conn.Reconnecting {
		next = fmt.Sprintf(" Next attempt in %s.", wording.Duration(s.Attempt.NextAt.Sub(e.At)))
	}
	switch e.Kind {
	case conn.EventConnected:
		text := fmt.Sprintf("%s %s, session %d, protocol %d", wording.Account(s.Gateway.Mode, c.Demo),
			wording.Address(s), e.Session, s.Gateway.ServerVersion)
		if e.Duration > 0 {
			text += ", back after " + wording.Duration(e.Duration)
		}
		return strings.TrimSpace(text)
	case conn.EventLost:
		return fmt.Sprintf("%s It was up for %s, orders are blocked.%s", wording.Cause(s), wording.Duration(e.Duration),
			next)
	case conn.EventAttemptFailed:
		if e.State == conn.Connecting { // before the first connection ever
			return wording.Looking + " " + wording.Tried(e.Tried)
		}
		return fmt.Sprintf("Attempt %d: %s%s", e.Attempt, wording.Cause(s), next)
	case conn.EventUpstreamLost:
		return wording.Cause(s) + " The socket is up, orders are blocked."
	case conn.EventUpstreamRestored:
		kept := "market data was kept"
		if e.Code == 1101 {
			kept = "market data is subscribed again"
		}
		return fmt.Sprintf("IBKR's servers are back after %s; %s (code %d).", wording.Duration(e.Duration), kept,
			e.Code)
	case conn.EventSuspected:
		return fmt.Sprintf("Gateway has been silent for %s, orders are blocked.", wording.Duration(e.Duration))
	case conn.EventAnswered:
		return "Gateway answers again."
	case conn.EventFarm:
		return fmt.Sprintf("%s: %s (code %d).", wording.NamedFarm(e.Detail), e.Farm, e.Code)
	case conn.EventCompeting:
		return wording.Cause(s)
	case conn.EventOrdersBlocked:
		return wording.Cause(s) + " " + wording.OrdersAreBlocked + "."
	case conn.EventOrdersConfirmed:
		return "Orders are possible again."
	case conn.EventDisconnected:
		return fmt.Sprintf("%s It was up for %s.", wording.Cause(s), wording.Duration(e.Duration))
	case conn.EventWindowStarted:
		if e.Detail == conn.ExitWindow {
			return fmt.Sprintf("%s. Alerts rest until %s.", wording.Exit(s.Exit, e.At),
				wording.Clock(s.Window.Ends, e.At))
		}
		return fmt.Sprintf("The reset window starts; reconnecting and alerts rest until %s.",
			wording.Clock(s.Window.Ends, e.At))
	case conn.EventWindowEnded:
		return "The quiet time is over."
	case conn.EventPaused:
		return "Paused until you connect."
	case conn.EventResumed:
		return "Connecting again."
	case conn.EventWoke:
		return fmt.Sprintf("Gatewatch did not run for %s: the computer slept, or the program was stopped.",
			wording.Duration(e.Duration))
	case conn.EventReconfigured:
		return "New settings are in effect."
	case conn.EventNotice:
		return fmt.Sprintf("Gateway says: %s (code %d).", wording.OneLine(e.Detail), e.Code)
	}
	return ""
}
