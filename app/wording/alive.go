package wording

import "fmt"

// What is said while the resident program is not there, or hangs.
const (
	NotRunning    = "Gatewatch is not running"
	NotResponding = "Gatewatch is not responding"
	// LookingForGatewatch is what is said before its first answer.
	LookingForGatewatch = "Looking for Gatewatch…"
	// TradingNotKnown is what is said of trading then, OnceItRuns and OnceItResponds when it can be turned on or off.
	TradingNotKnown = "Trading: not known"
	OnceItRuns      = "It can be turned on or off once Gatewatch runs again."
	OnceItResponds  = "It can be turned on or off once Gatewatch responds again."
	// OutOfDate is what is said of what was read before.
	OutOfDate = "What is shown here may be out of date."

	// NotRunningMeans and NotRespondingMeans say what follows, StartHint and RestartHint beside a button what to do,
	// StartThere and RestartThere on the page, which may be on another device.
	NotRunningMeans = "No rule places orders until Gatewatch runs again."
	StartHint       = "Start it here or from your applications."
	StartThere      = "Start it on its computer, from the applications or with “gatewatch”. " +
		"This page finds it again by itself."
	NotRespondingMeans = "Nothing is known of the connection or of the rules."
	RestartHint        = mayHang + " If this lasts, restart it."
	RestartThere       = mayHang + " If this lasts, restart Gatewatch on its computer: quit it in the tray or end " +
		"its process, and start it again."

	mayHang = "Gatewatch may hang, or the computer may be very busy."

	// NotRespondingDo says on the command line what to do about a program that hangs.
	NotRespondingDo = "orders at IBKR keep working and nothing watches them. End that process, start `gatewatch` and " +
		"check your orders in TWS"
)

// Unwatched warns of orders that were open when Gatewatch was last heard; empty if there were none.
func Unwatched(open int) string {
	switch {
	case open <= 0:
		return ""
	case open == 1:
		return "1 order was open at IBKR, and nothing watches it now. Check it in TWS."
	}
	return fmt.Sprintf("%d orders were open at IBKR, and nothing watches them now. Check them in TWS.", open)
}
