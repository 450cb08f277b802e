//go:build !windows

package tray

// Hidden reports whether Windows 11 keeps the icon of this program in the overflow.
func Hidden() (bool, error) { return false, nil }
