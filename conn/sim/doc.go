// Package sim is a simulated Interactive Brokers Gateway. It speaks the TWS wire protocol over real TCP on
// loopback, so that any TWS client can be tested against it: handshake, READY, market data from a random walk,
// contract details, orders with fills, accounts, and every way a gateway is known to fail.
//
// A session speaks the smaller of [Config.ServerVersion] and the highest version the client offers, anything from
// 176 to 226. Below 201 a message is text; from 201 its id is four bytes and, family by family, its body turns into
// protobuf. Inside the package a message is always its protobuf type, whatever the wire carries. Its text form is
// mostly the fields of that type in order, or else a function that lists them, once for reading and writing (text.go).
// Each subject of the protocol, such as pnl.go, has a table of its requests and replies; see kinds.go.
//
// # Goroutines
//
// One goroutine accepts, one moves the market, one sends what is due of other streams (streams.go), one per
// connection reads and handles requests, one per connection writes. Everything they share is guarded by Gateway.mu;
// sending under it only appends to the connection's queue, so no lock is held across I/O. Ticks are not queued: the
// writer of a connection makes them, without the lock, of the steps that the market has taken since its last batch.
// A client that reads slowly gets fewer of them, and holds up no other client. [Gateway.Close] waits for all
// goroutines.
//
// # Faults
//
// Each fault is a method of [Gateway], a POST on the control port and a line in a script; all three go through the
// table in verbs.go.
package sim
