//go:build !windows

package console

// LeaveOwn does nothing: only Windows makes a console for a program that has none.
func LeaveOwn() {}
