package wording

import (
	"fmt"
	"time"

	"gatewatch/conn"
)

// updateGateway is what to do before IBKR's support for a version of Gateway ends. An update is known to reset the API
// settings.
const updateGateway = "Update IB Gateway or TWS to 10.50 or newer, then check its API settings."

// DaysLeft returns how many days on this computer's calendar are left until support for Gateway's version ends; 0 or
// less: it has ended. ok is false if the day is not known.
func DaysLeft(u conn.Unsupported, now time.Time) (days int, ok bool) {
	y, m, d := now.Local().Date()
	return int(u.From.Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour)), !u.From.IsZero()
}

// UnsupportedTitle returns in a few words that support for Gateway's version ends; empty if nothing is known of that.
func UnsupportedTitle(u conn.Unsupported, now time.Time) string {
	switch days, ok := DaysLeft(u, now); {
	case u == conn.Unsupported{}:
		return ""
	case !ok:
		return "Update Gateway: IBKR ends its support for this version"
	case days <= 0:
		return "Update Gateway: IBKR no longer supports this version"
	}
	return "Update Gateway before " + dayOf(u)
}

// Unsupported returns when support for Gateway's version ends and what to do; empty if nothing is known of that.
func Unsupported(u conn.Unsupported, now time.Time) string {
	what := ""
	switch days, ok := DaysLeft(u, now); {
	case u == conn.Unsupported{}:
		return ""
	case !ok:
		what = "Gateway says that IBKR ends its support for this version: “" + OneLine(u.Text) + "”."
	case days <= 0:
		what = "IBKR has not supported this version of Gateway since " + dayOf(u) + " and may refuse its login."
	case days == 1:
		what = "IBKR ends its support for this version of Gateway tomorrow, on " + dayOf(u) + "."
	default:
		what = fmt.Sprintf("IBKR ends its support for this version of Gateway on %s, in %d days.", dayOf(u), days)
	}
	return what + " " + updateGateway
}

func dayOf(u conn.Unsupported) string { return u.From.Format("2 January 2006") }
