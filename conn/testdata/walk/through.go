package conn

import (
	"context"
	"net"

	"gatewatch/conn/ib"
)

// Through has every connection that s makes pass through f.
func (s *Supervisor) Through(f func(net.Conn) net.Conn) {
	connect := s.connect
	s.connect = func(ctx context.Context, d doDial, cfg *Config, post func(input)) (link, ib.Gateway,
		*ib.AttemptError,
	) {
		c, err := dial(ctx, cfg.Host, d.ports[0])
		if err != nil {
			return nil, ib.Gateway{}, dialError(err)
		}
		d.conn = f(c)
		return connect(ctx, d, cfg, post)
	}
}
