package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

var now = time.Date(2026, 3, 9, 9, 31, 12, 0, time.Local)

// constants returns the values of all constants of a string type in the packages conn, ib, history, engine and ledger,
// or those in a folder, read from their source: a new one cannot be forgotten here.
func constants(t *testing.T, typeName string, folder ...string) (values []string) {
	t.Helper()
	var files []string
	if folder == nil {
		folder = []string{
			"../../conn", "../../conn/ib", "../../conn/history", "../../engine", "../../engine/ledger",
		}
	}
	for _, folder := range folder {
		found, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	if len(values) < 5 {
		t.Fatalf("constants of type %s: only %q found", typeName, values)
	}
	return values
}

func snapshot(state conn.State, cause ib.Cause) *conn.Snapshot {
	return &conn.Snapshot{
		At: now, State: state, Since: now.Add(-time.Minute), Cause: cause,
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Live},
	}
}

// TestEveryCause: each cause has a sentence, and what to do where there is something to do.
func TestEveryCause(t *testing.T) {
	silent := []ib.Cause{ib.CauseNone}
	helpless := []ib.Cause{ib.CauseNone, ib.CauseReconfigured, ib.CauseStopping}
	sentences := map[string]ib.Cause{}
	for _, text := range constants(t, "Cause") {
		cause := ib.Cause(text)
		s := snapshot(conn.Reconnecting, cause)
		sentence, hint := Cause(s), Hint(s, 17)
		if (sentence == "") != slices.Contains(silent, cause) {
			t.Errorf("%q: sentence %q", cause, sentence)
		}
		if sentence != "" && (!strings.HasSuffix(sentence, ".") || sentence == text ||
			strings.Contains(sentence, "%!")) {
			t.Errorf("%q: %q is no sentence", cause, sentence)
		}
		if other, twice := sentences[sentence]; twice {
			t.Errorf("%q and %q are both told as %q", cause, other, sentence)
		}
		sentences[sentence] = cause
		if (hint == "") != slices.Contains(helpless, cause) {
			t.Errorf("%q: hint %q", cause, hint)
		}
		if hint != "" && (!strings.HasSuffix(hint, ".") || strings.Contains(hint, "%!")) {
			t.Errorf("%q: hint %q is no sentence", cause, hint)
		}
	}
}

// TestShapes holds what the hints for the five usual ways to fail must not leave out.
func TestShapes(t *testing.T) {
	for cause, parts := range map[ib.Cause][]string{
		ib.CauseRefused: {
			"Start IB Gateway", "log in", "“ActiveX and Socket Clients”", "gateway.port",
			"doctor", "ports are open",
		},
		ib.CauseClosedEarly:   {"127.0.0.1", "trusted IPs", "still be starting", "proxy"},
		ib.CauseNoAnswer:      {"Gateway window", "accept incoming connection", "login screen"},
		ib.CauseClientIDInUse: {"Wait", "same client id (17)", "After a restart", "lose control of open orders"},
		ib.CauseDisclaimer:    {"Accept", "disclaimer", "Gateway window"},
	} {
		hint := Hint(snapshot(conn.Reconnecting, cause), 17)
		for _, part := range parts {
			if !strings.Contains(hint, part) {
				t.Errorf("%s: %q does not say %q", cause, hint, part)
			}
		}
	}
	if text := Cause(snapshot(conn.Reconnecting, ib.CauseClientIDInUse)); !strings.Contains(text, "326") {
		t.Error(text)
	}
	if text := Cause(snapshot(conn.Reconnecting, ib.CauseDisclaimer)); !strings.Contains(text, "10141") {
		t.Error(text)
	}
	looking := snapshot(conn.Reconnecting, ib.CauseRefused)
	looking.Gateway.Port = 0
	for _, part := range []string{"4002", "7497", "4001", "7496"} {
		if text := Cause(looking); !strings.Contains(text, part) {
			t.Errorf("%q does not say %s", text, part)
		}
	}
	if hint := Hint(looking, 17); strings.Contains(hint, "gateway.port") {
		t.Errorf("%q speaks of a port that is not set", hint)
	}
}

