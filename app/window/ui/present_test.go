package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestAttemptCountsDown(t *testing.T) {
	next := func(d time.Duration) api.Attempt { return api.Attempt{Number: 4, NextAt: new(noon.Add(d))} }
	for _, c := range []struct {
		attempt api.Attempt
		want    string
	}{
		{api.Attempt{}, ""},
		{api.Attempt{Number: 1, Running: true}, "Attempt 1 is under way"},
		{api.Attempt{Number: 2}, "Attempt 2 is next"},
		{next(12 * time.Second), "Attempt 4 in 12 s"},
		{next(11001 * time.Millisecond), "Attempt 4 in 12 s"},
		{next(11 * time.Second), "Attempt 4 in 11 s"},
		{next(time.Millisecond), "Attempt 4 in 1 s"},
		{next(0), "Attempt 4 in 0 s"},
		{next(-time.Minute), "Attempt 4 in 0 s"},
		{next(59001 * time.Millisecond), "Attempt 4 in 1 min"},
		{next(59 * time.Second), "Attempt 4 in 59 s"},
		{next(14*time.Minute + 12*time.Second), "Attempt 4 in 14 min 12 s"},
	} {
		if got := attempt(c.attempt.Line(), noon); got != c.want {
			t.Errorf("%+v: %q, want %q", c.attempt, got, c.want)
		}
	}
}

func TestShapeOfEveryState(t *testing.T) {
	want := map[conn.State]Shape{
		conn.Connecting: Working, conn.Connected: Up, conn.Degraded: Impaired, conn.UpstreamLost: Down,
		conn.Reconnecting: Working, conn.ResetWindow: Resting, conn.Paused: PausedByUser, "of tomorrow": Unknown,
	}
	for state, shape := range want {
		if got := pictureOf(&api.Status{State: state, Since: noon}, absence{}, noon).shape; got != shape {
			t.Errorf("%s is shown as %v, want %v", state, got, shape)
		}
	}
}

// TestGatewaysSettings holds what the window says of a planned exit and of a read-only API: a card warns of a log-off,
// and of a restart there is the time alone.
func TestGatewaysSettings(t *testing.T) {
	v, _, _ := acting(t)
	show := func(change func(s *conn.Snapshot)) {
		s := &conn.Snapshot{
			State: conn.Connected, Since: noon.Add(-time.Hour), GuardSince: noon.Add(-time.Hour), Session: 1,
			Layers:  conn.Layers{Socket: true, API: true, Upstream: true},
			Gateway: ib.Gateway{Host: "127.0.0.1", Port: 4002, ServerVersion: 225, Mode: ib.Paper},
		}
		change(s)
		v.Status(api.StatusOf(s, noon, "test", 17, noon), noon)
	}
	value := func(name string) string {
		for _, p := range v.pic.details {
			if p.name == name {
				return p.value
			}
		}
		return ""
	}
	exit := func(kind ib.ExitKind, in time.Duration) func(*conn.Snapshot) {
		return func(s *conn.Snapshot) { s.Exit = ib.PlannedExit{Kind: kind, At: noon.Add(in)} }
	}
	show(exit(ib.ExitLogOff, 11*time.Hour))
	card := v.status.support
	if text := card.words.Text; !card.content.Visible() || !strings.Contains(text, "choose “Auto restart” in Gateway") {
		t.Errorf("log-off: %v, %q", card.content.Visible(), text)
	}
	if got := value("Gateway logs off"); got != "at 23:00 (in 11 h)" {
		t.Errorf("log-off: %q", got)
	}
	show(exit(ib.ExitRestart, 90*time.Second))
	if got := value("Gateway restarts"); got != "at 12:01 (in 90 s)" || card.content.Visible() {
		t.Errorf("restart: %q, card %v", got, card.content.Visible())
	}
	show(exit(ib.ExitRestart, -time.Second))
	if got := value("Gateway restarts"); got != "now, since 11:59:59" {
		t.Errorf("during the restart: %q", got)
	}
	show(func(s *conn.Snapshot) { s.Resubmit = ib.SwitchOn })
	const kept = "orders are kept, and sent when IBKR is connected again"
	if got, restart := value("Without IBKR"), value("Gateway restarts"); got != kept ||
		restart != "" {
		t.Errorf("orders are %q, restart %q", got, restart)
	}
	show(func(s *conn.Snapshot) {
		s.State, s.Cause, s.Guard = conn.Degraded, ib.CauseReadOnly, ib.GuardReadOnly
	})
	b := v.pic.banner
	if b == nil || !strings.Contains(b.hint, "untick “Read-Only API”") || !strings.Contains(b.cause, "read-only") {
		t.Errorf("read-only: %+v", b)
	}
	if got := v.pic.layers[4].word; got != "blocked: Gateway's API is read-only" {
		t.Errorf("read-only: orders are %q", got)
	}
}

