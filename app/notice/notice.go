// Package notice notifies the trader that the connection is gone, that it is back, and what becomes of rules and
// orders: on the desktop, and by whatever else is a [Sender].
//
// What happened goes through three rooms: a [Policy], a pure function, turns events and time into notices; [Run] feeds
// it and hands on what it says; a [Sender] shows that on this desktop. Nothing here can hold the connection up.
//
// # Incidents
//
// An incident begins when the connection goes and ends when it has been stable for a while, however often it came and
// went in between. It is reported once when it has lasted, and its end is reported if it was. Drops that keep coming
// are reported as one unstable connection. The reset window, quiet hours, a pause and the time after a start or a wake
// are quiet; what still lasts after them is reported. What stays on the screen is replaced by how it ended: a pause
// ends an incident, too.
//
// # The weekly login
//
// IBKR's weekly login ends on Sunday, and the next one needs a person. That is reported ahead, once a week, however the
// connection is, but not while paused. An outage after it in which Gateway's port answers and its login does not says
// that someone has to sign in; if it was reported in other words before, it is reported once more.
//
// # The end of support
//
// Gateway says on each connection from which day on IBKR does not support its version. That is reported once for each
// day, and again seven, three and one days before and on the day itself; what was reported is remembered across starts.
//
// # Rules and orders
//
// A report of the engine is reported at once. Those of its kind that follow within half a minute are gathered and
// reported as one, which says how many there were since the first. Rules that trigger are gathered each by itself:
// someone has asked for each of these notices. Where orders go on being blocked, the time between two notices grows.
//
// Neither the reset window nor a pause nor the time after a start or a wake silences reports. Quiet hours silence what
// can wait: a rule that triggered and an order that was blocked. A rule that stopped, and an order that was rejected or
// of which no one knows, are about money and are reported at night, too. A mute silences everything: someone has asked
// for it by hand. What was held back is reported afterwards, as one for each kind.
package notice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gatewatch/engine"
)

// Kind says what a notice is about. Its text is stable.
type Kind string

// The kinds of notice.
const (
	Lost      Kind = "lost"              // an outage has lasted, or turned out to need a person
	Back      Kind = "back"              // the outage that was reported is over
	Unstable  Kind = "unstable"          // drops keep coming; single ones are not reported until Calm or Lost
	Digest    Kind = "digest"            // what happened since Unstable
	Calm      Kind = "calm"              // it was unstable, or lost and then unstable, and is stable again
	Paused    Kind = "paused"            // someone disconnected during a reported outage or unstable time
	Competing Kind = "competing_session" // another session has taken the market data
	Reminder  Kind = "weekly_login"      // IBKR's weekly login ends soon
	// HiddenIcon says once that Windows keeps the tray icon out of sight.
	HiddenIcon Kind = "hidden_icon"
	Support    Kind = "unsupported" // IBKR ends its support for the version of Gateway that runs
	// GuardClosed is about a connection that is up while Gateway takes no orders, or does not confirm them.
	GuardClosed Kind = "guard_closed"

	// Those of reports; see [engine.ReportKind].
	RuleTriggered     = Kind(engine.ReportTriggered)
	RuleFailed        = Kind(engine.ReportFailed)
	OrderBlocked      = Kind(engine.ReportBlocked)
	OrderRejected     = Kind(engine.ReportRejected)
	OrderInactive     = Kind(engine.ReportInactive)
	OrderNotChanged   = Kind(engine.ReportNotChanged)
	NoStop            = Kind(engine.ReportUnprotected)
	OrderUnknown      = Kind(engine.ReportUnknown)
	OrderNotCancelled = Kind(engine.ReportNotCancelled)
	OrderForeign      = Kind(engine.ReportForeign)
	OrderIDsLow       = Kind(engine.ReportFewIDs)
	EngineHalted      = Kind(engine.ReportHalted)
	FilesMoved        = Kind(engine.ReportMoved)
	ProgramRefused    = Kind(engine.ReportProgramRefused)
	ProgramUnknown    = Kind(engine.ReportProgramUnknown)
	ProgramFailed     = Kind(engine.ReportProgramFailed)
	Crashed           = Kind(engine.ReportCrashed)
)

// reported reports whether notices of a kind are about rules and orders.
func (k Kind) reported() bool {
	switch k {
	case RuleTriggered, RuleFailed, OrderBlocked, OrderRejected, OrderUnknown, OrderNotCancelled, OrderForeign,
		OrderIDsLow, OrderInactive, OrderNotChanged, NoStop, EngineHalted, FilesMoved, ProgramRefused, ProgramUnknown,
		ProgramFailed, Crashed:
		return true
	}
	return false
}

// Notice is one message for a person. Its texts are plain, of one or more lines, without control characters.
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

// errNotYet is the answer of a desktop that has no place for notices yet, but will have.
var errNotYet = errors.New("the desktop takes no notices yet")

// Sender shows notices on one kind of desktop.
type Sender interface {
	// Show shows n and returns when the desktop has taken it, or when ctx ends. errNotYet says that n should be shown
	// later.
	Show(ctx context.Context, n Notice) error
	// Close ends the connection to the desktop. What is shown stays.
	Close() error
}

// Options is what a [Sender] needs to know.
type Options struct {
	OnConnect func() // a click on “Connect now”; called on a goroutine of its own, may be nil
	OnOpen    func() // a click on the notice itself, where the desktop says so; likewise
	Log       *slog.Logger
}

// appName is what the desktop shows as the sender.
const appName = "Gatewatch"
