package server

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
	"gatewatch/engine"
)

// The snapshots below are of this moment.
var (
	now     = time.Date(2026, 3, 9, 9, 31, 12, 0, time.UTC)
	begun   = now.Add(-90*time.Minute - 250*time.Millisecond)
	newYork = time.FixedZone("EDT", -4*60*60)
	running = ib.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: ib.Paper, Accounts: 1}
	up      = conn.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
		"usfarm": conn.FarmOK, "ushmds": conn.FarmDormant,
	}}
)

var snapshots = map[string]conn.Snapshot{
	"connected": {
		Seq: 10, At: now, State: conn.Connected, Since: now.Add(-time.Hour), Layers: up, Session: 3, Gateway: running,
		Window: calendar.Span{Next: now.Add(90 * time.Minute).In(newYork)},
		Probe:  1234 * time.Microsecond, Skew: -2 * time.Second, Lost: 2, Opened: 5,
	},
	"connecting": {
		Seq: 1, At: now, State: conn.Connecting, Since: now, Attempt: conn.Attempt{Number: 1, Running: true},
		Gateway: ib.Gateway{Host: "127.0.0.1", Mode: ib.AnyMode}, Guard: ib.GuardSocket,
	},
	"degraded": {
		Seq: 12, At: now, State: conn.Degraded, Since: now.Add(-time.Minute), Cause: ib.CauseFarm, Code: 2103,
		Detail: "usfarm",
		Layers: conn.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
			"usfarm": conn.FarmBroken,
		}},
		Session: 3, Gateway: running,
	},
	"reconnecting": {
		Seq: 14, At: now, State: conn.Reconnecting, Since: now.Add(-20*time.Second - 123456789),
		Cause:   ib.CauseRefused,
		Detail:  "dial tcp 127.0.0.1:4002: connect: connection refused",
		Attempt: conn.Attempt{Number: 4, NextAt: now.Add(11400*time.Millisecond + 400*time.Microsecond)},
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}, Guard: ib.GuardSocket, Lost: 3,
	},
	"reset_window": {
		Seq: 20, At: now, State: conn.ResetWindow, Since: now.Add(-5 * time.Minute), Cause: ib.CauseClosed,
		Attempt: conn.Attempt{Number: 2, NextAt: now.Add(10 * time.Minute)},
		Window: calendar.Span{
			Active: true, Name: "daily", Ends: now.Add(10 * time.Minute).In(newYork),
			Next: now.Add(24*time.Hour - 5*time.Minute).In(newYork),
		},
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}, Guard: ib.GuardSocket, Lost: 4,
	},
	"paused": {
		Seq: 30, At: now, State: conn.Paused, Since: now.Add(-time.Second), Cause: ib.CauseUser,
		Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, Mode: ib.Paper}, Guard: ib.GuardSocket,
	},
	"upstream_lost": {
		Seq: 40, At: now, State: conn.UpstreamLost, Since: now.Add(-30 * time.Second), Cause: ib.CauseUpstream,
		Code:   1100,
		Detail: "Connectivity between IB and Trader Workstation has been lost.",
		Layers: conn.Layers{Socket: true, API: true, Farms: up.Farms}, Session: 3, Gateway: running,
		Guard: ib.GuardUpstream,
	},
}

// told is the status that snapshot s leads to, on a day that has had a bit of everything.
func told(s *conn.Snapshot) api.Status {
	st := api.StatusOf(s, now, "v1", 17, begun)
	st.Today = api.PeriodOf("today", account)
	st.Trading = api.Trading{
		Armed: true, ArmedSince: api.Moment(now.Add(-time.Hour)), MayTrade: st.Guard.Open, Reason: st.Guard.Reason,
		ReasonID:    string(st.Guard.ReasonID),
		RulesActive: 3, RulesNoData: 1, RulesFailed: 1, OrdersOpen: 2, OrdersUnknown: 1, OrdersBlocked: 7,
	}
	if !st.Connected {
		st.Faults = []api.Fault{{
			Part: "alerts", Count: 2, LastAt: now.Add(-time.Minute),
			Last: "runtime error: index out of range [3] with length 3",
		}}
	}
	return st
}

