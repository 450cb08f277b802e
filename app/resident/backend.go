package resident

import (
	"context"
	"net/http"
	"slices"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/metrics"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// The methods below make resident what the API shows and moves.

// Status returns what GET /status answers.
func (r *resident) Status() api.Status {
	now, s := time.Now(), r.sup.Snapshot()
	st := api.StatusOf(s, now, r.version, r.settings.Load().Gateway.ClientID, r.started)
	st.Today = api.PeriodOf("today", r.today(now))
	st.Alerts, st.Trading = r.alertState(), r.Trading()
	for _, f := range r.parts.Faults() {
		st.Faults = append(st.Faults, api.Fault{Part: f.Part, Count: f.Count, LastAt: f.At.Local().Round(time.Millisecond), Last: f.What, Gone: f.Gone})
	}
	st.Failing = r.failing()
	st.Guard.Text = wording.Orders(st.Guard.Reason, !slices.ContainsFunc(st.Failing, func(f api.Failing) bool { return f.Step == wording.FailingOrders }))
	if until := r.hub.Muted(now); !until.IsZero() {
		st.Muted = &until
	}
	return st
}

// Answers returns nil once the supervisor has answered.
func (r *resident) Answers(ctx context.Context) error { return r.sup.Answers(ctx) }

// today is the account of the local day so far.
func (r *resident) today(now time.Time) history.Account {
	return r.keeper.Timeline().Days(1, now, time.Local, r.hours.Load())[0]
}

// Uptime returns what GET /uptime answers.
func (r *resident) Uptime(_ context.Context, days int) (api.Uptime, error) {
	now := time.Now()
	line, err := r.keeper.Held(api.UptimeNeeds(days, now))
	if err != nil {
		return api.Uptime{}, err
	}
	return api.UptimeOf(line, days, now, r.hours.Load()), nil
}

// Log returns records of the connection log.
func (r *resident) Log(_ context.Context, q api.LogQuery) (api.Log, error) {
	records, more, err := history.Query(r.home.State, q.Since, q.After, q.Limit)
	if records == nil {
		records = []history.Record{}
	}
	return api.Log{Records: records, More: more}, err
}

// Metrics answers GET /metrics.
func (r *resident) Metrics() http.Handler { return r.meter.Handler() }

func (r *resident) newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Source{
		Snapshot: r.sup.Snapshot,
		Ticks: func() (evaluated, skipped uint64) {
			if r.trade == nil {
				return 0, 0
			}
			n := r.trade.engine.Counts()
			return n.Evaluated, n.Skipped + n.Stale
		},
		Trading:  r.tradingMetrics,
		Queued:   r.queued,
		Faults:   r.parts.Counts,
		Version:  r.version,
		Panicked: func(what any, stack []byte) { r.parts.Failed("metrics", what, stack) },
	})
}

// Panicked takes down that a request has failed inside.
func (r *resident) Panicked(what any, stack []byte) { r.parts.Failed("api", what, stack) }

// Subscribe nudges when Status has changed.
func (r *resident) Subscribe() (<-chan struct{}, func()) { return r.hub.Subscribe() }

// Connect asks the supervisor to connect now.
func (r *resident) Connect(ctx context.Context) error { return r.sup.Connect(ctx) }

// Disconnect turns trading off, and asks the supervisor to disconnect and pause.
func (r *resident) Disconnect(ctx context.Context) error {
	if r.trade != nil {
		r.trade.desk.Disarm()
		r.hub.nudge()
	}
	return r.sup.Disconnect(ctx)
}

// Settings returns what is in force.
func (r *resident) Settings() api.SettingsView {
	_, found, _ := settings.Load(r.home.Settings())
	found = found || r.demo != nil // a demo has no first run to guide through
	r.mu.Lock()
	defer r.mu.Unlock()
	v := api.SettingsView{
		Path: r.home.Settings(), Found: found, Settings: *r.settings.Load(), Defaults: settings.Default(), Problem: r.problem,
	}
	if !found {
		v.Suggestion = api.SuggestReset(v.Settings, r.here, time.Now())
	}
	return v
}

// SaveSettings checks a settings file, writes it and puts it in effect. After an error nothing has changed.
func (r *resident) SaveSettings(_ context.Context, body []byte) error {
	s, err := settings.Parse("settings.json", body)
	if err != nil {
		return err
	}
	if err := r.apply(s, true); err != nil {
		return err
	}
	r.setProblem("")
	return nil
}
