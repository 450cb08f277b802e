package api

import (
	"regexp"
	"slices"

	"gatewatch/app/wording"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// Open returns the part of a status that anyone on this computer may see: no text from outside, no rule, order, path,
// account number or name of a computer.
func (st Status) Open() Status {
	st.Shown = Shown{} // it is made of what is left
	st.Cause, st.Hint, st.Headline = st.open.cause, st.open.hint, st.open.headline
	st.Held = st.open.held
	if st.Guard.Reason != "" {
		st.Guard.Reason = wording.GuardReason(st.Guard.ReasonID)
		st.Guard.Text = wording.Orders(st.Guard.Reason, "")
	}
	st.Gateway.Host, st.Gateway.Unsupported = openHost(st.Gateway.Host), st.open.unsupported
	st.Layers.Farms = openFarms(st.Layers.Farms)
	st.FarmNames = farmNames(st.Layers.Farms)
	st.Trading.Reason, st.Trading.RulesProblem = openReason(st), ""
	st.Alerts.Failing = []string{}
	st.Failing = slices.Clone(st.Failing)
	for i := range st.Failing {
		st.Failing[i].Detail = ""
	}
	st.Faults = slices.Clone(st.Faults)
	for i := range st.Faults {
		st.Faults[i].Last = ""
	}
	return st
}

// texts are the words of a status without anything personal.
type texts struct {
	cause, hint, headline string
	held                  Held
	unsupported           string
}

// openSnapshot returns s without what Gateway and the network said, and without the name of a remote computer.
func openSnapshot(s *conn.Snapshot) *conn.Snapshot {
	open := *s
	open.Gateway.Host = openHost(s.Gateway.Host)
	if open.Gateway.Host == "" {
		open.Gateway.Host = "Gateway's computer"
	}
	open.Detail, open.Unsupported.Text = "", ""
	switch q := ib.Question(s.Detail); {
	case s.Cause == ib.CauseFarm:
		open.Detail = openFarm(s.Detail)
	case q == ib.QuestionOpenOrders, q == ib.QuestionCompletedOrders, q == ib.QuestionExecutions:
		open.Detail = s.Detail
	}
	return &open
}

// openHost returns the host if it is this computer, and nothing otherwise.
func openHost(host string) string {
	if conn.Loopback(host) {
		return host
	}
	return ""
}

// farmName is what IBKR calls its data farms, such as usfarm.nj and usopt2. An account number is none.
var farmName = regexp.MustCompile(`^[a-z]{2,16}\d?(\.[a-z]{2,8})?$`)

func openFarm(name string) string {
	if farmName.MatchString(name) {
		return name
	}
	return "with another name"
}

func openFarms(farms map[string]conn.FarmState) map[string]conn.FarmState {
	open := make(map[string]conn.FarmState, len(farms))
	for name, state := range farms {
		name = openFarm(name)
		if open[name] != conn.FarmBroken { // of several that share a name the worst counts
			open[name] = state
		}
	}
	return open
}

func openReason(st Status) string {
	switch {
	case st.Trading.Reason == "", st.Trading.Reason == wording.RecordUnusable:
		return st.Trading.Reason
	case st.Trading.ReasonID == "guard_shut":
		return wording.Blocked(st.Trading.ReasonID, string(st.Guard.ReasonID))
	}
	return wording.Blocked(st.Trading.ReasonID, "")
}
