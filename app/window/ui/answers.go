package ui

import (
	"time"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// Uptime takes in how time was spent.
func (v *View) Uptime(u api.Uptime, err error) { v.history.take(u, err) }

// Log takes in the records of the connection log.
func (v *View) Log(l api.Log, err error) { v.history.log(l, err) }

// Latency takes in how long Gateway took to answer.
func (v *View) Latency(l api.Latency, err error) {
	if err == nil { // else what was known stays: [View.Uptime] says that the resident program does not answer
		v.history.latency.take(l, v.now)
		v.history.render()
	}
}

// Rules takes in the rules.
func (v *View) Rules(r api.Rules, err error) {
	v.waiting = false
	v.rules.take(r, err)
	v.render()
}

// RuleDone takes in what came of activating, deactivating or deleting a rule.
func (v *View) RuleDone(r api.Rules, err error) {
	v.rules.answered(r, err)
	v.render()
}

// RuleSaved takes in what came of saving a rule. The error is settings.Problems if the rule is at fault.
func (v *View) RuleSaved(r api.Rules, err error) {
	v.rules.saved(r, err)
	v.render()
}

// Resolved takes in which contracts an instrument can mean.
func (v *View) Resolved(in rules.Instrument, list []api.Candidate, err error) {
	v.rules.editor.resolved(in, list, err)
}

// Previewed takes in what a rule would do now.
func (v *View) Previewed(req api.RulePreviewRequest, p api.RulePreview, err error) {
	v.rules.takePreview(req, p, err)
	v.render()
}

// Orders takes in the orders.
func (v *View) Orders(o api.Orders, err error) {
	v.waiting = false
	v.orders.take(o, err)
}

// Positions takes in the positions.
func (v *View) Positions(p api.Positions, err error) { v.orders.takePositions(p, err) }

// OrderDone takes in what came of cancelling or changing an order, 0 for all of them.
func (v *View) OrderDone(id int64, err error) {
	v.orders.answered(id, err)
	v.asking = time.Time{}
	v.ask()
}

// Armed takes in what came of arming, or of stopping trading.
func (v *View) Armed(err error) {
	v.arming, v.unarmed = false, ""
	if err != nil {
		v.unarmed = didNotWork(err)
	}
	v.render()
}

// Messages takes in what Gateway has said.
func (v *View) Messages(m api.Messages, err error) {
	v.history.said.take(m, err, v.now)
	v.history.scroll.Refresh()
}

// Programs takes in the programs at the guarded port, and their orders.
func (v *View) Programs(p api.Programs, o api.ProgramOrders, err error) {
	v.waiting = false
	v.others.take(p, o, err, v.now)
}

// ProgramsDone takes in what came of stopping or allowing the trading of programs.
func (v *View) ProgramsDone(err error) {
	if v.asking = (time.Time{}); err == nil {
		v.ask()
		return
	}
	v.others.fail(didNotWork(err))
}

// Alerts takes in the status of alert channels.
func (v *View) Alerts(a api.Alerts, err error) { v.alerts.take(a, err) }

// Address takes in the address of a service, as [gatewatch/app/alert/serviceurl.Hide] leaves it.
func (v *View) Address(channel, address string, err error) { v.alerts.edit(channel, address, err) }

// AlertsChanged takes in what became of a change of channels: the one to test, empty for none, and what to say of where
// secrets are stored. The error is settings.Problems if the settings are at fault.
func (v *View) AlertsChanged(channel string, stored []string, err error) {
	v.alerts.saved(channel, stored, err)
	v.asking = time.Time{}
	v.ask()
}

// Login takes in whether the program is launched at login.
func (v *View) Login(a api.Autostart, err error) {
	v.form.login.take(a, err)
	v.form.arrange()
}

// Tested takes in the outcome of a test of alerts.
func (v *View) Tested(channel string, t api.AlertTest, err error) {
	v.alerts.tested(channel, t, err)
	v.asking = time.Time{}
	v.ask()
}

// Commanded takes in the answer to a command.
func (v *View) Commanded(err error) {
	v.busy, v.failure = false, ""
	if err != nil {
		v.failure = didNotWork(err)
	}
	v.render()
}

// Saved takes in the answer to saving.
func (v *View) Saved(s api.SettingsView, err error) {
	v.form.saved(s, v.sent, err)
	v.render()
}
