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

// messages returns what GET /messages answers.
func (s *Server) messages() Messages { return Messages{present(s.backend.Messages().Messages)} }

// Messages asks what Gateway has said.
func (c *Client) Messages(ctx context.Context) (Messages, error) {
	return get[Messages](ctx, c, "/messages")
}
