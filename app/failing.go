package main

import (
	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// failing lists the steps in the background that fail at present, and would else be known to the log alone.
func (r *resident) failing() []api.Failing {
	list := []api.Failing{}
	add := func(step, detail string) {
		if detail != "" {
			text, hint := wording.Failing(step)
			list = append(list, api.Failing{Step: step, Text: text, Detail: wording.OneLine(detail), Hint: hint})
		}
	}
	r.mu.Lock()
	problem, notices, files := r.problem, r.noNotices, r.noFiles
	r.mu.Unlock()
	if r.trade == nil {
		add(wording.FailingOrders, r.noTrading)
	} else {
		stopped, behind := r.trade.ledger.Trouble()
		add(wording.FailingOrders, said(stopped))
		if stopped == nil {
			add(wording.FailingFates, said(behind))
		}
	}
	add(wording.FailingFiles, files)
	add(wording.FailingLog, said(r.keeper.Problem()))
	add(wording.FailingAlerts, r.noAlerts)
	add(wording.FailingSettings, problem)
	add(wording.FailingNotifications, notices)
	for _, f := range r.parts.Faults() {
		if f.Gone {
			add(wording.FailingPart, f.Part)
		}
	}
	return list
}

// noticesFail notes why notifications cannot be shown; nil: they can.
func (r *resident) noticesFail(err error) {
	r.mu.Lock()
	r.noNotices = said(err)
	r.mu.Unlock()
	r.hub.nudge()
}

// said returns the text of an error, empty for nil.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
