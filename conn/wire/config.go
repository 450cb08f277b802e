package wire

import (
	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// ConfigVersion is the server version from which on Gateway answers questions about its settings.
const ConfigVersion = 219

// AskConfig asks for Gateway's own settings. They are never changed: for restart times that is known not to work.
type AskConfig struct{ Request int64 }

func (r AskConfig) encode() (int, proto.Message, error) {
	id, err := integer("request number", r.Request)
	return ReqConfig, &protobuf.ConfigRequest{ReqId: id}, err
}

// Config is what Gateway says of its settings, as far as there is a use for it. Each part may be missing.
type Config struct {
	Request      int64
	LogoffTime   string   // such as 11:45, on Gateway's clock
	LogoffPeriod string   // AM, PM
	LogoffType   string   // restart, logoff
	Port         int64    // of its API; 0 if it is missing
	ReadOnly     *bool    // of its API; nil if it is missing, like those below
	Resubmit     *bool    // keep orders while IBKR is not connected, and send them again
	LocalOnly    *bool    // take connections from this computer alone
	Trusted      []string // addresses, at most maxTrusted
	TrustedMore  int      // how many more there were
}

// maxTrusted bounds the addresses that are kept.
const maxTrusted = 64

// Config decodes a [MsgConfig].
func (m Message) Config() (Config, error) {
	var p protobuf.ConfigResponse
	err := m.decode(&p)
	exit, api := p.GetLockAndExit(), p.GetApi().GetSettings()
	c := Config{
		Request:    int64(p.GetReqId()),
		LogoffTime: text(exit.GetAutoLogoffTime()), LogoffPeriod: text(exit.GetAutoLogoffPeriod()),
		LogoffType: text(exit.GetAutoLogoffType()), Port: int64(api.GetSocketPort()),
	}
	if api == nil {
		return c, err
	}
	c.ReadOnly, c.LocalOnly, c.Resubmit = api.ReadOnlyApi, api.AllowLocalhostOnly, api.MaintainAndResubmitOrdersOnReconnect
	kept := min(len(api.GetTrustedIPs()), maxTrusted)
	for _, address := range api.GetTrustedIPs()[:kept] {
		c.Trusted = append(c.Trusted, text(address))
	}
	c.TrustedMore = len(api.GetTrustedIPs()) - kept
	return c, err
}
