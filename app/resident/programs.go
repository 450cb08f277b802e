package resident

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/metrics"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/port"
)

// programs are other programs at the guarded port. Port and record of their orders exist once the settings have named a
// port number.
type programs struct {
	conn     *connection
	folder   string // of the record of orders
	stopFile string // exists while trading of programs is stopped
	events   *programEvents
	changes  *changes
	failures *failures
	log      *slog.Logger

	port  atomic.Pointer[port.Port]
	awake chan struct{} // has a value when there are new settings

	mu       sync.Mutex // one change at a time
	settings port.Settings
}

// recordAgain is after how long a record of orders that could not be opened is tried again.
const recordAgain = 5 * time.Second

// begin finds out whether trading of programs was stopped in an earlier run.
func (p *programs) begin() {
	_, err := os.Stat(p.stopFile)
	p.settings.Stopped = !errors.Is(err, fs.ErrNotExist) // where that cannot be known, nothing passes
}

// askAs is added to Gatewatch's own client id to ask about orders whose program is not connected: no program uses such
// a number.
const askAs = 1_000_000_000

// configure puts settings in effect; own is Gatewatch's client id.
func (p *programs) configure(s settings.GuardedPort, own int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	clients := map[int]port.ClientOptions{}
	for _, c := range s.Programs {
		clients[c.ClientID] = port.ClientOptions{
			CancelOnDisconnect: c.CancelOnDisconnect, MaxOrdersPerMinute: c.MaxOrdersPerMinute, ReadOnly: c.ReadOnly,
		}
	}
	return p.put(port.Settings{
		Port: s.Port, Mode: port.Mode(s.Mode), ProofOfLife: s.ProofOfLife(), Clients: clients,
		Stopped: p.settings.Stopped,
		AskAs:   (own + askAs) % math.MaxInt32,
	})
}

// put makes settings those in effect. The caller holds the lock.
func (p *programs) put(s port.Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	p.settings = s
	if running := p.port.Load(); running != nil {
		return running.Configure(s)
	}
	select {
	case p.awake <- struct{}{}:
	default:
	}
	return nil
}

// present returns the settings in effect.
func (p *programs) present() port.Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings
}

// run relays for programs until ctx ends.
func (p *programs) run(ctx context.Context) {
	var again <-chan time.Time
	for {
		if p.present().Port != 0 {
			journal, err := port.OpenJournal(p.folder)
			p.failures.set(wording.FailingPrograms, err)
			if err == nil {
				p.relay(ctx, journal)
				return
			}
			p.log.Error("the guarded port stays closed: the record of its orders cannot be opened", "err", err)
			again = time.After(recordAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-p.awake:
		case <-again:
		}
	}
}

// relay runs the port until ctx ends.
func (p *programs) relay(ctx context.Context, journal *port.Journal) {
	defer journal.Close()
	p.mu.Lock()
	running, err := port.New(port.Config{
		Connection: port.Supervised(p.conn.sup), Record: journal, Settings: p.settings, Events: p.events.put,
		Log: p.log,
	})
	if err == nil {
		p.port.Store(running)
	}
	p.mu.Unlock()
	if err != nil { // settings were checked
		p.log.Error("the guarded port stays closed", "err", err)
		return
	}
	defer p.port.Store(nil)
	defer p.events.history.flush()
	running.Run(ctx)
}

// stop refuses all orders of programs, also after a restart. It does so even if that cannot be written down.
func (p *programs) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.settings
	if s.Port == 0 {
		return nil
	}
	s.Stopped = true
	err := os.WriteFile(p.stopFile, []byte("Trading of programs at the guarded port is stopped. Delete this file, or "+
		"run gatewatch clients allow.\n"), 0o600)
	if err != nil {
		err = fmt.Errorf("trading of programs is stopped, but only until Gatewatch ends: %w", err)
	}
	p.events.history.put(history.Record{What: history.ProgramsStopped, Count: 1})
	return errors.Join(p.put(s), err)
}

// AllowPrograms ends that, for a live account only if that is confirmed.
func (p *programs) AllowPrograms(_ context.Context, live bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.settings
	if s.Port == 0 {
		return &api.Conflict{Reason: "there is no guarded port; guarded_port.port in settings.json is 0"}
	}
	if g := p.conn.sup.Snapshot().Gateway; !live && g.Mode != conn.Paper {
		return &api.Unconfirmed{Reason: wording.LivePrograms(g)}
	}
	if err := os.Remove(p.stopFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("trading of programs stays stopped: %w", err)
	}
	s.Stopped = false
	p.events.history.put(history.Record{What: history.ProgramsAllowed, Count: 1})
	defer p.changes.nudge()
	return p.put(s)
}

