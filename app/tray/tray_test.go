package tray

import (
	"bytes"
	"context"
	"fmt"
	stdlog "log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gatewatch/app/wording"
	"gatewatch/assets"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// cleanUp removes what tests left outside their own folders.
var cleanUp = func() {}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		cleanUp()
		os.Exit(code)
	}))
}

// notebook is a bar that notes what is done to it.
type notebook struct {
	begin time.Time
	mu    sync.Mutex
	lines []string
}

func (n *notebook) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf("%v ", time.Since(n.begin))+fmt.Sprintf(format, args...))
}

func (n *notebook) setIcon(i assets.Icon)         { n.note("icon %v", i) }
func (n *notebook) setTooltip(text string)        { n.note("tooltip %s", text) }
func (n *notebook) setTitle(e Entry, text string) { n.note("title %v %s", e, text) }
func (n *notebook) show(e Entry)                  { n.note("show %v", e) }
func (n *notebook) hide(e Entry)                  { n.note("hide %v", e) }

func (n *notebook) check(e Entry, on bool) { n.note("check %v %v", e, on) }

func (n *notebook) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lines
	n.lines = nil
	return l
}

func logTo(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// program is what a test has instead of connection and program.
type program struct {
	snapshot func() *conn.Snapshot
	extra    Extra
	changes  chan struct{}
	click    func(Entry) // may be nil
	panicked func(what any, stack []byte)
}

func (p *program) config(log *slog.Logger) Config { return Config{Connection: p, Program: p, Log: log} }

func (p *program) Snapshot() *conn.Snapshot             { return p.snapshot() }
func (p *program) Extra(time.Time) Extra                { return p.extra }
func (p *program) Subscribe() (<-chan struct{}, func()) { return p.changes, func() {} }
func (p *program) Mute(time.Time)                       {}
func (p *program) NoHost()                              {}
func (p *program) SessionEnds()                         {}
func (p *program) Panicked(what any, stack []byte)      { p.panicked(what, stack) }

func (p *program) Click(e Entry) {
	if p.click != nil {
		p.click(e)
	}
}

func TestFollowChangesOnlyWhatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var logs bytes.Buffer
		var present atomic.Pointer[conn.Snapshot]
		present.Store(&conn.Snapshot{State: conn.Connected, Since: time.Now(), Layers: full, Gateway: paper})
		changes := make(chan struct{}, 1)
		var looks atomic.Int32
		tr := newTray((&program{snapshot: func() *conn.Snapshot {
			looks.Add(1)
			return present.Load()
		}, changes: changes}).config(logTo(&logs)))
		n := &notebook{begin: time.Now()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tr.follow(ctx, n, tr.view(View{}))
		}()
		check := func(what string, want ...string) {
			t.Helper()
			synctest.Wait()
			if got := n.take(); !slices.Equal(got, want) {
				t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		time.Sleep(10 * time.Minute)
		check("nothing happens")
		if n := looks.Load(); n > 12 {
			t.Errorf("looked %d times in ten minutes in which nothing happened", n)
		}

		changes <- struct{}{}
		check("a change of nothing")

		time.Sleep(time.Second)
		lost := time.Now()
		present.Store(&conn.Snapshot{State: conn.Reconnecting, Since: lost, Attempt: conn.Attempt{
			Number: 1, NextAt: time.Now().Add(3 * time.Second),
		}, Gateway: paper})
		changes <- struct{}{}
		check("lost",
			"10m1s icon connecting", "10m1s tooltip Reconnecting, attempt 1 in 3 s · PAPER 4002 · since "+lost.Format(
				"15:04"),
			"10m1s title status Reconnecting, attempt 1 at "+lost.Add(3*time.Second).Format("15:04:05")+" · PAPER 4002",
			"10m1s title connect Connect now", "10m1s show connect", "10m1s hide disconnect")
		// A burst of changes that say nothing new does not stop the countdown.
		for range 50 {
			time.Sleep(50 * time.Millisecond)
			select {
			case changes <- struct{}{}:
			default:
			}
		}
		check("countdown",
			"10m2s tooltip Reconnecting, attempt 1 in 2 s · PAPER 4002 · since "+lost.Format("15:04"),
			"10m3s tooltip Reconnecting, attempt 1 in 1 s · PAPER 4002 · since "+lost.Format("15:04"))
		present.Store(&conn.Snapshot{State: conn.Reconnecting, Since: time.Now(), Attempt: conn.Attempt{
			Number: 1, Running: true,
		}, Gateway: paper})
		time.Sleep(90 * time.Second)
		got := n.take()
		if len(got) != 5 || !strings.Contains(got[2], "icon disconnected") {
			t.Errorf("an outage that lasts:\n%s", strings.Join(got, "\n"))
		}
		cancel()
		<-done
		if logs.Len() != 0 {
			t.Error(logs.String())
		}
	})
}

