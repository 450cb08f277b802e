package conn

import (
	"log/slog"
	"time"

	"gatewatch/conn/ib"
)

func testConfig(port int) Config {
	return Config{
		Host: "127.0.0.1", Port: port, ClientID: 17, Mode: ib.AnyMode, ConnectTimeout: 10 * time.Second,
		Poll: time.Second, Soft: 1500 * time.Millisecond, Hard: 10 * time.Second,
		Delays: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second},
		Jitter: 0.2, Stable: 10 * time.Second, WatchLocalPort: true,
	}
}

var quiet = slog.New(slog.DiscardHandler)
