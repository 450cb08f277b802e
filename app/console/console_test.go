package console

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

var update = flag.Bool("update", false, "write the golden files")

// at is when the events below happen, by this machine's clock.
var at = time.Date(2026, 3, 9, 9, 31, 12, 0, time.Local)

// stage is what is true when an event is told.
func stage(e conn.Event) *conn.Snapshot {
	inWindow := e.State == conn.ResetWindow || e.Kind == conn.EventWindowStarted
	return &conn.Snapshot{
		State:   e.State,
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: ib.Paper},
		Attempt: conn.Attempt{Number: 2, NextAt: at.Add(1800 * time.Millisecond)},
		At:      at, Window: calendar.Span{
			Active: inWindow,
			Ends:   at.Add(10 * time.Minute).In(time.FixedZone("far away", 12*60*60+45*60)),
		},
	}
}

// scenes has one event of every kind, and more where a kind is told in more than one way.
var scenes = []conn.Event{
	{Kind: conn.EventStarted, State: conn.Connecting},
	{Kind: conn.EventConnected, State: conn.Connected, Session: 1, Attempt: 1},
	{Kind: conn.EventConnected, State: conn.Connected, Session: 2, Attempt: 3, Duration: 252 * time.Second},
	{Kind: conn.EventLost, State: conn.Reconnecting, Session: 1, Cause: ib.CauseClosed, Duration: 3 * time.Hour},
	{
		Kind: conn.EventLost, State: conn.Reconnecting, Session: 1, Cause: ib.CauseBroken,
		Detail: "connection reset by peer\n\x1b[2J", Duration: 90 * time.Second,
	},
	{Kind: conn.EventLost, State: conn.ResetWindow, Session: 1, Cause: ib.CauseClosed, Duration: 3 * time.Hour},
	{
		Kind: conn.EventAttemptFailed, State: conn.Reconnecting, Attempt: 1, Cause: ib.CauseRefused,
		Detail: "connection refused",
	},
	{Kind: conn.EventAttemptFailed, State: conn.Reconnecting, Attempt: 2, Cause: ib.CauseClientIDInUse, Code: 326},
	{Kind: conn.EventUpstreamLost, State: conn.UpstreamLost, Session: 1, Cause: ib.CauseUpstream, Code: 1100},
	{Kind: conn.EventUpstreamRestored, State: conn.Connected, Session: 1, Code: 1101, Duration: 20 * time.Second},
	{Kind: conn.EventUpstreamRestored, State: conn.Connected, Session: 1, Code: 1102, Duration: 20 * time.Second},
	{
		Kind: conn.EventSuspected, State: conn.Degraded, Session: 1, Cause: ib.CauseSilent,
		Duration: 2500 * time.Millisecond,
	},
	{Kind: conn.EventAnswered, State: conn.Connected, Session: 1},
	{Kind: conn.EventFarm, State: conn.Degraded, Session: 1, Code: 2103, Detail: "usfarm\x07", Farm: conn.FarmBroken},
	{Kind: conn.EventCompeting, State: conn.Degraded, Session: 1, Cause: ib.CauseCompeting, Code: 10197},
	{Kind: conn.EventDisconnected, State: conn.Paused, Session: 1, Cause: ib.CauseUser, Duration: 5 * time.Minute},
	{
		Kind: conn.EventDisconnected, State: conn.Connecting, Session: 1, Cause: ib.CauseStopping,
		Duration: 5 * time.Minute,
	},
	{
		Kind: conn.EventDisconnected, State: conn.Reconnecting, Session: 1, Cause: ib.CauseReconfigured,
		Duration: 5 * time.Minute,
	},
	{Kind: conn.EventWindowStarted, State: conn.Connected},
	{Kind: conn.EventWindowEnded, State: conn.Connected},
	{Kind: conn.EventPaused, State: conn.Paused},
	{Kind: conn.EventResumed, State: conn.Connecting},
	{Kind: conn.EventWoke, State: conn.Reconnecting, Duration: 8 * time.Hour},
	{Kind: conn.EventReconfigured, State: conn.Connected},
	{Kind: conn.EventMarketFarmOK, State: conn.Connected, Session: 1, Code: 2104, Detail: "usfarm", Farm: conn.FarmOK},
	{
		Kind: conn.EventOrdersBlocked, State: conn.Degraded, Session: 1, Cause: ib.CauseUnconfirmed,
		Detail: "open_orders",
	},
	{Kind: conn.EventOrdersConfirmed, State: conn.Connected, Session: 1},
	{
		Kind: conn.EventNotice, State: conn.Connected, Session: 1, Code: 2100,
		Detail: "API client has been unsubscribed\nfrom account data",
	},
	{Kind: conn.EventStopped, State: conn.Connecting},
}

