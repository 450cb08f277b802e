package api

import (
	"context"
	"time"
)

// Messages is the answer to GET /messages: what Gateway has said with codes, the last 50 that differ in more than
// numbers.
type Messages struct {
	Messages []Message `json:"messages"` // that which came last first
}

// Message is what Gateway has said with a code, as often as it has said it since the start of the program.
type Message struct {
	Code  int       `json:"code"`  // IBKR's
	Text  string    `json:"text"`  // as it came last, in Gateway's language
	First time.Time `json:"first"` // when it came first
	Last  time.Time `json:"last"`  // when it came last
	Count uint64    `json:"count"` // how often it came
}

// Latency is the answer to GET /latency: how long Gateway took to answer Gatewatch's time requests, minute by minute of
// the last 24 hours and since the start of the program.
type Latency struct {
	Minutes []LatencyMinute `json:"minutes"` // in their order; those in which Gateway answered none are left out
}

// LatencyMinute is about the answers in one minute.
type LatencyMinute struct {
	At           time.Time `json:"at"` // its beginning
	MedianMillis float64   `json:"median_ms"`
	MaxMillis    float64   `json:"max_ms"`
}

// Messages asks what Gateway has said.
func (c *Client) Messages(ctx context.Context) (Messages, error) {
	return get[Messages](ctx, c, "/messages")
}

// Latency asks how long Gateway took to answer.
func (c *Client) Latency(ctx context.Context) (Latency, error) {
	return get[Latency](ctx, c, "/latency")
}
