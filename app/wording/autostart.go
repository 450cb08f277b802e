package wording

import (
	"gatewatch/app/autostart"
)

// AtLogin says in a sentence what will happen at the next login.
func AtLogin(s autostart.State) string {
	exe, place := OneLine(s.Exe), OneLine(s.Place)
	switch s.Kind {
	case autostart.Off:
		return "Gatewatch is not started at login."
	case autostart.On:
		return "Gatewatch is started at login, from " + exe + "."
	case autostart.Other:
		return "Another copy of Gatewatch is started at login: " + exe +
			". Switch it on here to have this one started instead."
	case autostart.Moved:
		return "Gatewatch is not started at login: it was to be started from " + exe +
			", which no longer exists. Switch it on again."
	case autostart.Blocked:
		return "Gatewatch is not started at login: it was switched off by " + OneLine(s.Why) + " (" + place +
			"). Switch it on here to allow it again."
	}
	return "It is unknown whether Gatewatch starts at login; look at " + place + "."
}
