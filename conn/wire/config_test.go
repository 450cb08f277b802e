package wire

import (
	"reflect"
	"slices"
	"testing"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// TestConfig: each part of Gateway's settings may be missing, and what is kept of them is bounded.
func TestConfig(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name string
		of   *protobuf.ConfigResponse
		want Config
	}{
		{"nothing", &protobuf.ConfigResponse{}, Config{}},
		{"restart alone", &protobuf.ConfigResponse{ReqId: proto.Int32(8), LockAndExit: &protobuf.LockAndExitConfig{
			AutoLogoffTime: proto.String("11:45"), AutoLogoffPeriod: proto.String("PM"),
			AutoLogoffType: proto.String("restart"),
		}}, Config{Request: 8, LogoffTime: "11:45", LogoffPeriod: "PM", LogoffType: "restart"}},
		{"an empty API part", &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{}}, Config{}},
		{"settings of the API", &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{
			Settings: &protobuf.ApiSettingsConfig{
				ReadOnlyApi: &yes, SocketPort: proto.Int32(4002), AllowLocalhostOnly: &no,
				MaintainAndResubmitOrdersOnReconnect: &yes, TrustedIPs: []string{"10.0.0.1"},
			},
		}}, Config{Port: 4002, ReadOnly: &yes, Resubmit: &yes, LocalOnly: &no, Trusted: []string{"10.0.0.1"}}},
		{"10,000 addresses", &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{
			Settings: &protobuf.ApiSettingsConfig{TrustedIPs: slices.Repeat([]string{"a"}, 10_000)},
		}}, Config{Trusted: slices.Repeat([]string{"a"}, maxTrusted), TrustedMore: 10_000 - maxTrusted}},
	} {
		if _, got, err := open(inProto(t, MsgConfig, c.of)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
}

// TestMarketRuleNumbers finds the rule of a contract's exchange.
func TestMarketRuleNumbers(t *testing.T) {
	for _, c := range []struct {
		exchange, exchanges, rules string
		want                       int64
	}{
		{"SMART", "SMART,NYSE,IBKRATS", "26,27,28", 26},
		{"NYSE", "SMART,NYSE,IBKRATS", "26,27,28", 27},
		{"IDEALPRO", "IDEALPRO", "239", 239},
		{"GLOBEX", "CME", "67", 67},
		{"GLOBEX", "CME,QBALGO", "67,67", 67},
		{"GLOBEX", "CME,QBALGO", "67,68", 0},
		{"QBALGO", "CME,QBALGO", "67", 67}, // one for all
		{"QBALGO", "CME,X,QBALGO", "67,68", 0},
		{"SMART", "SMART", "", 0},
		{"SMART", "SMART", "none", 0},
		{"", "", "", 0},
	} {
		if got := marketRule(c.exchange, c.exchanges, c.rules); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
