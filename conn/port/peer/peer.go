// Package peer finds the program at the other end of a connection on this computer.
package peer

// Program is a process.
type Program struct {
	Name string // of the program; comes from outside
	PID  int
}