func TestFollowTrading(t *testing.T) {
	s := &conn.Snapshot{State: conn.Connected, Since: start, Layers: full, Gateway: paper}
	n := &notebook{begin: time.Now()}
	view := func(x Trading) View { return viewOf(s, start, Extra{Trading: x}) }
	shown := view(Trading{MayArm: true})
	for _, c := range []struct {
		next Trading
		want []string
	}{
		{Trading{Armed: true}, []string{
			"tooltip Connected · PAPER 4002 · trading on · since 09:31", "hide arm",
			"title disarm Turn off trading", "show disarm",
		}},
		{Trading{Armed: true, Open: 2}, []string{"title cancel_all Cancel 2 open orders…", "show cancel_all"}},
		{
			Trading{Armed: true, Open: 3, Unknown: 1},
			[]string{
				"title status 1 order unknown, look in TWS · Connected · PAPER 4002",
				"title cancel_all Cancel 3 open orders…",
			},
		},
		{Trading{Armed: true, Open: 3, Unknown: 1}, nil},
		{Trading{}, []string{
			"tooltip Connected · PAPER 4002 · since 09:31", "title status Connected · PAPER 4002",
			"hide disarm", "hide cancel_all",
		}},
	} {
		v := view(c.next)
		paint(n, shown, v)
		shown = v
		got := n.take()
		for i := range got {
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n%s\nwant:\n%s", c.next, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestFollowBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := conn.Snapshot{State: conn.Connected, Since: time.Now(), Layers: full, Gateway: paper}
		changes := make(chan struct{}, 1)
		snapshot := func() *conn.Snapshot {
			s.Gateway.Port++
			now := s
			return &now
		}
		tr := newTray((&program{snapshot: snapshot, changes: changes}).config(slog.New(slog.DiscardHandler)))
		n := &notebook{begin: time.Now()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tr.follow(ctx, n, View{})
		}()
		for range 1000 {
			time.Sleep(time.Millisecond)
			select {
			case changes <- struct{}{}:
			default:
			}
		}
		synctest.Wait()
		repaints := slices.DeleteFunc(n.take(), func(line string) bool { return !strings.Contains(line, " tooltip ") })
		if got := len(repaints); got < 15 || got > 22 {
			t.Errorf("%d repaints within a second of changes", got)
		}
		cancel()
		<-done
	})
}

func TestViewThatPanics(t *testing.T) {
	var panicked any
	tr := newTray((&program{
		snapshot: func() *conn.Snapshot { panic("no") }, panicked: func(what any, _ []byte) { panicked = what },
	}).config(nil))
	shown := View{Tooltip: "before"}
	if v := tr.view(shown); v.Tooltip != "before" {
		t.Errorf("shows %+v", v)
	}
	if panicked != "no" {
		t.Errorf("panicked %v", panicked)
	}
}

func TestTomorrow(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/Zurich", "America/Santiago"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		// Each hour of a year, days of 23 and 25 hours included.
		for now := time.Date(2026, 1, 1, 0, 30, 0, 0, loc); now.Year() == 2026; now = now.Add(time.Hour) {
			got := wording.Tomorrow(now)
			if !got.After(now) || got.Sub(now) > 25*time.Hour || got.Day() == now.Day() ||
				got.Add(-time.Nanosecond).Day() != now.Day() {
				t.Fatalf("wording.Tomorrow(%v) = %v", now, got)
			}
		}
	}
}

func TestClickAfterTheEndDoesNothing(t *testing.T) {
	var called bool
	tr := newTray((&program{click: func(Entry) { called = true }}).config(slog.New(slog.DiscardHandler)))
	tr.end()
	tr.act(OpenWindow)
	tr.act(Status)
	tr.running.Wait()
	if called {
		t.Error("called")
	}
}