// TestConsoleLines compares what is printed for each kind of event with testdata/console.txt.
func TestConsoleLines(t *testing.T) {
	var out strings.Builder
	told := map[conn.EventKind]bool{}
	for _, e := range scenes {
		e.At = at
		told[e.Kind] = true
		c := New(&out)
		c.SetClientID(17)
		fmt.Fprintf(&out, "# %s\n", e.Kind)
		c.tell(e, asOf(stage(e), e))
	}
	for _, kind := range eventKinds(t) {
		if !told[kind] {
			t.Errorf("no scene for %s", kind)
		}
	}
	path := filepath.Join("testdata", "console.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("differs from %s (go test ./app/console -update writes it):\n%s", path, out.String())
	}
}

// eventKinds returns every kind of event, read from the source: a new one cannot be forgotten.
func eventKinds(t *testing.T) (kinds []conn.EventKind) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../../conn/state.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "EventKind" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, conn.EventKind(text))
			}
		}
		return true
	})
	if len(kinds) < 15 {
		t.Fatalf("only %v found", kinds)
	}
	return kinds
}

func TestHintOncePerCause(t *testing.T) {
	var out strings.Builder
	c := New(&out)
	c.SetClientID(17)
	for i, step := range []struct {
		kind  conn.EventKind
		cause ib.Cause
		hints int // said so far
	}{
		{conn.EventAttemptFailed, ib.CauseRefused, 1},
		{conn.EventAttemptFailed, ib.CauseRefused, 1},
		{conn.EventAttemptFailed, ib.CauseNoAnswer, 2},
		{conn.EventAttemptFailed, ib.CauseNoAnswer, 2},
		{conn.EventNotice, "", 2},
		{conn.EventAttemptFailed, ib.CauseNoAnswer, 2},
		{conn.EventConnected, "", 2},
		{conn.EventLost, ib.CauseClosed, 3},
		{conn.EventAttemptFailed, ib.CauseNoAnswer, 4},
		{conn.EventConnected, "", 4},
		{conn.EventAttemptFailed, ib.CauseNoAnswer, 5},
		{conn.EventDisconnected, ib.CauseReconfigured, 5},
	} {
		e := conn.Event{At: at, Kind: step.kind, State: conn.Reconnecting, Cause: step.cause}
		c.tell(e, asOf(stage(e), e))
		if got := strings.Count(out.String(), "→"); got != step.hints {
			t.Errorf("step %d, %s of %s: %d hints, want %d", i, step.kind, step.cause, got, step.hints)
		}
	}
}

// TestAsOf: a line names the cause that its event had, not the present one.
func TestAsOf(t *testing.T) {
	s := &conn.Snapshot{
		State: conn.Connected, Layers: conn.Layers{Socket: true}, Cause: ib.CauseFarm, Code: 2103,
		Detail: "usfarm",
	}
	before := *s
	got := asOf(s, conn.Event{Kind: conn.EventLost, State: conn.Reconnecting, Cause: ib.CauseSilent})
	if got.Cause != ib.CauseSilent || got.Code != 0 || got.Detail != "" || got.State != conn.Reconnecting {
		t.Errorf("%+v", got)
	}
	if got := asOf(s, conn.Event{Kind: conn.EventAnswered, State: conn.Connected}); got.Cause != ib.CauseFarm ||
		got.State != conn.Connected {
		t.Errorf("%+v", got)
	}
	if s.Cause != before.Cause || s.State != before.State {
		t.Errorf("the snapshot was changed: %+v", s)
	}
}

func TestEveryStateHasALabel(t *testing.T) {
	for _, s := range []conn.State{
		conn.Connecting, conn.Connected, conn.Degraded, conn.UpstreamLost, conn.Reconnecting, conn.ResetWindow,
		conn.Paused,
	} {
		if labels[s] == "" || len(labels[s]) > 13 {
			t.Errorf("%s: %q", s, labels[s])
		}
	}
}

// TestBeforeTheFirstConnection: the console names all ports, once as long as they say the same, and speaks of no
// outage.
func TestBeforeTheFirstConnection(t *testing.T) {
	var out strings.Builder
	c := New(&out)
	event := conn.Event{At: at, Kind: conn.EventAttemptFailed, State: conn.Connecting, Cause: ib.CauseRefused}
	for _, port := range conn.DefaultPorts {
		event.Tried = append(event.Tried, ib.PortTry{Port: port, Cause: ib.CauseRefused})
	}
	tell := func() {
		s := stage(event)
		s.First = true
		c.tell(event, asOf(s, event))
	}
	tell()
	tell()
	const all = "Looking for IB Gateway or TWS… 4002 nothing listens, 7497 nothing listens, " +
		"4001 nothing listens, 7496 nothing listens\n"
	if got := out.String(); strings.Count(got, all) != 1 || strings.Count(got, "\n") != 2 {
		t.Errorf("%s", got)
	}
	event.Tried = []ib.PortTry{{Port: 4002, Cause: ib.CauseDisclaimer}}
	event.Cause = ib.CauseDisclaimer
	tell()
	if got := out.String(); !strings.Contains(got,
		"4002 answered: the paper-trading disclaimer has not been accepted\n") {
		t.Errorf("%s", got)
	}
}
