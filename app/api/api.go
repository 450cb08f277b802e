// Package api is what goes over the HTTP interface on the loopback: requests, answers, and the client with which the
// command line and the window ask. Package server answers.
package api

// Health is the answer to GET /healthz.
type Health struct {
	OK bool `json:"ok"`
}

// Answer is what a command answers.
type Answer struct {
	Accepted bool   `json:"accepted"`
	Message  string `json:"message,omitempty"`
}

// PageCode is the body of POST /session: what is behind the # of the page's address.
type PageCode struct {
	Code string `json:"code"`
}

// PageToken is the answer to POST /session: a token that is valid until Gatewatch ends.
type PageToken struct {
	Token string `json:"token"`
}
