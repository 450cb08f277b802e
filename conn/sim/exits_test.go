package sim_test

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// TestGreeting pins down the bytes that a client sees first: its hello is answered with the version and the gateway's
// time.
func TestGreeting(t *testing.T) {
	g := bare(t)
	w := dial(t, g)
	w.write([]byte("API\x00\x00\x00\x00\x09v100..226"))
	b, err := w.frame(patience)
	if err != nil {
		t.Fatal(err)
	}
	version, at, ok := strings.Cut(strings.TrimSuffix(string(b), "\x00"), "\x00")
	if !ok || version != "226" || b[len(b)-1] != 0 {
		t.Fatalf("greeting %q", b)
	}
	stamp, zone := at[:len("20261201 10:20:30")], at[len("20261201 10:20:30 "):]
	if _, err := time.Parse("20060102 15:04:05", stamp); err != nil || zone != "EST" && zone != "EDT" && zone != "UTC" {
		t.Errorf("time %q: %v", at, err)
	}
}

// TestRefusedLater: a refused client has half a second with the message before the close.
func TestRefusedLater(t *testing.T) {
	g := bare(t)
	ready(t, g, 225, 7)
	g.Refuse10141(1)
	for client, code := range map[int32]int{7: 326, 1: 10141} {
		w := dial(t, g)
		if _, err := w.hello("v100..225"); err != nil {
			t.Fatal(err)
		}
		w.startAPI(client)
		w.errorCode(code)
		said := time.Now()
		w.sendProto(49, &protobuf.CurrentTimeRequest{}) // not answered any more
		if err := w.end(); err != nil {
			t.Errorf("%d: ended with %v, want FIN", code, err)
		}
		if d := time.Since(said); d < 300*time.Millisecond {
			t.Errorf("%d: closed after %v", code, d)
		}
	}
}

// TestRestoredFarms reads which farms 1102 lists.
func TestRestoredFarms(t *testing.T) {
	const (
		restored  = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
		connected = " The following farms are connected: "
		broken    = " The following farms are not connected: "
	)
	g := startSim(t, sim.Config{Farms: []sim.Farm{
		{Code: 2104, Name: "usfarm"}, {Code: 2107, Name: "ushmds"}, {Code: 2158, Name: "secdefil"},
	}})
	w := ready(t, g, 225, 1)
	for range 3 { // the farms of READY
		w.anyError()
	}
	for _, step := range []struct {
		code       int
		farm, want string
	}{
		{0, "", " All data farms are connected: usfarm; secdefil."},
		{2106, "ushmds", " All data farms are connected: usfarm; ushmds; secdefil."},
		{2105, "ushmds", connected + "usfarm; secdefil." + broken + "ushmds."},
		{2103, "usfarm", connected + "secdefil." + broken + "usfarm; ushmds."},
		{2157, "secdefil", broken + "usfarm; ushmds; secdefil."},
	} {
		if step.code != 0 {
			g.Farm(step.code, step.farm)
			w.anyError()
		}
		g.Notice(1100, "")
		w.errorCode(1100)
		g.Notice(1102, "")
		if e := w.errorCode(1102); e.GetErrorMsg() != restored+step.want {
			t.Errorf("%q, want %q", e.GetErrorMsg(), step.want)
		}
	}
	late := ready(t, g, 225, 2)
	for _, want := range []int32{2103, 2105, 2157} {
		if e := late.anyError(); e.GetErrorCode() != want {
			t.Errorf("a new session was sent %d, want %d", e.GetErrorCode(), want)
		}
	}
	if err := g.Clear(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int32{2104, 2107, 2158} {
		if e := w.anyError(); e.GetErrorCode() != want {
			t.Errorf("clear sent %d, want %d", e.GetErrorCode(), want)
		}
	}
}

func TestNoticeTexts(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 1)
	for code, want := range map[int]string{
		2172:  "desupported on 20261215. The minimum supported version at that time will be 1050.1. ",
		354:   "Requested market data is not subscribed.",
		10182: "Failed to request live updates (disconnected).",
		2110:  "It will be restored automatically.",
	} {
		g.Notice(code, "")
		if e := w.errorCode(code); !strings.Contains(e.GetErrorMsg(), want) {
			t.Errorf("%d: %q", code, e.GetErrorMsg())
		}
	}
}

// config asks for the gateway's configuration.
func (w *wire) config(t *testing.T) *protobuf.ConfigResponse {
	t.Helper()
	w.sendProto(108, &protobuf.ConfigRequest{ReqId: proto.Int32(5)})
	m := w.next(110)
	r := &protobuf.ConfigResponse{}
	if err := proto.Unmarshal(m.body, r); err != nil || !m.proto || r.GetReqId() != 5 {
		t.Fatalf("configuration %v, %v", r, err)
	}
	return r
}

