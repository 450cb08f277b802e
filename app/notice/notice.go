// Package notice tells the trader on the desktop that the connection is gone, and that it is back.
//
// What happened goes through three rooms: a [Policy], a pure function, turns events and time into notices; [Run] feeds
// it and hands on what it says; a [Sender] shows that on this desktop. Nothing here can hold the connection up.
//
// # Incidents
//
// An incident begins when the connection goes and ends when it has been stable for a while, however often it came and
// went in between. It is told once when it has lasted, and its end is told if it was. Drops that keep coming are told as
// one unstable connection. The reset window, a pause and the time after a start or a wake are quiet; what still lasts
// after them is told.
package notice

import (
	"context"
	"log/slog"
	"time"
)

// Kind says what a notice is about. Its text is stable.
type Kind string

// The kinds of notice.
const (
	Lost      Kind = "lost"              // an outage has lasted
	Back      Kind = "back"              // the outage that was told is over
	Unstable  Kind = "unstable"          // drops keep coming; single ones are not told until Calm or Lost
	Digest    Kind = "digest"            // what happened since Unstable
	Calm      Kind = "calm"              // it was unstable, or lost and then unstable, and is stable again
	Competing Kind = "competing_session" // another session has taken the market data
)

// Notice is one message for the desktop. Its texts are plain, of one or more lines, without control characters.
type Notice struct {
	Kind     Kind
	Key      string // of two notices with the same key the later one replaces the earlier one
	Incident int    // counts from 1; 0 if it belongs to none
	At       time.Time
	Title    string
	Body     string
	Urgent   bool // stays until it is read, where the desktop can do that
	Connect  bool // “Connect now” makes sense
}

// Sender shows notices on one kind of desktop.
type Sender interface {
	// Show shows n and returns when the desktop has taken it, or when ctx ends.
	Show(ctx context.Context, n Notice) error
	// Close ends the connection to the desktop. What is shown stays.
	Close() error
}

// Options is what a [Sender] needs to know.
type Options struct {
	OnConnect func() // a click on “Connect now”; called on a goroutine of its own, may be nil
	OnOpen    func() // a click on the notice itself, where the desktop tells; likewise
	Log       *slog.Logger
}

// AppName is what the desktop is told who speaks.
const AppName = "Gatewatch"

// Logged returns a Sender that writes notices to the log, for where there is no desktop.
func Logged(log *slog.Logger) Sender { return logged{log} }

type logged struct{ log *slog.Logger }

func (l logged) Show(_ context.Context, n Notice) error {
	l.log.Info("notice", "kind", string(n.Kind), "title", n.Title, "body", n.Body)
	return nil
}

func (logged) Close() error { return nil }
