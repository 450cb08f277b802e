package ui

import (
	"time"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

// Actions are what the user can want. They return at once; the outcome comes back by a method of the view.
type Actions struct {
	Start      func()               // the resident program; answered by View.Commanded
	Restart    func()               // the same, after ending one that hangs; answered by View.Commanded
	Connect    func()               // answered by View.Commanded
	Disconnect func()               // answered by View.Commanded
	Save       func(body []byte)    // a settings file; answered by View.Saved
	Uptime     func()               // of the last 90 days; answered by View.Uptime
	Log        func()               // of the connection; answered by View.Log
	Latency    func()               // of the last 24 hours; answered by View.Latency
	Messages   func()               // from Gateway; answered by View.Messages
	Alerts     func()               // the status of their channels; answered by View.Alerts
	Test       func(channel string) // of alerts; answered by View.Tested
	Address    func(channel string) // of a service, without its secrets; answered by View.Address
	// adds, changes or removes a channel for alerts; answered by View.AlertsChanged
	ChangeAlerts func(AlertChange)
	Mute         func(until time.Time) // of desktop notifications, the zero time ends it; answered by View.Muted
	Diagnostics  func()                // for the clipboard; answered by View.Diagnostics
	Login        func()                // whether the program is launched at login; answered by View.Login
	SetLogin     func(on bool)         // changes that; answered by View.Login
	Trade
	Close func()
	Title func(string) // the window's title has changed
}

// Trade is what the user can want of rules and orders.
type Trade struct {
	// lets orders leave, with true where the user has confirmed it for a live account; answered by View.Armed
	Arm    func(live bool)
	Disarm func() // ends that; answered by View.Armed

	Rules func() // answered by View.Rules
	// in place of the one with the name, or as a new one; answered by View.RuleSaved
	SaveRule   func(name string, rule rules.Rule)
	Activate   func(name string)            // answered by View.RuleDone
	Deactivate func(name string)            // answered by View.RuleDone
	Delete     func(name string)            // answered by View.RuleDone
	Resolve    func(in rules.Instrument)    // answered by View.Resolved
	Preview    func(api.RulePreviewRequest) // answered by View.Previewed

	Orders       func()                // answered by View.Orders
	Positions    func()                // answered by View.Positions
	CancelOrder  func(id int64)        // answered by View.OrderDone
	CancelOrders func()                // all of them; answered by View.OrderDone with 0
	ChangeOrder  func(api.OrderChange) // answered by View.OrderDone

	Programs      func()          // and their orders; answered by View.Programs
	StopTrading   func()          // of rules and programs; answered by View.ProgramsDone
	AllowPrograms func(live bool) // ends that for programs, as Arm does; answered by View.ProgramsDone
	// has programs with a client id place no orders; answered by View.ProgramsDone
	SetReadOnly func(client int, on bool)
}