func TestStatusGolden(t *testing.T) {
	for name, s := range snapshots {
		t.Run(name, func(t *testing.T) {
			_, body := ask(t, serve(t, &fakeBackend{status: told(&s)}), "GET", "/status", "")
			path := filepath.Join("testdata", "status", name+".json")
			if *update {
				if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if body != string(want) {
				t.Errorf("differs from %s (go test ./app/api/server -update writes it):\n%s", path, body)
			}
		})
	}
}

// TestStatusShape holds the promise of GET /status: these keys with these types are there in every state. Others may
// be added beside them, at the top and nowhere else.
func TestStatusShape(t *testing.T) {
	type object map[string]any
	shape := object{
		"state": "string", "connected": "bool", "since": "time", "cause": "string", "hint": "string",
		"layers": object{"socket": "bool", "api": "bool", "upstream": "bool", "farms": "object"},
		"attempt": object{
			"number": "number", "running": "bool", "next_at": "time or null",
			"in_seconds": "number or null",
		},
		"session": "number", "reset_window": object{
			"active": "bool", "ends_at": "time or null",
			"next_at": "time or null",
		},
		"restart": object{"kind": "string", "at": "time or null", "text": "string", "hint": "string"},
		"gateway": object{
			"host": "string", "port": "number", "server_version": "number", "mode": "string",
			"accounts": "number", "unsupported_from": "string", "unsupported": "string", "resubmits_orders": "string",
		},
		"guard": object{
			"open": "bool", "reason": "string", "reason_id": "string", "text": "string",
			"opened": "number",
		},
		"today": object{
			"name": "string", "from": "time", "until": "time", "seconds": "number", "connected_seconds": "number",
			"down_seconds": "number", "planned_seconds": "number", "paused_seconds": "number",
			"asleep_seconds":       "number",
			"not_observed_seconds": "number", "uptime_percent": "number or null",
			"market_uptime_percent": "number or null",
			"outages":               "number", "longest_seconds": "number", "mean_seconds": "number",
			"mean_between_seconds": "number or null",
		},
		"programs": object{
			"port": "number", "listening": "bool", "connected": "number", "stopped": "bool", "confirm": "string",
			"unknown": "number", "text": "string",
		},
		"alerts": object{"channels": "number", "queued": "number", "failing": "list"},
		"trading": object{
			"armed": "bool", "armed_since": "time or null", "may_trade": "bool", "reason": "string",
			"reason_id":    "string",
			"rules_active": "number", "rules_no_data": "number", "rules_failed": "number", "rules_problem": "string",
			"text": "string", "confirm": "string", "counts": "list",
			"orders_open": "number", "orders_unknown": "number", "orders_unprotected": "number",
			"orders_blocked": "number",
		},
		"first_run": "bool", "tried": "list", "faults": "list", "version": "string", "uptime_seconds": "number",
	}
	var check func(t *testing.T, at string, want object, got map[string]any)
	check = func(t *testing.T, at string, want object, got map[string]any) {
		for key, kind := range want {
			v, ok := got[key]
			if !ok {
				t.Errorf("%s%s is missing", at, key)
				continue
			}
			switch kind := kind.(type) {
			case object:
				inner, ok := v.(map[string]any)
				if !ok {
					t.Errorf("%s%s is %T", at, key, v)
					continue
				}
				check(t, at+key+".", kind, inner)
			case string:
				if !isA(v, kind) {
					t.Errorf("%s%s is %#v, want %s", at, key, v, kind)
				}
			}
		}
		if at != "" && len(got) != len(want) {
			t.Errorf("%s has %v", at, slices.Sorted(maps.Keys(got)))
		}
	}
	for name, s := range snapshots {
		t.Run(name, func(t *testing.T) {
			_, body := ask(t, serve(t, &fakeBackend{status: told(&s)}), "GET", "/status", "")
			var got map[string]any
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			check(t, "", shape, got)
			if got["state"] != name {
				t.Errorf("state %v", got["state"])
			}
		})
	}
}

func isA(v any, kind string) bool {
	kind, orNull := strings.CutSuffix(kind, " or null")
	if v == nil {
		return orNull
	}
	switch v := v.(type) {
	case bool:
		return kind == "bool"
	case float64:
		return kind == "number"
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "list"
	case string:
		if kind == "time" {
			at, err := time.Parse(time.RFC3339Nano, v)
			return err == nil && !at.IsZero()
		}
		return kind == "string"
	}
	return false
}

// TestStatusIsTrue holds what one part of the answer says against the others.
func TestStatusIsTrue(t *testing.T) {
	for name, s := range snapshots {
		st := api.StatusOf(&s, now, "v1", 17, begun)
		if st.Connected != (st.Layers.Socket && st.Layers.API && st.Layers.Upstream) {
			t.Errorf("%s: connected %v with %+v", name, st.Connected, st.Layers)
		}
		if st.Guard.Open == (st.Guard.Reason != "") || st.Guard.Open && !st.Connected {
			t.Errorf("%s: guard %+v, connected %v", name, st.Guard, st.Connected)
		}
		if (st.Attempt.NextAt == nil) != (st.Attempt.InSeconds == nil) {
			t.Errorf("%s: attempt %+v", name, st.Attempt)
		}
		if st.State != conn.Connected && st.State != conn.Connecting && (st.Cause == "" || st.Hint == "") {
			t.Errorf("%s: cause %q, hint %q", name, st.Cause, st.Hint)
		}
	}
}

// TestWrongMode has an account of the other kind: window and page begin with the words of the tray.
func TestWrongMode(t *testing.T) {
	now := time.Now()
	s := conn.Snapshot{
		State: conn.Degraded, Cause: ib.CauseWrongMode, Since: now.Add(-time.Minute), Guard: ib.GuardMode,
		GuardSince: now.Add(-time.Minute), Gateway: ib.Gateway{Mode: ib.Live},
		Layers: conn.Layers{Socket: true, API: true, Upstream: true},
	}
	st := api.StatusOf(&s, now, "v1", 17, now)
	if got := api.ShownOf(&st, now); !st.Held.Closed || got.Title != "Connected to a LIVE account, orders blocked" {
		t.Errorf("title %q, headline %q", got.Title, st.Headline)
	}
}

func TestStatusOverdueAttempt(t *testing.T) {
	s := snapshots["reconnecting"]
	st := api.StatusOf(&s, s.Attempt.NextAt.Add(time.Second), "v1", 17, begun)
	if *st.Attempt.InSeconds != 0 {
		t.Errorf("in %v s", *st.Attempt.InSeconds)
	}
}

func TestStatusLeavesTheSnapshotAlone(t *testing.T) {
	s := snapshots["connecting"]
	before := s
	api.StatusOf(&s, now, "v1", 17, begun)
	if !reflect.DeepEqual(s, before) {
		t.Errorf("changed to %+v", s)
	}
}

// TestStampsAreWritten: an answer with any time can be written.
func TestStampsAreWritten(t *testing.T) {
	for _, text := range []string{
		"9999-12-31T23:59:59.9999-14:00", "9999-12-31T23:59:59.9999Z", "0000-01-01T00:00:00+14:00",
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{at, time.Unix(math.MaxInt64/2, 0), time.Unix(math.MinInt64/2, 0)} {
			if _, err := json.Marshal([]any{api.Stamp(at), api.Moment(at)}); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if at := time.Now(); !api.Stamp(at).Equal(at.Round(time.Millisecond)) || api.Moment(time.Time{}) != nil {
		t.Error("a time has changed")
	}
}

// TestOrdersCannotBeWritten: a connection on which no order can be sent, as none can be written down, is nowhere shown
// as one on which all is well, with and without the token.
func TestOrdersCannotBeWritten(t *testing.T) {
	s := snapshots["connected"]
	st := told(&s)
	st.Programs = api.ProgramState{Port: 4100, Text: "1 program connected, 1 order unknown, look in TWS"}
	for step, headline := range map[string]string{
		wording.FailingOrders: "Orders blocked: they cannot be written to disk",
		wording.FailingRecord: "Orders blocked: the record of orders cannot be used",
	} {
		st.Failing = []api.Failing{{Step: step, Urgent: true}}
		st.Trading.Reason, st.Trading.ReasonID = wording.RecordUnusable, engine.BlockedDisk
		server := serve(t, &fakeBackend{status: st})
		for _, owner := range []bool{true, false} {
			got := server.statusFor(owner)
			if got.Headline != headline || got.Shown.Title != "Orders blocked" || got.Shown.Shape != "blocked" ||
				got.Shown.Since != nil || got.Trading.Reason != wording.RecordUnusable {
				t.Errorf("%q, %q, %+v", got.Headline, got.Trading.Reason, got.Shown)
			}
			if !slices.Contains(got.Shown.Details, api.Line{Name: "Programs", Text: st.Programs.Text}) {
				t.Errorf("without programs: %+v", got.Shown.Details)
			}
		}
	}
}
