//go:build !race

package conn

// raceEnabled is whether the race detector is on, whose own memory grows.
const raceEnabled = false