// TestClosedGuardIsTold has the guard be closed while the connection is up, alone and with another fault.
func TestClosedGuardIsTold(t *testing.T) {
	st := connected()
	st.Guard, st.Held.Since = closedGuard("it waits", ""), noon.Add(-time.Minute)
	if p := pictureOf(&st, absence{}, noon); p.shape != Up || p.banner != nil ||
		p.layers[4].word != "blocked: it waits" {
		t.Errorf("in the first moment %+v", p)
	}
	st.Held.Closed, st.Held.Text, st.Held.Hint = true, "Orders are blocked: it waits.", "Wait."
	p := pictureOf(&st, absence{}, noon)
	if p.shape != Blocked || p.headline != "Orders blocked" || p.since != "since 11:59:00 · 1 min" || p.banner == nil ||
		p.banner.cause != st.Held.Text || p.banner.hint != "Wait." || p.banner.since != "Since "+clock(st.Held.Since,
		noon) {
		t.Errorf("alone %+v, %+v", p, p.banner)
	}
	st.State, st.Cause, st.Hint = conn.Degraded, "A farm is down.", "It comes back."
	p = pictureOf(&st, absence{}, noon)
	if p.banner.cause != st.Held.Text+" A farm is down." || p.banner.hint != "Wait. It comes back." {
		t.Errorf("with another fault %+v", p.banner)
	}
}

// TestFailingStepsAreTold has steps in the background fail, alone and beside a fault of the connection.
func TestFailingStepsAreTold(t *testing.T) {
	st := connected()
	st.Failing = []api.Failing{
		{Step: "connection_log", Text: "It cannot be written.", Detail: "no space", Hint: "Free some."},
		{Step: "alerts", Text: "None are sent.", Hint: "Free some."},
	}
	const all = "It cannot be written. (no space) None are sent."
	p := pictureOf(&st, absence{}, noon)
	if p.shape != Up || p.banner == nil || p.banner.shape != Impaired || p.banner.cause != all ||
		p.banner.hint != "Free some." {
		t.Errorf("alone %+v", p.banner)
	}
	st.Failing[1].Urgent = true
	if p = pictureOf(&st, absence{}, noon); p.shape != Impaired {
		t.Error("an urgent one leaves the window green")
	}
	st.State, st.Cause, st.Hint = conn.Degraded, "A farm is down.", "It comes back."
	p = pictureOf(&st, absence{}, noon)
	if p.banner.cause != "A farm is down." || p.banner.hint != "It comes back. "+all+" Free some." {
		t.Errorf("with a fault %+v", p.banner)
	}
}

