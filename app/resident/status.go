package resident

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/crash"
	"gatewatch/app/desktop"
	"gatewatch/app/login"
	"gatewatch/app/metrics"
	"gatewatch/app/programs"
	"gatewatch/app/secrets"
	"gatewatch/app/wording"
	"gatewatch/conn/nudge"
	"gatewatch/engine/ledger"
	"gatewatch/engine/store"
)

// status is what is true of the whole program.
type status struct {
	version  string
	started  time.Time
	conn     *connection
	trading  *trading
	relay    *programs.Relay
	history  *connectionLog
	alerts   *alerts
	settings *configuration
	mute     *mute
	failures *failures
	parts    *crash.Parts
	meter    *metrics.Metrics
}

// Status returns what GET /status answers.
func (s *status) Status() api.Status {
	now := time.Now()
	st := api.StatusOf(s.conn.Snapshot(), now, s.version, s.settings.current.Load().Gateway.ClientID, s.started)
	st.Today = api.PeriodOf("today", s.history.today(now))
	st.Alerts, st.Trading = s.alerts.state(), s.trading.Trading()
	for _, f := range s.parts.Faults() {
		st.Faults = append(st.Faults, api.Fault{
			Part: f.Part, Count: f.Count, LastAt: api.Stamp(f.At), Last: f.What,
			Gone: f.Gone,
		})
	}
	st.Demo = s.settings.demo
	st.Programs = s.relay.State()
	st.Failing = s.failing()
	st.Guard.Text = wording.Orders(st.Guard.Reason, api.OrdersStopped(st.Failing))
	if until := s.mute.muted(now); !until.IsZero() {
		st.Muted = &until
	}
	return st
}

// failing lists the steps in the background that fail at present, which otherwise only the log would say.
func (s *status) failing() []api.Failing {
	list := []api.Failing{}
	add := func(step, detail string) {
		if detail != "" {
			text, hint := wording.Failing(step)
			if step == wording.FailingSettings {
				text = wording.SettingsRefused(s.settings.defaults.Load())
			}
			list = append(list, api.Failing{
				Step: step, Urgent: wording.IsUrgent(step), Text: text,
				Detail: wording.Paragraph(detail), Hint: hint,
			})
		}
	}
	if t := s.trading; t.ledger == nil {
		add(wording.FailingRecord, t.why)
	} else {
		stopped, behind := t.ledger.Trouble()
		step := wording.FailingOrders
		if errors.Is(stopped, ledger.ErrMoved) || errors.Is(stopped, store.ErrDamaged) {
			step = wording.FailingRecord
		}
		add(step, errorText(stopped))
		if stopped == nil {
			add(wording.FailingOrderStates, errorText(behind))
		}
		var stops []string
		for _, i := range t.unprotected() {
			stops = append(stops, wording.Order(&i.Order))
		}
		add(wording.FailingStop, strings.Join(stops, ", "))
	}
	add(wording.FailingLostOrders, s.failures.text(wording.FailingLostOrders))
	add(wording.FailingFiles, s.failures.text(wording.FailingFiles))
	add(wording.FailingLog, errorText(s.history.keeper.Problem()))
	for _, step := range []string{
		wording.FailingPrograms, wording.FailingAlerts, wording.FailingWaiting, wording.FailingSecrets,
		wording.FailingSettings, wording.FailingNotifications, wording.FailingZone,
	} {
		add(step, s.failures.text(step))
	}
	for _, f := range s.parts.Faults() {
		if f.Gone {
			add(wording.FailingPart, f.Part)
		}
	}
	return list
}

// Metrics answers GET /metrics.
func (s *status) Metrics() http.Handler { return s.meter.Handler() }

// Panicked notes that a request failed inside.
func (s *status) Panicked(what any, stack []byte) { s.parts.Failed("api", what, stack) }

func (s *status) newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Source{
		Snapshot: s.conn.Snapshot,
		Ticks: func() (evaluated, skipped uint64) {
			n := s.trading.Counts()
			return n.Evaluated, n.Skipped + n.Stale
		},
		Trading:  s.trading.metrics,
		Programs: s.relay.ProgramMetrics,
		Queued:   s.alerts.queued,
		Faults:   s.parts.Counts,
		Version:  s.version,
		Panicked: func(what any, stack []byte) { s.parts.Failed("metrics", what, stack) },
	})
}

// backend is the whole program as the API sees it: each part answers what is about it.
type backend struct {
	*status
	*connection
	*trading
	*positions
	*programs.Relay
	*configuration
	*connectionLog
	*alerts
	*secrets.Secrets
	*login.Login
	*bugReport
	*ending
	*mute
	*nudge.Subscribers
	window *desktop.Window
}

// Show opens the window, or the page where there is no window.
func (b *backend) Show(ctx context.Context) error { return b.window.Show(ctx) }

// Disconnect turns trading off, disconnects and pauses.
func (b *backend) Disconnect(ctx context.Context) error {
	b.trading.off()
	b.Nudge()
	return b.connection.Disconnect(ctx)
}
