package resident

import (
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// failing lists the steps in the background that fail at present, and would else be known to the log alone.
func (r *resident) failing() []api.Failing {
	list := []api.Failing{}
	add := func(step, detail string) {
		if detail != "" {
			text, hint := wording.Failing(step)
			list = append(list, api.Failing{Step: step, Urgent: wording.IsUrgent(step), Text: text, Detail: wording.OneLine(detail), Hint: hint})
		}
	}
	r.mu.Lock()
	problem, notices, files, alerts := r.problem, r.noNotices, r.noFiles, r.noAlerts
	r.mu.Unlock()
	if r.trade == nil {
		add(wording.FailingOrders, r.noTrading)
	} else {
		stopped, behind := r.trade.ledger.Trouble()
		add(wording.FailingOrders, said(stopped))
		if stopped == nil {
			add(wording.FailingFates, said(behind))
		}
		var stops []string
		for _, i := range r.trade.ledger.Intents() {
			if needsStop(&i) {
				stops = append(stops, wording.Order(&i.Order))
			}
		}
		add(wording.FailingStop, strings.Join(stops, ", "))
	}
	add(wording.FailingFiles, files)
	add(wording.FailingLog, said(r.keeper.Problem()))
	add(wording.FailingAlerts, alerts)
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
func (r *resident) noticesFail(err error) { r.fails(&r.noNotices, err) }

// filesFail notes why files of the home cannot be written, nil if they can, and reports whether that is news.
func (r *resident) filesFail(err error) bool { return r.fails(&r.noFiles, err) }

// alertsFail notes why no alerts are sent, nil if they are, and reports whether that is news.
func (r *resident) alertsFail(err error) bool { return r.fails(&r.noAlerts, err) }

// fails notes why a step fails, nil if it does not, and reports whether it did the other before.
func (r *resident) fails(text *string, err error) bool {
	r.mu.Lock()
	news := (*text == "") != (err == nil)
	*text = said(err)
	r.mu.Unlock()
	if news {
		r.hub.nudge()
	}
	return news
}

// said returns the text of an error, empty for nil.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