func TestOneCommandApplies(t *testing.T) {
	for name, c := range map[string]struct {
		layers api.Layers
		want   command
	}{
		"up":            {api.Layers{Socket: true, API: true, Upstream: true}, disconnect},
		"upstream lost": {api.Layers{Socket: true, API: true}, disconnect},
		"signing on":    {api.Layers{Socket: true}, connectNow},
		"down":          {api.Layers{}, connectNow},
	} {
		st := connected()
		st.Layers = c.layers
		if p := pictureOf(&st, absence{}, noon); p.command != c.want {
			t.Errorf("%s: command %v, want %v", name, p.command, c.want)
		}
	}
	st := connected()
	if p := pictureOf(&st, absence{since: noon}, noon); p.command != startProgram ||
		p.headline != "Gatewatch is not running" {
		t.Errorf("not there: command %v, %q", p.command, p.headline)
	}
	if p := pictureOf(&st, absence{noon, true}, noon); p.command != restartProgram ||
		p.headline != "Gatewatch is not responding" || p.shape != Down {
		t.Errorf("it hangs: command %v, %q, shape %v", p.command, p.headline, p.shape)
	}
}

func TestWhileNobodyIsThereNothingIsClaimed(t *testing.T) {
	st := connected()
	st.Gateway.Mode = "live"
	p := pictureOf(&st, absence{since: noon.Add(-time.Minute)}, noon)
	if p.shape != Down || p.badge != "" || p.layers[4].shape == Up {
		t.Errorf("shape %v, badge %q, orders %v", p.shape, p.badge, p.layers[4])
	}
	for _, l := range p.layers {
		if l.shape != Unknown {
			t.Errorf("%s is shown as %v", l.name, l.shape)
		}
	}
	if want := wording.NotRunningMeans; p.banner == nil || p.banner.cause != want {
		t.Errorf("banner %+v, want %q", p.banner, want)
	}
}

// TestLayersSince shows since when each layer has been as it is, as the resident program says.
func TestLayersSince(t *testing.T) {
	st := connected()
	st.LayersSince = api.LayerTimes{
		Socket: noon.Add(-3 * time.Hour), API: noon.Add(-3 * time.Hour),
		Upstream: noon.Add(-time.Minute),
	}
	var got []string
	for _, l := range pictureOf(&st, absence{}, noon).layers {
		got = append(got, l.since)
	}
	if want := []string{"since 09:00", "since 09:00", "since 11:59:00", "", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	st.Layers.API, st.Layers.Upstream = false, false
	if l := pictureOf(&st, absence{}, noon).layers[2]; l.since != "" || l.word != "not known" {
		t.Errorf("before the login: %+v", l)
	}
}

// TestNoPrices shows a session that has taken the market data in amber, and no farm as well.
func TestNoPrices(t *testing.T) {
	st := connected()
	st.State, st.CauseID, st.Headline = conn.Degraded, ib.CauseCompeting, "Connected, no prices"
	p := pictureOf(&st, absence{}, noon)
	if farms := p.layers[3]; p.shape != Impaired || farms.shape != Impaired || farms.word != "no prices" ||
		farms.since != "" || p.headline != "Connected, no prices" {
		t.Errorf("%v %q, %+v", p.shape, p.headline, farms)
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{noon, "12:00:00"},
		{noon.Add(-59 * time.Minute), "11:01:00"},
		{noon.Add(-time.Hour), "11:00"},
		{noon.Add(6 * time.Hour), "18:00"},
		{noon.Add(-13 * time.Hour), "Tue 23:00"},
		{noon.Add(12 * time.Hour), "Thu 00:00"},
		{noon.Add(-30 * 24 * time.Hour), "2 Feb 12:00"},
	} {
		if got := clock(c.at, noon); got != c.want {
			t.Errorf("%v: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestTextFromOutsideStaysPlain(t *testing.T) {
	st := reconnecting()
	evil := "\x1b[31mred\u202e\nsecond line\u0000"
	st.Cause, st.Hint, st.Headline, st.Guard.Text, st.Gateway.Host = evil, evil, evil, evil, evil
	st.Layers = api.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
		evil: conn.FarmBroken,
	}}
	p := pictureOf(&st, absence{}, noon)
	texts := []string{p.headline, p.banner.cause, p.banner.hint, p.layers[4].word, p.details[0].value, p.layers[3].more}
	for _, s := range texts {
		if strings.ContainsAny(s, "\x1b\u202e\n\x00") || !strings.Contains(s, "red") && s != p.headline {
			t.Errorf("shown: %q", s)
		}
	}
}
