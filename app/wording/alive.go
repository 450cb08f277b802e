package wording

// What is said while the resident program is not there, or hangs.
const (
	NotRunning    = "Gatewatch is not running"
	NotResponding = "Gatewatch is not responding"

	// NotRespondingDo says on the command line what to do about a program that hangs.
	NotRespondingDo = "orders at IBKR keep working and nothing watches them. End that process, start `gatewatch` and check your orders in TWS"
)
