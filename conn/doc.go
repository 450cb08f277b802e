// Package conn keeps a connection to Interactive Brokers' Gateway or TWS.
//
// A [Supervisor] owns the connection. One goroutine holds all of its state; everything else sends it messages.
// Each message goes through the pure function next, which returns the new state, the effects to carry out and the
// events.
// Two streams leave it and are never mixed: a [Snapshot] (what is true now, the latest wins) and [Event] values
// (what happened, in order, none dropped).
//
// # States
//
//	                       ┌────────────┐
//	           start ─────▶│ Connecting │──── failed ────┐
//	                       └─────┬──────┘                ▼
//	                             │ READY          ┌──────────────┐ delay over, port opened,
//	                             ▼                │ Reconnecting │◀┐ woke, window over, Connect
//	┌──────────┐  farm   ┌───────────┐   lost    └──┬───────▲───┘─┘
//	│ Degraded │◀───────▶│ Connected │─────────────▶│       │
//	└────┬─────┘ silent  └───┬───▲───┘      window  │       │ window over
//	     │                   │   │          opens   ▼       │
//	     │       1100, 2110  ▼   │ 1101,      ┌─────────────┴┐
//	     │          ┌────────────┴─┐ 1102     │ ResetWindow  │
//	     └─────────▶│ UpstreamLost │─────────▶│ (nothing up) │
//	                └──────────────┘   lost   └──────────────┘
//
// Disconnect leads from every state to Paused; Connect leads from Paused, Reconnecting and ResetWindow to an attempt.
//
// Before the first connection ever the state stays Connecting, also in reset windows and when attempts fail: there is
// no outage yet.
//
// ResetWindow means that nothing is connected and that reconnecting rests. The first attempt after a start, a pause or
// a change of the settings is made in the window, too; if it fails, the next one follows the window. A connection that
// survives the window stays Connected, Degraded or UpstreamLost: the window never changes what is said about a live
// socket, and the guard follows the real state throughout.
//
// # Layers
//
// Connected is said only while three layers are up: the TCP socket, the API (nextValidId and managedAccounts have
// both arrived) and upstream (Gateway to IBKR's servers). Data farms form a fourth layer; a broken farm makes the
// connection Degraded, not down.
//
// # Time
//
// Waiting, probing and limits use the monotonic clock; reset windows and everything shown to people use the wall
// clock. A jump of the wall clock against the monotonic one is read as waking from sleep.
package conn
