package api

import (
	"context"
	"time"
)

// ProgramState is the state of the guarded port in short; it is a part of [Status].
type ProgramState struct {
	Port      int    `json:"port"`      // 0: there is no guarded port
	Listening bool   `json:"listening"` // programs can connect: Gateway can be used
	Connected int    `json:"connected"` // programs that are connected
	Stopped   bool   `json:"stopped"`   // their orders are refused until someone allows them
	Unknown   int    `json:"unknown"`   // orders of programs that a person has to look after
	Text      string `json:"text"`      // the same for people; empty if there is no guarded port
	// for people: what it means to let programs trade again, which has to be confirmed, since orders can be for another
	// account than a paper account; empty: nothing has to be
	Confirm string `json:"confirm"`
}

// Programs is the answer to GET /clients.
type Programs struct {
	State    ProgramState      `json:"state"`
	Mode     string            `json:"mode"`     // guard or observe
	Problem  string            `json:"problem"`  // why the port cannot be opened, empty if it can
	Sent     uint64            `json:"sent"`     // orders and changes since the start of Gatewatch
	Refused  map[string]uint64 `json:"refused"`  // orders, changes and other requests likewise, by the id of the reason
	Observed map[string]uint64 `json:"observed"` // the same that were forwarded nevertheless: observe mode
	Programs []Program         `json:"programs"` // that are connected, in the order in which they came
}

// Program is a program that is connected to the guarded port.
type Program struct {
	Number      uint64    `json:"number"`    // counts connections since the start of Gatewatch
	ClientID    int64     `json:"client_id"` // -1 before the program has sent it
	Name        string    `json:"name"`      // empty where the system does not say it
	PID         int       `json:"pid"`       // of its process, 0 where the system does not say it
	Address     string    `json:"address"`   // its side of the connection
	Text        string    `json:"text"`      // name and client id for people
	Version     int       `json:"version"`   // of the protocol
	Since       time.Time `json:"connected_since"`
	LastMessage time.Time `json:"last_message"` // that it sent
	Sent        uint64    `json:"sent"`         // its orders and changes on this connection
	Refused     uint64    `json:"refused"`      // those that were refused
	Observed    uint64    `json:"observed"`     // those that would have been refused
	Working     int       `json:"working"`      // orders of its client id that Gateway has
	Unknown     int       `json:"unknown"`      // orders of its client id that a person has to look after
	ReadOnly    bool      `json:"read_only"`    // its orders are refused
}

// ProgramOrders is the answer to GET /clients/orders.
type ProgramOrders struct {
	Orders []ProgramOrder `json:"orders"` // newest first
}

// ProgramOrder is an order that a program has sent or wanted to send.
type ProgramOrder struct {
	Number   uint64    `json:"number"` // counts all orders of programs
	At       time.Time `json:"time"`   // when it was sent or refused
	ClientID int64     `json:"client_id"`
	Program  string    `json:"program"` // name and client id for people
	OrderID  int64     `json:"order_id"`
	PermID   int64     `json:"perm_id"` // 0: not known yet
	Text     string    `json:"text"`    // such as "BUY 100 AAPL STK LMT 150.5 DAY"
	Filled   string    `json:"filled"`  // quantity, as Gateway writes it
	// sent, working, filled, cancelled, rejected, inactive, unknown, refused or preview
	State     string `json:"state"`
	StateText string `json:"state_text"` // for people
	Status    string `json:"status"`     // Gateway's own word
	Code      int    `json:"code"`       // IB code of the last error about it, 0 if there is none
	Detail    string `json:"detail"`     // text of that error
	Reason    string `json:"reason"`     // why it was refused, or in observe mode would have been
	ReasonID  string `json:"reason_id"`  // the same for programs; stable
	Changes   int    `json:"changes"`    // how often the program changed it
	Open      bool   `json:"open"`       // something is still expected of it
}

// ReadOnlyRequest is the body of POST /clients/read_only.
type ReadOnlyRequest struct {
	ClientID int  `json:"client_id"`
	ReadOnly bool `json:"read_only"`
}

// Programs asks which programs are connected to the guarded port.
func (c *Client) Programs(ctx context.Context) (Programs, error) {
	return get[Programs](ctx, c, "/clients")
}

// ProgramOrders asks for the orders of programs.
func (c *Client) ProgramOrders(ctx context.Context) (ProgramOrders, error) {
	return get[ProgramOrders](ctx, c, "/clients/orders")
}

// StopTrading turns trading off and refuses all orders of programs.
func (c *Client) StopTrading(ctx context.Context) (Answer, error) {
	return request[Answer](ctx, c, "/trading/stop", nil, nil)
}

// AllowPrograms lets programs trade again; live says that a person has confirmed it for an account that is not known to
// be a paper account. The error may be a [*Conflict] or [*Unconfirmed].
func (c *Client) AllowPrograms(ctx context.Context, live bool) (Answer, error) {
	return request[Answer](ctx, c, "/clients/allow", ArmRequest{live}, nil)
}

// SetReadOnly refuses the orders of programs with a client id, or no longer does.
func (c *Client) SetReadOnly(ctx context.Context, clientID int, on bool) (Answer, error) {
	return request[Answer](ctx, c, "/clients/read_only", ReadOnlyRequest{clientID, on}, nil)
}
