package wording

import "cmp"

// The steps in the background whose failures are shown to people. Their texts are stable.
const (
	FailingOrders      = "orders"       // nothing can be written down of orders, so none is sent
	FailingRecord      = "order_record" // of orders cannot be used, so none is sent
	FailingOrderStates = "order_states" // what becomes of orders waits to be written down
	// there was no record of orders when the program started, but a connection before
	FailingLostOrders = "lost_orders"
	FailingFiles      = "files" // of the program's own cannot be written
	// the record of programs' orders cannot be opened, so the guarded port is closed
	FailingPrograms      = "program_orders"
	FailingLog           = "connection_log" //
	FailingAlerts        = "alerts"         // none are sent at all; a channel that fails is shown with the channels
	FailingWaiting       = "waiting_alerts" // the file of waiting alerts was damaged when the program started
	FailingSecrets       = "secrets"        // settings refer to a secret that is not there
	FailingSettings      = "settings"       // the file is at fault, those before are in effect
	FailingNotifications = "notifications"  //
	FailingZone          = "time_zone"      // of the computer is another one than when the program started
	FailingPart          = "part"           // of the program, that is not started again; its name is the detail
	FailingStop          = "stop"           // a position is open and its stop does not work
)

// IsUrgent reports whether a failing step concerns orders or positions, so that nothing may look green meanwhile.
func IsUrgent(step string) bool {
	return OrdersStopped(step) != "" || step == FailingLostOrders || step == FailingStop
}

// Orders says in a few words whether orders of Gatewatch can leave, trading being on: the guard's reason is empty while
// it is open. stopped is why they cannot leave all the same, as [OrdersStopped] has it.
func Orders(guard, stopped string) string {
	if why := cmp.Or(OneLine(guard), stopped); why != "" {
		return "blocked: " + why
	}
	return "guard open"
}

// OrdersStopped returns why no order can leave while a step fails, in one clause; empty if orders can leave.
func OrdersStopped(step string) string {
	switch step {
	case FailingOrders:
		return "they cannot be written to disk"
	case FailingRecord:
		return RecordUnusable
	}
	return ""
}

// RecordUnusable is why no order can leave while [FailingRecord] fails, in one clause.
const RecordUnusable = "the record of orders cannot be used"

// StatusSays is the end of a clause that leaves the reason to the status.
const StatusSays = "; the status says why"

// failing has, for each step, what does not work, and what to do.
var failing = map[string][2]string{
	FailingFiles: {"Gatewatch cannot write its files.", "Check whether the disk is full and whether its folder is " +
		"writable. Gatewatch tries again by itself."},
	FailingOrders: {
		"Gatewatch cannot write orders to disk, so it sends none.",
		"Check whether the disk is full, and the file of orders. If this message stays, restart Gatewatch.",
	},
	FailingRecord: {
		"The record of orders cannot be used, so Gatewatch sends no orders.",
		"Correct that, then restart Gatewatch.",
	},
	FailingOrderStates: {
		"The states of orders cannot be written to disk yet.",
		"Check whether the disk is full. Gatewatch tries again by itself.",
	},
	FailingLostOrders: {
		"The record of orders was missing when Gatewatch started; it began an empty one.",
		"Check in TWS for open orders that Gatewatch no longer knows, before you activate rules. This message ends " +
			"with the next start.",
	},
	FailingPrograms: {
		"The record of programs' orders cannot be opened, so the guarded port is closed.",
		"Check the disk and the file that is named: correct it or move it away. Gatewatch tries again by itself.",
	},
	FailingLog: {
		"The connection log cannot be written.",
		"Check its file and whether the disk is full. Gatewatch keeps what happens in memory and tries again.",
	},
	FailingAlerts: {
		"Gatewatch sends no alerts.",
		"Check the disk and the file of waiting alerts. Gatewatch tries again by itself.",
	},
	FailingWaiting: {
		"The file of waiting alerts was damaged; alerts that waited in it are not sent.",
		"Check the disk. The damaged file is kept; new alerts are sent. This message ends with the next start.",
	},
	FailingSecrets: {"A secret that alerts need is missing.", "Store it on the Alerts page of the window. Until then " +
		"the alerts of that channel wait, for at least a day."},
	FailingSettings: {
		SettingsRefused(false),
		"Correct settings.json; Gatewatch reads it at once.",
	},
	FailingNotifications: {
		"Desktop notifications cannot be shown.",
		"Check this desktop's notification service, or set up alerts.",
	},
	FailingZone: {
		"The time zone of this computer has changed since Gatewatch started.",
		"Restart Gatewatch: until then its times, days and quiet hours are those of the zone before.",
	},
	FailingStop: {"An open position has no stop that works.", placeStop},
	FailingPart: {"A part of Gatewatch has failed and is not running.", "Restart Gatewatch, and please report it."},
}

// SettingsRefused says that settings.json is not in effect, and what is instead: what was before it, or the defaults.
func SettingsRefused(defaults bool) string {
	if defaults {
		return "settings.json has an error; the defaults are in effect."
	}
	return "settings.json has an error; the previous settings stay in effect."
}

// Failing says in one sentence what does not work while a step in the background fails, and what to do.
func Failing(step string) (text, hint string) {
	if words, known := failing[step]; known {
		return words[0], words[1]
	}
	return OneLine(step), ""
}

// FailingLine returns what does not work with the technical text behind it.
func FailingLine(text, detail string) string {
	if detail == "" {
		return OneLine(text)
	}
	return OneLine(text) + " (" + Paragraph(detail) + ")"
}
