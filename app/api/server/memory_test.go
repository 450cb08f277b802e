package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"gatewatch/app/api"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gatewatch/app/alert/serviceurl"
	"gatewatch/app/settings"
	"gatewatch/conn/history"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// account has a value in every term.
var account = history.Account{
	From: now.Add(-21 * time.Hour), Until: now, Outages: 2, Longest: time.Hour,
	Terms: [len(history.Kinds)]time.Duration{
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * time.Hour,
		6 * time.Hour,
	},
	Market: [len(history.Kinds)]time.Duration{history.Connected: time.Hour},
}

// memory is a backend that remembers something of every kind, or fails with err.
type memory struct {
	fakeBackend
	records []history.Record
	days    int
	query   api.LogQuery
	tested  []string
	wait    time.Duration     // how long a test of alerts takes
	rule    rules.State       // of the only rule, if it is set
	state   ledger.OrderState // of the only order, if it is set
}

func (b *memory) Rules() api.Rules {
	r := b.fakeBackend.Rules()
	if b.rule != "" {
		r.Rules = r.Rules[:1]
		r.Rules[0].State = b.rule
	}
	return r
}

func (b *memory) Orders() api.Orders {
	o := b.fakeBackend.Orders()
	if b.state != "" {
		o.Orders = o.Orders[:1]
		o.Orders[0].State = b.state
	}
	return o
}

func (b *memory) Settings() api.SettingsView {
	s := settings.Default()
	s.ResetWindows = []settings.ResetWindow{{Preset: "ibkr-asia"}, {Start: "01:00", Minutes: 5, Days: []string{"sun"}}}
	s.Email.To = []string{"desk@example.com"}
	return api.SettingsView{Path: "/x/settings.json", Found: true, Settings: s, Defaults: settings.Default()}
}

func (b *memory) Uptime(_ context.Context, days int) (api.Uptime, error) {
	b.days = days
	empty := api.PeriodOf("2026-11-24", history.Account{From: now, Until: now})
	return api.Uptime{
		At: now, Zone: "UTC", ObservedSince: &now,
		Periods: []api.Period{api.PeriodOf("24h", account)}, Days: []api.Period{empty},
		Spans: []api.Span{{From: now, Until: now, Kind: history.Asleep}},
	}, b.err
}

func (b *memory) Log(_ context.Context, q api.LogQuery) (api.Log, error) {
	b.query = q
	return api.Log{Records: append([]history.Record{}, b.records...), More: true}, b.err
}

func (b *memory) Alerts() api.Alerts {
	return api.Alerts{Channels: []api.Channel{{Name: "email"}, {
		Name: "keyring:telegram", Service: "Telegram", Queued: 2, OldestAt: &now, Sent: 7, LastSentAt: &now,
		LastError: "refused", LastErrorAt: &now,
	}}}
}

func (b *memory) TestAlerts(ctx context.Context, channel string) (api.AlertTest, error) {
	b.tested = append(b.tested, channel)
	select {
	case <-time.After(b.wait):
	case <-ctx.Done():
		return api.AlertTest{}, ctx.Err()
	}
	if channel == "pigeon" {
		return api.AlertTest{}, fmt.Errorf("%w: %q", api.ErrNoChannel, channel)
	}
	results := []api.AlertResult{{Channel: "email", OK: true}, {Channel: "slack", Error: "it is gone"}}
	return api.AlertTest{Results: results}, b.err
}

func (b *memory) StoreSecret(_ context.Context, s api.Secret) (api.StoredSecret, error) {
	b.asked = append(b.asked, "store "+s.Name)
	return api.StoredSecret{Reference: "keyring:" + s.Name, Text: "Stored in the keyring of this computer."}, b.err
}

func (b *memory) SecretAddress(_ context.Context, ref string) (api.SecretAddress, error) {
	b.asked = append(b.asked, "address of "+ref)
	if ref == "file:none" {
		return api.SecretAddress{}, fmt.Errorf("%w: %s", api.ErrNoSecret, ref)
	}
	return api.SecretAddress{Address: serviceurl.Hide("ntfy://me:secret@ntfy.sh/topic")}, b.err
}

func (b *memory) DeleteSecret(_ context.Context, ref string) error {
	b.asked = append(b.asked, "remove "+ref)
	if ref == "file:none" {
		return fmt.Errorf("%w: %s", api.ErrNoSecret, ref)
	}
	return b.err
}

func (b *memory) Metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(gauge{b.err})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// gauge is a metric, or fails with err.
type gauge struct{ err error }

var gaugeDesc = prometheus.NewDesc("gatewatch_up", "Whether it is up.", nil, nil)

func (g gauge) Describe(c chan<- *prometheus.Desc) { c <- gaugeDesc }

func (g gauge) Collect(c chan<- prometheus.Metric) {
	if g.err != nil {
		c <- prometheus.NewInvalidMetric(gaugeDesc, g.err)
		return
	}
	c <- prometheus.MustNewConstMetric(gaugeDesc, prometheus.GaugeValue, 1)
}
