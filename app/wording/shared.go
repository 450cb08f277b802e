package wording

import "fmt"

// Texts that more than one of tray, window, page and command line show.
const (
	TurnOnTrading  = "Turn on trading"
	TurnOffTrading = "Turn off trading"
	StopAllTrading = "Stop all trading"
	AllowPrograms  = "Let programs trade again"
	LaunchAtLogin  = "Launch at login"
	ConnectNow     = "Connect now"
	OpenWindow     = "Open window"
	UntilTomorrow  = "Until tomorrow"
	Unmute         = "Unmute"

	CopyDiagnostics = "Copy diagnostics"
	pleaseReport    = "Please report it, with “" + CopyDiagnostics + "” from the tray or `gatewatch diagnostics`."

	Unreachable       = "IBKR unreachable"
	DisconnectedByYou = "Disconnected by you"
	notConfirmed      = "Gateway does not confirm open orders"
	gatewaySilent     = "Gateway did not answer"
	unknownOrder      = "unknown: look in TWS"
	inactiveOrder     = "inactive: it does not work"

	DidNotWork      = "That did not work: " // and why
	NothingSaved    = "Nothing has been saved. Without settings Gatewatch looks for a Gateway at each start."
	NothingRecorded = "The connection log has no records yet."
	NothingObserved = "Nothing has been observed yet."
	NoRules         = "There are no rules yet."
	RulesRefused    = "rules.json has an error."
	NoRuleEdits     = "Rules cannot be saved or activated. " // and why, as a sentence
	NoOrders        = "There are no orders yet."
	NoMessages      = "Gateway has sent no message since Gatewatch started."
	NoChannels      = "No channel is set up. See the keys email, slack, webhook, alerts and heartbeat in settings.json."
	TodayNotKnown   = "Today: not known"
	placeStop       = "Place a stop in TWS now, or close the position."
)

// IBCode returns IBKR's code and what was said with it, in brackets after a blank; empty if there is no code.
func IBCode(code int, said string) string {
	if code == 0 {
		return ""
	}
	return " (" + Coded(code, OneLine(said)) + ")"
}

// Coded returns IBKR's code and what was said with it.
func Coded(code int, said string) string {
	if said == "" {
		return fmt.Sprintf("IB code %d", code)
	}
	return fmt.Sprintf("IB code %d: %s", code, said)
}