// state returns the part of GET /status about programs.
func (p *programs) state() api.ProgramState {
	s := p.present()
	st := api.ProgramState{Port: s.Port, Stopped: s.Stopped}
	running := p.port.Load()
	if s.Port == 0 || running == nil {
		st.Text = wording.GuardedPort(s.Port, false, s.Stopped, 0)
		return st
	}
	now := running.Status()
	st.Listening, st.Connected = now.Listening, now.Clients
	for _, o := range running.Orders() {
		if o.State == port.Unknown {
			st.Unknown++
		}
	}
	st.Text = wording.GuardedPort(s.Port, now.Listening, s.Stopped, now.Clients)
	return st
}

// tray returns what the tray shows of programs.
func (p *programs) tray() tray.Programs {
	st := p.state()
	return tray.Programs{
		On: st.Port != 0, Stopped: st.Stopped, Connected: st.Connected, Unknown: st.Unknown,
		Live: p.conn.sup.Snapshot().Gateway.Mode != conn.Paper,
	}
}

// Programs returns what GET /clients answers.
func (p *programs) Programs() api.Programs {
	list := api.Programs{
		State: p.state(), Mode: string(p.present().Mode), Refused: map[string]uint64{}, Observed: map[string]uint64{},
	}
	running := p.port.Load()
	if running == nil {
		list.Problem = p.failures.text(wording.FailingPrograms)
		return list
	}
	now := running.Status()
	list.Problem, list.Sent = errorText(now.Err), now.Counters.Sent
	for reason, n := range now.Counters.Refused {
		list.Refused[string(reason)] = n
	}
	for reason, n := range now.Counters.Observed {
		list.Observed[string(reason)] = n
	}
	for _, c := range running.Clients() {
		list.Programs = append(list.Programs, api.Program{
			Number: c.Number, ClientID: c.ClientID, Name: wording.OneLine(c.Name), PID: c.PID, Address: c.Address,
			Text: wording.Program(c.Name, c.ClientID), Version: c.Version, Since: stamp(c.Since),
			LastMessage: stamp(c.LastMessage), Sent: c.Sent, Refused: c.Refused, Observed: c.Observed,
			Working: c.Working,
			Unknown: c.Unknown, ReadOnly: c.ReadOnly,
		})
	}
	return list
}

// ProgramOrders returns what GET /clients/orders answers.
func (p *programs) ProgramOrders() (list api.ProgramOrders) {
	running := p.port.Load()
	if running == nil {
		return list
	}
	for _, o := range running.Orders() {
		list.Orders = append(list.Orders, api.ProgramOrder{
			Number: o.Number, At: stamp(o.At), ClientID: o.Client, Program: wording.Program(o.Program, o.Client),
			OrderID: o.ID, PermID: o.PermID, Text: wording.OneLine(o.Words), Filled: wording.OneLine(o.Filled),
			State: string(o.State), StateText: wording.ProgramOrder(o.State), Status: wording.OneLine(o.Status),
			Code: o.Code, Detail: wording.OneLine(o.Text), Reason: wording.Refusal(o.Reason),
			ReasonID: string(o.Reason),
			Changes:  o.Changes, Open: !o.State.Done(),
		})
	}
	return list
}

// SetReadOnly has programs with a client id place no orders, or lets them, by a change of settings.json.
func (b *backend) SetReadOnly(ctx context.Context, clientID int, on bool) error {
	s := *b.configuration.current.Load()
	list := slices.Clone(s.GuardedPort.Programs)
	i := slices.IndexFunc(list, func(p settings.Program) bool { return p.ClientID == clientID })
	if i < 0 {
		i = len(list)
		list = append(list, settings.Program{ClientID: clientID})
	}
	list[i].ReadOnly = on
	if list[i] == (settings.Program{ClientID: clientID}) {
		list = slices.Delete(list, i, i+1)
	}
	s.GuardedPort.Programs = list
	text, err := settings.Marshal(s)
	if err != nil {
		return err
	}
	if err := b.SaveSettings(ctx, text, ""); err != nil {
		return &api.Conflict{Reason: strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return nil
}

// StopTrading turns trading off and refuses all orders of programs.
func (b *backend) StopTrading(context.Context) error {
	b.trading.off()
	defer b.mute.nudge()
	return b.programs.stop()
}

// metrics returns what GET /metrics answers about programs.
func (p *programs) metrics() metrics.Programs {
	m := metrics.Programs{}
	if running := p.port.Load(); running != nil {
		now := running.Status()
		m.Connected, m.Sent, m.Unknown, m.Refused = now.Clients, now.Counters.Sent, now.Counters.Unknown,
			map[string]uint64{}
		for reason, n := range now.Counters.Refused {
			m.Refused[string(reason)] = n
		}
	}
	return m
}
