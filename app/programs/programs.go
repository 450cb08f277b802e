// Package programs lets other programs trade at the guarded port, and says what state they are in.
package programs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/loopback"
	"gatewatch/app/metrics"
	"gatewatch/app/settings"
	"gatewatch/app/tray"
	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/conn/nudge"
	"gatewatch/conn/port"
	"gatewatch/conn/port/record"
	"gatewatch/engine"
)

// Relay is the guarded port. Port and record of orders exist once the settings have named a port number.
type Relay struct {
	Supervisor *conn.Supervisor // set before [Relay.Run]

	folder   string // of the record of orders
	stopFile string // exists while trading of programs is stopped
	events   *events
	changed  func() // called when there is something new to show
	failed   func(error) bool
	log      *slog.Logger

	port  atomic.Pointer[port.Port]
	awake chan struct{} // has a value when there are new settings

	mu       sync.Mutex // one change at a time
	settings port.Settings
	accepts  ib.Mode // which accounts orders can be for
	problem  error   // why there is no record of orders
}

// New returns a relay that keeps its record of orders in a folder. It calls note with what belongs into the connection
// log, changed when there is something new to show, and failed with what keeps it from opening that record, or nil;
// failed reports whether that is news.
func New(folder string, reports *engine.Reports, note func(history.Record), changed func(), failed func(error) bool,
	log *slog.Logger,
) *Relay {
	return &Relay{
		folder: folder, stopFile: filepath.Join(folder, "programs-stopped"),
		events:  &events{reports: reports, history: &recorder{note: note}, changed: changed, log: log},
		changed: changed, failed: failed, log: log, awake: make(chan struct{}, 1),
	}
}

// recordAgain is after how long a record of orders that could not be opened is tried again.
const recordAgain = 5 * time.Second

// Begin finds out whether trading of programs was stopped in an earlier run.
func (r *Relay) Begin() {
	_, err := os.Stat(r.stopFile)
	r.settings.Stopped = !errors.Is(err, fs.ErrNotExist) // where that cannot be known, nothing passes
}

// askAs is added to Gatewatch's own client id to ask about orders whose program is not connected: no program uses such
// a number.
const askAs = 1_000_000_000

// Configure puts settings in effect.
func (r *Relay) Configure(all settings.Settings) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := all.GuardedPort
	r.accepts = ib.Mode(all.Gateway.Mode)
	clients := map[int]port.ClientOptions{}
	for _, c := range s.Programs {
		clients[c.ClientID] = port.ClientOptions{
			CancelOnDisconnect: c.CancelOnDisconnect, MaxOrdersPerMinute: c.MaxOrdersPerMinute, ReadOnly: c.ReadOnly,
		}
	}
	return r.put(port.Settings{
		Port: s.Port, Mode: port.Mode(s.Mode), ProofOfLife: s.ProofOfLife(), Clients: clients,
		Stopped: r.settings.Stopped,
		AskAs:   (all.Gateway.ClientID + askAs) % math.MaxInt32,
	})
}

// put makes settings those in effect. The caller holds the lock.
func (r *Relay) put(s port.Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	r.settings = s
	if running := r.port.Load(); running != nil {
		return running.Configure(s)
	}
	nudge.Send(r.awake)
	return nil
}

// present returns the settings in effect.
func (r *Relay) present() port.Settings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settings
}

// Run relays for programs until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	var again <-chan time.Time
	for {
		if r.present().Port != 0 {
			journal, err := record.OpenJournal(ctx, r.folder)
			if r.fail(err) && err != nil {
				r.log.Error("the guarded port stays closed: the record of its orders cannot be opened", "err", err)
			}
			if err == nil {
				r.relay(ctx, journal)
				return
			}
			again = time.After(recordAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.awake:
		case <-again:
		}
	}
}

// relay runs the port until ctx ends.
func (r *Relay) relay(ctx context.Context, journal *record.Journal) {
	defer journal.Close()
	r.mu.Lock()
	running, err := port.New(port.Config{
		Connection: port.Supervised(r.Supervisor), Record: journal, Settings: r.settings, Events: r.events.put,
		Log: r.log, Connections: loopback.Share() / 2,
	})
	if err == nil {
		r.port.Store(running)
	}
	r.mu.Unlock()
	if err != nil { // settings were checked
		r.log.Error("the guarded port stays closed", "err", err)
		return
	}
	defer r.port.Store(nil)
	defer r.events.flush()
	running.Run(ctx)
}

// Stop refuses all orders of programs, also after a restart. It does so even if that cannot be written down.
func (r *Relay) Stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.settings
	if s.Port == 0 {
		return nil
	}
	s.Stopped = true
	err := os.WriteFile(r.stopFile, []byte("Trading of programs at the guarded port is stopped. Delete this file, or "+
		"run gatewatch clients allow.\n"), 0o600)
	if err != nil {
		err = fmt.Errorf("trading of programs is stopped, but only until Gatewatch ends: %w", err)
	}
	r.events.history.put(history.Record{What: history.ProgramsStopped, Count: 1})
	return errors.Join(r.put(s), err)
}

