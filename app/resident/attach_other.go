//go:build !windows

package resident

// leaveOwnConsole does nothing: only Windows makes a console for whoever has none.
func leaveOwnConsole() {}
