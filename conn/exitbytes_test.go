package conn

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
	"gatewatch/conn/wire"
)

// restarting is a Gateway in a bubble that announces when it restarts. It speaks the wire over pipes, and notes when
// order bytes reach it. Its port is a real one, on which nothing is said, so that it can be watched for opening.
type restarting struct {
	t    *testing.T
	mono func() time.Duration

	mu     sync.Mutex
	due    time.Time                // of the next restart
	says   *protobuf.ConfigResponse // instead of that
	greets string                   // behind its time; the zone
	there  bool
	ln     net.Listener
	port   int
	conn   net.Conn
	orders []time.Time
	ready  time.Time // when the client of the present connection had logged in
}

func (g *restarting) connect(
	ctx context.Context, d doDial, cfg *Config, post func(input),
) (link, ib.Gateway, *ib.AttemptError) {
	if d.conn != nil {
		d.conn.Close()
	}
	g.mu.Lock()
	there := g.there
	ours, theirs := net.Pipe()
	if there {
		g.conn = theirs
	}
	g.mu.Unlock()
	post(inSocket{session: d.session, port: cfg.Port, up: there})
	if !there {
		return nil, ib.Gateway{}, &ib.AttemptError{Cause: ib.CauseRefused, Port: cfg.Port}
	}
	go g.serve(theirs)
	l := ib.NewSocket(ours, d.session, cfg.ClientID, g.mono, func(n ib.News) { post(inNews{n}) })
	if err := l.Open(ctx); err != nil {
		return nil, ib.Gateway{}, err
	}
	return l, l.About(cfg.Host, cfg.Port), nil
}

// serve answers one connection.
func (g *restarting) serve(c net.Conn) {
	defer c.Close()
	in, head := wire.NewReader(c), make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	if _, err := in.Next(); err != nil { // the versions
		return
	}
	p := &ibtest.Peer{Conn: c, Version: 225}
	p.Send(ibtest.TextFrame("225", time.Now().In(g.zone()).Format("20060102 15:04:05")+cmp.Or(g.greets, " EST")))
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		switch number := int(binary.BigEndian.Uint32(f)) - wire.ProtoBase; number {
		case wire.ReqStartAPI:
			p.Login("DU1234567")
			g.mu.Lock()
			g.ready = time.Now()
			g.mu.Unlock()
		case wire.ReqCurrentTime:
			p.Send(ibtest.ProtoMessage(49, int(time.Now().Unix())))
		case wire.ReqConfig:
			p.Send(g.announcement(f))
		case wire.ReqPlaceOrder:
			g.mu.Lock()
			g.orders = append(g.orders, time.Now())
			g.mu.Unlock()
		}
	}
}

func (g *restarting) zone() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		g.t.Fatal(err)
	}
	return zone
}

// announcement answers what was asked about Gateway's settings.
func (g *restarting) announcement(question []byte) []byte {
	g.mu.Lock()
	due, says := g.due.In(g.zone()), g.says
	g.mu.Unlock()
	if says == nil {
		says = &protobuf.ConfigResponse{LockAndExit: &protobuf.LockAndExitConfig{
			AutoLogoffTime: proto.String(due.Format("03:04")), AutoLogoffPeriod: proto.String(due.Format("PM")),
			AutoLogoffType: proto.String("restart"),
		}}
	}
	asked := &protobuf.ConfigRequest{}
	if err := proto.Unmarshal(question[4:], asked); err != nil {
		g.t.Error(err)
	}
	says.ReqId = asked.ReqId
	body, err := proto.Marshal(says)
	if err != nil {
		g.t.Fatal(err)
	}
	return ibtest.Frame(append(binary.BigEndian.AppendUint32(nil, wire.MsgConfig+wire.ProtoBase), body...))
}

// open has the port take connections.
func (g *restarting) open() {
	ln, err := (&net.ListenConfig{}).Listen(g.t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(g.port)))
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ln, g.there, g.port = ln, true, ln.Addr().(*net.TCPAddr).Port
}

