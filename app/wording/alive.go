package wording

import "fmt"

// What is said while the resident program is not there, or hangs.
const (
	NotRunning    = "Gatewatch is not running"
	NotResponding = "Gatewatch is not responding"
	// LookingForGatewatch is what is said before its first answer.
	LookingForGatewatch = "Looking for Gatewatch…"
	// TradingNotKnown is what is said of trading then, and NoRulesAct what that means while it is not running.
	TradingNotKnown = "Trading: not known"
	NoRulesAct      = "its rules place no orders"

	// StartHint and RestartHint say beside a button what to do, StartThere and RestartThere on the page, which may be
	// on another device.
	StartHint  = unknownUntilStart + " Start it here or from your applications."
	StartThere = unknownUntilStart + " Start it on its computer, from the applications or with “gatewatch”. " +
		"This page finds it again by itself."
	RestartHint  = mayHang + " If this lasts, restart it."
	RestartThere = mayHang + " If this lasts, restart Gatewatch on its computer: quit it in the tray or end its " +
		"process, and start it again."

	unknownUntilStart = "Nothing is known of the connection, and no rule places orders, until Gatewatch runs again."
	mayHang           = "It may hang, or the computer may be very busy. Nothing is known of the connection or of its " +
		"rules."

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