func announced(r *protobuf.ConfigResponse) string {
	l := r.GetLockAndExit()
	return l.GetAutoLogoffTime() + " " + l.GetAutoLogoffPeriod() + " " + l.GetAutoLogoffType()
}

func TestConfiguration(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, AutoRestart: "23:45"})
	g.ReadOnly(true)
	w := ready(t, g, 226, 1)
	r := w.config(t)
	if got := announced(r); got != "11:45 PM restart" {
		t.Errorf("announced %q", got)
	}
	if s := r.GetApi().GetSettings(); !s.GetReadOnlyApi() || s.GetSocketPort() != int32(g.Port()) ||
		!s.GetMaintainAndResubmitOrdersOnReconnect() {
		t.Errorf("settings: %v", s)
	}
	if err := g.PlanExit(sim.Exit{At: "00:07", LogOff: true}); err != nil {
		t.Fatal(err)
	}
	if err := g.WithoutConfig("api", "messages", "orders"); err != nil {
		t.Fatal(err)
	}
	if r := w.config(t); r.Api != nil || r.Orders != nil || r.Messages != nil || announced(r) != "12:07 AM logoff" {
		t.Errorf("with one part: %v", r)
	}
	if err := g.PlanExit(sim.Exit{}); err != nil {
		t.Fatal(err)
	}
	if r := w.config(t); r.LockAndExit != nil {
		t.Errorf("announces an exit that does not come: %v", r)
	}
	g.RefuseConfig(true)
	w.sendProto(108, &protobuf.ConfigRequest{ReqId: proto.Int32(6)})
	if e := w.errorCode(10357); e.GetId() != 6 {
		t.Errorf("refused %v", e)
	}
	if err := g.WithoutConfig("lock"); err == nil {
		t.Error("an unknown part was accepted")
	}
	old := ready(t, g, 218, 2)
	old.sendProto(108, &protobuf.ConfigRequest{ReqId: proto.Int32(7)})
	old.errorCode(505)
}

// TestPlannedRestart shifts the gateway's clock to just before the minute that it announced.
func TestPlannedRestart(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, AutoRestart: "23:45", RestartTakes: 50 * time.Millisecond})
	w := ready(t, g, 226, 1)
	now := time.Now()
	at := time.Date(now.Year(), now.Month(), now.Day(), 23, 45, 0, 0, newYork(t))
	g.ClockSkew(time.Until(at.Add(-5 * time.Minute)))
	if err := g.PlanExit(sim.Exit{At: "23:45", Takes: 50 * time.Millisecond}); err != nil { // today's
		t.Fatal(err)
	}
	w.alive()
	for day := range 2 {
		g.ClockSkew(time.Until(at.AddDate(0, 0, day)))
		if err := w.end(); err != nil {
			t.Errorf("ended with %v", err)
		}
		waitFor(t, func() bool { return g.State().Listening })
		w = ready(t, g, 226, 1)
		w.alive()
	}
}

func TestLogoff(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, Control: "127.0.0.1:0"})
	w := ready(t, g, 225, 1)
	if status, body := call(t, g, "POST", "/fault/logoff", ""); status != 200 {
		t.Fatal(body)
	}
	if err := w.end(); err != nil {
		t.Errorf("ended with %v", err)
	}
	g.Restart(0) // it is a person who has to log in
	if err := g.Accept(); err == nil {
		t.Error("accept opened the port of a gateway that is logged off")
	}
	time.Sleep(silence)
	if s := g.State(); s.Listening || strings.Join(s.Faults, ",") != "logoff" {
		t.Fatalf("listening %v, faults %v", s.Listening, s.Faults)
	}
	if status, body := call(t, g, "POST", "/fault/login", ""); status != 200 {
		t.Fatal(body)
	}
	waitFor(t, func() bool { return g.State().Listening })
	ready(t, g, 225, 1).alive()
	g.LogOff()
	if err := g.Clear(); err != nil {
		t.Fatal(err)
	}
	ready(t, g, 225, 1).alive()
}

// TestOldSessions restarts a gateway that still sees the session of before.
func TestOldSessions(t *testing.T) {
	g := bare(t)
	w := ready(t, g, 225, 7)
	g.HoldSessions(time.Hour)
	g.Restart(0)
	_ = w.end()
	waitFor(t, func() bool { return g.State().Listening })
	again := dial(t, g)
	if _, err := again.hello("v100..225"); err != nil {
		t.Fatal(err)
	}
	again.startAPI(7)
	again.errorCode(326)
	ready(t, g, 225, 8).alive() // another id
	g.HoldSessions(100 * time.Millisecond)
	g.Restart(0)
	waitFor(t, func() bool { return g.State().Listening })
	waitFor(t, func() bool {
		w := dial(t, g)
		if _, err := w.hello("v100..225"); err != nil {
			t.Fatal(err)
		}
		w.startAPI(8)
		b, err := w.frame(patience)
		return err == nil && w.parse(b).id == 15
	})
}