// exit ends the connection and closes the port. It returns the orders that have come.
func (g *restarting) exit() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.there = false
	g.ln.Close()
	g.conn.Close()
	orders := g.orders
	g.orders = nil
	return orders
}

// trade places orders without end, as fast as they can be sent: the guard alone decides which leave.
func trade(s *Supervisor, done <-chan struct{}, first int64) {
	for id := first; ; id += 10 {
		if session := s.Session(); session != nil {
			_ = session.Place(id, ibtest.SomeOrder, ib.Conditions{})
		}
		select {
		case <-done:
			return
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// supervised opens the port and has a supervisor connect to it, until stop is called.
func (g *restarting) supervised(log *slog.Logger) (sup *Supervisor, stop func()) {
	g.open()
	cfg := exitConfig()
	cfg.Port = g.port
	cfg.Poll = 10 * time.Second // else most of the work is time requests
	sup = newSupervisor(&cfg, log, g.connect)
	g.mono = sup.clock.Mono
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); sup.Run(ctx) }()
	return sup, func() {
		cancel()
		<-ran
		g.ln.Close()
	}
}

// AnnouncedRestarts are enough to show it; with the race detector they take ten times as long, and make test plays all
// of them without.
var AnnouncedRestarts = map[bool]int{false: 100, true: 10}[raceEnabled]

// PlayAnnouncedRestarts lives through restarts that Gateway has announced on the wire, while an engine of ten rules
// places orders all the time. It checks that no order bytes reach Gateway in the last 15 s before each, and that the
// next session is READY within a second of the port's return. It returns the events of the supervisor.
func PlayAnnouncedRestarts(t *testing.T, days int) (events []Event) {
	const closes = 15 * time.Second
	synctest.Test(t, func(t *testing.T) {
		g := &restarting{t: t, due: time.Now().Truncate(time.Minute).Add(17 * time.Minute)}
		sup, stop := g.supervised(quiet)
		stream, _ := sup.Events()
		before, slowest := 0, time.Duration(0)
		for day := range days {
			due := g.due
			time.Sleep(time.Until(due.Add(-closes - 3*time.Second)))
			done := make(chan struct{})
			var traders sync.WaitGroup
			for i := range int64(10) {
				traders.Go(func() { trade(sup, done, int64(day+1)*1_000_000+i) })
			}
			late := time.Duration(rand.Int64N(int64(3 * time.Second))) // Gateway is not on time to the second
			time.Sleep(time.Until(due.Add(late)))
			orders := g.exit()
			for _, at := range orders {
				if at.After(due.Add(-closes)) {
					t.Errorf("day %d: an order's bytes %v before the restart", day, due.Sub(at))
				}
			}
			if before += len(orders); len(orders) < 50 {
				t.Errorf("day %d: %d orders in the seconds before the guard closed", day, len(orders))
			}
			time.Sleep(10*time.Second + time.Duration(rand.Int64N(int64(time.Second))))
			g.mu.Lock()
			g.due, g.ready = due.Add(17*time.Minute), time.Time{}
			g.mu.Unlock()
			g.open()
			returned := time.Now()
			time.Sleep(5 * time.Second)
			close(done)
			traders.Wait()
			g.mu.Lock()
			took, sent := g.ready.Sub(returned), len(g.orders)
			g.orders = nil
			g.mu.Unlock()
			if slowest = max(slowest, took); took < 0 || took > time.Second || sent == 0 {
				t.Errorf("day %d: READY %v after the port's return, %d orders then", day, took, sent)
			}
		}
		stop()
		for {
			e, ok := stream.Next(context.Background())
			if !ok {
				break
			}
			events = append(events, e)
		}
		t.Logf("%d orders before %d restarts; READY at most %v after the port's return", before, days, slowest)
	})
	return events
}

// TestReadOnlyWithinASecond: a second after READY the guard is closed with its reason, and no order bytes have come
// since.
func TestReadOnlyWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yes := true
		g := &restarting{t: t, says: &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{
			Settings: &protobuf.ApiSettingsConfig{ReadOnlyApi: &yes},
		}}}
		sup, stop := g.supervised(quiet)
		defer stop()
		for range 3 {
			time.Sleep(time.Second)
			n := sup.Snapshot()
			if n.Session == 0 || n.Guard != ib.GuardReadOnly || n.Cause != ib.CauseReadOnly {
				t.Fatalf("session %d, guard %q, cause %q", n.Session, n.Guard, n.Cause)
			}
			done := make(chan struct{})
			go func() { time.Sleep(time.Second); close(done) }()
			trade(sup, done, 1)
			g.mu.Lock()
			if len(g.orders) > 0 {
				t.Errorf("%d orders have come", len(g.orders))
			}
			g.conn.Close()
			g.mu.Unlock()
			time.Sleep(time.Second) // until the next attempt
		}
	})
}

