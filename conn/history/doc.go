// Package history keeps the connection log, and account of how the connection has been.
//
// The log is a file of records, one for whatever changes how things stand. A [Recorder] turns the supervisor's events
// into records, a [Log] writes them, a [Timeline] folds them into spans of time, and a [Keeper] runs the three. The log
// is the only truth on disk: a timeline can be made again from it at any time.
//
// [Messages] and [RoundTrips] are in memory alone.
//
// Every moment counts as exactly one [Kind]. Uptime is connected ÷ (observed − planned − paused), where observed is all
// but [Unobserved] and [Asleep]. An outage is a chain of [Down] without [Connected] or [Paused] in between: neither a
// restart of the program nor sleep nor a reset window makes two outages of one.
package history
