package wording

import (
	"cmp"
	"fmt"
	"strings"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Looking is the state before the first connection ever. It is no outage.
const Looking = "Looking for IB Gateway or TWS…"

// Checklist is what to do if no Gateway has ever answered.
const Checklist = "1.  Start IB Gateway or TWS and log in.\n" +
	"2.  Open its settings: Configure, Settings, API, Settings.\n" +
	"3.  Enable “ActiveX and Socket Clients”.\n" +
	"4.  Compare the socket port: 4002, 7497, 4001 and 7496 are found automatically; enter any other in the settings " +
	"here.\n" +
	"5.  Wait: Gatewatch connects by itself."

// looking reports whether Gatewatch looks for its first Gateway ever.
func looking(s *conn.Snapshot) bool { return s.First && s.State == conn.Connecting }

// Tried says in a line what the last attempt has found at each port; empty before the first attempt.
func Tried(ports []ib.PortTry) string {
	var list []string
	for _, p := range ports {
		list = append(list, fmt.Sprintf("%d %s", p.Port, PortAnswer(p.Cause)))
	}
	return strings.Join(list, ", ")
}

// portAnswers are what attempts find at a port.
var portAnswers = map[ib.Cause]string{
	ib.CauseRefused:       "nothing listens",
	ib.CauseUnreachable:   "cannot be reached",
	ib.CauseClosedEarly:   "answered and closed the connection at once",
	ib.CauseNoAnswer:      "accepted the connection and stayed silent",
	ib.CauseClientIDInUse: "answered: the client id is in use",
	ib.CauseDisclaimer:    "answered: the paper-trading disclaimer has not been accepted",
	ib.CauseNotReady:      "answered, but its login is not complete",
	ib.CauseClosedLogin:   "answered, but its login is not complete",
	ib.CauseUnsupported:   "answered: this version is too old",
	ib.CauseTooNew:        "answered: this version is newer than Gatewatch",
	ib.CauseGarbage:       "answered, but not as IB Gateway or TWS does",
}

// PortAnswer says what an attempt has found at a port, in a few words.
func PortAnswer(c ib.Cause) string { return cmp.Or(portAnswers[c], "failed: "+OneLine(string(c))) }

// Offer says at a first start who has answered, and what a button is called that saves the port, the reset window of
// the region, or both; the button is empty if there is nothing to save.
func Offer(address string, m ib.Mode, answered, region bool) (title, button string) {
	title = "Welcome."
	if answered {
		title += " " + address + " has answered"
		if kind := Mode(m); kind != "" {
			title += " with a " + kind + " account"
		}
		title += "."
	}
	switch {
	case answered && region:
		return title, "Save this port and reset window"
	case answered:
		return title, "Save this port"
	case region:
		return title, "Save this reset window"
	}
	return title, ""
}
