//go:build !linux

package engine

// fdatasync is what the system does not have.
var fdatasync func(file int) error