// TestHostileSettings has Gateway say what makes no sense, in each session: it is ignored with one line in the log,
// repeats none of it, and orders are possible.
func TestHostileSettings(t *testing.T) {
	exit := func(clock, period, kind string) *protobuf.ConfigResponse {
		return &protobuf.ConfigResponse{LockAndExit: &protobuf.LockAndExitConfig{
			AutoLogoffTime: &clock, AutoLogoffPeriod: &period, AutoLogoffType: &kind,
		}}
	}
	settings := func(s *protobuf.ApiSettingsConfig) *protobuf.ConfigResponse {
		return &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{Settings: s}}
	}
	const personal = "zz-personal"
	many := make([]string, 10_000)
	for i := range many {
		many[i] = personal
	}
	for name, c := range map[string]struct {
		says   *protobuf.ConfigResponse
		greets string
		parts  string
	}{
		"hours":          {exit("99:99", "PM", "restart"), "", "exit_time"},
		"a huge text":    {exit(personal+strings.Repeat("9", 1<<19), "AM", "restart"), "", "exit_time"},
		"no time":        {exit("", "", "restart"), "", "exit_time"},
		"a kind":         {exit("11:45", "PM", personal), "", "exit_type"},
		"not UTF-8":      {exit("11:45", "PM", "restart"), " \xff\xfe" + personal, ""},
		"a zone":         {exit("11:45", "PM", "restart"), ":59 " + personal, "zone"},
		"a path":         {exit("11:45", "PM", "restart"), ":59 ../../etc/" + personal, "zone"},
		"addresses":      {settings(&protobuf.ApiSettingsConfig{TrustedIPs: many}), "", "trusted_addresses"},
		"a port":         {settings(&protobuf.ApiSettingsConfig{SocketPort: proto.Int32(-7)}), "", "api_port"},
		"nothing at all": {&protobuf.ConfigResponse{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				g := &restarting{t: t, says: c.says, greets: c.greets}
				sup, stop := g.supervised(slog.New(slog.NewTextHandler(&log, nil)))
				for range 3 {
					time.Sleep(3 * time.Second)
					n := sup.Snapshot()
					if !n.GuardOpen() || n.State != Connected || c.parts != "" && n.Exit != (ib.PlannedExit{}) {
						t.Errorf("guard %q, state %s, exit %+v", n.Guard, n.State, n.Exit)
					}
					if strings.Contains(fmt.Sprintf("%+v", *n), personal) {
						t.Errorf("the snapshot repeats it: %+v", *n)
					}
					g.mu.Lock()
					g.conn.Close()
					g.mu.Unlock()
				}
				stop()
				text, want := log.String(), 0
				if c.parts != "" {
					want = 1
				}
				if strings.Count(text, "settings of Gateway ignored") != want ||
					strings.Count(text, "parts="+c.parts+"\n") != want ||
					strings.Contains(text, personal) {
					t.Errorf("%.2000s", text)
				}
			})
		})
	}
}
