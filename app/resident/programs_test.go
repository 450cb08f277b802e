package resident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scmhub/ibapi"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/app/settings"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
	"gatewatch/engine"
)

// bot is a program that uses the client library, unmodified. It leaves when Gateway closes its connection: the
// library's Disconnect races with itself.
type bot struct {
	ibapi.Wrapper
	*ibapi.EClient

	mu    sync.Mutex
	first int64 // order id
	said  []string
}

func (b *bot) note(format string, values ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, fmt.Sprintf(format, values...))
}

func (b *bot) NextValidID(id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = id
}

func (b *bot) OrderStatus(id int64, status string, _, _ ibapi.Decimal, _ float64, _, _ int64, _ float64, _ int64,
	_ string, _ float64,
) {
	b.note("%d %s", id, status)
}

func (b *bot) Error(id, _, code int64, text, _ string) { b.note("%d error %d %s", id, code, text) }

// id returns the first order id, 0 before Gateway has sent it.
func (b *bot) id() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

// heard reports whether a line begins like that.
func (b *bot) heard(begin string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

func (b *bot) order(id int64) {
	c, o := ibapi.NewContract(), ibapi.NewOrder()
	c.Symbol, c.SecType, c.Exchange, c.Currency = "AAPL", "STK", "SMART", "USD"
	o.Action, o.OrderType, o.TotalQuantity, o.LmtPrice, o.TIF = "BUY", "LMT", ibapi.StringToDecimal("1"), 1, "GTC"
	b.PlaceOrder(id, c, o)
}

// TestPrograms has a program trade at the guarded port of the whole program, stops it, restarts Gatewatch and lets the
// program trade again.
func TestPrograms(t *testing.T) {
	gateway := simtest.Start(t, sim.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	free, number := listen(t)
	free.Close()
	text := fmt.Sprintf(`{"api": {"port": 0}, "gateway": {"port": %d}, "reset_minutes": 0, "guarded_port": {"port": %d, "proof_of_life_ms": 3000}}`, gateway.Port(), number)
	p, end := started(t, text)
	b := p.backend
	connect := func() *bot {
		t.Helper()
		if !eventually(t, func() bool {
			return b.Relay.State().Listening && p.backend.connection.Snapshot().GuardOpen()
		}) {
			t.Fatalf("the guarded port stays closed: %+v", b.Programs())
		}
		c := &bot{}
		c.EClient = ibapi.NewEClient(c)
		if err := c.Connect("127.0.0.1", number, 7); err != nil {
			t.Fatal(err)
		}
		if !eventually(t, func() bool { return c.id() > 0 }) {
			t.Fatal("no order id came")
		}
		return c
	}
	sees := func(c *bot, begin string) {
		t.Helper()
		if !eventually(t, func() bool { return c.heard(begin) }) {
			t.Fatalf("%q was not heard; %q", begin, c.said)
		}
	}
	orderIs := func(state record.State) {
		t.Helper()
		if !eventually(t, func() bool {
			o := b.ProgramOrders().Orders
			return len(o) > 0 && o[0].State == string(state)
		}) {
			t.Fatalf("the newest order is not %s: %+v", state, b.ProgramOrders())
		}
	}
	reports, endReports := p.reports.Subscribe()
	defer endReports()

	c := connect()
	c.order(c.first)
	sees(c, fmt.Sprint(c.first, " Submitted"))
	orderIs(record.Working)
	list := b.Programs()
	if len(list.Programs) != 1 || list.Programs[0].ClientID != 7 || list.Programs[0].Sent != 1 || list.Sent != 1 ||
		list.State.Text != "1 program connected" || b.Status().Programs != list.State {
		t.Errorf("%+v", list)
	}

	if err := b.StopTrading(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.order(c.first + 1)
	sees(c, fmt.Sprint(c.first+1, " error 201 "))
	orderIs(record.Refused)
	for {
		r, ok := reports.Next(t.Context())
		if !ok {
			t.Fatal("no report came")
		}
		if r.Kind == engine.ReportProgramRefused {
			if r.Order != c.first+1 || r.Reason != string(port.TradingStopped) ||
				!strings.Contains(r.Program, "client id 7") {
				t.Errorf("reported as %+v", r)
			}
			break
		}
	}
	recorded := func() (text string) {
		if err := history.Read(p.home.State, time.Time{}, func(r history.Record) bool {
			if r.Program != "" || r.What == history.ProgramsStopped {
				text += fmt.Sprintln(r.What, r.Counts, strings.Contains(r.Program, "client id 7"), r.Reason, r.Count)
			}
			return true
		}); err != nil {
			t.Error(err)
		}
		return text
	}
	// A program is recorded when its name is known, which may be later than the stop.
	eventually(t, func() bool { return strings.Contains(recorded(), "program_connected") })
	end()
	all := recorded()
	for _, want := range []string{
		"program_connected connected true  0\n", "programs_stopped connected false  0\n",
		"program_refused connected true trading_stopped 0\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the connection log has\n%swant\n%s", all, want)
		}
	}

	// A restart does not lift it; an account that is not known to be a paper account needs a confirmation.
	again := newProgram(p.home, "dev", nil, os.Stdout, os.Stderr)
	defer again.logFile.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.run(ctx, nil, false, new(atomic.Bool)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	if !eventually(t, func() bool { _, err := home.ReadCard(p.home.Card()); return err == nil }) {
		t.Fatal("it does not run again")
	}
	p, b = again, again.backend
	if !b.Relay.State().Stopped || !b.Relay.Tray().Stopped {
		t.Error("a restart has lifted the stop")
	}
	c = connect()
	c.order(c.first + 5)
	sees(c, fmt.Sprint(c.first+5, " error 201 "))
	if err := b.AllowPrograms(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	c.order(c.first + 6)
	sees(c, fmt.Sprint(c.first+6, " Submitted"))
	if orders := b.ProgramOrders().Orders; len(orders) != 4 {
		t.Errorf("%d orders are known after the restart: %+v", len(orders), orders)
	}

	// One program alone, by settings.
	if err := b.SetReadOnly(t.Context(), 7, true); err != nil {
		t.Fatal(err)
	}
	c.order(c.first + 7)
	sees(c, fmt.Sprint(c.first+7, " error 201 "))
	kept, _, err := settings.Load(p.home.Settings())
	if want := []settings.Program{{ClientID: 7, ReadOnly: true}}; err != nil ||
		fmt.Sprint(kept.GuardedPort.Programs) != fmt.Sprint(want) {
		t.Errorf("settings.json has %+v, %v", kept.GuardedPort, err)
	}
	if err := b.SetReadOnly(t.Context(), 7, false); err != nil {
		t.Fatal(err)
	}
	if kept, _, _ = settings.Load(p.home.Settings()); len(kept.GuardedPort.Programs) != 0 {
		t.Errorf("settings.json has %+v", kept.GuardedPort)
	}
	var conflict *api.Conflict
	if err := b.SetReadOnly(t.Context(), 17, true); !errors.As(err, &conflict) {
		t.Errorf("the own client id: %v", err)
	}

	// The number changes, and the port goes with it; 0 turns it off.
	other, next := listen(t)
	other.Close()
	s := *p.settings.current.Load()
	s.GuardedPort.Port = next
	change := func() {
		t.Helper()
		body, err := settings.Marshal(s)
		if err == nil {
			err = b.SaveSettings(t.Context(), body, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change()
	reaches := func(n int) bool {
		c, err := net.DialTimeout("tcp4", fmt.Sprint("127.0.0.1:", n), time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	if !eventually(t, func() bool { return reaches(next) && !reaches(number) }) {
		t.Errorf("the port did not move: %+v", b.Programs())
	}
	s.GuardedPort.Port = 0
	change()
	if !eventually(t, func() bool { return !reaches(next) }) || b.Programs().State.Text != "" {
		t.Errorf("the port stays: %+v", b.Programs())
	}
}

// TestProgramsLive: programs are let trade on a live account only after a confirmation.
func TestProgramsLive(t *testing.T) {
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1}}`)
	defer end()
	b := p.backend
	var conflict *api.Conflict
	if err := b.AllowPrograms(t.Context(), true); !errors.As(err, &conflict) {
		t.Errorf("without a guarded port: %v", err)
	}
	if err := b.StopTrading(t.Context()); err != nil || b.Relay.State().Stopped {
		t.Errorf("without a guarded port: %v, %+v", err, b.Relay.State())
	}
	if files, _ := filepath.Glob(filepath.Join(p.home.State, "program*")); len(files) > 0 {
		t.Errorf("without a guarded port there are %q", files)
	}
	free, number := listen(t)
	free.Close()
	s := *p.settings.current.Load()
	s.GuardedPort = settings.GuardedPort{Port: number, Mode: "guard", ProofOfLifeMS: 250}
	for mode, confirmed := range map[ib.Mode]bool{ib.AnyMode: true, ib.Live: true, ib.Paper: false} {
		s.Gateway.Mode = string(mode)
		if err := errors.Join(b.Relay.Configure(s), b.StopTrading(t.Context())); err != nil {
			t.Fatal(err)
		}
		if st := b.Relay.State(); (st.Confirm != "") != confirmed || b.Relay.Tray().Confirm != confirmed {
			t.Errorf("not connected, accepting %s: asks %q", mode, st.Confirm)
		}
		var open *api.Unconfirmed
		if err := b.AllowPrograms(t.Context(), false); errors.As(err, &open) != confirmed {
			t.Errorf("not connected, accepting %s: %v", mode, err)
		}
		if err := b.AllowPrograms(t.Context(), true); err != nil || b.Relay.State().Confirm != "" {
			t.Errorf("confirmed: %v, %+v", err, b.Relay.State())
		}
	}
}
