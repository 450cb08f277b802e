package api

import (
	"context"
	"encoding/json"
	"fmt"

	"gatewatch/conn/ib"
)

// Guarded is the answer to GET /guard and the data of the events at GET /guard/events: whether a bot may trade now.
type Guarded struct {
	// the connection may be trusted: socket, API and upstream are up, no probe is overdue, orders are reconciled
	Open     bool           `json:"open"`
	Reason   string         `json:"reason"`    // why not, for people; empty if it may
	ReasonID ib.GuardReason `json:"reason_id"` // the same for programs; stable
	Session  uint64         `json:"session"`   // an answer is about this session alone; 0 if there is none
	// how often the guard was opened since the start of Gatewatch; another number than before: it was closed in between
	Opened uint64 `json:"opened"`
	Mode   string `json:"mode"`  // paper, live or unknown
	Demo   bool   `json:"demo"`  // Gateway is a simulated one inside Gatewatch, whose orders are not real
	Armed  bool   `json:"armed"` // Gatewatch's own orders may leave
	Seq    uint64 `json:"seq"`   // of the status that this was taken from
}

// GuardedOf returns what a status says of the guard.
func GuardedOf(st Status) Guarded {
	return Guarded{
		Open: st.Guard.Open, Reason: st.Guard.Reason, ReasonID: st.Guard.ReasonID, Session: st.Session,
		Opened: st.Guard.Opened,
		Mode:   st.Gateway.Mode, Demo: st.Demo, Armed: st.Trading.Armed, Seq: st.Seq,
	}
}

// Guard asks whether a bot may trade now.
func (c *Client) Guard(ctx context.Context) (Guarded, error) { return get[Guarded](ctx, c, "/guard") }

// FollowGuard calls onGuard with what [Client.Guard] returns, as it is and after every change. Otherwise it is like
// [Client.Follow]. When it returns, nothing is known of the guard any more: it counts as closed.
func (c *Client) FollowGuard(ctx context.Context, onGuard func(Guarded)) error {
	return c.follow(ctx, "/guard/events", func(event string, data []byte) error {
		if event != "guard" {
			return nil
		}
		var g Guarded
		if err := json.Unmarshal(data, &g); err != nil {
			return fmt.Errorf("guard in the stream of events: %w", err)
		}
		onGuard(g)
		return nil
	})
}
