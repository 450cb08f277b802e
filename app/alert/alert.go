// Package alert tells people who are not at this computer: by email, Slack, a webhook, or any other service that
// shoutrrr speaks.
//
// An alert is on disk for each channel before Put returns, and stays there until the channel has taken it, or a day and
// some more tries have passed, or the server has refused it three times for what is in it and then taken another. Each
// channel delivers in order, on a goroutine of its own, so that one that is slow or dead holds up no one else. What a
// channel needs to know stands in the settings as a reference to a secret; it is looked up for each delivery, and shows
// up in no log, no status and no error.
package alert

import (
	"time"
)

// Alert is one message for a person. Its texts are plain; they may contain what came from outside.
type Alert struct {
	Kind     string    `json:"kind"`     // stable; see the kinds of package notice, and "test"
	Incident int       `json:"incident"` // counts from 1 within a run; 0 if it belongs to none
	At       time.Time `json:"at"`
	Title    string    `json:"title"`
	Body     string    `json:"body"`
	Urgent   bool      `json:"urgent"`
}

// Config is where alerts go. It comes from the settings; texts that are called secret are references to a secret,
// keyring:NAME or env:NAME.
type Config struct {
	Email     *Email   // nil: none
	Slack     string   // secret: the URL of an incoming webhook; empty: none
	Webhook   *Webhook // nil: none
	Services  []string // secrets: URLs of shoutrrr
	Heartbeat *Heartbeat
}

// Email says how to send mail by SMTP.
type Email struct {
	Server     string // host name or address
	Port       int
	Encryption string // auto, none, starttls or tls; auto: tls at port 465, else starttls if the server has it
	User       string // empty: without a login
	Password   string // secret
	From       string
	To         []string
}

// Webhook is an HTTP address that takes alerts as JSON.
type Webhook struct {
	URL        string // secret
	SigningKey string // secret for the HMAC; empty: not signed
}

// Heartbeat is an HTTP address that is called again and again, so that someone else notices when this computer is
// dead.
type Heartbeat struct {
	URL                string // secret
	Every              time.Duration
	OnlyWhileConnected bool
}

// ChannelStatus is the status of one channel.
type ChannelStatus struct {
	Name     string // "email", "slack", "webhook", "heartbeat", or a service's reference such as "keyring:telegram"
	Service  string // in words
	Queued   int
	Oldest   time.Time // time of the oldest alert that waits; zero if none does
	Sent     uint64    // since the start of the program
	LastSent time.Time // zero if nothing was
	// of the last failure that no success has followed, or of an alert that was given up within a day; without any
	// secret
	LastError   string
	LastErrorAt time.Time
}

// Result is how the test of one channel went.
type Result struct {
	Channel string
	Err     error // without any secret, and with what to do next
}
