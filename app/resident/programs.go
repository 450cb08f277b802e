package resident

import (
	"context"
	"slices"
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// SetReadOnly has programs with a client id place no orders, or lets them, by a change of settings.json.
func (b *backend) SetReadOnly(ctx context.Context, clientID int, on bool) error {
	s := *b.configuration.current.Load()
	list := slices.Clone(s.GuardedPort.Programs)
	i := slices.IndexFunc(list, func(p settings.Program) bool { return p.ClientID == clientID })
	if i < 0 {
		i = len(list)
		list = append(list, settings.Program{ClientID: clientID})
	}
	list[i].ReadOnly = on
	if list[i] == (settings.Program{ClientID: clientID}) {
		list = slices.Delete(list, i, i+1)
	}
	s.GuardedPort.Programs = list
	text, err := settings.Marshal(s)
	if err != nil {
		return err
	}
	if err := b.SaveSettings(ctx, text, ""); err != nil {
		return &api.Conflict{Reason: strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return nil
}

// StopTrading turns trading off and refuses all orders of programs.
func (b *backend) StopTrading(context.Context) error {
	b.trading.off()
	defer b.mute.Nudge()
	return b.Relay.Stop()
}
