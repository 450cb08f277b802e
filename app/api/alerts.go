package api

import (
	"context"
	"time"
)

// Alerts is the answer to GET /alerts. It names no secret and no address.
type Alerts struct {
	Channels []Channel `json:"channels"`
}

// Channel is one way that alerts take out of this computer.
type Channel struct {
	// "email", "slack", "webhook", "heartbeat", or a service's reference such as "keyring:telegram"
	Name       string     `json:"name"`
	Service    string     `json:"service"`   // what it is, in words
	Queued     int        `json:"queued"`    // alerts that wait for delivery
	OldestAt   *time.Time `json:"oldest_at"` // of those
	Sent       uint64     `json:"sent"`      // since the start of the program
	LastSentAt *time.Time `json:"last_sent_at"`
	// of the last failure that no success has followed, or of an alert that was given up within a day; empty if all is
	// well
	LastError   string     `json:"last_error"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// AlertTest is the answer to POST /alerts/test.
type AlertTest struct {
	Results []AlertResult `json:"results"`
}

// AlertResult says how the test of one channel went.
type AlertResult struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Error   string `json:"error"` // what went wrong and what to do
}

// AlertTestRequest is the body of POST /alerts/test. An empty body tests all channels.
type AlertTestRequest struct {
	Channel string `json:"channel"` // empty: all
}

// Alerts asks for the state of alerts.
func (c *Client) Alerts(ctx context.Context) (Alerts, error) { return get[Alerts](ctx, c, "/alerts") }

// TestAlerts sends a message by one channel, or by all if it is empty. It may take most of a minute.
func (c *Client) TestAlerts(ctx context.Context, channel string) (AlertTest, error) {
	return request[AlertTest](ctx, c, "/alerts/test", AlertTestRequest{channel}, nil)
}
