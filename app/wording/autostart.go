package wording

import (
	"gatewatch/app/autostart"
)

// AtLogin says in a sentence what will happen at the next login.
func AtLogin(s autostart.State) string {
	exe, place := OneLine(s.Exe), OneLine(s.Place)
	switch s.Kind {
	case autostart.Off:
		return "Gatewatch does not start at login."
	case autostart.On:
		return "Gatewatch starts at login, from " + exe + "."
	case autostart.Other:
		return "Another copy of Gatewatch starts at login: " + exe + ". Switch it on to start this one instead."
	case autostart.Moved:
		return "Gatewatch does not start at login: it was set to start from " + exe + ", which no longer exists. " +
			"Switch it on again."
	case autostart.Blocked:
		return "Gatewatch does not start at login: it was switched off by " + OneLine(s.Why) + " (" + place +
			"). Switch it on to allow it again."
	}
	return "It is unknown whether Gatewatch starts at login; look at " + place + "."
}