// AllowPrograms ends that, for a live account only if that is confirmed.
func (r *Relay) AllowPrograms(_ context.Context, live bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.settings
	if s.Port == 0 {
		return &api.Conflict{Reason: "there is no guarded port; guarded_port.port in settings.json is 0"}
	}
	if why := r.confirm(); why != "" && !live {
		return &api.Unconfirmed{Reason: why + " To let programs trade, confirm it: " +
			`gatewatch clients allow --live, or {"live": true} in the API.`}
	}
	if err := os.Remove(r.stopFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("trading of programs stays stopped: %w", err)
	}
	s.Stopped = false
	r.events.history.put(history.Record{What: history.ProgramsAllowed, Count: 1})
	defer r.changed()
	return r.put(s)
}

// confirm returns what has to be confirmed before programs may trade; empty if orders can be for a paper account alone.
// While Gateway is not connected the settings say it. The caller holds the lock.
func (r *Relay) confirm() string {
	g := r.Supervisor.Snapshot().Gateway
	if g.Mode == ib.AnyMode {
		g.Mode = r.accepts
	}
	if g.Mode == ib.Paper {
		return ""
	}
	return wording.LivePrograms(g)
}

// State returns the part of GET /status about programs.
func (r *Relay) State() api.ProgramState {
	s := r.present()
	st := api.ProgramState{Port: s.Port, Stopped: s.Stopped}
	if s.Stopped {
		r.mu.Lock()
		st.Confirm = r.confirm()
		r.mu.Unlock()
	}
	running := r.port.Load()
	if s.Port == 0 || running == nil {
		st.Text = wording.GuardedPort(s.Port, false, s.Stopped, 0, 0)
		return st
	}
	now := running.Status()
	st.Listening, st.Connected = now.Listening, now.Clients
	for _, o := range running.Orders() {
		if o.State == record.Unknown {
			st.Unknown++
		}
	}
	st.Text = wording.GuardedPort(s.Port, now.Listening, s.Stopped, now.Clients, st.Unknown)
	return st
}

// Tray returns what the tray shows of programs.
func (r *Relay) Tray() tray.Programs {
	st := r.State()
	return tray.Programs{
		On: st.Port != 0, Stopped: st.Stopped, Confirm: st.Confirm != "", Unknown: st.Unknown, Text: st.Text,
	}
}

// Programs returns what GET /clients answers.
func (r *Relay) Programs() api.Programs {
	list := api.Programs{
		State: r.State(), Mode: string(r.present().Mode), Refused: map[string]uint64{}, Observed: map[string]uint64{},
	}
	running := r.port.Load()
	if running == nil {
		list.Problem = r.text()
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
			Text: wording.Program(c.Name, c.ClientID), Version: c.Version, Since: api.Stamp(c.Since),
			LastMessage: api.Stamp(c.LastMessage), Sent: c.Sent, Refused: c.Refused, Observed: c.Observed,
			Working: c.Working,
			Unknown: c.Unknown, ReadOnly: c.ReadOnly,
		})
	}
	return list
}

// ProgramOrders returns what GET /clients/orders answers.
func (r *Relay) ProgramOrders() (list api.ProgramOrders) {
	running := r.port.Load()
	if running == nil {
		return list
	}
	for _, o := range running.Orders() {
		list.Orders = append(list.Orders, api.ProgramOrder{
			Number: o.Number, At: api.Stamp(o.At), ClientID: o.Client, Program: wording.Program(o.Program, o.Client),
			OrderID: o.ID, PermID: o.PermID, Text: wording.OneLine(o.Words), Filled: wording.OneLine(o.Filled),
			State: string(o.State), StateText: wording.ProgramOrder(o.State), Status: wording.OneLine(o.Status),
			Code: o.Code, Detail: wording.OneLine(o.Text), Reason: wording.Refusal(port.Reason(o.Reason)),
			ReasonID: o.Reason,
			Changes:  o.Changes, Open: !o.State.Done(),
		})
	}
	return list
}

// ProgramMetrics returns what GET /metrics answers about programs.
func (r *Relay) ProgramMetrics() metrics.Programs {
	m := metrics.Programs{}
	if running := r.port.Load(); running != nil {
		now := running.Status()
		m.Connected, m.Sent, m.Unknown, m.Refused = now.Clients, now.Counters.Sent, now.Counters.Unknown,
			map[string]uint64{}
		for reason, n := range now.Counters.Refused {
			m.Refused[string(reason)] = n
		}
	}
	return m
}

func (r *Relay) fail(err error) (news bool) {
	r.mu.Lock()
	r.problem = err
	r.mu.Unlock()
	return r.failed(err)
}

func (r *Relay) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errorText(r.problem)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
