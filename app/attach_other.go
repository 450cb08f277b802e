//go:build !windows

package main

// leaveOwnConsole does nothing: only Windows makes a console for whoever has none.
func leaveOwnConsole() {}
