//go:build darwin && !cgo

package tray

import "context"

const hasTray = false

func (t *tray) run(ctx context.Context) {
	_, reason := Available()
	t.noHost(reason)
	<-ctx.Done()
}
