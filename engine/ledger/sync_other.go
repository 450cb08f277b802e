//go:build !linux

package ledger

// fdatasync is what the system does not have.
var fdatasync func(file int) error
