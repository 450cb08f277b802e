package cli

import (
	"context"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// Connect connects now.
type Connect struct{}

func (Connect) Run(ctx context.Context, p Program) error {
	return p.command(ctx, (*api.Client).Connect, "Connecting; `gatewatch status` shows how it goes.")
}

// Disconnect turns trading off and disconnects.
type Disconnect struct{}

func (Disconnect) Run(ctx context.Context, p Program) error {
	return p.command(ctx, (*api.Client).Disconnect,
		wording.TradingOff+", and Gatewatch stays disconnected until `gatewatch connect`.")
}

// Open opens the window, or the page.
type Open struct{}

func (Open) Run(ctx context.Context, p Program) error {
	return p.command(ctx, (*api.Client).Show, "Opening.")
}
