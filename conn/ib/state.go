package ib

// Cause is why the connection is not, or not wholly, up. Its text is a stable identifier; wording for people is
// not this package's business.
type Cause string

// The causes. The first five are the shapes in which an attempt fails on a real Gateway.
const (
	CauseNone Cause = ""

	CauseRefused       Cause = "refused"              // nothing listens on the port
	CauseClosedEarly   Cause = "closed_early"         // accepted, then closed before the version
	CauseNoAnswer      Cause = "no_answer"            // accepted, then silence before the version
	CauseClientIDInUse Cause = "client_id_in_use"     // IB code 326
	CauseDisclaimer    Cause = "disclaimer_unsettled" // IB code 10141, paper-trading disclaimer

	CauseUnreachable Cause = "unreachable"   // the dial failed otherwise: no route, timeout, unknown host
	CauseNotReady    Cause = "not_ready"     // version received, login messages missing until the deadline
	CauseClosedLogin Cause = "closed_login"  // closed between version and READY without a known code
	CauseUnsupported Cause = "unsupported"   // the server version is too old for Gatewatch; older than 213
	CauseTooNew      Cause = "too_new"       // the server version is newer than those that Gatewatch speaks
	CauseGarbage     Cause = "garbage"       // bytes that are not the TWS protocol
	CauseClosed      Cause = "closed"        // Gateway closed the connection in an orderly way
	CauseBroken      Cause = "broken"        // the socket broke: reset, write failed
	CauseSilent      Cause = "silent"        // probes unanswered
	CauseUpstream    Cause = "upstream_lost" // IB codes 1100 and 2110
	CauseFarm        Cause = "farm_down"     // IB codes 2103, 2105, 2157
	CauseCompeting   Cause = "competing_session"
	CausePortChanged Cause = "port_changed" // IB code 1300
	// Gateway's API is read-only: it refuses questions about orders, and orders
	CauseReadOnly Cause = "read_only"
	// Gateway does not say what has become of orders; Detail is a [Question], or an error
	CauseUnconfirmed  Cause = "orders_unconfirmed"
	CauseWrongMode    Cause = "wrong_mode"   // a live account where paper is configured, or the reverse
	CauseClient       Cause = "client"       // Gateway reports the connection as broken: IB codes 502, 504, 507
	CauseUser         Cause = "user"         // Disconnect was asked for
	CauseReconfigured Cause = "reconfigured" // a changed setting concerns this connection
	CauseStopping     Cause = "stopping"     // the program ends
)

// Mode says which kind of account is meant or seen.
type Mode string

// The modes. AnyMode accepts both and, as something seen, means not known yet.
const (
	AnyMode Mode = "any"
	Paper   Mode = "paper"
	Live    Mode = "live"
)

// Gateway is what is known about the other side.
type Gateway struct {
	Host          string
	Port          int // port in use; while looking for one, the last that was tried, or 0
	ServerVersion int // negotiated protocol version; 0 while not connected
	Mode          Mode
	Accounts      int // number of managed accounts; 0 while not connected
}
