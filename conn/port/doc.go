// Package port is the guarded port: a listener on the loopback to which other programs connect instead of IB Gateway.
// They speak the TWS protocol to it unchanged, and it relays whole frames in both directions, over one connection to
// Gateway for each program. Orders pass only while the order guard of Gatewatch's own connection is open and Gateway
// has just proved that it is there; each one is on disk before its bytes leave.
//
// A Port is made with [New] and works during [Port.Run]. It follows a [Connection], which [Supervised] makes of a
// supervisor: the listener is open while Gateway can be used, and closed otherwise. Programs are shown by
// [Port.Clients], their orders by [Port.Orders]. What happens is reported as [Event].
//
// Of what passes by, only numbers of messages and order ids are read, and in messages about orders what
// [gatewatch/conn/port/record] needs. docs/guarded-port.md says what programs see.
package port
