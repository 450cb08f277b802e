package api

import (
	"context"

	"gatewatch/app/autostart"
	"gatewatch/app/wording"
)

// Autostart is the answer to GET /autostart: whether the program starts at login.
type Autostart struct {
	On      bool              `json:"on"`      // the system will start this program
	State   autostart.AtLogin `json:"state"`   //
	Text    string            `json:"text"`    // the state in a sentence
	Program string            `json:"program"` // what will be started, or would be; empty if nothing
	Place   string            `json:"place"`   // the file or key in which the system keeps it
}

// AutostartChange is the body of POST /autostart.
type AutostartChange struct {
	On bool `json:"on"` // whether to start this program at login
}

// AutostartOf returns what the system keeps, as GET /autostart shows it.
func AutostartOf(s autostart.State) Autostart {
	return Autostart{
		On: s.Kind == autostart.On, State: s.Kind, Text: wording.AtLogin(s), Program: s.Exe,
		Place: s.Place,
	}
}

// Autostart asks whether the program starts at login.
func (c *Client) Autostart(ctx context.Context) (Autostart, error) {
	return get[Autostart](ctx, c, "/autostart")
}

// SetAutostart turns the start at login on or off, and returns the state then. The error may be a
// [*Conflict].
func (c *Client) SetAutostart(ctx context.Context, on bool) (Autostart, error) {
	return request[Autostart](ctx, c, "/autostart", AutostartChange{on}, nil)
}
