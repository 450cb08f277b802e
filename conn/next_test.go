package conn

import (
	"context"
	"errors"
	"testing"
	"time"

	"gatewatch/conn/ib"
)

func noReconcile(context.Context, *ib.Session) error { return nil }

const sec, ms = time.Second, time.Millisecond

func TestNext(t *testing.T) {
	accept, refuseConnect, refusePause := "accept", "refuse: already connected", "refuse: already disconnected"
	anyError := errors.New("no answer")
	for name, c := range map[string]struct {
		change func(*Config)
		rows   []row // after the opening
	}{
		"delays grow, the last repeats": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", state: Reconnecting, guard: ib.GuardSocket},
			{in: onFailed(ib.CauseRefused), emit: "attempt_failed", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * ms, in: onFailed(ib.CauseClosedEarly), do: "dial", emit: "attempt_failed",
				state: Reconnecting,
				guard: ib.GuardSocket,
			},
			{after: 4999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * ms, in: onFailed(ib.CauseNoAnswer), do: "dial", emit: "attempt_failed", state: Reconnecting,
				guard: ib.GuardSocket,
			},
			{after: 14999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * ms, in: onFailed(ib.CauseNoAnswer), do: "dial", emit: "attempt_failed", state: Reconnecting,
				guard: ib.GuardSocket,
			},
			{after: 14999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"delays go on after a short session": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReady, do: "dial", emit: "connected", state: Connected},
			{in: onFreeze, state: Connected},
			{after: 900 * ms, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"delays start over after a stable session": {func(c *Config) { c.Stable = 900 * ms }, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReady, do: "dial", emit: "connected", state: Connected},
			{after: 900 * ms, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 999 * ms, state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"connect while connected or trying": {nil, []row{
			{in: onConnect, do: refuseConnect, state: Connected},
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onConnect, do: "dial, accept", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"connect cuts the wait short": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 100 * ms, in: onConnect, do: "dial, " + accept, state: Reconnecting, guard: ib.GuardSocket},
			{after: 5 * sec, state: Reconnecting, guard: ib.GuardSocket}, // still trying
		}},
		"disconnect pauses until connect": {nil, []row{
			{
				in: onDisconnect, do: "close, " + accept, emit: "disconnected, paused", state: Paused,
				guard: ib.GuardSocket,
			},
			{in: onLost, state: Paused, guard: ib.GuardSocket},
			{in: onDisconnect, do: refusePause, state: Paused, guard: ib.GuardSocket},
			{after: time.Hour, state: Paused, guard: ib.GuardSocket},
			{in: onConnect, do: "dial, " + accept, emit: "resumed", state: Connecting, guard: ib.GuardSocket},
			{in: onReady, emit: "connected", state: Connected},
		}},
		"disconnect while trying": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * sec, in: onDisconnect, do: "dial, abort, " + accept, emit: "paused", state: Paused,
				guard: ib.GuardSocket,
			},
			{in: onReady, state: Paused, guard: ib.GuardSocket},
			{in: onFailed(ib.CauseNotReady), state: Paused, guard: ib.GuardSocket},
		}},
		"disconnect while waiting": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onDisconnect, do: accept, emit: "paused", state: Paused, guard: ib.GuardSocket},
			{after: time.Minute, state: Paused, guard: ib.GuardSocket},
		}},
		"window opens and ends while connected": {windowIn(time.Minute), []row{
			{after: 59*sec - 1*ms, state: Connected},
			{after: 1 * ms, emit: "window_started", state: Connected},
			{after: 10*time.Minute - 1*ms, state: Connected},
			{after: 1 * ms, emit: "window_ended", state: Connected},
		}},
		"window opens while waiting": {windowIn(time.Minute), []row{
			{after: 58500 * ms, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 500 * ms, emit: "window_started", state: ResetWindow, guard: ib.GuardSocket},
			{after: 10*time.Minute - 1*ms, state: ResetWindow, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"window opens while trying": {windowIn(time.Minute), []row{
			{after: 57 * sec, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 2 * sec, in: onFailed(ib.CauseNoAnswer), do: "dial", emit: "window_started, attempt_failed",
				state: ResetWindow, guard: ib.GuardSocket,
			},
			{after: 10*time.Minute - 1*ms, state: ResetWindow, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"window opens while trying, and READY comes": {windowIn(time.Minute), []row{
			{after: 57 * sec, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 2 * sec, in: onReady, do: "dial", emit: "window_started, connected", state: Connected},
			{in: onLost, emit: "lost", state: ResetWindow, guard: ib.GuardSocket},
		}},
		"data of IBKR contradicts a loss of upstream": {nil, []row{
			{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 40 * sec, in: onCode(1100), state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 59 * sec, in: onBytes, state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 1 * sec, in: onBytes, do: "close, dial", emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onReady, emit: "connected", state: Connected},
		}},
		"in the window it does not": {windowIn(time.Minute), []row{
			{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 2 * time.Minute, in: onBytes, emit: "window_started", state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 10 * time.Minute, emit: "window_ended", state: UpstreamLost, guard: ib.GuardUpstream},
			{in: onBytes, do: "close, dial", emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"upstream lost in the window shuts the guard": {windowIn(time.Minute), []row{
			{
				after: 59 * sec, in: onCode(1100), emit: "window_started, upstream_lost", state: UpstreamLost,
				guard: ib.GuardUpstream,
			},
			{in: onCode(1102), emit: "upstream_restored", state: Connected},
		}},
		"connect in the window makes one attempt": {windowIn(time.Minute), []row{
			{after: 59 * sec, in: onLost, emit: "window_started, lost", state: ResetWindow, guard: ib.GuardSocket},
			{after: time.Minute, in: onConnect, do: "dial, " + accept, state: Reconnecting, guard: ib.GuardSocket},
			{in: onFailed(ib.CauseRefused), emit: "attempt_failed", state: ResetWindow, guard: ib.GuardSocket},
			{after: 9*time.Minute - 1*ms, state: ResetWindow, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"another port in the window": {windowIn(time.Minute), []row{
			{after: time.Minute, emit: "window_started", state: Connected},
			{
				in: onConfigure(func(c *Config) {
					c.Port = 7497
				}), do: "close, accept, dial", emit: "disconnected, reconfigured",
				state: Connecting, guard: ib.GuardSocket,
			},
			{in: onFailed(ib.CauseRefused), emit: "attempt_failed", state: ResetWindow, guard: ib.GuardSocket},
			{after: 9 * time.Minute, state: ResetWindow, guard: ib.GuardSocket},
			{in: onConfigure(func(c *Config) {
				c.Port = 4002
			}), do: "accept, dial", emit: "reconfigured", state: Reconnecting, guard: ib.GuardSocket},
			{in: onReady, emit: "connected", state: Connected},
		}},
		"asleep until the window": {windowIn(time.Hour), []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onGap(time.Hour - 1*sec), emit: "window_started, woke", state: ResetWindow, guard: ib.GuardSocket},
			{after: 10*time.Minute - 1*ms, state: ResetWindow, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"window ends in a pause": {windowIn(time.Minute), []row{
			{
				in: onDisconnect, do: "close, " + accept, emit: "disconnected, paused", state: Paused,
				guard: ib.GuardSocket,
			},
			{after: time.Hour, emit: "window_started, window_ended", state: Paused, guard: ib.GuardSocket},
		}},
		"the clock is set into the window and out of it": {windowIn(time.Hour), []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onClock(time.Hour), emit: "window_started, woke", state: ResetWindow, guard: ib.GuardSocket},
			{after: time.Minute, state: ResetWindow, guard: ib.GuardSocket},
			{in: onClock(-time.Hour), do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"the clock goes back": {nil, []row{
			{in: onClock(-time.Hour), state: Connected},
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onClock(-24 * time.Hour), state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReady, do: "dial", emit: "connected", state: Connected},
		}},
		"waking while connected": {nil, []row{
			{after: 1 * sec, state: Connected},
			{in: onClock(time.Hour), do: "probe", emit: "woke", state: Degraded, guard: ib.GuardWoke},
			{after: 1 * sec, emit: "answered", state: Connected},
		}},
		"a gap that is too short for sleep": {nil, []row{
			{after: 1 * sec, state: Connected},
			{in: onClock(1*sec + 1), do: "probe", state: Connected, guard: ib.GuardWoke},
			{after: 1 * sec, state: Connected},
			{in: onGap(ib.UpBeat + 1*sec + 1), do: "probe", state: Connected, guard: ib.GuardWoke},
			{after: 1 * sec, state: Connected},
			{in: onGap(ib.UpBeat + 1*sec), state: Connected},
			{in: onClock(1 * sec), state: Connected},
		}},
		"waking to a dead socket": {nil, []row{
			{in: onFreeze, state: Connected},
			{in: onGap(time.Hour), do: "probe", emit: "woke", state: Degraded, guard: ib.GuardWoke},
			{after: 1499 * ms, state: Degraded, guard: ib.GuardWoke},
			{after: 1 * ms, state: Degraded, guard: ib.GuardProbe},
			{after: 8499 * ms, state: Degraded, guard: ib.GuardProbe},
			{after: 1 * ms, do: "close", emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"waking while waiting": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onGap(6*sec + 1), do: "dial", emit: "woke", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"a late look is no sleep": {nil, []row{
			{in: onGap(ib.UpBeat + 5*sec), do: "probe", state: Connected, guard: ib.GuardWoke},
			{after: 1900 * ms, state: Connected},
			{in: onClock(5 * sec), do: "probe", state: Connected, guard: ib.GuardWoke},
		}},
		"a frozen gateway": {nil, []row{
			{in: onFreeze, state: Connected},
			{after: 1 * sec, do: "probe", state: Connected},
			{after: 1499 * ms, state: Connected},
			{after: 1 * ms, emit: "suspected", state: Degraded, guard: ib.GuardProbe},
			{after: 7499 * ms, state: Degraded, guard: ib.GuardProbe},
			{after: 1 * ms, do: "close", emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onLost, state: Reconnecting, guard: ib.GuardSocket}, // reported once
		}},
		"a short hard limit waits for the probe": {func(c *Config) { c.Poll, c.Hard = 5*sec, 2*sec }, []row{
			{in: onFreeze, state: Connected},
			{after: 5 * sec, do: "probe", state: Connected},
			{after: 1499 * ms, state: Connected},
			{after: 1 * ms, do: "close", emit: "suspected, lost", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"reconciling comes before the guard opens": {reconciling, []row{
			{in: onReconciled(anyError), do: "reconcile after 1s", state: Connected, guard: ib.GuardReconciling},
			{in: onReconciled(nil), state: Connected},
			{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
			// nothing is asked without upstream
			{in: onReconciled(anyError), state: UpstreamLost, guard: ib.GuardUpstream},
			{in: onReconciled(nil), state: UpstreamLost, guard: ib.GuardUpstream},
			{in: onReconciled(anyError), state: UpstreamLost, guard: ib.GuardUpstream}, // 1101 and 1102 begin again
			{
				in: onCode(1101), do: "reconcile", emit: "upstream_restored", state: Connected,
				guard: ib.GuardReconciling,
			},
			{in: onReconciled(nil), state: Connected},
			{in: onCode(1102), do: "reconcile", emit: "notice", state: Connected, guard: ib.GuardReconciling},
			{in: onCode(1101), do: "reconcile", emit: "notice", state: Connected, guard: ib.GuardReconciling},
		}},
		"a reconciliation fails when the session is over": {reconciling, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onReconciled(anyError), state: Reconnecting, guard: ib.GuardSocket},
			{in: onReconciled(nil), state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReconciled(nil), do: "dial", state: Reconnecting, guard: ib.GuardSocket},
			{in: onReady, do: "reconcile", emit: "connected", state: Connected, guard: ib.GuardReconciling},
			{in: func(p *play) input {
				return inReconciled{session: p.m.session - 1, run: p.m.run}
			}, state: Connected, guard: ib.GuardReconciling},
			{in: onReconciled(nil), state: Connected},
			{in: onReady, state: Connected}, // a second time
		}},
		"the account is of the kind that was asked for": {func(c *Config) {
			c.Mode = ib.Paper
		}, []row{{state: Connected}}},
		"nobody knows of which kind the account is": {func(c *Config) { c.Mode = ib.Paper }, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReadyAs(ib.AnyMode), do: "dial", emit: "connected", state: Connected},
		}},
		"the account is of another kind": {func(c *Config) { c.Mode = ib.Paper }, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * sec, in: onReadyAs(ib.Live), do: "dial", emit: "connected", state: Degraded,
				guard: ib.GuardMode,
			},
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 2 * sec, in: onReady, do: "dial", emit: "connected", state: Connected},
		}},
		"a farm that was broken in another session": {nil, []row{
			{in: onFarm(2103), emit: "farm", state: Degraded},
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onReady, do: "dial", emit: "connected", state: Connected},
		}},
		"an old reconciliation has no say": {reconciling, []row{
			{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
			{
				in: onCode(1102), do: "reconcile", emit: "upstream_restored", state: Connected,
				guard: ib.GuardReconciling,
			},
			{in: func(*play) input {
				return inReconciled{session: 1, run: 1}
			}, state: Connected, guard: ib.GuardReconciling},
			{in: func(*play) input { return inReconciled{session: 1, run: 2} }, state: Connected},
		}},
		"old sessions have no say": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, in: onOldSession(onReady), do: "dial", state: Reconnecting, guard: ib.GuardSocket},
			{in: onOldSession(onFailed(ib.CauseRefused)), state: Reconnecting, guard: ib.GuardSocket},
			{in: onReady, emit: "connected", state: Connected},
			{in: onOldSession(onLost), state: Connected},
			{in: onOldSession(onCode(1100)), state: Connected},
			{in: onOldSession(onCode(399)), emit: "notice", state: Connected},
		}},
		"another port concerns the connection": {nil, []row{
			{
				in: onConfigure(func(c *Config) {
					c.Port = 7497
				}), do: "close, accept, dial", emit: "disconnected, reconfigured",
				state: Connecting, guard: ib.GuardSocket,
			},
			{in: onConfigure(func(c *Config) {
				c.Port = 4002
			}), do: "abort, accept, dial", emit: "reconfigured", state: Connecting, guard: ib.GuardSocket},
		}},
		"other limits do not concern it": {nil, []row{
			{in: onConfigure(func(c *Config) { c.Soft = 3 * sec }), do: accept, emit: "reconfigured", state: Connected},
		}},
		"another port while waiting": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onConfigure(func(c *Config) {
				c.ClientID++
			}), do: "accept, dial", emit: "reconfigured", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"shorter delays while waiting": {func(c *Config) { c.Delays = []time.Duration{time.Hour} }, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onConfigure(func(c *Config) {
				c.Delays = []time.Duration{sec}
			}), do: accept, emit: "reconfigured", state: Reconnecting, guard: ib.GuardSocket},
			{after: 1 * sec, do: "dial", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"another port in a pause": {nil, []row{
			{in: onDisconnect, do: "close, accept", emit: "disconnected, paused", state: Paused, guard: ib.GuardSocket},
			{in: onConfigure(func(c *Config) {
				c.Port = 7497
			}), do: accept, emit: "reconfigured", state: Paused, guard: ib.GuardSocket},
			{after: time.Minute, state: Paused, guard: ib.GuardSocket},
		}},
		"a window comes into force": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{
				in: onConfigure(windowIn(0)), do: accept, emit: "window_started, reconfigured", state: ResetWindow,
				guard: ib.GuardSocket,
			},
			{in: onConfigure(func(c *Config) {
				c.Calendar = nil
			}), do: "accept, dial", emit: "window_ended, reconfigured", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"the port opens after a refusal": {nil, []row{
			{in: onPortOpen, do: "discard", state: Connected},
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{ // no one watches before a refusal
				in: onPortOpen, do: "discard", state: Reconnecting,
				guard: ib.GuardSocket,
			},
			{
				after: 1 * sec, in: onFailed(ib.CauseRefused), do: "dial", emit: "attempt_failed", state: Reconnecting,
				guard: ib.GuardSocket,
			},
			{in: onPortOpen, do: "dial open port", state: Reconnecting, guard: ib.GuardAPI},
			{in: onPortOpen, do: "discard", state: Reconnecting, guard: ib.GuardAPI},
		}},
		"stop while connected": {nil, []row{
			{in: onStop, do: "close", emit: "disconnected, stopped", state: Connecting, guard: ib.GuardSocket},
		}},
		"stop while waiting": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{in: onStop, emit: "stopped", state: Reconnecting, guard: ib.GuardSocket},
		}},
		"stop while trying": {nil, []row{
			{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
			{
				after: 1 * sec, in: onStop, do: "dial, abort", emit: "stopped", state: Reconnecting,
				guard: ib.GuardSocket,
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(c.change)
			begin := opening
			if p.cfg.Reconcile != nil {
				begin = []row{opening[0], {
					after: sec, in: onReady, do: "reconcile", emit: "connected",
					state: Connected, guard: ib.GuardReconciling,
				}}
			}
			for i, r := range append(begin[:len(begin):len(begin)], c.rows...) {
				p.act(t, i-len(begin), r)
			}
		})
	}
}

// TestStartInResetWindow: one attempt is made at once, attempts rest in the window only if it fails, and the connection
// to which it leads is like any other.
func TestStartInResetWindow(t *testing.T) {
	start := row{in: onStart, do: "dial", emit: "started, window_started", state: Connecting, guard: ib.GuardSocket}
	for name, rows := range map[string][]row{
		"Gateway is there": {
			start,
			{after: sec, in: onReady, emit: "connected", state: Connected},
			{in: onLost, emit: "lost", state: ResetWindow, guard: ib.GuardSocket},
			{
				after: 10*time.Minute - 1*sec, do: "dial", emit: "window_ended", state: Reconnecting,
				guard: ib.GuardSocket,
			},
		},
		"Gateway is not there": {
			start,
			{
				after: sec, in: onFailed(ib.CauseRefused), emit: "attempt_failed", state: ResetWindow,
				guard: ib.GuardSocket,
			},
			{in: onPortOpen, do: "discard", state: ResetWindow, guard: ib.GuardSocket},
			{after: 10*time.Minute - 1*sec - 1*ms, state: ResetWindow, guard: ib.GuardSocket},
			{after: 1 * ms, do: "dial", emit: "window_ended", state: Reconnecting, guard: ib.GuardSocket},
		},
		"upstream is lost": {
			start,
			{after: sec, in: onReady, emit: "connected", state: Connected},
			{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
			{after: 2 * time.Minute, in: onBytes, state: UpstreamLost, guard: ib.GuardUpstream},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(windowIn(0))
			for i, r := range rows {
				p.act(t, i, r)
			}
		})
	}
}