func TestCauseInContext(t *testing.T) {
	frozen, given := snapshot(conn.Degraded, ib.CauseSilent), snapshot(conn.Reconnecting, ib.CauseSilent)
	given.Layers.Socket = true // of the next attempt
	if a, b := Cause(frozen), Cause(given); a == b || !strings.Contains(b, "given up") {
		t.Errorf("%q and %q", a, b)
	}
	frozen.Guard = ib.GuardWoke // as after a sleep
	if got := Cause(frozen); !strings.Contains(got, "asleep") || Hint(frozen, 17) != "" ||
		!strings.Contains(Headline(frozen, now), "asleep") {
		t.Errorf("%q, %q, %q", got, Hint(frozen, 17), Headline(frozen, now))
	}
	s := snapshot(conn.UpstreamLost, ib.CauseUpstream)
	s.Code = 2110
	if got := Cause(s); !strings.Contains(got, "2110") {
		t.Error(got)
	}
	if got := Cause(snapshot(conn.Degraded, ib.CauseWrongMode)); !strings.Contains(got, "LIVE account") {
		t.Error(got)
	}
	moved := snapshot(conn.Reconnecting, ib.CausePortChanged)
	moved.Detail = "The port is 4009."
	if got := Hint(moved, 17); !strings.Contains(got, "gateway.port") || !strings.HasSuffix(got, "The port is 4009.") {
		t.Error(got)
	}
}

// TestHintInResetWindow: outages are expected then, and the time shown is that of this machine, whatever zone the
// window has.
func TestHintInResetWindow(t *testing.T) {
	ends := now.Add(10 * time.Minute)
	window := calendar.Span{Active: true, Name: "daily", Ends: ends.In(time.FixedZone("far away", 11*60*60+45*60))}
	const until = "This is the reset window, until 09:41"
	for _, c := range []struct {
		state   conn.State
		cause   ib.Cause
		says    string
		resting bool
	}{
		{conn.Connecting, ib.CauseNone, "pass by themselves.", true},
		{conn.ResetWindow, ib.CauseRefused, "Start IB Gateway", true},
		{conn.UpstreamLost, ib.CauseUpstream, "restores this by itself", true},
		{conn.Paused, ib.CauseUser, "Choose Connect now", false},
		{conn.Connected, ib.CauseNone, "", false},
		{conn.Degraded, ib.CauseCompeting, "Log out of the other session", false},
	} {
		s := snapshot(c.state, c.cause)
		s.At, s.Window = now, window
		if c.state == conn.Connected || c.state == conn.Degraded {
			s.Layers = conn.Layers{Socket: true, API: true, Upstream: true}
		}
		if got := Hint(s, 17); strings.HasPrefix(got, until) != c.resting || !strings.Contains(got, c.says) {
			t.Errorf("%s, %s: %q", c.state, c.cause, got)
		}
	}
	s := snapshot(conn.ResetWindow, ib.CauseClosed)
	s.Window = window
	if got := Headline(s, now); got != "Gateway reset until 09:41" {
		t.Error(got)
	}
	s.At, s.Window.Ends = now, ends.Add(48*time.Hour) // which is not this morning
	day := ends.Add(48 * time.Hour).Format("Mon 15:04")
	if got := Headline(s, now); got != "Gateway reset until "+day {
		t.Error(got)
	}
	if got := Hint(s, 17); !strings.HasPrefix(got, "This is the reset window, until "+day+":") {
		t.Error(got)
	}
}

