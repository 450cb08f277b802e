package api

import (
	"context"
	"time"
)

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

// latency returns what GET /latency answers.
func (s *Server) latency() Latency { return Latency{present(s.backend.Latency().Minutes)} }

// Latency asks how long Gateway took to answer.
func (c *Client) Latency(ctx context.Context) (Latency, error) {
	return get[Latency](ctx, c, "/latency")
}
