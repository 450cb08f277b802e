package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// configParts are the parts of a gateway's configuration, each of which it may leave out.
var configParts = []string{"lock-and-exit", "messages", "api", "orders"}

// WithoutConfig leaves parts out of the answers to reqConfig from now on: lock-and-exit, messages, api, orders. No
// part: none.
func (g *Gateway) WithoutConfig(parts ...string) error {
	for _, p := range parts {
		if !slices.Contains(configParts, p) {
			return fmt.Errorf("unknown part %q of the configuration: one of %s", p, strings.Join(configParts, ", "))
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.configParts = parts
	return nil
}

// RefuseConfig answers reqConfig with 10357, or ends that.
func (g *Gateway) RefuseConfig(on bool) { g.locked(func() { g.faults.noConfig = on }) }

// configuration answers reqConfig. Gateway.mu is held.
func (g *Gateway) configuration(c *conn, m *protobuf.ConfigRequest) *requestError {
	if g.faults.noConfig {
		return codeError(10357)
	}
	r := &protobuf.ConfigResponse{ReqId: m.ReqId}
	with := func(part string) bool { return !slices.Contains(g.faults.configParts, part) }
	if with("lock-and-exit") {
		r.LockAndExit = g.exits.lockAndExit()
	}
	if with("messages") {
		r.Messages = []*protobuf.MessageConfig{{
			Id: proto.Int32(11001), Title: new("Exchange-specific warning: LMTDOWN"),
			DefaultAction: new("Hidden"), Enabled: new(true),
		}}
	}
	if with("api") {
		r.Api = &protobuf.ApiConfig{
			Precautions: &protobuf.ApiPrecautionsConfig{BypassOrderPrecautions: new(true)},
			Settings:    g.apiSettings(),
		}
	}
	if with("orders") {
		r.Orders = &protobuf.OrdersConfig{SmartRouting: &protobuf.OrdersSmartRoutingConfig{
			SeekPriceImprovement: new(false), DefaultAlgorithm: new("SMART"),
		}}
	}
	c.sendLocked(r)
	return nil
}

// lockAndExit announces the planned exit, as 11:45 PM in the gateway's zone. Without one there is nothing to
// announce.
func (p *exitPlan) lockAndExit() *protobuf.LockAndExitConfig {
	if p == nil {
		return nil
	}
	kind := "restart"
	if p.logOff {
		kind = "logoff"
	}
	at := time.Date(2000, 1, 1, p.hour, p.minute, 0, 0, time.UTC)
	return &protobuf.LockAndExitConfig{
		AutoLogoffTime: new(at.Format("03:04")), AutoLogoffPeriod: new(at.Format("PM")),
		AutoLogoffType: &kind,
	}
}

func (g *Gateway) apiSettings() *protobuf.ApiSettingsConfig {
	s := &protobuf.ApiSettingsConfig{
		ReadOnlyApi: new(g.faults.readOnly), DownloadOpenOrdersOnConnection: new(
			g.cfg.OpenOrdersOnConnect),
		SocketPort:                           new(int32(g.addr.Port)),
		MaintainAndResubmitOrdersOnReconnect: new(!g.cfg.RejectOrdersUpstreamLost),
		AllowLocalhostOnly:                   new(true), TrustedIPs: []string{"127.0.0.1"},
		LoggingLevel: new("Error"),
	}
	if g.cfg.ZeroSeesAll {
		s.MasterClientId = proto.Int32(0)
	}
	return s
}

func configFault(g *Gateway, a *args) error {
	var without []string
	if s := a.text("without"); s != "" {
		without = strings.Split(s, ",")
	}
	for _, p := range without {
		if !slices.Contains(configParts, p) {
			a.fail("without", "some of "+strings.Join(configParts, ","))
		}
	}
	refuse := a.bool("refuse")
	return a.do(func() error {
		g.RefuseConfig(refuse)
		return g.WithoutConfig(without...)
	})
}
