package wording

// Texts that more than one of tray, window, page and command line show.
const (
	TurnOnTrading  = "Turn on trading"
	TurnOffTrading = "Turn off trading"
	StopAllTrading = "Stop all trading"
	AllowPrograms  = "Let programs trade again"
	LaunchAtLogin  = "Launch at login"

	DidNotWork      = "That did not work: " // and why
	NothingSaved    = "Nothing has been saved. Without settings Gatewatch looks for a Gateway at each start."
	NothingRecorded = "Nothing has been recorded yet."
	NoRules         = "There are no rules yet."
	NoOrders        = "There are no orders yet."
	NoMessages      = "Gateway has sent no message since Gatewatch started."
	NoChannels      = "No channel is set up. See the keys email, slack, webhook, alerts and heartbeat in settings.json."
	TodayNotKnown   = "Today: not known"
	placeStop       = "Place a stop in TWS now, or close the position."
)
