package port

import (
	"time"

	"gatewatch/conn/port/record"
)

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	ClientConnected    EventKind = "client_connected"    // it has sent its client id
	ClientDisconnected EventKind = "client_disconnected" // Detail is an [EndCause]
	OrderRefused       EventKind = "order_refused"       // Reason says why; in [Observe] it was forwarded
	OrderUnknown       EventKind = "order_unknown"       // its connection ended before Gateway said what became of it
	RequestRefused     EventKind = "request_refused"     // another request than an order
	ClientFailed       EventKind = "client_failed"       // the relay of one client has failed and was closed
	PortOpened         EventKind = "port_opened"         // Detail is its address
	PortClosed         EventKind = "port_closed"         // Detail is an [EndCause]
)

// Event is something that happened at the port.
type Event struct {
	At       time.Time
	Kind     EventKind
	Client   Client
	Order    *record.Order // of OrderRefused and OrderUnknown; nil if it could not be read
	Reason   Reason        // of a refusal
	Observed bool          // it was forwarded nevertheless: [Observe]
	Detail   string
}

// EndCause says why the connection of a client ended. Its text is stable.
type EndCause string

// The causes.
const (
	EndClientLeft  EndCause = "client_left"  // the program closed it
	EndGatewayLost EndCause = "gateway_lost" // Gateway closed it
	EndNotUsable   EndCause = "not_usable"   // Gatewatch's own connection has ended
	EndTurnedOff   EndCause = "turned_off"   // the port was turned off
	EndStopping    EndCause = "stopping"     // Gatewatch ends
	EndBadMessage  EndCause = "bad_message"  // the program sent something that is not the protocol
	EndSlowClient  EndCause = "slow_client"  // the program does not read
	EndFailed      EndCause = "failed"       // the relay has failed
	EndRefused     EndCause = "refused"      // before Gateway has answered the greeting
)

// Client is a program that is connected to the port.
type Client struct {
	Number      uint64    `json:"number"`              // counts connections since the start
	ClientID    int64     `json:"client_id"`           // -1 before the program has sent it
	Name        string    `json:"name,omitempty"`      // of the program, if the system says it
	PID         int       `json:"pid,omitempty"`       // of its process, 0 if the system does not say it
	Address     string    `json:"address"`             // its side of the connection
	Version     int       `json:"version"`             // of the protocol
	Since       time.Time `json:"connected_since"`     //
	LastMessage time.Time `json:"last_message"`        // that the program sent
	Sent        uint64    `json:"sent"`                // orders and changes on this connection
	Refused     uint64    `json:"refused"`             // the same that were refused
	Observed    uint64    `json:"observed,omitempty"`  // the same that would have been refused
	Working     int       `json:"working"`             // orders of its client id that Gateway has
	Unknown     int       `json:"unknown"`             // orders of its client id whose state is not known
	ReadOnly    bool      `json:"read_only,omitempty"` // its orders are refused: [ClientOptions.ReadOnly]
}