func TestLibraryLog(t *testing.T) {
	var ours, others bytes.Buffer
	before := stdlog.Writer()
	stdlog.SetOutput(&others)
	defer stdlog.SetOutput(before)
	restore := captureLog(logTo(&ours))
	for range 3 {
		stdlog.Printf("systray error: unable to set icon: %s\n", "x")
	}
	stdlog.Print("systray error: failed to register: nobody")
	stdlog.Print("somebody else")
	restore()
	if n := strings.Count(ours.String(), "level=WARN"); n != 1 ||
		!strings.Contains(ours.String(), `err="unable to set icon: x"`) {
		t.Errorf("%s", ours.String())
	}
	if got := others.String(); strings.Contains(got, "systray") || !strings.Contains(got, "somebody else") {
		t.Errorf("passed on %q", got)
	}
}

func TestPaintMarksWhatIsShown(t *testing.T) {
	view := func(x AtLogin) View {
		return viewOf(&conn.Snapshot{State: conn.Paused, Since: start}, start, Extra{AtLogin: x})
	}
	hidden, off, on, other := view(AtLogin{}), view(AtLogin{Known: true}), view(AtLogin{Known: true, On: true}),
		view(AtLogin{Known: true, Other: true})
	hiddenOn := on
	hiddenOn.Menu[LaunchAtLogin].Hidden = true
	for _, c := range []struct {
		name    string
		was, is View
		want    []string
	}{
		{"on", off, on, []string{"check launch_at_login true"}},
		{"off", on, off, []string{"check launch_at_login false"}},
		{"the same", on, on, nil},
		{"marked while it is hidden", hidden, hiddenOn, nil},
		{"shown", hiddenOn, on, []string{
			"check launch_at_login true", "title launch_at_login Launch at login",
			"show launch_at_login",
		}},
		{"another copy", on, other, []string{
			"check launch_at_login false",
			"title launch_at_login Launch at login (another copy does)",
		}},
	} {
		n := &notebook{begin: time.Now()}
		paint(n, c.was, c.is)
		var got []string
		for _, line := range n.take() {
			_, what, _ := strings.Cut(line, " ")
			got = append(got, what)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestConfirm holds what is dangerous to a second click, which comes neither with the first nor long after it.
func TestConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		live := ib.Gateway{Mode: ib.Live}
		s := &conn.Snapshot{State: conn.Connected, Since: time.Now(), Layers: full, Gateway: live}
		trading := Trading{MayArm: true, Open: 2}
		var done []string
		tr := newTray((&program{
			snapshot: func() *conn.Snapshot { return s }, extra: Extra{Trading: trading},
			click: func(e Entry) {
				done = append(done, map[Entry]string{Arm: "paper", ArmLive: "live", CancelAll: "cancel"}[e])
			},
		}).config(logTo(new(bytes.Buffer))))
		n := &notebook{begin: time.Now()}
		over := make(chan struct{})
		go func() {
			defer close(over)
			tr.follow(ctx, n, tr.view(View{}))
		}()
		click := func(e Entry, after time.Duration, titles []string, want ...string) {
			t.Helper()
			time.Sleep(after)
			tr.act(e)
			synctest.Wait()
			got := n.take()
			for i := range got {
				_, got[i], _ = strings.Cut(got[i], " ")
			}
			if !slices.Equal(got, titles) || !slices.Equal(done, want) {
				t.Errorf("%v: %q, done %q; want %q, %q", e, got, done, titles, want)
			}
			done = nil
		}
		asks, asked := []string{"title arm_live Confirm: turn on LIVE trading"},
			[]string{"title arm_live Turn on LIVE trading…"}
		synctest.Wait()
		click(ArmLive, 0, asks)
		click(ArmLive, doubleClick/2, nil)
		click(ArmLive, 2*time.Second, asked, "live")
		click(ArmLive, 2*time.Second, asks) // and again from the start
		time.Sleep(confirmLimit)
		synctest.Wait()
		// of the other it was too late
		click(CancelAll, 0, append(asked, "title cancel_all Confirm: cancel 2 open orders"))
		click(ArmLive, time.Second, asks)
		click(CancelAll, time.Second, []string{"title cancel_all Cancel 2 open orders…"}, "cancel")
		click(Arm, time.Second, nil, "paper")
		cancel()
		<-over
		tr.end()
	})
}