func TestEveryGuardReason(t *testing.T) {
	for _, text := range constants(t, "GuardReason") {
		got := Guard(&conn.Snapshot{Guard: ib.GuardReason(text)})
		if (got == "") != (ib.GuardReason(text) == ib.GuardOpen) || got == text && text != "" ||
			strings.HasSuffix(got, ".") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestChangesIn: an outage is looked at again when the account of the day has it, and one that lasts once more.
func TestChangesIn(t *testing.T) {
	for _, c := range []struct {
		state conn.State
		age   time.Duration
		want  time.Duration
	}{
		{conn.Connected, 0, 0},
		{conn.UpstreamLost, 0, counted},
		{conn.UpstreamLost, counted - 1, 1},
		{conn.UpstreamLost, counted, 0},
		{conn.Reconnecting, 0, counted},
		{conn.Reconnecting, counted, patience - counted},
		{conn.Reconnecting, patience, 0},
	} {
		s := snapshot(c.state, ib.CauseNone)
		s.Since = now.Add(-c.age)
		if c.state == conn.Connected {
			s.Layers = conn.Layers{Socket: true, API: true, Upstream: true}
		}
		if got := ChangesIn(s, now); got != c.want {
			t.Errorf("%s for %v: in %v, want %v", c.state, c.age, got, c.want)
		}
	}
}

// TestClosedGuard has orders be blocked on a connection that is up: that is what is said first, once it lasts, whatever
// else is wrong.
func TestClosedGuard(t *testing.T) {
	up := conn.Layers{Socket: true, API: true, Upstream: true}
	for _, c := range []struct {
		state    conn.State
		cause    ib.Cause
		guard    ib.GuardReason
		headline string
		held     string
		does     string
	}{
		{conn.Connected, ib.CauseNone, ib.GuardOpen, "Connected", "", ""},
		{
			conn.Connected, ib.CauseNone, ib.GuardReconciling,
			"Orders blocked: waiting for Gateway to confirm open orders",
			"Orders are blocked: waiting for Gateway to confirm open orders.", "restart Gateway",
		},
		{
			conn.Degraded, ib.CauseFarm, ib.GuardReconciling,
			"Orders blocked: waiting for Gateway to confirm open orders",
			"Orders are blocked: waiting for Gateway to confirm open orders.", "restart Gateway",
		},
		{
			conn.Degraded, ib.CauseReadOnly, ib.GuardReadOnly, "Orders blocked: Gateway's API is read-only", "",
			"untick “Read-Only API”",
		},
		{
			conn.Degraded, ib.CauseUnconfirmed, ib.GuardUnconfirmed,
			"Orders blocked: Gateway does not confirm open orders", "", "check your orders in TWS",
		},
		{
			conn.Degraded, ib.CauseSilent, ib.GuardWoke,
			"Orders blocked: the computer was asleep or Gatewatch was stopped; it asks Gateway again", "", "",
		},
		{conn.Degraded, ib.CauseSilent, ib.GuardProbe, "Orders blocked: Gateway does not answer", "", ""},
		{conn.Degraded, ib.CauseWrongMode, ib.GuardMode, "Connected to a LIVE account, orders blocked", "", ""},
	} {
		s := snapshot(c.state, c.cause)
		s.Layers, s.Guard, s.GuardSince = up, c.guard, now.Add(-guardPatience)
		if got := Headline(s, now); got != c.headline {
			t.Errorf("%q, want %q", got, c.headline)
		}
		if got := Held(s, now); got != c.held || ChangesIn(s, now) != 0 {
			t.Errorf("%q, want %q, in %v", got, c.held, ChangesIn(s, now))
		}
		if got := GuardHint(s); (got == "") != (c.does == "") || !strings.Contains(got, c.does) {
			t.Errorf("%s: hint %q", c.guard, got)
		}
		if s.GuardSince = s.GuardSince.Add(1); c.guard != ib.GuardOpen &&
			(Held(s, now) != "" || ChangesIn(s, now) != 1) {
			t.Errorf("%s: told at once", c.guard)
		}
	}
	for q, want := range map[ib.Question]string{
		ib.QuestionOpenOrders: "Gateway does not answer the question about open orders, so orders cannot be " +
			"confirmed.",
		ib.QuestionCompletedOrders: "Gateway does not answer the question about completed orders, so orders cannot " +
			"be confirmed.",
		"the disk is full": "Orders cannot be confirmed (the disk is full).",
	} {
		s := snapshot(conn.Degraded, ib.CauseUnconfirmed)
		if s.Detail = string(q); Cause(s) != want {
			t.Errorf("%q, want %q", Cause(s), want)
		}
	}
	for about, want := range map[string]string{
		"AAPL": "Gateway did not answer about AAPL within 10 s",
		"":     "Gateway did not answer about contracts within 10 s",
	} {
		if got := Unanswered(&ib.UnansweredError{
			Question: ib.QuestionDetails, About: about,
			After: 10 * time.Second,
		}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEveryState(t *testing.T) {
	headlines := map[string]string{}
	for _, state := range constants(t, "State") {
		got := Headline(snapshot(conn.State(state), ib.CauseNone), now)
		if other, twice := headlines[got]; twice || got == "" {
			t.Errorf("%q and %q are both told as %q", state, other, got)
		}
		headlines[got] = state
	}
}

func TestHeadline(t *testing.T) {
	with := func(state conn.State, cause ib.Cause, attempt conn.Attempt) *conn.Snapshot {
		s := snapshot(state, cause)
		s.Detail, s.Attempt = "usfarm", attempt
		return s
	}
	none := conn.Attempt{}
	for _, c := range []struct {
		s    *conn.Snapshot
		want string
	}{
		{with(conn.Connected, ib.CauseNone, none), "Connected"},
		{with(conn.Degraded, ib.CauseFarm, none), "Connected, US stock data down"},
		{with(conn.Degraded, ib.CauseCompeting, none), "Connected, no prices"},
		{with(conn.Degraded, ib.CauseSilent, none), "Gateway does not answer"},
		{with(conn.Degraded, ib.CauseWrongMode, none), "Connected to a LIVE account, orders blocked"},
		{with(conn.Degraded, ib.CauseNone, none), "Connected, degraded"},
		{with(conn.UpstreamLost, ib.CauseUpstream, none), "IBKR unreachable since 09:30"},
		{with(conn.Paused, ib.CauseUser, none), "Paused"},
		{with(conn.Connecting, ib.CauseNone, conn.Attempt{Number: 1, Running: true}), "Connecting, attempt 1"},
		{
			with(conn.Reconnecting, ib.CauseRefused, conn.Attempt{Number: 4, Running: true, NextAt: now}),
			"No connection since 09:30, attempt 4",
		},
		{
			with(conn.Reconnecting, ib.CauseRefused,
				conn.Attempt{Number: 4, NextAt: now.Add(11001 * time.Millisecond)}),
			"No connection since 09:30, attempt 4 in 12 s",
		},
		{
			with(conn.Reconnecting, ib.CauseRefused, conn.Attempt{Number: 4, NextAt: now.Add(-time.Minute)}),
			"No connection since 09:30, attempt 4 in 0 s",
		},
		{
			&conn.Snapshot{State: conn.Reconnecting, Since: now.Add(-59 * time.Second), Attempt: conn.Attempt{
				Number: 4,
			}},
			"Reconnecting, attempt 4",
		},
		{
			&conn.Snapshot{
				State: conn.Reconnecting, Since: now.Add(-time.Minute), LostAt: now.Add(-time.Hour),
				Attempt: conn.Attempt{Number: 4},
			},
			"No connection since 08:31, attempt 4",
		},
	} {
		if got := Headline(c.s, now); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.s.State, c.s.Cause, got, c.want)
		}
	}
}

// TestTextFromOutside has Gateway say things that would harm a terminal, a log or a label.
func TestTextFromOutside(t *testing.T) {
	evil := "\x1b]0;title\a\x1b[31mred\r\nConnected\u202e\u2028\u0085\x00\x7f" + strings.Repeat("long ", 100)
	for _, state := range constants(t, "State") {
		for _, cause := range constants(t, "Cause") {
			s := snapshot(conn.State(state), ib.Cause(cause))
			s.Detail = evil
			for _, text := range []string{Cause(s), Hint(s, 17), Headline(s, now), Guard(s)} {
				if strings.ContainsFunc(text, func(r rune) bool {
					return !unicode.IsPrint(r)
				}) || utf8.RuneCountInString(text) > 700 {
					t.Errorf("%s, %s: %q", state, cause, text)
				}
			}
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"plain text, ÄÖÜ “q” 東京 €":  "plain text, ÄÖÜ “q” 東京 €",
		"  around \n":               "around",
		"two\r\nlines\tand more":    "two  lines and more",
		"\x1b[31mred":               "[31mred",
		"a\x00b\x7fc\u0085d\u2028e": "a b c d e",
		"left\u202etfel\u200bno":    "left[U+202E]tfel no",
		"bad \xff\xfe":              "bad \ufffd\ufffd",
		strings.Repeat("é", 200):    strings.Repeat("é", 200),
		strings.Repeat("é", 201):    strings.Repeat("é", 199) + "…",
	} {
		if got := OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[time.Duration]string{
		-time.Second:                   "0 s",
		0:                              "0 s",
		350 * time.Millisecond:         "350 ms",
		time.Second - 1:                "999 ms",
		time.Second:                    "1 s",
		1540 * time.Millisecond:        "1.5 s",
		10 * time.Second:               "10 s",
		time.Minute - 1:                "59 s",
		time.Minute:                    "1 min",
		4*time.Minute + 12*time.Second: "4 min 12 s",
		time.Hour - 1:                  "59 min 59 s",
		time.Hour:                      "1 h",
		2*time.Hour + 5*time.Minute + time.Second: "2 h 5 min",
		48*time.Hour - 1: "47 h 59 min",
		48 * time.Hour:   "2 d",
		10*24*time.Hour + 3*time.Hour + time.Minute: "10 d 3 h",
	} {
		if got := Duration(in); got != want {
			t.Errorf("Duration(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for in, want := range map[time.Duration]int{
		-time.Hour: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, 11400 * time.Millisecond: 12, time.Hour: 3600,
	} {
		if got := Seconds(in); got != want {
			t.Errorf("Seconds(%v) = %d, want %d", in, got, want)
		}
	}
}

func TestMode(t *testing.T) {
	for in, want := range map[ib.Mode]string{ib.Paper: "PAPER", ib.Live: "LIVE", ib.AnyMode: "", "": ""} {
		if got := Mode(in); got != want {
			t.Errorf("Mode(%q) = %q, want %q", in, got, want)
		}
	}
}
